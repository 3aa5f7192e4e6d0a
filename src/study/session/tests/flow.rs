//! A day of rating by acts alone.

use super::*;
use crate::store::{EventKind, Reason};

#[test]
fn a_rater_consents_reads_the_guideline_rates_and_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 3);
    let mut s = open(&ws);
    assert!(matches!(&s.view(), View::Welcome(w) if w.consent.is_some()));
    act(&mut s, &mut ws, Act::Score(score(3)), 1);
    assert!(matches!(s.view(), View::Welcome(_)), "no score before the consent");
    act(&mut s, &mut ws, Act::Begin, 2);
    let consent = ws.read().rater(&study(), &rater("r1")).unwrap().unwrap().consent.unwrap();
    assert_eq!((consent.version.as_str(), consent.at), ("consent@1", at(2)));
    assert_eq!(s.view(), View::Guideline { first: true });
    act(&mut s, &mut ws, Act::Begin, 3);
    for n in [5, 1, 4] {
        assert_eq!(s.progress().done, shown(&s).number - 1);
        act(&mut s, &mut ws, Act::Score(score(n)), 10);
    }
    let View::Done(done) = s.view() else { panic!("{:?}", s.view()) };
    assert_eq!((done.rated, done.scores), (3, [1, 0, 0, 1, 1]));
    assert_eq!(stored(&ws), [5, 1, 4]);
    // another day: no consent and no guideline again
    let mut s = open(&ws);
    assert!(matches!(&s.view(), View::Welcome(w) if w.consent.is_none()));
    act(&mut s, &mut ws, Act::Begin, 90_000);
    assert!(matches!(s.view(), View::Done(_)));
}

#[test]
fn the_session_does_not_move_before_the_save_and_stays_after_a_failed_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 2);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    let Some(Effect::Save(write)) = s.act(Act::Score(score(4)), at(5)) else { panic!() };
    assert_eq!((shown(&s).number, shown(&s).saving), (1, Saving::Now));
    assert_eq!(s.act(Act::Score(score(5)), at(6)), None, "one write at a time");
    assert!(s.notice().is_some() && s.has_unsaved());
    assert_eq!(s.written(Err(SaveError::Busy { seconds: 60 }), at(65)), None);
    assert_eq!(shown(&s).number, 1);
    assert!(matches!(shown(&s).saving, Saving::Failed { message } if message.contains("`r`")));
    assert_eq!(s.act(Act::Next, at(66)), None);
    assert_eq!(shown(&s).number, 1, "an unsaved pair is not left");
    assert_eq!(s.act(Act::Retry, at(67)), Some(Effect::Save(write.clone())), "the same write");
    s.written(Err(SaveError::Busy { seconds: 60 }), at(130));
    let again = s.act(Act::Score(score(4)), at(131));
    assert_eq!(again, Some(Effect::Save(write.clone())), "the same key sends it too");
    let result = save(&mut ws, &write, PATIENCE);
    s.written(result, at(132));
    assert_eq!((shown(&s).number, s.last_saved().unwrap().score), (2, Some(score(4))));
    assert_eq!(stored(&ws), [4, 0]);
}

#[test]
fn undo_is_an_event_and_goes_back_over_edits_and_skips_to_the_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 3);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    act(&mut s, &mut ws, Act::Score(score(2)), 1);
    act(&mut s, &mut ws, Act::Skip, 2);
    act(&mut s, &mut ws, Act::Back, 3);
    act(&mut s, &mut ws, Act::Back, 3);
    assert_eq!(shown(&s).number, 1);
    act(&mut s, &mut ws, Act::Score(score(3)), 4);
    assert_eq!((stored(&ws), shown(&s).number), (vec![3, 0, 0], 3));
    act(&mut s, &mut ws, Act::Undo, 5);
    assert_eq!((stored(&ws), shown(&s).number), (vec![2, 0, 0], 1));
    act(&mut s, &mut ws, Act::Undo, 6);
    assert_eq!((stored(&ws), shown(&s).number), (vec![2, 0, 0], 2), "the skipped pair");
    act(&mut s, &mut ws, Act::Undo, 7);
    assert_eq!((stored(&ws), shown(&s).number), (vec![0, 0, 0], 1));
    act(&mut s, &mut ws, Act::Undo, 8);
    assert!(s.notice().unwrap().contains("nothing to undo"));
    let kinds: Vec<EventKind> =
        ws.read().rating_events(&study()).unwrap().iter().map(|e| e.kind).collect();
    use EventKind::{Edit, Skip, Submit, Undo};
    assert_eq!(kinds, [Submit, Skip, Edit, Undo, Undo], "nothing is deleted");
}

