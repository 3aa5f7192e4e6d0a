//! The database at its door.

use std::path::Path;

use super::*;
use crate::domain::RunId;
use crate::job::{Exit, NewRun, RunKind, RunSpec, RunState, StateName, now};

fn spec(id: &str, request: &str, priority: i32) -> RunSpec {
    let tmp = tempfile::tempdir().unwrap();
    let (_, spec) = NewRun::new(RunKind::Command, "/w").create(tmp.path(), |_| Ok(())).unwrap();
    RunSpec { id: RunId::new(id).unwrap(), request_id: request.into(), priority, ..spec }
}

fn add(db: &mut EngineDb, spec: &RunSpec) -> Added {
    let state = RunState::Queued { queued_at: spec.queued_at };
    db.add(&NewRow { spec, dir: Path::new("/w/runs/x"), attempt: 1, state: &state }).unwrap()
}

#[test]
fn what_is_no_database_is_called_damaged_and_left_as_it_is() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("engine.db");
    std::fs::write(&path, vec![7u8; 8192]).unwrap();
    assert!(matches!(EngineDb::open(&path), Err(EngineDbError::Corrupt { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), vec![7u8; 8192]);
}

#[test]
fn a_newer_schema_is_refused_with_the_way_out() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("engine.db");
    let db = EngineDb::open(&path).unwrap();
    assert!(db.is_fresh());
    db.conn.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let e = EngineDb::open(&path).unwrap_err().to_string();
    assert!(e.contains("schema 99") && e.contains("upgrade"), "{e}");
}

#[test]
fn the_same_request_id_is_one_run() {
    let tmp = tempfile::tempdir().unwrap();
    let mut db = EngineDb::open(&tmp.path().join("engine.db")).unwrap();
    assert!(matches!(add(&mut db, &spec("a", "r1", 0)), Added::New(..)));
    let Added::Known(known) = add(&mut db, &spec("b", "r1", 0)) else { panic!("twice") };
    assert_eq!(known.id.as_str(), "a");
    assert!(matches!(add(&mut db, &spec("a", "r2", 0)), Added::Known(_)));
    let a = Known { id: "a".into(), attempt: 1, waits: true, dir: "/w/runs/x".into() };
    assert_eq!(db.known().unwrap(), [a]);
}

#[test]
fn the_queue_is_by_priority_then_by_arrival_and_a_retry_goes_to_its_end() {
    let tmp = tempfile::tempdir().unwrap();
    let mut db = EngineDb::open(&tmp.path().join("engine.db")).unwrap();
    for (id, priority) in [("a", 0), ("b", 0), ("c", 5)] {
        add(&mut db, &spec(id, id, priority));
    }
    let ids = |db: &EngineDb| {
        db.queue(10, &[]).unwrap().iter().map(|r| r.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&db), ["c", "a", "b"]);
    let mut a = db.get(&RunId::new("a").unwrap()).unwrap().unwrap();
    let queued = a.state.clone();
    db.transition(&mut a, 2, queued, false).unwrap();
    assert_eq!(ids(&db), ["c", "b", "a"]);
}

#[test]
fn transitions_and_their_events_stay_together_and_in_order() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("engine.db");
    let mut db = EngineDb::open(&path).unwrap();
    let Added::New(mut run, first) = add(&mut db, &spec("a", "a", 0)) else { panic!("known") };
    let t = now();
    let ended = RunState::Failed {
        queued_at: t,
        started_at: Some(t),
        ended_at: t,
        exit: Some(Exit::Code(7)),
        reason: None,
    };
    let last = db.transition(&mut run, 1, ended, true).unwrap();
    drop(db);
    let db = EngineDb::open(&path).unwrap();
    assert!(!db.is_fresh());
    assert_eq!(db.get(&run.id).unwrap().unwrap(), run);
    assert_eq!(run.view().state, StateName::Failed);
    assert_eq!(db.events_since(first.seq).unwrap().unwrap(), std::slice::from_ref(&last));
    assert_eq!(db.events_since(last.seq + 1).unwrap(), None, "a number of another database");
    db.drop_old_events(1).unwrap();
    assert_eq!(db.events_since(0).unwrap(), None, "a gap is never hidden");
    assert_eq!(db.events_since(first.seq).unwrap().unwrap(), [last]);
}

