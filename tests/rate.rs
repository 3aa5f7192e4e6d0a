//! `polyculture rate` in a pseudo-terminal: the whole flow by keys, a locked database, kills, a
//! lost terminal, and no way to anything else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets an error fails"
)]

mod pty;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use polyculture::domain::{ItemId, QuestionId, RaterId, StudyId};
use polyculture::store::{
    Access, Consent, EventKind, Item, ItemKind, Rater, RaterKind, RatingRow, StudyRecord, ViewKind,
    Workspace,
};
use polyculture::study::fix_plan;
use pty::Pty;

struct Place(tempfile::TempDir);

fn study() -> StudyId {
    StudyId::new("pilot").unwrap()
}

impl Place {
    /// A workspace with a study of `n` pairs for `r1`, who agreed already where `agreed`.
    fn new(n: usize, agreed: bool) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let made = place.command(&["init", place.folder().to_str().unwrap()]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let items: Vec<Item> = (1..=n)
            .map(|i| Item {
                id: ItemId::new(format!("i{i:03}")).unwrap(),
                kind: ItemKind::Sample,
                k: Some(1),
                seed: QuestionId::new("Q27").unwrap(),
                sample: None,
                language: "en".into(),
                culture: None,
                seed_text: format!("Neighbours should help each other, way {i}."),
                sample_text: format!("One should help the neighbours, way {i}."),
                sha256: "00".into(),
                repeat_of: None,
                expected: None,
                context: None,
                sensitive: false,
                origin: polyculture::store::ItemOrigin::default(),
            })
            .collect();
        let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let record = StudyRecord {
            id: study(),
            created: now,
            study_type: polyculture::domain::StudyType::default(),
            k: 1,
            seed: 3,
            spec: serde_json::json!({}),
            fixed: None,
        };
        let person = Rater {
            id: RaterId::new("r1").unwrap(),
            kind: RaterKind::Human,
            languages: vec!["en".into()],
            cultures: Vec::new(),
            consent: agreed.then(|| Consent { version: "consent@1".into(), at: now }),
        };
        let mut ws = Workspace::open(&place.folder(), Access::Write).unwrap();
        ws.write(|tx| tx.put_study(&record, &items)).unwrap();
        fix_plan(&mut ws, &study(), &[person]).unwrap();
        place
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("w")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut c = Command::new(env!("CARGO_BIN_EXE_polyculture"));
        c.args(args)
            .current_dir(self.0.path())
            .env("POLYCULTURE_STATE_DIR", self.0.path().join("s"))
            .env("POLYCULTURE_CONFIG", self.0.path().join("c/config.toml"))
            .env_remove("POLYCULTURE_WORKSPACE");
        c
    }

    fn rate(&self) -> Pty {
        let folder = self.folder();
        let args = ["-w", folder.to_str().unwrap(), "rate", "--study", "pilot", "--as", "r1"];
        Pty::spawn(&self.command(&args), 80, 24, &[])
    }

    /// At the first pair that waits.
    fn rating(&self) -> Pty {
        let pty = self.rate();
        pty.wait_for_text("Welcome");
        pty.send("\r");
        let pair = |text: &str| text.lines().any(|l| l.trim_start().starts_with("pair "));
        pty.wait_for(
            |s| pair(&s.contents()) || s.contents().contains("Enter shows the first pair"),
            "guideline or pair",
        );
        if !pair(&pty.screen_text()) {
            pty.send("\r");
        }
        pty.wait_for(|s| pair(&s.contents()), "pair");
        pty
    }

    fn events(&self) -> Vec<RatingRow> {
        let ws = Workspace::open(&self.folder(), Access::Read).unwrap();
        ws.read().rating_events(&study()).unwrap()
    }

    fn scores(&self) -> Vec<u8> {
        let ws = Workspace::open(&self.folder(), Access::Read).unwrap();
        let mut all: Vec<_> = ws
            .read()
            .current_ratings(&study())
            .unwrap()
            .iter()
            .map(|r| (r.position, r.score.unwrap_or(0)))
            .collect();
        all.sort_unstable();
        all.into_iter().map(|r| r.1).collect()
    }
}

