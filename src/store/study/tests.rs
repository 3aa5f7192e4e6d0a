//! What the database itself refuses, and what stands after edits, undos and two writers.

use jiff::{Span, Timestamp};

use super::*;
use crate::domain::{ItemId, QuestionId, RaterId, Score, StudyId};
use crate::store::{StoreError, Tx, Workspace};

fn study() -> StudyId {
    StudyId::new("pilot").unwrap()
}

fn rater(n: usize) -> RaterId {
    RaterId::new(format!("r{n}")).unwrap()
}

fn item(id: &str, k: Option<u32>, repeat_of: Option<&str>) -> Item {
    Item {
        id: ItemId::new(id).unwrap(),
        kind: match (repeat_of, k) {
            (Some(_), _) => ItemKind::Repeat,
            (None, None) => ItemKind::Anchor,
            (None, Some(_)) => ItemKind::Sample,
        },
        k,
        seed: QuestionId::new("Q27").unwrap(),
        sample: None,
        language: "en".into(),
        culture: None,
        seed_text: "a".into(),
        sample_text: "b".into(),
        sha256: "00".into(),
        repeat_of: repeat_of.map(|r| ItemId::new(r).unwrap()),
        expected: None,
        context: None,
        sensitive: false,
        origin: crate::store::ItemOrigin::default(),
    }
}

fn give(item: &str, slot: u32, n: usize) -> NewAssignment {
    NewAssignment {
        item: ItemId::new(item).unwrap(),
        slot,
        rater: rater(n),
        position: slot,
        swap: false,
        lease_until: None,
    }
}

/// A study of two items with k = 2, an anchor, and four raters; the last one speaks German only.
fn workspace(dir: &tempfile::TempDir) -> Workspace {
    let mut ws = Workspace::create(dir.path()).unwrap();
    ws.write(|tx| {
        let record = StudyRecord {
            id: study(),
            created: Timestamp::now(),
            study_type: crate::domain::StudyType::default(),
            k: 2,
            seed: u64::MAX,
            spec: serde_json::json!({}),
            fixed: None,
        };
        tx.put_study(
            &record,
            &[
                item("i1", Some(2), None),
                item("i2", Some(2), None),
                item("all", None, None),
                item("i1-again", Some(2), Some("i1")),
            ],
        )?;
        for n in 1..=4 {
            let language = if n == 4 { "de" } else { "en" };
            tx.put_rater(
                &study(),
                &Rater {
                    id: rater(n),
                    kind: RaterKind::Human,
                    languages: vec![language.into()],
                    cultures: Vec::new(),
                    consent: None,
                },
            )?;
        }
        Ok(())
    })
    .unwrap();
    ws
}

fn score(n: u8) -> Score {
    Score::new(n).unwrap()
}