#[test]
fn lists_are_paged_newest_first_without_gaps() {
    let tmp = tempfile::tempdir().unwrap();
    let mut db = EngineDb::open(&tmp.path().join("engine.db")).unwrap();
    for i in 0..7 {
        add(&mut db, &spec(&format!("r{i}"), &format!("r{i}"), 0));
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = db.list(&ListQuery { before, limit: 3, ..ListQuery::default() }).unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        seen.extend(page.iter().map(|r| r.id.to_string()));
    }
    assert_eq!(seen, ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]);
    let none = ListQuery { workspace: Some(Path::new("/v")), limit: 3, ..ListQuery::default() };
    assert!(db.list(&none).unwrap().is_empty());
}

#[test]
fn filters_and_pages_either_way_agree_with_a_look_at_every_run() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("engine.db");
    let mut db = EngineDb::open(&path).unwrap();
    for i in 0..30 {
        let mut s = spec(&format!("r{i:02}"), &format!("r{i:02}"), 0);
        s.label = Some(if i % 3 == 0 { "Η ΖΩΉ one".into() } else { format!("two 50% {i}") });
        let Added::New(mut run, _) = add(&mut db, &s) else { panic!("known") };
        if i % 2 == 0 {
            let t = now();
            let end = RunState::Succeeded { queued_at: t, started_at: t, ended_at: t };
            db.transition(&mut run, 1, end, true).unwrap();
        }
    }
    let reader = EngineDb::open_to_read(&path).unwrap().unwrap();
    let all = reader.list(&ListQuery { limit: 99, ..ListQuery::default() }).unwrap();
    for words in ["", "η ζωή", "TWO", "50%", "succeeded one", "r1 command", "nothing of this", "'"]
    {
        for states in [&[][..], &[StateName::Queued], &[StateName::Queued, StateName::Succeeded]] {
            let wanted: Vec<i64> = all
                .iter()
                .filter(|r| {
                    let name = r.state.name();
                    let label = r.label.clone().unwrap();
                    let hay =
                        crate::text::fold(&format!("{} command {label} {}", r.id, name.word()));
                    (states.is_empty() || states.contains(&name))
                        && crate::text::fold(words).split(' ').all(|w| hay.contains(w))
                })
                .map(|r| r.seq)
                .collect();
            let ask = ListQuery { words, states, limit: 4, ..ListQuery::default() };
            assert_eq!(reader.count(&ask).unwrap(), wanted.len() as u64, "{words} {states:?}");
            let none = ListQuery { kind: Some(RunKind::Augment), ..ask.clone() };
            assert_eq!(reader.count(&none).unwrap(), 0);
            let (mut down, mut before) = (Vec::new(), None);
            while let page = reader.list(&ListQuery { before, ..ask.clone() }).unwrap()
                && let Some(last) = page.last()
            {
                before = Some(last.seq);
                down.extend(page.iter().map(|r| r.seq));
            }
            assert_eq!(down, wanted, "{words} {states:?}");
            let (mut up, mut after) = (Vec::new(), Some(0));
            while let page = reader.list(&ListQuery { after, ..ask.clone() }).unwrap()
                && let Some(first) = page.first()
            {
                after = Some(first.seq);
                up.splice(0..0, page.iter().map(|r| r.seq));
            }
            assert_eq!(up, wanted, "{words} {states:?}");
        }
    }
}

