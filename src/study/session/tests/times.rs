//! Active time, pauses and breaks.

use super::*;

fn active(ws: &Workspace) -> Vec<u32> {
    ws.read().rating_events(&study()).unwrap().iter().filter_map(|e| e.active_ms).collect()
}

#[test]
fn an_idle_stretch_counts_up_to_the_limit_and_a_clock_set_back_counts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 4);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    act(&mut s, &mut ws, Act::Score(score(1)), 7);
    // an hour away, then a key, then five seconds
    act(&mut s, &mut ws, Act::Look, 3607);
    act(&mut s, &mut ws, Act::Score(score(1)), 3612);
    act(&mut s, &mut ws, Act::Look, 10);
    act(&mut s, &mut ws, Act::Score(score(1)), 13);
    assert_eq!(active(&ws), [7000, 65_000, 3000]);
}

#[test]
fn pauses_the_guideline_and_a_slow_save_are_not_the_raters_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 3);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    act(&mut s, &mut ws, Act::Pause, 4);
    assert!(matches!(s.view(), View::Break(b) if b.asked));
    act(&mut s, &mut ws, Act::Begin, 40);
    act(&mut s, &mut ws, Act::Guideline(true), 43);
    assert_eq!(s.view(), View::Guideline { first: false });
    act(&mut s, &mut ws, Act::Guideline(false), 70);
    let Some(Effect::Save(_)) = s.act(Act::Score(score(2)), at(72)) else { panic!() };
    s.written(Err(SaveError::Busy { seconds: 30 }), at(102));
    act(&mut s, &mut ws, Act::Score(score(3)), 103);
    assert_eq!(active(&ws), [4000 + 3000 + 2000 + 1000]);
    let shown_at = ws.read().rating_events(&study()).unwrap()[0].shown_at;
    assert_eq!(shown_at, Some(at(40)));
}

#[test]
fn a_pair_left_and_found_again_keeps_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 2);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    act(&mut s, &mut ws, Act::Score(score(2)), 5);
    act(&mut s, &mut ws, Act::Back, 9);
    act(&mut s, &mut ws, Act::Next, 19);
    act(&mut s, &mut ws, Act::Score(score(2)), 22);
    assert_eq!(active(&ws), [5000, 7000], "four seconds before, three after");
}

#[test]
fn a_break_is_proposed_after_many_pairs_and_the_time_left_is_estimated() {
    let dir = tempfile::tempdir().unwrap();
    let n = BREAK_AFTER_ITEMS + 10;
    let mut ws = place(&dir, n);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    assert_eq!(s.progress().left_ms, None);
    for i in 1..=BREAK_AFTER_ITEMS {
        assert_eq!(shown(&s).number, i);
        act(&mut s, &mut ws, Act::Score(score(4)), i as i64 * 6);
    }
    let View::Break(b) = s.view() else { panic!("{:?}", s.view()) };
    assert_eq!((b.asked, b.items, b.active_ms), (false, BREAK_AFTER_ITEMS, 240_000));
    assert_eq!(s.progress().left_ms, Some(60_000));
    act(&mut s, &mut ws, Act::Score(score(1)), 400);
    assert!(matches!(s.view(), View::Break(_)), "no pair is rated behind the break");
    act(&mut s, &mut ws, Act::Begin, 1000);
    assert_eq!(shown(&s).number, BREAK_AFTER_ITEMS + 1);
}
