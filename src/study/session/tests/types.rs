//! Two answers, one answer; and the reasons for passing one over.

use super::*;
use crate::domain::StudyType;
use crate::store::{EventKind, Reason};

/// Twelve items of a type for `r1`.
fn typed(dir: &tempfile::TempDir, kind: StudyType) -> Workspace {
    let mut ws = Workspace::create(dir.path()).unwrap();
    let items: Vec<Item> = (1..=12)
        .map(|n| Item {
            context: Some(format!("question {n}")),
            seed_text: if kind.is_pair() { format!("first {n}") } else { String::new() },
            sample_text: format!("second {n}"),
            ..item(n, "en")
        })
        .collect();
    put_type(&mut ws, kind, &items, serde_json::json!({}));
    fix_plan(&mut ws, &study(), &[person("r1", &["en"])]).unwrap();
    ws
}

#[test]
fn a_preference_is_stored_by_the_items_answers_whatever_side_they_stood_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = typed(&dir, StudyType::Preference);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    let swaps: Vec<bool> =
        ws.read().assignments(&study()).unwrap().iter().map(|a| a.content.swap).collect();
    assert!(swaps.contains(&true) && swaps.contains(&false));
    act(&mut s, &mut ws, Act::Score(score(4)), 1);
    assert!(shown(&s).number == 1 && s.notice().is_some(), "there are three answers");
    assert_eq!(stored(&ws)[0], 0);
    let mut wanted = Vec::new();
    for (n, swap) in swaps.iter().enumerate() {
        assert_eq!(shown(&s).context.map(|c| c.starts_with("question")), Some(true));
        assert_eq!(shown(&s).left.starts_with("second"), *swap);
        // always the one on the left, and at last no difference
        let given = if n == 11 { 2 } else { 1 };
        act(&mut s, &mut ws, Act::Score(score(given)), 2);
        assert_eq!(s.last_saved().unwrap().score, Some(score(given)), "as it stood on the screen");
        wanted.push(if given == 2 {
            2
        } else if *swap {
            3
        } else {
            1
        });
    }
    assert_eq!(stored(&ws), wanted);
    assert!(matches!(s.view(), View::Done(d) if d.scores == [11, 1, 0, 0, 0]));
    // another day it reads as it was given; the same key again is no edit, the other one is
    let turned = swaps.iter().position(|s| *s).unwrap();
    let mut s = open(&ws);
    act(&mut s, &mut ws, Act::Begin, 90);
    act(&mut s, &mut ws, Act::GoTo(turned + 1), 90);
    assert!(matches!(shown(&s).standing, Standing::Rated { score: x, .. } if x == score(1)));
    act(&mut s, &mut ws, Act::Score(score(1)), 91);
    assert_eq!(ws.read().rating_events(&study()).unwrap().len(), 12);
    act(&mut s, &mut ws, Act::GoTo(turned + 1), 92);
    act(&mut s, &mut ws, Act::Score(score(3)), 93);
    assert_eq!(stored(&ws)[turned], 1);
    assert_eq!(ws.read().rating_events(&study()).unwrap().pop().unwrap().kind, EventKind::Edit);
    act(&mut s, &mut ws, Act::ShowDiff(true), 94);
    assert!(!matches!(s.view(), View::Item(i) if i.diff));
}

#[test]
fn one_answer_stands_alone_with_its_question() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = typed(&dir, StudyType::Appropriateness);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    assert!(s.guideline().reference().starts_with("appropriateness"));
    for _ in 0..12 {
        assert!(shown(&s).left.starts_with("second") && shown(&s).right.is_empty());
        act(&mut s, &mut ws, Act::Score(score(5)), 1);
    }
    assert_eq!(stored(&ws), [5; 12]);
    let events = ws.read().rating_events(&study()).unwrap();
    assert_eq!(events[0].guideline_version.as_deref(), Some("appropriateness@1"));
}

#[test]
fn every_reason_is_stored_and_only_later_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 6);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    let reasons = [
        Reason::NotUnderstood,
        Reason::BrokenText,
        Reason::CannotJudge,
        Reason::Offensive,
        Reason::Other,
    ];
    for r in reasons {
        let words = (r == Reason::Other).then(|| "it is a joke".to_owned());
        act(&mut s, &mut ws, Act::LeaveOut(r, words), 1);
    }
    act(&mut s, &mut ws, Act::Skip, 1);
    assert!(matches!(s.view(), View::Done(d) if d.left_out == 5 && d.put_off == 1));
    let events = ws.read().rating_events(&study()).unwrap();
    let given: Vec<_> = events.iter().map(|e| e.reason).collect();
    let mut wanted: Vec<_> = reasons.into_iter().map(Some).collect();
    wanted.push(None);
    assert_eq!(given, wanted);
    assert!(events.iter().all(|e| e.kind == EventKind::Skip));
    assert_eq!(events[4].comment.as_deref(), Some("it is a joke"));
    act(&mut s, &mut ws, Act::Begin, 2);
    assert_eq!(shown(&s).number, 6, "only the one that was put off");
    // a reason given now replaces the one before
    act(&mut s, &mut ws, Act::GoTo(1), 3);
    assert_eq!(shown(&s).standing, Standing::LeftOut(Reason::NotUnderstood));
    act(&mut s, &mut ws, Act::LeaveOut(Reason::NotUnderstood, None), 3);
    assert_eq!(ws.read().rating_events(&study()).unwrap().len(), 6, "the same is no event");
    act(&mut s, &mut ws, Act::GoTo(1), 4);
    act(&mut s, &mut ws, Act::Score(score(2)), 4);
    assert_eq!(stored(&ws), [2, 0, 0, 0, 0, 0]);
}
