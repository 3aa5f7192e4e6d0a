//! What each request does. Runs on a blocking thread: it touches the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;

use super::core::{Core, missing_secret};
use super::judge::{Close, close};
use super::protocol::{AddedRun, Files, Refusal, Request, Status};
use super::{EngineError, rebuild, workspaces};
use crate::domain::RunId;
use crate::job::{
    Attempt, JobError, RunFile, RunLock, RunRecord, RunSpec, RunState, RunView, StateName,
    StopFile, StopWhy, boot_id, now,
};
use crate::store::engine::{Added, NewRow};

impl From<EngineError> for Refusal {
    fn from(e: EngineError) -> Self {
        match e {
            EngineError::Refused(r) => r,
            e => Self::new(e.code(), e.to_string()),
        }
    }
}

impl From<crate::store::engine::EngineDbError> for Refusal {
    fn from(e: crate::store::engine::EngineDbError) -> Self {
        EngineError::from(e).into()
    }
}

impl From<JobError> for Refusal {
    fn from(e: JobError) -> Self {
        EngineError::from(e).into()
    }
}

/// The JSON of the answer. `Subscribe` and `Stop` are the connection's.
pub(super) fn answer(core: &Arc<Core>, request: Request) -> Result<String, Refusal> {
    match request {
        Request::Status => json(&status(core)?),
        Request::Ping | Request::Stop | Request::Subscribe { .. } => Ok("{}".into()),
        Request::Add { dir, secrets } => json(&add(core, &dir, secrets)?),
        Request::Secrets { run, secrets } => json(&give_secrets(core, &run, secrets)?),
        Request::List(ask) => json(&core.list(&ask)?),
        Request::Show { run } => json(&find(&core.lock(), &run)?.view()),
        Request::Cancel { run } => json(&cancel(core, &run)?),
        Request::Retry { run } => json(&retry(core, &run)?),
        Request::Logs { run, attempt } => json(&logs(core, &run, attempt)?),
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, Refusal> {
    serde_json::to_string(value).map_err(|e| Refusal::new("internal", e.to_string()))
}

fn find(inner: &super::core::Inner, run: &RunId) -> Result<RunRecord, Refusal> {
    inner.db.get(run)?.ok_or_else(|| {
        Refusal::new("no_such_run", format!("no run {run} is known to this engine"))
            .hint("`polyculture runs list` shows the known ones")
    })
}

fn status(core: &Core) -> Result<Status, Refusal> {
    let inner = core.lock();
    Ok(Status {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        state_dir: core.state.dir().to_owned(),
        note: core.state.note().map(str::to_owned),
        socket: core.socket.clone(),
        since: core.since,
        slots: core.slots,
        slots_taken: inner.live.values().sum(),
        runs: inner.db.counts()?.into_iter().collect(),
    })
}

fn add(
    core: &Arc<Core>,
    dir: &Path,
    secrets: BTreeMap<String, String>,
) -> Result<AddedRun, Refusal> {
    if !dir.is_absolute() {
        let text = format!("{}: the run's folder must be given by its full path", dir.display());
        return Err(Refusal::new("bad_request", text));
    }
    let spec = RunSpec::read(dir)?;
    if let Some(slurm) = &spec.slurm {
        slurm.check().map_err(|e| Refusal::new("bad_request", e))?;
    }
    if spec.resources.gpus > 0 && spec.slurm.is_none() {
        return Err(Refusal::new("not_supported", "GPU leases are not part of this release")
            .hint("ask for 0 GPUs; the work may still use those it sees"));
    }
    if !spec.after.is_empty() {
        let text = "runs that wait for other runs are not part of this release";
        return Err(Refusal::new("not_supported", text)
            .hint("wait for the other with `polyculture runs wait`"));
    }
    if let Some(runs) = dir.parent() {
        remember(core, runs)?;
    }
    // The attempt's folder is the promise: what has none was never taken in.
    let number = if let Some(n) = rebuild::newest_attempt_number(dir) {
        n
    } else {
        // Not synced: the commit below is the durable promise, and the folder is made again if a
        // power failure took it.
        Attempt::create(dir, 1)?;
        1
    };
    let queued_at = spec.queued_at;
    let mut inner = core.lock();
    let state = match missing_secret(&spec, Some(&secrets)) {
        Some(name) => {
            RunState::Blocked { queued_at, reason: format!("waits for the secret {name}") }
        }
        None => RunState::Queued { queued_at },
    };
    let row = NewRow { spec: &spec, dir, attempt: number, state: &state };
    match inner.db.add(&row)? {
        Added::New(record, event) => {
            core.tell(&event);
            if !secrets.is_empty() {
                inner.secrets.insert(record.id.clone(), secrets);
            }
            drop(inner);
            core.wake.notify_one();
            Ok(AddedRun { run: record.view(), known: false })
        }
        Added::Known(record) => {
            drop(inner);
            if record.dir != dir {
                // Nothing was promised for this folder after all; its client removes the rest.
                let _ = fs::remove_dir(dir.join(format!("attempt-{number}")));
            }
            Ok(AddedRun { run: record.view(), known: true })
        }
    }
}

/// Notes a folder of runs, durably, before the first of its runs is taken in.
fn remember(core: &Core, runs: &Path) -> Result<(), Refusal> {
    // The database's lock also keeps two of these apart.
    let _inner = core.lock();
    let mut known: BTreeSet<PathBuf> = workspaces::read(&core.state)?;
    if known.insert(runs.to_owned()) {
        workspaces::write(&core.state, &known)?;
    }
    Ok(())
}

fn give_secrets(
    core: &Arc<Core>,
    run: &RunId,
    secrets: BTreeMap<String, String>,
) -> Result<RunView, Refusal> {
    let mut inner = core.lock();
    let mut record = find(&inner, run)?;
    inner.secrets.entry(run.clone()).or_default().extend(secrets);
    if let RunState::Blocked { queued_at, .. } = record.state {
        let spec = RunSpec::read(&record.dir)?;
        if missing_secret(&spec, inner.secrets.get(run)).is_none() {
            let attempt = record.attempt;
            let state = RunState::Queued { queued_at };
            core.transition(&mut inner, &mut record, attempt, state, false)?;
            core.wake.notify_one();
        }
    }
    Ok(record.view())
}

fn cancel(core: &Arc<Core>, run: &RunId) -> Result<RunView, Refusal> {
    let mut inner = core.lock();
    let mut record = find(&inner, run)?;
    let name = record.state.name();
    if name.is_final() {
        let text = format!("run {run} has ended already: {}", name.word());
        return Err(Refusal::new("not_now", text));
    }
    if name == StateName::Stopping {
        return Ok(record.view());
    }
    let number = record.attempt;
    let attempt = Attempt::open(record.dir.join(format!("attempt-{number}")))?;
    let (queued_at, started_at) = (record.state.queued_at(), record.state.started_at());
    let spec = RunSpec::read(&record.dir)?;
    let grace_s = spec.grace_s;
    attempt.write_json(StopFile::NAME, &StopFile { why: StopWhy::Cancel, grace_s })?;
    if !name.is_live() {
        let end = close(&attempt, Close::Stopped)?;
        let state = end.state(queued_at, None);
        core.transition(&mut inner, &mut record, number, state, true)?;
        core.wake.notify_one();
        return Ok(record.view());
    }
    let state = RunState::Stopping { queued_at, started_at, stopping_at: now() };
    core.transition(&mut inner, &mut record, number, state, false)?;
    // A shim that has not begun finds stop.json; one that has gets TERM. Where it is dead, the
    // supervisor sees stop.json.
    // The shim of a job is told by SLURM: its pid is another host's.
    if spec.slurm.is_some() {
        core.slurm.hurry();
    } else if let Some(pid) = living_shim(&attempt) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
    Ok(record.view())
}

fn living_shim(attempt: &Attempt) -> Option<i32> {
    let boot = boot_id();
    let mention = RunLock::peek(attempt.run_dir()).ok().flatten();
    let begun = mention.filter(|m| m.attempt == attempt.number() && m.boot_id == boot);
    let file = || RunFile::read(attempt.dir()).ok().flatten().filter(|r| r.boot_id == boot);
    let shim = begun.map(|m| m.shim).or_else(|| file().map(|r| r.shim))?;
    shim.is_alive().then_some(shim.pid)
}

pub(super) fn retry(core: &Arc<Core>, run: &RunId) -> Result<RunView, Refusal> {
    let mut inner = core.lock();
    let mut record = find(&inner, run)?;
    let name = record.state.name();
    // The supervisor's last step comes after the end is announced.
    if !name.is_final() {
        let text = format!("run {run} has not ended: {}", name.word());
        return Err(Refusal::new("not_now", text).hint("cancel it first"));
    }
    let number = record.attempt + 1;
    // Left by an engine that died between this and its commit.
    if rebuild::newest_attempt_number(&record.dir) != Some(number) {
        Attempt::create(&record.dir, number)?;
    }
    File::open(&record.dir).and_then(|d| d.sync_all()).map_err(JobError::io(&record.dir))?;
    let state = RunState::Queued { queued_at: now() };
    core.transition(&mut inner, &mut record, number, state, false)?;
    drop(inner);
    core.wake.notify_one();
    Ok(record.view())
}

fn logs(core: &Core, run: &RunId, attempt: Option<u32>) -> Result<Files, Refusal> {
    let record = find(&core.lock(), run)?;
    let attempt = attempt.unwrap_or(record.attempt);
    let dir = record.dir.join(format!("attempt-{attempt}"));
    if attempt == 0 || attempt > record.attempt {
        let text = format!("run {run} has attempts 1 to {}, not {attempt}", record.attempt);
        return Err(Refusal::new("bad_request", text));
    }
    let files = lengths(&dir);
    Ok(Files { dir, attempt, files })
}

/// Names and lengths of the files of an attempt, those for the work's readers only.
pub(super) fn lengths(dir: &Path) -> BTreeMap<String, u64> {
    let Ok(entries) = fs::read_dir(dir) else { return BTreeMap::new() };
    entries
        .flatten()
        .filter_map(|e| Some((e.file_name().into_string().ok()?, e.metadata().ok()?)))
        .filter(|(name, meta)| meta.is_file() && !name.starts_with('.'))
        .map(|(name, meta)| (name, meta.len()))
        .collect()
}
