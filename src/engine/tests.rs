//! The engine's inside, without processes: merges, subscriptions, recovery.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::core::Core;
use super::lifecycle::Supervisor;
use super::protocol::Push;
use super::{Ingest, StateDir, connection, ingest, requests, watch};
use crate::job::{Attempt, ExitFile, NewRun, RunFile, RunKind, RunSpec, RunState, StateName, now};
use crate::store::engine::EngineDb;

fn core(dir: &Path, ingest: Arc<Ingest>) -> Arc<Core> {
    let state = StateDir::at(dir.join("s")).unwrap();
    let db = EngineDb::open(&state.db()).unwrap();
    let socket = state.socket();
    Arc::new(Core::new(state, socket, db, 2, ingest, false))
}

/// A run that the engine has taken in, with its first attempt.
fn arrived(core: &Arc<Core>, dir: &Path, kind: RunKind) -> (RunSpec, Attempt) {
    let new = NewRun::new(kind, dir);
    let (run_dir, spec) = new.create(&dir.join("runs"), |_| Ok(())).unwrap();
    let request = super::protocol::Request::Add { dir: run_dir.clone(), secrets: [].into() };
    requests::answer(core, request).unwrap();
    (spec, Attempt::open(run_dir.join("attempt-1")).unwrap())
}

fn ended(attempt: &Attempt) {
    let exit = ExitFile { code: Some(0), started: Some(now()), ..ExitFile::unstarted(now()) };
    attempt.write_json(ExitFile::NAME, &exit).unwrap();
}

fn state_of(core: &Core, spec: &RunSpec) -> StateName {
    core.lock().db.get(&spec.id).unwrap().unwrap().state.name()
}

#[test]
fn the_last_merge_comes_before_the_end_is_announced() {
    let tmp = tempfile::tempdir().unwrap();
    let slot: Arc<Mutex<Option<Arc<Core>>>> = Arc::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (inside, calls) = (Arc::clone(&slot), Arc::clone(&seen));
    let core = core(
        tmp.path(),
        Arc::new(move |spec, _, ended| {
            let core = inside.lock().unwrap().clone().unwrap();
            calls.lock().unwrap().push((ended, state_of(&core, spec)));
            Ok(())
        }),
    );
    *slot.lock().unwrap() = Some(Arc::clone(&core));
    let (spec, attempt) = arrived(&core, tmp.path(), RunKind::Augment);
    ended(&attempt);
    let run =
        Supervisor { core: Arc::clone(&core), attempt, spec: spec.clone(), secrets: [].into() };
    run.carry(false);
    assert_eq!(*seen.lock().unwrap(), [(true, StateName::Queued)]);
    assert_eq!(state_of(&core, &spec), StateName::Succeeded);
    assert!(core.lock().db.not_ingested().unwrap().is_empty());
    *slot.lock().unwrap() = None;
}

#[test]
fn a_merge_that_failed_or_panicked_does_not_hold_up_the_end_and_is_tried_again() {
    let tmp = tempfile::tempdir().unwrap();
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let core = core(
        tmp.path(),
        Arc::new(move |_, _, _| match counted.fetch_add(1, SeqCst) {
            0 => Err("the workspace is busy".into()),
            1 => panic!("a bug"),
            _ => Ok(()),
        }),
    );
    let (spec, attempt) = arrived(&core, tmp.path(), RunKind::Evaluate);
    ended(&attempt);
    Supervisor { core: Arc::clone(&core), attempt, spec: spec.clone(), secrets: [].into() }
        .carry(false);
    assert_eq!(state_of(&core, &spec), StateName::Succeeded);
    for left in [1, 0, 0] {
        watch::merge_leftovers(&core);
        assert_eq!(core.lock().db.not_ingested().unwrap().len(), left);
    }
    assert_eq!(calls.load(SeqCst), 3, "what is merged is not merged again");
}