#[test]
fn what_is_wrong_is_said_before_the_terminal_is_taken() {
    let place = Place::new(2, true);
    let folder = place.folder();
    for (args, wanted) in [
        (&["rate", "--study", "other", "--as", "r1"][..], "pilot"),
        (&["rate", "--study", "pilot", "--as", "nobody"][..], "no rater nobody"),
    ] {
        let mut all = vec!["-w", folder.to_str().unwrap()];
        all.extend(args);
        let mut pty = Pty::spawn(&place.command(&all), 100, 30, &[]);
        let status = pty.wait_end_of_output();
        assert!(!status.success());
        assert!(pty.screen_text().contains(wanted), "{}", pty.screen_text());
        assert!(
            !pty.bytes_since(0).windows(8).any(|w| w == b"\x1b[?1049h"),
            "no screen was opened"
        );
    }
}

#[test]
fn the_whole_flow_goes_by_keys_alone() {
    let place = Place::new(8, false);
    let pty = place.rate();
    pty.wait_for_text("Before you begin");
    pty.send("\r");
    pty.wait_for_text("Guideline similarity@1");
    assert_eq!(place.events().len(), 0);
    pty.send("jjk\r");
    pty.wait_for_text("pair 1 of 8");
    // every score, undo, skip, flag, broken, cannot judge, comment, diff, pause, list, reader
    pty.send("5");
    pty.wait_for_text("saved: pair 1 = 5");
    pty.send("u");
    pty.wait_for_text("taken back: pair 1");
    pty.send("4");
    pty.wait_for_text("saved: pair 1 = 4");
    pty.send("s");
    pty.wait_for_text("Why do you pass it over?");
    pty.send("5");
    pty.wait_for_text("pair 3 of 8");
    pty.send("b");
    pty.wait_for_text("flagged: broken text");
    pty.send("n");
    pty.wait_for_text("pair 4 of 8");
    pty.send("c");
    pty.wait_for_text("Ctrl-S saves");
    pty.send("a 5 or a 4?\rhard");
    pty.wait_for_text("hard");
    pty.send("\x13");
    pty.wait_for_text("1 comment");
    pty.send("f");
    pty.wait_for_text("Why you flag");
    pty.send("names\x13");
    pty.wait_for_text("flagged");
    pty.send("d");
    pty.wait_for_text("word difference shown");
    pty.send("g");
    pty.wait_for_text("Guideline similarity@1");
    pty.send("g");
    pty.wait_for_text("pair 4 of 8");
    pty.send("o");
    pty.wait_for_text("The pair");
    pty.send("o");
    pty.wait_for_text("A ");
    pty.send("p");
    pty.wait_for_text("A break.");
    pty.send("\r");
    pty.wait_for_text("pair 4 of 8");
    pty.send("3");
    pty.wait_for_text("saved: pair 4 = 3");
    pty.send("2");
    pty.wait_for_text("pair 6 of 8");
    pty.send("1");
    pty.wait_for_text("pair 7 of 8");
    pty.send("v");
    pty.wait_for_text("Your pairs");
    // up from where one is to the first, and change it
    pty.send("g\r");
    pty.wait_for_text("you gave 4");
    pty.send("5");
    pty.wait_for_text("saved: pair 1 = 5");
    pty.wait_for_text("pair 7 of 8");
    pty.send("5");
    pty.wait_for_text("pair 8 of 8");
    pty.send("4");
    pty.wait_for_text("Only those you put off");
    pty.send("\r");
    pty.wait_for_text("pair 2 of 8");
    pty.send("2");
    pty.wait_for_text("Done. Thank you.");
    let mut pty = pty;
    pty.send("q");
    assert!(pty.wait_end_of_output().success());
    assert!(pty.is_cooked());
    assert_eq!(place.scores(), [5, 2, 3, 2, 1, 5, 4]);
    let events = place.events();
    let n = |k: EventKind| events.iter().filter(|e| e.kind == k).count();
    assert_eq!(
        (
            n(EventKind::Submit),
            n(EventKind::Edit),
            n(EventKind::Undo),
            n(EventKind::Skip),
            n(EventKind::Flag)
        ),
        (8, 1, 1, 2, 3)
    );
    assert!(events.iter().any(|e| e.comment.as_deref() == Some("a 5 or a 4?\nhard")));
    assert!(events.iter().any(|e| e.diff_visible == Some(true) && e.score == Some(3)));
}

