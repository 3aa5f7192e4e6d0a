//! Locked databases, two windows, and pairs that are taken away.

use std::time::Duration;

use super::*;
use crate::store::{Access, NewView, ViewKind};

#[test]
fn a_locked_database_is_waited_for_and_a_short_patience_ends_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 2);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    let Some(Effect::Save(write)) = s.act(Act::Score(score(4)), at(1)) else { panic!() };
    let file = dir.path().join(Workspace::FILE);
    let (locked, is_locked) = std::sync::mpsc::channel();
    let (unlock, wait) = std::sync::mpsc::channel::<()>();
    let holder = std::thread::spawn(move || {
        let conn = rusqlite::Connection::open(file).unwrap();
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        locked.send(()).unwrap();
        let _ = wait.recv();
        conn.execute_batch("ROLLBACK").unwrap();
    });
    is_locked.recv().unwrap();
    // held for as long as one try waits: the first answer is that it is busy
    let first = save(&mut ws, &write, Duration::ZERO);
    assert!(matches!(first, Err(SaveError::Busy { .. })), "{first:?}");
    s.written(first, at(12));
    assert_eq!(shown(&s).number, 1);
    let waiting = std::thread::spawn({
        let (folder, write) = (dir.path().to_owned(), write.clone());
        move || {
            let mut ws = Workspace::open(&folder, Access::Write).unwrap();
            save(&mut ws, &write, PATIENCE)
        }
    });
    unlock.send(()).unwrap();
    holder.join().unwrap();
    assert!(waiting.join().unwrap().is_ok());
    // the rater tries again what was stored behind their back: it is stored once
    act(&mut s, &mut ws, Act::Retry, 13);
    assert_eq!((shown(&s).number, stored(&ws)), (2, vec![4, 0]));
}

#[test]
fn a_pair_rated_in_another_window_is_read_again_and_can_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 2);
    let (mut a, mut b) = (open(&ws), open(&ws));
    begin(&mut a, &mut ws);
    begin(&mut b, &mut ws);
    act(&mut a, &mut ws, Act::Score(score(1)), 1);
    let Some(Effect::Save(write)) = b.act(Act::Score(score(5)), at(2)) else { panic!() };
    let result = save(&mut ws, &write, PATIENCE);
    assert_eq!(b.written(result, at(2)), Some(Effect::Reload));
    b.reloaded(load(ws.read(), &study(), &rater("r1")), at(3));
    assert_eq!(shown(&b).number, 1);
    assert!(matches!(shown(&b).standing, Standing::Rated { score: x, .. } if x == score(1)));
    assert!(b.notice().unwrap().contains("rated before"));
    act(&mut b, &mut ws, Act::Score(score(5)), 4);
    assert_eq!(stored(&ws), [5, 0]);
}

#[test]
fn a_pair_that_was_taken_back_meanwhile_is_left_and_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 2);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    let first = ws.read().assignments_of(&study(), &rater("r1")).unwrap()[0].id;
    ws.write(|tx| tx.release(first)).unwrap();
    let Some(Effect::Save(write)) = s.act(Act::Score(score(5)), at(2)) else { panic!() };
    let result = save(&mut ws, &write, PATIENCE);
    assert_eq!(s.written(result, at(2)), Some(Effect::Reload));
    s.reloaded(load(ws.read(), &study(), &rater("r1")), at(3));
    assert_eq!((shown(&s).number, shown(&s).total), (1, 1));
    assert!(s.notice().unwrap().contains("released"));
}

#[test]
fn a_read_only_database_keeps_the_pair_and_says_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 1);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    let Some(Effect::Save(write)) = s.act(Act::Score(score(5)), at(2)) else { panic!() };
    let mut read_only = Workspace::open(dir.path(), Access::Read).unwrap();
    let result = save(&mut read_only, &write, PATIENCE);
    s.written(result, at(2));
    assert!(matches!(shown(&s).saving, Saving::Failed { message } if message.contains("writable")));
    assert_eq!(s.unsaved(), Some(&write), "it can be kept and sent another day");
}

/// A window that was open when its rater left the study.
#[test]
fn who_left_the_study_writes_nothing_more_and_a_second_withdrawal_erases_what_came_since() {
    let dir = tempfile::tempdir().unwrap();
    let mut ws = place(&dir, 2);
    let mut s = open(&ws);
    begin(&mut s, &mut ws);
    let assignment = ws.read().assignments(&study()).unwrap()[0].id;
    let look = || NewView {
        uuid: uuid::Uuid::now_v7(),
        assignment,
        rater: rater("r1"),
        kind: ViewKind::Diff,
        active_ms: None,
    };
    let left = ws.write(|tx| tx.withdraw(&study(), &rater("r1"))).unwrap();
    let write = Write {
        study: study(),
        rater: rater("r1"),
        what: What::View(look()),
        views: Vec::new(),
        texts: Vec::new(),
    };
    let refused = save(&mut ws, &write, PATIENCE).unwrap_err();
    assert!(matches!(&refused, SaveError::Refused { rule } if rule.contains("left study")));
    assert!(ws.read().views_of(&study(), &rater("r1")).unwrap().is_empty());
    // an older program, or a hand, wrote all the same
    ws.write(|tx| tx.put_view(&look())).unwrap();
    let found = crate::study::verify(ws.read(), &study()).unwrap();
    assert!(found.iter().any(|f| format!("{f:?}").contains("1 looks")), "{found:?}");
    assert_eq!(ws.write(|tx| tx.withdraw(&study(), &rater("r1"))).unwrap(), left);
    assert!(ws.read().views_of(&study(), &rater("r1")).unwrap().is_empty());
}