#[test]
fn results_of_a_live_run_are_merged_when_they_grew_and_only_then() {
    let tmp = tempfile::tempdir().unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let counted = Arc::clone(&calls);
    let core = core(
        tmp.path(),
        Arc::new(move |_, _, ended| {
            counted.lock().unwrap().push(ended);
            Ok(())
        }),
    );
    let (spec, attempt) = arrived(&core, tmp.path(), RunKind::Augment);
    let record = core.lock().db.get(&spec.id).unwrap().unwrap();
    let mut seen = watch::Seen::default();
    let mut results = attempt.results().unwrap();
    for (rows, calls_now) in [(0, 0), (1, 1), (0, 1), (2, 2), (0, 2)] {
        for _ in 0..rows {
            results.write(&1).unwrap();
        }
        watch::look(&core, &record, &mut seen, true);
        assert_eq!(*calls.lock().unwrap(), vec![false; calls_now]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_resynchronised_and_misses_no_end() {
    let tmp = tempfile::tempdir().unwrap();
    let core = core(tmp.path(), ingest::none());
    let (spec, attempt) = arrived(&core, tmp.path(), RunKind::Command);
    let (ours, theirs) = UnixStream::pair().unwrap();
    tokio::spawn(connection::serve(Arc::clone(&core), theirs));
    let (read, mut write) = ours.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"{\"id\":1,\"do\":\"subscribe\"}\n").await.unwrap();
    assert!(lines.next_line().await.unwrap().unwrap().contains("hello"));
    assert!(lines.next_line().await.unwrap().unwrap().contains("\"id\":1,\"ok\""));
    core.lock().db.begin_bulk().unwrap();
    // Nobody reads now. The engine's own work is not held up by that.
    let note = "x".repeat(2_000);
    let mut record = core.lock().db.get(&spec.id).unwrap().unwrap();
    for i in 0..3_000 {
        let reason = format!("{i} {note}");
        let state = RunState::Blocked { queued_at: spec.queued_at, reason };
        core.lock().db.transition(&mut record, 1, state, false).map(|row| core.tell(&row)).unwrap();
    }
    ended(&attempt);
    let last =
        Supervisor { core: Arc::clone(&core), attempt, spec: spec.clone(), secrets: [].into() };
    tokio::task::spawn_blocking(move || last.carry(false)).await.unwrap();
    let (mut newest, mut resyncs) = (0, 0);
    loop {
        let line = lines.next_line().await.unwrap().unwrap();
        let (seq, state) = match serde_json::from_str(&line).unwrap() {
            Push::Event { seq, run } => (seq, run.state),
            Push::Resync(s) => {
                resyncs += 1;
                (s.seq, s.items[0].state)
            }
            Push::Progress { .. } => continue,
        };
        assert!(seq > newest, "never backwards, never twice");
        newest = seq;
        if state == StateName::Succeeded {
            break;
        }
    }
    assert!(resyncs > 0);
}

#[test]
fn a_shim_that_is_slow_to_start_its_work_is_not_taken_for_a_stranger() {
    use crate::job::{Mention, ProcessMark, RunLock, boot_id};
    let tmp = tempfile::tempdir().unwrap();
    let core = core(tmp.path(), ingest::none());
    let (_, attempt) = arrived(&core, tmp.path(), RunKind::Command);
    let mut lock = RunLock::try_take(attempt.run_dir()).unwrap().unwrap();
    let begun = || match super::judge::judge(&attempt).unwrap() {
        super::judge::Verdict::Alive { shim: true, run: None, begun } => begun,
        other => panic!("{other:?}"),
    };
    assert!(!begun(), "nobody has said who holds the lock");
    let shim = ProcessMark::own().unwrap();
    lock.write_mention(&Mention { attempt: 1, boot_id: boot_id(), shim }).unwrap();
    assert!(begun());
}

#[test]
fn a_pid_of_another_boot_is_no_life() {
    let tmp = tempfile::tempdir().unwrap();
    let core = core(tmp.path(), ingest::none());
    let (spec, attempt) = arrived(&core, tmp.path(), RunKind::Command);
    let me = crate::job::ProcessMark::own().unwrap();
    let boot_id = "another-boot".to_owned();
    attempt
        .write_json(
            RunFile::NAME,
            &RunFile { boot_id, shim: me, work: me, started: now(), host: None },
        )
        .unwrap();
    Supervisor { core: Arc::clone(&core), attempt, spec: spec.clone(), secrets: [].into() }
        .carry(false);
    let record = core.lock().db.get(&spec.id).unwrap().unwrap();
    assert_eq!(record.state.name(), StateName::Lost);
    assert!(record.view().reason.unwrap().contains("restarted"));
}

#[test]
fn a_run_waits_for_its_secret_and_a_misspelt_gpu_is_refused() {
    let tmp = tempfile::tempdir().unwrap();
    let core = core(tmp.path(), ingest::none());
    let add = |change: &dyn Fn(&mut NewRun)| {
        let mut new = NewRun::new(RunKind::Command, tmp.path());
        change(&mut new);
        let (dir, spec) = new.create(&tmp.path().join("runs"), |_| Ok(())).unwrap();
        let request = super::protocol::Request::Add { dir, secrets: [].into() };
        (spec, requests::answer(&core, request))
    };
    let (spec, answer) = add(&|n| n.secrets = vec!["THE_KEY".into()]);
    assert!(answer.unwrap().contains("waits for the secret THE_KEY"));
    let secrets = [("THE_KEY".to_owned(), "hush".to_owned())].into();
    let request = super::protocol::Request::Secrets { run: spec.id.clone(), secrets };
    requests::answer(&core, request).unwrap();
    assert_eq!(state_of(&core, &spec), StateName::Queued);
    let (_, answer) = add(&|n| {
        n.resources.gpus = 1;
        n.env.insert("CUDA_VISIBLE_DEVICES".into(), "O".into());
    });
    assert!(answer.unwrap_err().message.contains("`O` is no GPU"));
}
