//! A fixed study, people who leave, and the logs beside the ratings: what the tables refuse.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::domain::{ItemId, RaterId, Score, StudyId, StudyType};
use crate::store::{StoreError, Tx, Workspace};

fn study() -> StudyId {
    StudyId::new("s").unwrap()
}

fn id(name: &str) -> RaterId {
    RaterId::new(name).unwrap()
}

fn person(name: &str) -> Rater {
    Rater {
        id: id(name),
        kind: RaterKind::Human,
        languages: vec!["en".into()],
        cultures: vec![crate::domain::CultureId::new("arabic").unwrap()],
        consent: None,
    }
}

fn item(name: &str) -> Item {
    Item {
        id: ItemId::new(name).unwrap(),
        kind: ItemKind::Sample,
        k: Some(2),
        seed: crate::domain::QuestionId::new("Q1").unwrap(),
        sample: None,
        language: "en".into(),
        culture: None,
        seed_text: "a".into(),
        sample_text: "b".into(),
        context: Some("why?".into()),
        sensitive: true,
        sha256: String::new(),
        repeat_of: None,
        expected: None,
        origin: ItemOrigin { run: Some("r7".into()), ..ItemOrigin::default() },
    }
}

/// A fixed study with an item and two raters, who both have the item.
fn fixed(dir: &tempfile::TempDir) -> Workspace {
    let mut ws = Workspace::create(dir.path()).unwrap();
    let record = StudyRecord {
        id: study(),
        study_type: StudyType::Preference,
        created: Timestamp::now(),
        k: 2,
        seed: 1,
        spec: json!({}),
        fixed: None,
    };
    ws.write(|tx| {
        tx.put_study(&record, &[item("i1")])?;
        tx.put_rater(&study(), &person("r1"))?;
        tx.put_rater(&study(), &person("r2"))?;
        tx.fix_study(&study())?;
        for (slot, rater) in (0u32..).zip(["r1", "r2"]) {
            tx.assign(
                &study(),
                &NewAssignment {
                    item: ItemId::new("i1").unwrap(),
                    slot,
                    rater: id(rater),
                    position: 0,
                    swap: false,
                    lease_until: None,
                },
            )?;
        }
        Ok(())
    })
    .unwrap();
    ws
}