fn refusal<T: std::fmt::Debug>(r: Result<T, StoreError>) -> String {
    match r {
        Err(e @ StoreError::Refused { .. }) => e.to_string(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn assign(ws: &mut Workspace, a: &NewAssignment) -> Result<i64, StoreError> {
    ws.write(|tx| tx.assign(&study(), a))
}

fn rate(ws: &mut Workspace, a: i64, n: usize, action: Action) -> Result<i64, StoreError> {
    ws.submit_rating(&NewEvent::new(a, rater(n), action))
}

fn standing(ws: &Workspace) -> Vec<u8> {
    ws.read().current_ratings(&study()).unwrap().iter().filter_map(|r| r.score).collect()
}

#[test]
fn a_third_rater_a_taken_place_and_a_second_time_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(&dir);
    assign(&mut ws, &give("i1", 0, 1)).unwrap();
    assign(&mut ws, &give("i1", 1, 2)).unwrap();
    assert!(refusal(assign(&mut ws, &give("i1", 2, 3))).contains("over-assigned"));
    refusal(assign(&mut ws, &give("i1", 1, 3)));
    assign(&mut ws, &give("i2", 0, 1)).unwrap();
    refusal(assign(&mut ws, &give("i2", 1, 1)));
    refusal(assign(&mut ws, &give("nothing", 0, 1)));
    refusal(assign(&mut ws, &give("i2", 1, 99)));
    // anchors have a place for everybody
    for n in 1..=3 {
        assign(&mut ws, &give("all", n as u32, n)).unwrap();
    }
}

#[test]
fn items_and_events_cannot_be_changed_and_assignments_not_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(&dir);
    let a = assign(&mut ws, &give("i1", 0, 1)).unwrap();
    rate(&mut ws, a, 1, Action::Submit(score(4))).unwrap();
    for sql in [
        "UPDATE rating_event SET score = 5",
        "DELETE FROM rating_event",
        "INSERT OR REPLACE INTO rating_event SELECT * FROM rating_event",
        "DELETE FROM assignment",
        "UPDATE assignment SET rater = 'r2'",
        "UPDATE item SET sample_text = 'x'",
    ] {
        let done = ws.write(|tx: &Tx<'_>| tx.run(sql, []));
        assert!(matches!(done, Err(StoreError::Refused { .. })), "{sql}: {done:?}");
    }
    assert_eq!(standing(&ws), [4]);
}

#[test]
fn a_score_off_the_scale_or_without_its_kind_is_refused_by_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(&dir);
    let a = assign(&mut ws, &give("i1", 0, 1)).unwrap();
    for (kind, score) in [("submit", "0"), ("submit", "6"), ("submit", "NULL"), ("skip", "3")] {
        let sql = format!(
            "INSERT INTO rating_event (event_uuid, assignment, rater, at, kind, score, \
             app_version) VALUES ('u', {a}, 'r1', '', '{kind}', {score}, '')"
        );
        refusal(ws.write(|tx| tx.run(&sql, [])));
    }
}

#[test]
fn a_second_rating_another_raters_item_and_a_released_one_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(&dir);
    let a = assign(&mut ws, &give("i1", 0, 1)).unwrap();
    assert!(refusal(rate(&mut ws, a, 2, Action::Submit(score(1)))).contains("another rater"));
    refusal(rate(&mut ws, 999, 1, Action::Submit(score(1))));
    rate(&mut ws, a, 1, Action::Submit(score(1))).unwrap();
    assert!(refusal(rate(&mut ws, a, 1, Action::Submit(score(2)))).contains("rated before"));
    assert!(ws.write(|tx| tx.release(a)).unwrap());
    assert!(refusal(rate(&mut ws, a, 1, Action::Flag)).contains("released"));
    assert_eq!(standing(&ws), [0u8; 0], "a released rating is not counted");
    assert_eq!(ws.read().rating_events(&study()).unwrap().len(), 1, "and stays in the log");
}

#[test]
fn the_same_event_sent_twice_is_stored_once_and_another_with_its_uuid_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(&dir);
    let a = assign(&mut ws, &give("i1", 0, 1)).unwrap();
    let mut event = NewEvent::new(a, rater(1), Action::Submit(score(3)));
    let first = ws.submit_rating(&event).unwrap();
    assert_eq!(ws.submit_rating(&event).unwrap(), first);
    event.action = Action::Submit(score(4));
    assert!(refusal(ws.submit_rating(&event)).contains("uuid"));
    assert_eq!(standing(&ws), [3]);
}

#[test]
fn the_view_follows_edits_and_undos_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(&dir);
    let a = assign(&mut ws, &give("i1", 0, 1)).unwrap();
    assert_eq!(ws.read().queue(&study(), &rater(1), 9).unwrap().len(), 1);
    let e1 = rate(&mut ws, a, 1, Action::Submit(score(2))).unwrap();
    let e2 = rate(&mut ws, a, 1, Action::Edit { score: score(5), previous: e1 }).unwrap();
    assert_eq!(standing(&ws), [5]);
    refusal(rate(&mut ws, a, 1, Action::Edit { score: score(1), previous: e1 }));
    rate(&mut ws, a, 1, Action::Undo { previous: e2 }).unwrap();
    assert_eq!(standing(&ws), [2], "the undone edit brings the first score back");
    rate(&mut ws, a, 1, Action::Edit { score: score(4), previous: e1 }).unwrap();
    assert_eq!(standing(&ws), [4]);
    let last = ws.read().current_rating(a).unwrap().unwrap().event;
    rate(&mut ws, a, 1, Action::Undo { previous: last }).unwrap();
    rate(&mut ws, a, 1, Action::Undo { previous: e1 }).unwrap();
    assert_eq!(standing(&ws), [0u8; 0]);
    assert_eq!(ws.read().queue(&study(), &rater(1), 9).unwrap().len(), 1, "to be rated again");
    refusal(rate(&mut ws, a, 1, Action::Undo { previous: e1 }));
    rate(&mut ws, a, 1, Action::Submit(score(1))).unwrap();
    assert_eq!(standing(&ws), [1]);
    assert_eq!(ws.read().rating_events(&study()).unwrap().len(), 7);
}

