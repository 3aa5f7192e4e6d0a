//! What was looked at outlives a session that is cut off.

use super::*;
use crate::store::{Reason, ViewKind};

fn kinds(ws: &Workspace) -> Vec<ViewKind> {
    ws.read().views_of(&study(), &rater("r1")).unwrap().iter().map(|v| v.kind).collect()
}

#[test]
fn a_session_cut_off_between_the_difference_and_the_rating_still_says_that_it_was_seen() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 2);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    let Some(Effect::Save(write)) = s.act(Act::ShowDiff(true), at(1)) else { panic!() };
    assert!(!shown(&s).diff, "nothing is shown before it is logged");
    let saved = save(&mut ws, &write, PATIENCE);
    s.written(saved, at(1));
    assert!(shown(&s).diff);
    drop(s);
    let mut s = open(&ws);
    act(&mut s, &mut ws, Act::Begin, 60);
    act(&mut s, &mut ws, Act::Begin, 60);
    assert!(!shown(&s).diff, "it is off for every pair");
    act(&mut s, &mut ws, Act::Score(score(3)), 61);
    act(&mut s, &mut ws, Act::Score(score(3)), 62);
    let seen: Vec<_> =
        ws.read().rating_events(&study()).unwrap().iter().map(|e| e.diff_visible).collect();
    assert_eq!(seen, [Some(true), Some(false)]);
    // a failed write shows nothing
    let mut s = open(&ws);
    act(&mut s, &mut ws, Act::Begin, 70);
    act(&mut s, &mut ws, Act::GoTo(1), 70);
    assert!(s.act(Act::ShowDiff(true), at(71)).is_some());
    s.written(Err(SaveError::Busy { seconds: 60 }), at(131));
    assert!(!shown(&s).diff && s.has_unsaved());
}

#[test]
fn time_on_a_pair_that_was_left_goes_with_the_next_write_and_with_leaving() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 3);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    act(&mut s, &mut ws, Act::Score(score(5)), 4);
    // ten seconds on the second pair, then back to the first and an edit there
    act(&mut s, &mut ws, Act::Back, 14);
    assert_eq!(kinds(&ws), []);
    act(&mut s, &mut ws, Act::Score(score(4)), 15);
    assert_eq!(kinds(&ws), [ViewKind::Leave]);
    assert_eq!(shown(&s).number, 2);
    act(&mut s, &mut ws, Act::Leave, 18);
    assert_eq!(kinds(&ws), [ViewKind::Leave, ViewKind::Leave]);
    drop(s);
    let mut s = open(&ws);
    act(&mut s, &mut ws, Act::Begin, 100);
    assert_eq!(shown(&s).number, 2);
    act(&mut s, &mut ws, Act::Score(score(2)), 105);
    let last = ws.read().rating_events(&study()).unwrap().pop().unwrap();
    assert_eq!(last.active_ms, Some(18_000), "10 before the edit, 3 before leaving, 5 now");
    // what was rated is counted once: nothing is left to add
    let s = open(&ws);
    assert!(s.loaded.entries.iter().all(|e| e.spent_ms == 0));
}

#[test]
fn leaving_without_anything_to_log_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 1);
    let mut s = open(&ws);
    assert_eq!(s.act(Act::Leave, at(0)), None);
    begin(&mut s, &mut ws);
    assert_eq!(s.act(Act::Leave, at(0)), None);
    act(&mut s, &mut ws, Act::Score(score(5)), 1);
    assert_eq!(s.act(Act::Leave, at(5)), None);
}

#[test]
fn a_sensitive_pair_is_covered_until_a_key_and_that_is_logged() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = Workspace::create(dir.path()).unwrap();
    let warned = serde_json::json!({"people": {"content_warning": "insults"}});
    let items =
        [Item { sensitive: true, ..item(1, "en") }, Item { sensitive: true, ..item(2, "en") }];
    put(&mut ws, &items, warned);
    fix_plan(&mut ws, &study(), &[person("r1", &["en"])]).unwrap();
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    assert!(shown(&s).hidden && shown(&s).warning == Some("insults"));
    for a in [Act::Score(score(3)), Act::ShowDiff(true), Act::Broken] {
        act(&mut s, &mut ws, a, 1);
        assert!(shown(&s).hidden && s.notice().is_some());
    }
    assert_eq!(s.own()[0].left, "(covered)");
    act(&mut s, &mut ws, Act::Reveal, 2);
    assert!(!shown(&s).hidden);
    assert_eq!(kinds(&ws), [ViewKind::Revealed]);
    act(&mut s, &mut ws, Act::Score(score(3)), 3);
    assert!(shown(&s).hidden, "each pair has a key of its own");
    // passed over without having been seen
    act(&mut s, &mut ws, Act::LeaveOut(Reason::Offensive, None), 4);
    assert!(matches!(s.view(), View::Done(d) if d.left_out == 1));
    let mut s = open(&ws);
    act(&mut s, &mut ws, Act::Begin, 9);
    act(&mut s, &mut ws, Act::GoTo(1), 9);
    assert!(!shown(&s).hidden, "uncovered stays uncovered");
}