fn refused<T: std::fmt::Debug>(r: Result<T, StoreError>) -> String {
    match r {
        Err(e @ StoreError::Refused { .. }) => e.to_string(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn sql(ws: &mut Workspace, sql: &str) -> Result<usize, StoreError> {
    ws.write(|tx: &Tx<'_>| tx.run(sql, []))
}

fn event(rater: &str, assignment: i64, score: u8) -> NewEvent {
    NewEvent::new(assignment, id(rater), Action::Submit(Score::new(score).unwrap()))
}

#[test]
fn what_a_study_is_made_of_reads_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = fixed(&dir);
    assert_eq!(ws.read().items(&study()).unwrap(), [item("i1")]);
    assert_eq!(ws.read().raters(&study()).unwrap(), [person("r1"), person("r2")]);
    assert_eq!(ws.read().study(&study()).unwrap().unwrap().study_type, StudyType::Preference);
    let elsewhere = NewEvent {
        source: Some("file.csv".into()),
        rated_at: Some("2024-01-02T03:04:05Z".parse().unwrap()),
        ..event("r1", 1, 3)
    };
    ws.submit_rating(&elsewhere).unwrap();
    let row = ws.read().current_ratings(&study()).unwrap().remove(0);
    assert_eq!((row.source, row.rated_at), (elsewhere.source, elsewhere.rated_at));
    assert_eq!((row.origin, row.rater_cultures), (item("i1").origin, person("r1").cultures));
}

#[test]
fn a_fixed_study_takes_only_what_an_amendment_names() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = fixed(&dir);
    for change in [
        "UPDATE study SET k = 3",
        "UPDATE study SET spec = '{}', seed = '9'",
        "UPDATE study SET type = 'similarity'",
        "UPDATE study SET fixed = NULL",
        "UPDATE rater SET languages = '[\"de\"]' WHERE id = 'r1'",
        "UPDATE rater SET cultures = '[]' WHERE id = 'r1'",
        "UPDATE rater SET kind = 'scripted' WHERE id = 'r1'",
        "DELETE FROM item",
    ] {
        refused(sql(&mut ws, change));
    }
    assert!(refused(ws.write(|tx| tx.put_items(&study(), &[item("i2")]))).contains("amend"));
    assert!(refused(ws.write(|tx| tx.put_rater(&study(), &person("r3")))).contains("amend"));
    // a known rater's consent is no change of the plan
    let agreed = Consent { version: "1".into(), at: Timestamp::now() };
    ws.write(|tx| tx.put_rater(&study(), &Rater { consent: Some(agreed), ..person("r1") }))
        .unwrap();
    // a judge may come later
    let judge = Rater { kind: RaterKind::Judge, ..person("model") };
    ws.write(|tx| tx.put_rater(&study(), &judge)).unwrap();

    let change = Change {
        raters: vec![id("r3")],
        items: vec![ItemId::new("i2").unwrap()],
        ..Change::default()
    };
    refused(ws.write(|tx| tx.amend(&study(), "me", " ", &change)));
    let n = ws.write(|tx| tx.amend(&study(), "me", "one fell ill", &change)).unwrap();
    assert_eq!(n, 1);
    ws.write(|tx| {
        tx.put_items(&study(), &[item("i2")])?;
        tx.put_rater(&study(), &person("r3"))
    })
    .unwrap();
    refused(ws.write(|tx| tx.put_items(&study(), &[item("i3")])));
    let log = ws.read().amendments(&study()).unwrap();
    assert_eq!((log[0].who.as_str(), &log[0].change), ("me", &change));
    refused(sql(&mut ws, "DELETE FROM study_amendment"));
    refused(sql(&mut ws, "UPDATE study_amendment SET reason = 'x'"));
}

#[test]
fn a_rater_who_leaves_takes_all_along_and_nobody_elses() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = fixed(&dir);
    let first = ws.submit_rating(&event("r1", 1, 4)).unwrap();
    let edit = Action::Edit { score: Score::new(2).unwrap(), previous: first };
    let words = NewEvent { comment: Some("zebra".into()), ..NewEvent::new(1, id("r1"), edit) };
    ws.submit_rating(&words).unwrap();
    ws.submit_rating(&event("r2", 2, 5)).unwrap();
    let view = |rater: &str, assignment| NewView {
        uuid: Uuid::now_v7(),
        assignment,
        rater: id(rater),
        kind: ViewKind::Diff,
        active_ms: Some(7),
    };
    let practice = |rater: &str| Practice {
        uuid: Uuid::now_v7(),
        rater: id(rater),
        round: 1,
        item: "p1".into(),
        given: Score::new(1).unwrap(),
        expected: (Score::new(1).unwrap(), Score::new(2).unwrap()),
    };
    ws.write(|tx| {
        for (rater, assignment) in [("r1", 1), ("r2", 2)] {
            tx.put_view(&view(rater, assignment))?;
            tx.put_practice(&study(), &practice(rater))?;
        }
        Ok(())
    })
    .unwrap();
    refused(ws.write(|tx| tx.put_view(&view("r2", 1))));
    for log in ["rating_event", "view_event", "qualification_event"] {
        refused(sql(&mut ws, &format!("DELETE FROM {log}")));
    }

    let left = ws.write(|tx| tx.withdraw(&study(), &id("r1"))).unwrap();
    assert_eq!((left.events, left.comments, left.ratings), (2, 1, 1));
    assert_eq!(ws.write(|tx| tx.withdraw(&study(), &id("r1"))).unwrap(), left, "once and for all");
    let rest = ws.read().rating_events(&study()).unwrap();
    assert_eq!(rest.iter().map(|e| e.rater.clone()).collect::<Vec<_>>(), [id("r2")]);
    assert!(ws.read().views_of(&study(), &id("r1")).unwrap().is_empty());
    assert_eq!(ws.read().views_of(&study(), &id("r2")).unwrap().len(), 1);
    assert_eq!(ws.read().practice(&study()).unwrap().len(), 1);
    // the other's log stays closed, and the one who left cannot come back by the old door
    for log in ["rating_event", "view_event", "qualification_event", "withdrawal"] {
        refused(sql(&mut ws, &format!("DELETE FROM {log}")));
    }
    refused(sql(&mut ws, "INSERT OR REPLACE INTO rating_event SELECT * FROM rating_event"));
    refused(ws.submit_rating(&event("r1", 1, 4)));
    refused(ws.write(|tx| tx.withdraw(&study(), &id("nobody"))));
}

#[test]
fn texts_are_frozen_and_the_newest_adjudication_stands() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = fixed(&dir);
    let text = StudyText {
        kind: TextKind::Consent,
        language: "ar".into(),
        version: "1".into(),
        sha256: "aa".into(),
        body: "words".into(),
        source: TextSource::Program,
        at: Timestamp::now(),
    };
    let put = |ws: &mut Workspace, t: &StudyText| ws.write(|tx| tx.put_study_text(&study(), t));
    assert!(put(&mut ws, &text).unwrap());
    assert!(!put(&mut ws, &text).unwrap());
    refused(put(&mut ws, &StudyText { sha256: "bb".into(), ..text.clone() }));
    let own = StudyText { version: "2".into(), source: TextSource::Study, ..text };
    refused(put(&mut ws, &own));
    let change = Change { texts: vec!["consent/ar@2".into()], ..Change::default() };
    ws.write(|tx| tx.amend(&study(), "me", "board asked", &change)).unwrap();
    assert!(put(&mut ws, &own).unwrap());
    refused(sql(&mut ws, "UPDATE study_text SET body = 'x'"));

    let i1 = ItemId::new("i1").unwrap();
    let four = Some(Score::new(4).unwrap());
    refused(ws.write(|tx| tx.adjudicate(&study(), &i1, "me", four, "", None)));
    ws.write(|tx| tx.adjudicate(&study(), &i1, "me", four, "read again", None)).unwrap();
    ws.write(|tx| tx.adjudicate(&study(), &i1, "me", None, "taken back", Some("n"))).unwrap();
    let log = ws.read().adjudications(&study()).unwrap();
    assert_eq!(log.iter().map(|a| (a.n, a.score)).collect::<Vec<_>>(), [(1, four), (2, None)]);
    refused(sql(&mut ws, "DELETE FROM adjudication"));

    ws.write(|tx| tx.put_key(&study(), &id("r1"), "SHA256:x", "ssh-ed25519")).unwrap();
    assert_eq!(ws.write(|tx| tx.revoke_keys(&study(), &id("r1"))).unwrap(), 1);
    assert!(ws.read().study_keys(&study()).unwrap()[0].revoked.is_some());
}
