//! The room's door: what cannot be opened first, then a day of rating, then random days with
//! failures, always on a real database.

mod durable;
mod flow;
mod opening;
mod practice;
mod random;
mod seen;
mod times;
mod types;

use jiff::{Span, Timestamp};

use super::*;
use crate::domain::*;
use crate::store::{Item, ItemKind, Rater, RaterKind, StudyRecord, Workspace};
use crate::study::{StudyError, fix_plan};

fn study() -> StudyId {
    StudyId::new("pilot").unwrap()
}

fn rater(name: &str) -> RaterId {
    RaterId::new(name).unwrap()
}

fn score(n: u8) -> Score {
    Score::new(n).unwrap()
}

fn item(n: usize, language: &str) -> Item {
    Item {
        id: ItemId::new(format!("i{n:03}")).unwrap(),
        kind: ItemKind::Sample,
        k: Some(1),
        seed: QuestionId::new("Q27").unwrap(),
        sample: None,
        language: language.into(),
        culture: None,
        seed_text: format!("seed text {n}"),
        sample_text: format!("sample text {n}"),
        sha256: "00".into(),
        repeat_of: None,
        expected: None,
        context: None,
        sensitive: false,
        origin: crate::store::ItemOrigin::default(),
    }
}

fn person(name: &str, languages: &[&str]) -> Rater {
    Rater {
        id: rater(name),
        kind: RaterKind::Human,
        languages: languages.iter().map(|l| (*l).to_owned()).collect(),
        cultures: Vec::new(),
        consent: None,
    }
}

fn put(ws: &mut Workspace, items: &[Item], spec: serde_json::Value) {
    put_type(ws, StudyType::Similarity, items, spec);
}

fn put_type(ws: &mut Workspace, kind: StudyType, items: &[Item], spec: serde_json::Value) {
    let record = StudyRecord {
        id: study(),
        created: Timestamp::now(),
        study_type: kind,
        k: 1,
        seed: 7,
        spec,
        fixed: None,
    };
    ws.write(|tx| tx.put_study(&record, items)).unwrap();
}

/// A fixed study of `n` pairs in English for `r1` alone.
fn place(dir: &tempfile::TempDir, n: usize) -> Workspace {
    let mut ws = Workspace::create(dir.path()).unwrap();
    let items: Vec<Item> = (1..=n).map(|n| item(n, "en")).collect();
    put(&mut ws, &items, serde_json::json!({}));
    fix_plan(&mut ws, &study(), &[person("r1", &["en"])]).unwrap();
    ws
}

/// Seconds after the beginning of these tests' time.
fn at(seconds: i64) -> Timestamp {
    "2026-11-21T09:00:00Z".parse::<Timestamp>().unwrap() + Span::new().seconds(seconds)
}

fn open(ws: &Workspace) -> Session {
    Session::open(ws.read(), &study(), &rater("r1")).unwrap()
}

/// Acts, carrying out what it asks for.
fn act(s: &mut Session, ws: &mut Workspace, a: Act, seconds: i64) {
    match s.act(a, at(seconds)) {
        Some(Effect::Save(write)) => {
            let result = save(ws, &write, PATIENCE);
            assert_eq!(s.written(result, at(seconds)), None);
        }
        Some(Effect::Reload) => s.reloaded(load(ws.read(), &study(), &rater("r1")), at(seconds)),
        None => {}
    }
}

/// Through welcome, consent and guideline to the first pair.
fn begin(s: &mut Session, ws: &mut Workspace) {
    act(s, ws, Act::Begin, 0);
    act(s, ws, Act::Begin, 0);
}

fn shown(s: &Session) -> ItemView<'_> {
    match s.view() {
        View::Item(i) => i,
        other => panic!("expected a pair, got {other:?}"),
    }
}

/// Scores that stand, in the rater's order; 0 for none.
fn stored(ws: &Workspace) -> Vec<u8> {
    let ratings = ws.read().current_ratings(&study()).unwrap();
    ws.read()
        .assignments_of(&study(), &rater("r1"))
        .unwrap()
        .iter()
        .map(|a| ratings.iter().find(|r| r.assignment == a.id).and_then(|r| r.score).unwrap_or(0))
        .collect()
}