#[test]
fn an_expired_lease_goes_to_the_rater_with_least_to_do_who_speaks_the_language() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(&dir);
    let now = Timestamp::now();
    let past = Some(now - Span::new().hours(1));
    assign(&mut ws, &NewAssignment { lease_until: past, ..give("i1", 0, 1) }).unwrap();
    assign(&mut ws, &NewAssignment { lease_until: past, ..give("i1-again", 0, 1) }).unwrap();
    let done = assign(&mut ws, &NewAssignment { lease_until: past, ..give("i2", 0, 1) }).unwrap();
    rate(&mut ws, done, 1, Action::Submit(score(3))).unwrap();
    // r2 has one thing to do, r3 none, r4 none but speaks no English
    assign(&mut ws, &give("all", 0, 2)).unwrap();
    let out = ws.reclaim_leases(&study(), now, None).unwrap();
    let to: Vec<_> = out.iter().map(|r| (r.item.as_str(), r.to.clone())).collect();
    assert_eq!(to, [("i1", Some(rater(3))), ("i1-again", Some(rater(3)))]);
    assert_eq!(ws.reclaim_leases(&study(), now, None).unwrap(), []);
    let progress = ws.read().progress(&study()).unwrap();
    let r1 = &progress[0];
    assert_eq!((r1.assigned, r1.rated, r1.released), (1, 1, 2));
    assert_eq!(progress[2].assigned, 2);
}

#[test]
fn two_threads_with_connections_of_their_own_lose_nothing_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(&dir);
    let shared = assign(&mut ws, &give("i1", 0, 1)).unwrap();
    let own =
        [assign(&mut ws, &give("i2", 0, 1)).unwrap(), assign(&mut ws, &give("i2", 1, 2)).unwrap()];
    let barrier = std::sync::Barrier::new(2);
    let won: usize = std::thread::scope(|s| {
        let threads: Vec<_> = (0..2)
            .map(|t| {
                let (folder, barrier) = (dir.path(), &barrier);
                s.spawn(move || {
                    let mut ws = Workspace::open(folder, crate::store::Access::Write).unwrap();
                    barrier.wait();
                    let race = rate(&mut ws, shared, 1, Action::Submit(score(2)));
                    let mut last = rate(&mut ws, own[t], t + 1, Action::Submit(score(1))).unwrap();
                    for n in 0..20u8 {
                        let action = Action::Edit { score: score(n % 5 + 1), previous: last };
                        last = rate(&mut ws, own[t], t + 1, action).unwrap();
                    }
                    usize::from(race.is_ok())
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(won, 1, "of two ratings of one assignment one is stored");
    assert_eq!(ws.read().rating_events(&study()).unwrap().len(), 1 + 2 * 21);
    assert_eq!(standing(&ws), [2, 5, 5]);
}

#[test]
fn a_study_is_never_overwritten_and_a_raters_kind_never_changes() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = workspace(&dir);
    let record = ws.read().study(&study()).unwrap().unwrap();
    assert_eq!(record.seed, u64::MAX);
    refusal(ws.write(|tx| tx.put_study(&record, &[])));
    let mut r = ws.read().rater(&study(), &rater(1)).unwrap().unwrap();
    r.kind = RaterKind::Scripted;
    refusal(ws.write(|tx| tx.put_rater(&study(), &r)));
    ws.write(|tx| tx.fix_study(&study())).unwrap();
    refusal(ws.write(|tx| tx.fix_study(&study())));
    let missing = ws.read().need_study(&StudyId::new("other").unwrap()).unwrap_err();
    assert!(missing.to_string().contains("pilot"), "{missing}");
}
