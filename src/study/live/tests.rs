//! The live view of a small study whose every figure can be worked out by hand.

use tempfile::TempDir;

use super::*;
use crate::domain::{CultureId, ItemId, QuestionId, RaterId, Score, StudyId, StudyType};
use crate::store::{Action, ItemOrigin, NewEvent, Reason, Workspace};
use crate::study::{Decision, adjudicate, case, decisions, fix_plan, results};

/// Three raters rate nine items each in this order, ten seconds each: three to a third.
const ORDER: [&str; 9] = ["a1", "a2", "a3", "s1", "a4", "a5", "a6", "c1", "x1"];

fn name() -> StudyId {
    StudyId::new("pilot").unwrap()
}

fn id(item: &str) -> ItemId {
    ItemId::new(item).unwrap()
}

fn item(of: &str) -> Item {
    let kind = match &of[..1] {
        "a" => ItemKind::Anchor,
        "s" => ItemKind::Sample,
        "c" => ItemKind::ControlIdentical,
        _ => ItemKind::Repeat,
    };
    Item {
        id: id(of),
        kind,
        k: matches!(kind, ItemKind::Sample | ItemKind::Repeat).then_some(3),
        seed: QuestionId::new(format!("Q{}", of.len() + usize::from(of.as_bytes()[1] % 3)))
            .unwrap(),
        sample: None,
        language: "en".into(),
        culture: (of != "s1").then(|| CultureId::new("arabic").unwrap()),
        seed_text: format!("seed of {of}"),
        sample_text: format!("sample of {of}"),
        context: None,
        sensitive: false,
        sha256: "00".into(),
        repeat_of: (kind == ItemKind::Repeat).then(|| id("s1")),
        expected: kind.is_control().then_some((5, 5)),
        origin: ItemOrigin::default(),
    }
}

fn person(n: usize) -> Rater {
    Rater {
        id: RaterId::new(format!("r{n}")).unwrap(),
        kind: RaterKind::Human,
        languages: vec!["en".into()],
        cultures: Vec::new(),
        consent: None,
    }
}

/// Scores of r0, r1 and r2, in the order of [`ORDER`].
const SCORES: [[u8; 9]; 3] =
    [[3, 3, 3, 4, 3, 3, 3, 5, 4], [3, 3, 3, 4, 3, 3, 3, 5, 5], [1, 1, 1, 1, 3, 3, 5, 2, 4]];

fn empty(dir: &TempDir) -> Workspace {
    let mut ws = Workspace::create(dir.path()).unwrap();
    let record = StudyRecord {
        id: name(),
        study_type: StudyType::Similarity,
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        k: 3,
        seed: 7,
        spec: serde_json::json!({}),
        fixed: None,
    };
    let items: Vec<Item> = ORDER.iter().map(|o| item(o)).collect();
    ws.write(|tx| tx.put_study(&record, &items)).unwrap();
    ws
}

fn assignment(ws: &Workspace, rater: &str, of: &str) -> i64 {
    let all = ws.read().assignments(&name()).unwrap();
    let found =
        all.iter().find(|a| a.content.rater.as_str() == rater && a.content.item.as_str() == of);
    found.unwrap().id
}

fn rate(ws: &mut Workspace, rater: &str, of: &str, score: u8, ms: u32) -> i64 {
    let action = Action::Submit(Score::new(score).unwrap());
    let mut e = NewEvent::new(assignment(ws, rater, of), RaterId::new(rater).unwrap(), action);
    e.active_ms = Some(ms);
    ws.submit_rating(&e).unwrap()
}

fn rated(dir: &TempDir) -> Workspace {
    let mut ws = empty(dir);
    let people: Vec<Rater> = (0..3).map(person).collect();
    fix_plan(&mut ws, &name(), &people).unwrap();
    for (n, scores) in SCORES.iter().enumerate() {
        for (of, score) in ORDER.iter().zip(scores) {
            rate(&mut ws, &format!("r{n}"), of, *score, 10_000);
        }
    }
    ws
}

fn now(ws: &Workspace) -> Live {
    snapshot(ws.read(), &name(), Timestamp::now()).unwrap()
}