#[test]
fn a_database_of_the_first_schema_is_filled_in_and_cannot_be_read_before() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("engine.db");
    assert!(EngineDb::open_to_read(&path).unwrap().is_none());
    let mut db = EngineDb::open(&path).unwrap();
    add(&mut db, &spec("Old", "old", 0));
    db.conn
        .execute_batch(
            "DROP INDEX runs_found; DROP INDEX runs_with_gpus; DROP INDEX runs_due;
             DROP INDEX runs_elsewhere; ALTER TABLE runs DROP COLUMN words;
             ALTER TABLE runs DROP COLUMN gpus; ALTER TABLE runs DROP COLUMN pool;
             DROP TABLE pools; DROP TABLE waits; DROP TABLE gpu_leases; PRAGMA user_version = 1",
        )
        .unwrap();
    drop(db);
    let e = EngineDb::open_to_read(&path).unwrap_err().to_string();
    assert!(e.contains("engine start"), "{e}");
    drop(EngineDb::open(&path).unwrap());
    let reader = EngineDb::open_to_read(&path).unwrap().unwrap();
    let found = reader.list(&ListQuery { words: "old queued", limit: 3, ..ListQuery::default() });
    assert_eq!(found.unwrap().len(), 1);
}

#[test]
fn a_gpu_is_leased_once_and_with_the_start_of_its_run_or_not_at_all() {
    let tmp = tempfile::tempdir().unwrap();
    let mut db = EngineDb::open(&tmp.path().join("engine.db")).unwrap();
    let mut runs = Vec::new();
    for id in ["a", "b"] {
        let Added::New(run, _) = add(&mut db, &spec(id, id, 0)) else { panic!("known") };
        runs.push(run);
    }
    let starting = |r: &crate::job::RunRecord| RunState::Starting {
        queued_at: r.state.queued_at(),
        starting_at: now(),
        note: None,
    };
    let gpus = |names: &[&str]| names.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let state = starting(&runs[0]);
    db.transition_leasing(&mut runs[0], state, &gpus(&["GPU-1", "GPU-0"])).unwrap();
    let state = starting(&runs[1]);
    assert!(db.transition_leasing(&mut runs[1], state, &gpus(&["GPU-2", "GPU-0"])).is_err());
    let b = db.get(&runs[1].id).unwrap().unwrap();
    assert_eq!(b.state.name(), StateName::Queued, "nothing of it happened");
    let held: Vec<String> = db.leases().unwrap().into_iter().map(|l| l.gpu).collect();
    assert_eq!(held, ["GPU-1", "GPU-0"], "in the order of CUDA_VISIBLE_DEVICES");
    db.release_gpus(&runs[0].id, 1).unwrap();
    assert!(db.leases().unwrap().is_empty());
}

#[test]
fn a_full_disk_refuses_a_run_and_a_transition_and_leaves_both_as_they_were() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("engine.db");
    let mut db = EngineDb::open(&path).unwrap();
    let Added::New(mut record, _) = add(&mut db, &spec("a", "first", 0)) else { panic!("known") };
    let before = record.clone();
    let pages: i64 = db.conn.query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap();
    db.conn.pragma_update(None, "max_page_count", pages).unwrap();
    // Pages that are there already hold some more rows; then every write is refused.
    let refused = (0..500).find(|i| {
        let spec = spec(&format!("run-{i}"), &format!("request-{i}"), 0);
        let dir = std::path::PathBuf::from(format!("/nowhere/{}", "x".repeat(900)));
        let state = RunState::Queued { queued_at: spec.queued_at };
        db.add(&NewRow { spec: &spec, dir: &dir, attempt: 1, state: &state }).is_err()
    });
    assert!(refused.is_some(), "the disk is full at last");
    let known = db.counts().unwrap();
    let reason = "x".repeat(100_000);
    let state = RunState::Blocked { queued_at: record.state.queued_at(), reason };
    assert!(db.transition(&mut record, 1, state, false).is_err());
    assert_eq!(record, before, "what was not committed is not believed");
    assert_eq!(db.counts().unwrap(), known);
    // Room again: everything goes on.
    db.conn.pragma_update(None, "max_page_count", 1 << 30).unwrap();
    let state = RunState::Starting {
        queued_at: before.state.queued_at(),
        starting_at: before.state.queued_at(),
        note: None,
    };
    db.transition(&mut record, 1, state, false).unwrap();
    drop(db);
    let db = EngineDb::open(&path).unwrap();
    assert_eq!(db.get(&record.id).unwrap().unwrap(), record);
}