#[test]
fn what_was_put_off_comes_again_at_the_end_and_what_cannot_be_judged_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 4);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    for a in [Act::Skip, Act::LeaveOut(Reason::CannotJudge, None), Act::Score(score(5)), Act::Skip]
    {
        act(&mut s, &mut ws, a, 1);
    }
    assert!(matches!(s.view(), View::Done(d) if d.put_off == 2 && d.left_out == 1));
    act(&mut s, &mut ws, Act::Begin, 2);
    assert_eq!(shown(&s).number, 1);
    act(&mut s, &mut ws, Act::Skip, 3);
    assert_eq!(shown(&s).number, 4);
    act(&mut s, &mut ws, Act::Score(score(2)), 4);
    assert!(matches!(s.view(), View::Done(d) if d.put_off == 1 && d.rated == 2));
    assert_eq!(stored(&ws), [0, 0, 5, 2]);
    // a pair that could not be judged can be rated after all
    act(&mut s, &mut ws, Act::GoTo(2), 5);
    act(&mut s, &mut ws, Act::Score(score(1)), 6);
    assert_eq!(stored(&ws), [0, 1, 5, 2]);
    let skips = ws.read().rating_events(&study()).unwrap();
    let reasons: Vec<_> =
        skips.iter().filter(|e| e.kind == EventKind::Skip).map(|e| e.reason).collect();
    assert_eq!(reasons, [None, Some(Reason::CannotJudge), None], "a second skip is no event");
}

#[test]
fn flags_and_comments_are_stored_at_once_and_stay_on_the_pair() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 2);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    act(&mut s, &mut ws, Act::Broken, 1);
    act(&mut s, &mut ws, Act::Flag("names a real person".into()), 2);
    act(&mut s, &mut ws, Act::Comment("  \n ".into()), 3);
    act(&mut s, &mut ws, Act::Comment("two\nlines".into()), 3);
    let view = shown(&s);
    assert_eq!((view.number, view.flags), (1, &[Reason::BrokenText, Reason::Other][..]));
    assert_eq!(view.comments, ["names a real person", "two\nlines"]);
    let events = ws.read().rating_events(&study()).unwrap();
    assert_eq!(events.len(), 3);
    assert_eq!(events[2].comment.as_deref(), Some("two\nlines"));
    assert_eq!(events[2].reason, Some(Reason::Comment));
    act(&mut s, &mut ws, Act::Score(score(3)), 4);
    assert_eq!(stored(&ws), [3, 0]);
    act(&mut s, &mut ws, Act::Back, 5);
    assert_eq!(shown(&s).comments.len(), 2, "they are seen again");
}

#[test]
fn an_earlier_rating_is_changed_from_the_list_and_the_session_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 5);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    for n in [1, 2, 3] {
        act(&mut s, &mut ws, Act::Score(score(n)), 1);
    }
    let numbers: Vec<usize> = s.own().iter().map(|o| o.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4], "pairs that were not shown yet are not in it");
    act(&mut s, &mut ws, Act::GoTo(5), 2);
    assert_eq!(shown(&s).number, 4, "nor can they be gone to");
    act(&mut s, &mut ws, Act::GoTo(2), 2);
    assert!(matches!(shown(&s).standing, Standing::Rated { score: x, .. } if x == score(2)));
    act(&mut s, &mut ws, Act::Score(score(2)), 3);
    assert_eq!(shown(&s).number, 4, "the same score again is no edit");
    act(&mut s, &mut ws, Act::GoTo(1), 4);
    act(&mut s, &mut ws, Act::Score(score(5)), 5);
    assert_eq!((shown(&s).number, stored(&ws)), (4, vec![5, 2, 3, 0, 0]));
    assert_eq!(ws.read().rating_events(&study()).unwrap().len(), 4);
    act(&mut s, &mut ws, Act::Back, 6);
    act(&mut s, &mut ws, Act::Skip, 6);
    assert!(s.notice().unwrap().contains("takes a rating back"));
}

#[test]
fn the_word_difference_is_off_for_every_pair_logged_when_shown_and_refused_where_not_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 3);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    act(&mut s, &mut ws, Act::ShowDiff(true), 1);
    assert!(shown(&s).diff);
    act(&mut s, &mut ws, Act::ShowDiff(false), 1);
    act(&mut s, &mut ws, Act::Score(score(3)), 2);
    assert!(!shown(&s).diff);
    act(&mut s, &mut ws, Act::Score(score(3)), 3);
    let seen: Vec<_> =
        ws.read().rating_events(&study()).unwrap().iter().map(|e| e.diff_visible).collect();
    assert_eq!(seen, [Some(true), Some(false)], "shown and hidden again is shown");

    let dir = tempfile::tempdir().unwrap();
    let mut ws = Workspace::create(dir.path()).unwrap();
    put(&mut ws, &[item(1, "en")], serde_json::json!({"word_diff": false}));
    fix_plan(&mut ws, &study(), &[person("r1", &["en"])]).unwrap();
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    act(&mut s, &mut ws, Act::ShowDiff(true), 1);
    assert!(!shown(&s).diff && !shown(&s).diff_allowed && s.notice().is_some());
}

#[test]
fn a_swapped_pair_shows_its_texts_the_other_way_round_and_nothing_tells() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 12);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    let swaps: Vec<bool> =
        ws.read().assignments(&study()).unwrap().iter().map(|a| a.content.swap).collect();
    assert!(swaps.contains(&true) && swaps.contains(&false));
    for swap in swaps {
        assert_eq!(shown(&s).left.starts_with("sample"), swap);
        assert_eq!(shown(&s).right.starts_with("seed"), swap);
        act(&mut s, &mut ws, Act::Score(score(3)), 1);
    }
    // what the pair is for, its sample and its seed are nowhere in the session's memory
    let memory = format!("{:?}", open(&ws));
    assert!(!memory.contains("Q27") && !memory.contains("i001"), "{memory}");
}