#[test]
fn a_database_locked_for_ten_seconds_loses_nothing() {
    let place = Place::new(3, true);
    let pty = place.rating();
    let conn = rusqlite::Connection::open(place.folder().join(Workspace::FILE)).unwrap();
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    let locked = Instant::now();
    pty.send("4");
    pty.wait_for_text("another program holds the database");
    assert!(pty.screen_text().contains("pair 1 of 3") && !pty.screen_text().contains("saved:"));
    // the screen is alive meanwhile, and takes no second rating
    pty.send("5");
    pty.wait_for_text("not taken");
    // the ten seconds are what is tested
    std::thread::sleep(Duration::from_secs(11).saturating_sub(locked.elapsed()));
    assert_eq!(place.scores(), Vec::<u8>::new());
    conn.execute_batch("ROLLBACK").unwrap();
    pty.wait_for_text("saved: pair 1 = 4");
    pty.wait_for_text("pair 2 of 3");
    assert_eq!(place.scores(), [4]);
}

#[test]
fn a_rating_that_the_screen_called_saved_survives_a_kill() {
    let place = Place::new(13, true);
    for round in 0..12usize {
        let mut pty = place.rating();
        let number = round + 1;
        let score = round % 5 + 1;
        pty.wait_for_text(&format!("pair {number} of 13"));
        pty.send(score.to_string());
        pty.wait_for_text(&format!("saved: pair {number} = {score}"));
        pty.signal(Signal::SIGKILL);
        pty.wait_exit();
        let wanted: Vec<u8> = (0..number).map(|i| (i % 5 + 1) as u8).collect();
        assert_eq!(place.scores(), wanted);
    }
    assert_eq!(place.events().len(), 12, "nothing twice");
}

#[test]
fn a_lost_terminal_ends_the_program_and_keeps_what_was_typed() {
    let place = Place::new(3, true);
    let mut pty = place.rating();
    pty.send("c");
    pty.wait_for_text("Ctrl-S saves");
    pty.send("half a thought");
    pty.wait_for_text("half a thought");
    pty.hang_up();
    pty.wait_exit();
    let pty = place.rating();
    pty.send("c");
    pty.wait_for_text("half a thought");
    pty.send("\x13");
    pty.wait_for_text("1 comment");
    assert_eq!(place.events()[0].comment.as_deref(), Some("half a thought"));
}

#[test]
fn a_kill_between_the_difference_and_the_rating_does_not_hide_that_it_was_seen() {
    let place = Place::new(2, true);
    let mut pty = place.rating();
    pty.send("d");
    pty.wait_for_text("word difference shown");
    pty.signal(Signal::SIGKILL);
    pty.wait_exit();
    let pty = place.rating();
    pty.send("4");
    pty.wait_for_text("saved: pair 1 = 4");
    pty.send("4");
    pty.wait_for_text("Done. Thank you.");
    let seen: Vec<_> = place.events().iter().map(|e| e.diff_visible).collect();
    assert_eq!(seen, [Some(true), Some(false)]);
}

#[test]
fn a_lost_terminal_keeps_the_time_on_the_pair() {
    let place = Place::new(2, true);
    let mut pty = place.rating();
    // reading on and on: signs of life
    pty.send("jk");
    pty.send("o");
    pty.wait_for_text("The pair");
    pty.hang_up();
    pty.wait_exit();
    let ws = Workspace::open(&place.folder(), Access::Read).unwrap();
    let views = ws.read().views_of(&study(), &RaterId::new("r1").unwrap()).unwrap();
    assert_eq!(views.len(), 1, "{views:?}");
    assert!(views[0].kind == ViewKind::Leave && views[0].active_ms > Some(0));
}

#[test]
fn alone_nothing_else_can_be_reached() {
    let place = Place::new(3, true);
    let pty = place.rating();
    // palette, another screen, export, page, help, and suspension
    pty.send(":\x10eO");
    pty.wait_for_text("The pair");
    pty.send("o?");
    pty.wait_for_text("Keys on Rate");
    let help = pty.screen_text();
    for other in ["Overview", "palette", "Export", "Fine-tune", "Settings"] {
        assert!(!help.contains(other), "{other} is offered:\n{help}");
    }
    pty.send("\x1b");
    pty.wait_for(|s| !s.contents().contains("Keys on Rate"), "pair again");
    pty.send("\x1a2");
    pty.wait_for_text("saved: pair 1 = 2");
    assert!(!has_exports(&place.folder()));
}

fn has_exports(folder: &Path) -> bool {
    folder.join("exports").exists()
}