#[test]
fn a_study_that_is_not_there_or_not_planned_is_no_accident() {
    let dir = tempfile::tempdir().unwrap();
    let ws = empty(&dir);
    let none = StudyId::new("none").unwrap();
    let e = snapshot(ws.read(), &none, Timestamp::now()).unwrap_err();
    assert!(e.to_string().contains("pilot"), "{e}");
    let live = now(&ws);
    assert!(live.raters.is_empty() && live.growth.points.is_empty() && live.widest.is_empty());
    assert_eq!((live.all, live.planned), (Tally::default(), None));
    assert_eq!(live.left_s, Some(0.0), "nobody has anything left to do");
    assert_eq!(live.items.get(&ItemKind::Anchor), Some(&6));
}

#[test]
fn progress_speed_and_control_failures_are_those_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let live = now(&rated(&dir));
    let of = Tally { of: 27, rated: 27, ..Tally::default() };
    assert_eq!(live.all, of);
    let [.., r2] = live.raters.as_slice() else { panic!() };
    assert_eq!((r2.controls, r2.missed), (1, 1));
    assert_eq!((r2.speed.median_s, r2.speed.timed), (Some(10.0), 9));
    assert_eq!((r2.speed.per_minute, r2.speed.lately, r2.speed.lately_s), (Some(6.0), 9, 90.0));
    let [miss] = live.misses.as_slice() else { panic!("{:?}", live.misses) };
    assert_eq!((miss.rater.as_str(), miss.item.as_str()), ("r2", "c1"));
    assert_eq!((miss.given, miss.expected, live.controls), (2, (5, 5), 3));
    assert_eq!(live.repeats, RepeatCount { pairs: 3, same: 1, within_one: 2 });
    // one culture and the items of none, which stand last
    let [egypt, none] = live.cultures.as_slice() else { panic!("{:?}", live.cultures) };
    assert_eq!((egypt.culture.as_ref().unwrap().as_str(), egypt.tally.of), ("arabic", 24));
    assert_eq!((&none.culture, none.tally.of, none.items, none.raters), (&None, 3, 1, 3));
}

#[test]
fn pace_is_counted_over_the_last_half_hour_of_activity_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = empty(&dir);
    fix_plan(&mut ws, &name(), &(0..3).map(person).collect::<Vec<_>>()).unwrap();
    for of in &ORDER[..3] {
        rate(&mut ws, "r0", of, 3, 1_000);
    }
    for of in &ORDER[3..7] {
        rate(&mut ws, "r0", of, 3, 600_000);
    }
    let live = now(&ws);
    let s = live.raters[0].speed;
    assert_eq!((s.lately, s.lately_s, s.per_minute), (3, 1800.0, Some(0.1)));
    assert_eq!(s.median_s, Some(600.0));
    // r1 and r2 have no pace of their own: the study's is taken
    assert_eq!(live.left_s, Some(600.0 * 20.0));
}

#[test]
fn drift_is_the_change_from_third_to_third() {
    let dir = tempfile::tempdir().unwrap();
    let live = now(&rated(&dir));
    let drift = &live.raters[2].drift;
    let anchors: Vec<(f64, usize)> =
        drift.iter().map(|t| t.anchors.as_ref().map(|e| (e.value, e.n)).unwrap()).collect();
    assert_eq!(anchors, [(-2.0, 3), (0.0, 2), (2.0, 1)]);
    assert_eq!(drift.clone().map(|t| t.ratings), [3, 3, 3]);
    let repeat = drift[2].repeats.as_ref().unwrap();
    assert_eq!((repeat.value, repeat.n, &drift[0].repeats), (3.0, 1, &None));
    // r0 stayed where it was: one point away from the mean of the others, and back
    let calm: Vec<f64> =
        live.raters[0].drift.iter().map(|t| t.anchors.as_ref().unwrap().value).collect();
    assert_eq!(calm, [1.0, 0.0, -1.0]);
    // of all people together the raters are what is resampled
    assert_eq!(live.drift[0].anchors.as_ref().unwrap().n, 3);
}

#[test]
fn agreement_grows_to_what_the_results_say() {
    let dir = tempfile::tempdir().unwrap();
    let ws = rated(&dir);
    let live = now(&ws);
    let results = results(ws.read(), &name(), LIVE_DRAWS, 7).unwrap().agreement.unwrap();
    let last = live.growth.now().unwrap();
    assert_eq!((last.ratings, last.paired, last.raters), (21, 7, 3));
    for (name, got) in
        [("alpha-ordinal", &last.alpha), ("ac2-quadratic", &last.ac2), ("raw", &last.raw)]
    {
        let want = results.figure(name).unwrap();
        assert_eq!(got.value, want.value, "{name}");
        assert_eq!(got.interval.map(|i| (i.lo, i.hi)), want.interval.map(|i| (i.lo, i.hi)));
    }
    assert_eq!(live.growth.points.len(), 21);
    let first = &live.growth.points[0];
    assert!(first.alpha.value.is_none() && first.alpha.undefined.is_some(), "one rating");
}

