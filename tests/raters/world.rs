//! A workspace with a planned study, and the raters' names.

use std::path::{Path, PathBuf};
use std::process::Command;

use polyculture::domain::{RaterId, StudyId};
use polyculture::store::{Access, Item, Rater, RatingRow, StudyRecord, Workspace};
use polyculture::study::fix_plan;
use serde_json::json;

/// Sentences of ours in scripts of different widths and directions: language, first text, second.
const PAIRS: [(&str, &str, &str); 6] = [
    (
        "en",
        "Neighbours should help each other when one of them falls ill, even at night.",
        "One ought to help a neighbour who is ill, whatever the hour.",
    ),
    ("ar", "على الجيران أن يساعد بعضهم بعضا عند المرض", "يجب أن نساعد الجار المريض في كل وقت"),
    ("bn", "প্রতিবেশীদের অসুখের সময় একে অপরকে সাহায্য করা উচিত", "অসুস্থ প্রতিবেশীকে সব সময় সাহায্য করা দরকার"),
    ("zh", "邻居生病时应当互相帮助。", "不论什么时候,都应该帮助生病的邻居。"),
    ("ko", "이웃이 아프면 서로 도와야 한다.", "아픈 이웃은 언제든지 도와주어야 한다."),
    (
        "el",
        "Οι γείτονες πρέπει να βοηθούν ο ένας τον άλλον όταν αρρωσταίνουν.",
        "Τον άρρωστο γείτονα τον βοηθά κανείς όποια ώρα κι αν είναι.",
    ),
];

/// A workspace, an engine's state folder and a study called `crowd`.
pub struct World {
    /// Removed at the end, where it is ours.
    _tmp: Option<tempfile::TempDir>,
    root: PathBuf,
    config: PathBuf,
    program: PathBuf,
    study: String,
    raters: Vec<String>,
}

impl World {
    /// A study of `items` pairs, each for `k` of so many raters, on the disk that holds `on` (the
    /// usual place of temporary files where that is `None`).
    pub fn new(program: &Path, on: Option<&Path>, raters: usize, items: usize, k: u32) -> Self {
        let tmp = match on {
            Some(dir) => tempfile::tempdir_in(dir).expect("a folder"),
            None => tempfile::tempdir().expect("a folder"),
        };
        let raters = (1..=raters).map(|i| format!("r{i:03}")).collect();
        let root = tmp.path().to_owned();
        let config = root.join("c/config.toml");
        let study = "crowd".to_owned();
        let world =
            Self { _tmp: Some(tmp), root, config, program: program.to_owned(), study, raters };
        let made = world.command(&["init", "w"]).output().expect("the program");
        assert!(made.status.success(), "{made:?}");
        let items: Vec<Item> = (1..=items).map(|i| item(i, k)).collect();
        let record: StudyRecord = serde_json::from_value(json!({
            "id": "crowd", "created": "2026-01-01T00:00:00Z", "k": k, "seed": 11, "spec": {},
            "fixed": null, "study_type": "similarity",
        }))
        .expect("a study");
        let people: Vec<Rater> = world
            .raters
            .iter()
            .map(|id| {
                let languages: Vec<&str> = PAIRS.iter().map(|p| p.0).collect();
                serde_json::from_value(json!({
                    "id": id, "kind": "human", "languages": languages, "consent": null,
                    "cultures": [],
                }))
                .expect("a rater")
            })
            .collect();
        let mut ws = Workspace::open(&world.folder(), Access::Write).expect("a workspace");
        ws.write(|tx| tx.put_study(&record, &items)).expect("a study");
        fix_plan(&mut ws, &Self::study(), &people).expect("a plan");
        world
    }

    /// A study that is planned already, in the workspace `w` of a folder that has the state `s`.
    pub fn of(program: &Path, root: &Path, study: &str, raters: Vec<String>) -> Self {
        Self {
            _tmp: None,
            root: root.to_owned(),
            config: root.join("config.toml"),
            program: program.to_owned(),
            study: study.to_owned(),
            raters,
        }
    }

    /// The study that [`Self::new`] makes.
    pub fn study() -> StudyId {
        StudyId::new("crowd").expect("a name")
    }

    fn mine(&self) -> StudyId {
        StudyId::new(self.study.as_str()).expect("a name")
    }

    pub fn raters(&self) -> &[String] {
        &self.raters
    }

    pub fn folder(&self) -> PathBuf {
        self.root.join("w")
    }

    pub fn database(&self) -> PathBuf {
        self.folder().join(Workspace::FILE)
    }

    /// The program with a state folder and a configuration of its own.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut c = Command::new(&self.program);
        c.args(args)
            .current_dir(&self.root)
            .env("POLYCULTURE_STATE_DIR", self.root.join("s"))
            .env("POLYCULTURE_CONFIG", &self.config)
            .env_remove("POLYCULTURE_WORKSPACE");
        c
    }

    /// What a rater types at home.
    pub fn rate(&self, rater: &str) -> Command {
        let folder = self.folder();
        let folder = folder.to_str().expect("a plain path");
        self.command(&["-w", folder, "rate", "--study", &self.study, "--as", rater])
    }

    /// How many pairs a rater has.
    pub fn load(&self, rater: &str) -> usize {
        let rater = RaterId::new(rater).expect("a name");
        self.read(|ws| ws.read().assignments_of(&self.mine(), &rater).expect("rows").len())
    }

    pub fn events(&self) -> Vec<RatingRow> {
        self.read(|ws| ws.read().rating_events(&self.mine()).expect("the log"))
    }

    pub fn current(&self) -> Vec<RatingRow> {
        self.read(|ws| ws.read().current_ratings(&self.mine()).expect("the view"))
    }

    pub fn read<T>(&self, f: impl FnOnce(&Workspace) -> T) -> T {
        f(&Workspace::open(&self.folder(), Access::Read).expect("a workspace"))
    }
}

fn item(i: usize, k: u32) -> Item {
    let (language, a, b) = PAIRS[i % PAIRS.len()];
    serde_json::from_value(json!({
        "id": format!("i{i:05}"), "kind": "sample", "k": k, "seed": format!("Q{}", i % 50 + 1),
        "sample": null, "language": language, "culture": null,
        "seed_text": format!("{a} ({i})"), "sample_text": format!("{b} ({i})"),
        "sha256": "00", "repeat_of": null, "expected": null,
    }))
    .expect("an item")
}