#[test]
fn what_was_taken_back_or_cannot_be_judged_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = rated(&dir);
    let rater = RaterId::new("r2").unwrap();
    let a = assignment(&ws, "r2", "a6");
    let previous = ws.read().current_rating(a).unwrap().unwrap().event;
    let undo = NewEvent::new(a, rater.clone(), Action::Undo { previous });
    ws.submit_rating(&undo).unwrap();
    let live = now(&ws);
    assert_eq!((live.raters[2].tally.rated, live.raters[2].tally.left), (8, 1));
    assert_eq!(live.growth.now().unwrap().ratings, 20);
    let standing = ws.read().current_ratings(&name()).unwrap().len() as u64;
    assert_eq!(live.all.rated, standing, "as the database's view has it");
    let mut skip = NewEvent::new(a, rater.clone(), Action::Skip);
    skip.reason = Some(Reason::CannotJudge);
    ws.submit_rating(&skip).unwrap();
    let mut flag = NewEvent::new(assignment(&ws, "r2", "a1"), rater, Action::Flag);
    flag.reason = Some(Reason::BrokenText);
    flag.comment = Some("μισή πρόταση".into());
    ws.submit_rating(&flag).unwrap();
    let r2 = &now(&ws).raters[2];
    assert_eq!((r2.tally.skipped, r2.tally.left), (1, 0));
    assert_eq!(r2.marks, Marks { broken: 1, flagged: 0, cannot_judge: 1, commented: 1 });
}

#[test]
fn the_widest_items_come_first_and_a_decision_stands_beside_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = rated(&dir);
    let live = now(&ws);
    let names: Vec<&str> = live.widest.iter().map(|w| w.item.as_str()).collect();
    assert_eq!(names, ["s1", "a1", "a2", "a3", "a6"]);
    let s1 = &live.widest[0];
    assert_eq!(
        (s1.scores.as_slice(), s1.range, s1.variance, s1.mean),
        (&[1, 4, 4][..], 3, 3.0, 3.0)
    );
    assert_eq!((live.divided, live.compared), (5, 7));

    let decide = |item: &str, score: Option<u8>, reason: &str| Decision {
        item: id(item),
        who: "lead".into(),
        score: score.map(|s| Score::new(s).unwrap()),
        reason: reason.into(),
        note: None,
    };
    for (wrong, says) in [
        (decide("zz", Some(4), "why"), "no item zz"),
        (decide("c1", Some(4), "why"), "a control or a repeat"),
        (decide("s1", Some(4), "  "), "reason is empty"),
        (decide("s1", None, "why"), "not there"),
    ] {
        let e = adjudicate(&mut ws, &name(), &wrong).unwrap_err();
        assert!(e.to_string().contains(says), "{e}");
    }
    assert!(ws.read().adjudications(&name()).unwrap().is_empty());
    adjudicate(&mut ws, &name(), &decide("s1", Some(4), "a slip")).unwrap();
    let second = adjudicate(&mut ws, &name(), &decide("s1", Some(3), "read again")).unwrap();
    assert_eq!(second.n, 2);
    assert_eq!(decisions(ws.read(), &name()).unwrap()[&id("s1")].score.unwrap().get(), 3);
    let live = now(&ws);
    assert_eq!((live.widest[0].decided.unwrap().get(), live.decided), (3, 1));
    assert_eq!(live.widest[0].scores, [1, 4, 4], "ratings stay as they are");
    adjudicate(&mut ws, &name(), &decide("s1", None, "left open")).unwrap();
    assert!(decisions(ws.read(), &name()).unwrap().is_empty());
    let whole = case(ws.read(), &name(), &id("s1")).unwrap();
    assert_eq!(whole.decisions.len(), 3, "none is lost");
    assert_eq!((whole.decided(), whole.given()), (None, vec![1, 4, 4]));
    assert_eq!(
        whole.scores.iter().map(|s| s.rater.as_str()).collect::<Vec<_>>(),
        ["r0", "r1", "r2"]
    );
}
