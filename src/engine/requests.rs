//! What each request does. Runs on a blocking thread: it touches the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::core::{Core, Inner, missing_secret, standing_of};
use super::protocol::{AddedRun, Files, Page, Refusal, Request, Status};
use super::settings::Settings;
use super::waiting::{Holds, standing};
use super::{EngineError, control, rebuild, workspaces};
use crate::domain::RunId;
use crate::job::{
    After, Attempt, JobError, RunRecord, RunSpec, RunState, RunView, StateName, StopWhy, now,
};
use crate::store::engine::{Added, Awaited, NewRow, Pool};

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
        Request::List(ask) => json(&with_waits(core, core.list(&ask)?)),
        Request::Show { run } => json(&waiting(core, find(&core.lock(), &run)?.view())),
        Request::Cancel { run } => json(&control::stop(core, &run, StopWhy::Cancel)?),
        Request::Checkpoint { run } => json(&control::stop(core, &run, StopWhy::Checkpoint)?),
        Request::Pause { run } => json(&control::pause(core, &run)?),
        Request::Resume { run } => json(&control::resume(core, &run)?),
        Request::Priority { run, priority } => json(&control::priority(core, &run, priority)?),
        Request::Retry { run } => json(&control::retry(core, &run)?),
        Request::Pools => json(&core.lock().db.pools()?),
        Request::SetPool { name, capacity } => json(&set_pool(core, &name, capacity)?),
        Request::Drain => {
            core.drain(true)?;
            json(&status(core)?)
        }
        Request::Undrain => {
            core.drain(false)?;
            json(&status(core)?)
        }
        Request::Logs { run, attempt } => json(&logs(core, &run, attempt)?),
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, Refusal> {
    serde_json::to_string(value).map_err(|e| Refusal::new("internal", e.to_string()))
}

pub(super) fn find(inner: &Inner, run: &RunId) -> Result<RunRecord, Refusal> {
    inner.db.get(run)?.ok_or_else(|| {
        Refusal::new("no_such_run", format!("no run {run} is known to this engine"))
            .hint("`polyculture runs list` shows the known ones")
    })
}

/// A queued run that waits for GPUs, or for the end of a drain, says so.
fn waiting(core: &Core, mut view: RunView) -> RunView {
    if view.state == StateName::Queued && view.reason.is_none() {
        view.reason = if core.is_draining() {
            Some("the engine drains: it starts no more runs".into())
        } else {
            core.gpus.why_waits(&view.id)
        };
    }
    view
}

fn with_waits(core: &Core, mut page: Page) -> Page {
    page.items = page.items.into_iter().map(|v| waiting(core, v)).collect();
    page
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
        draining: core.is_draining(),
        leases: inner.db.leases()?.into_iter().map(|l| (l.gpu, l.run)).collect(),
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
    } else {
        core.gpus.check(&spec)?;
    }
    check_terms(core, &spec)?;
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
    let missing = missing_secret(&spec, Some(&secrets));
    // Not noted yet, so what it waits for is looked up one by one; also under the lock, so that
    // no end falls in between.
    let awaited = awaited(&inner, &spec)?;
    let not_before = spec.terms.not_before;
    let holds = Holds { awaited: &awaited, not_before, missing_secret: missing.as_deref() };
    let state = standing(queued_at, now(), &holds);
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

/// Refuses what could never start: a dependency that nobody knows, a pool that nobody made.
fn check_terms(core: &Core, spec: &RunSpec) -> Result<(), Refusal> {
    let inner = core.lock();
    for after in &spec.after {
        if inner.db.get(&after.run)?.is_none() {
            let text = format!("it waits for run {}, which this engine does not know", after.run);
            return Err(Refusal::new("no_such_run", text)
                .hint("`polyculture runs list --all` shows the known ones"));
        }
    }
    if let Some(name) = &spec.terms.pool
        && !inner.db.pools()?.iter().any(|p| p.name == *name)
    {
        return Err(Refusal::new("bad_request", format!("there is no pool `{name}`"))
            .hint(format!("`polyculture engine pool {name} --capacity N` makes it")));
    }
    Ok(())
}

fn awaited(inner: &Inner, spec: &RunSpec) -> Result<Vec<Awaited>, Refusal> {
    let one = |after: &After| -> Result<Awaited, Refusal> {
        let state = inner.db.get(&after.run)?.map(|r| r.state.name());
        Ok(Awaited { other: after.run.to_string(), condition: after.condition, state })
    };
    spec.after.iter().map(one).collect()
}

fn set_pool(core: &Core, name: &str, capacity: Option<u32>) -> Result<Vec<Pool>, Refusal> {
    let inner = core.lock();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if name.is_empty() || !name.bytes().all(plain) {
        let text =
            format!("`{name}` is no name of a pool: expected letters, digits, `-`, `_`, `.`");
        return Err(Refusal::new("bad_request", text));
    }
    // The file first: it is what a database that was lost gets them back from.
    let keep = |capacity: Option<u32>| {
        Settings::change(&core.state, &inner.db, |s| match capacity {
            Some(n) => drop(s.pools.insert(name.to_owned(), n)),
            None => drop(s.pools.remove(name)),
        })
    };
    match capacity {
        Some(n) => {
            keep(capacity)?;
            inner.db.set_pool(name, n)?;
        }
        None => {
            let pools = inner.db.pools()?;
            let pool = pools.iter().find(|p| p.name == name);
            let busy = pool.map_or(0, |p| p.taken + p.waiting);
            if busy > 0 {
                let text = format!("pool `{name}` has {busy} runs that have not ended");
                return Err(Refusal::new("not_now", text));
            }
            keep(None)?;
            inner.db.drop_pool(name)?;
        }
    }
    let pools = inner.db.pools()?;
    drop(inner);
    core.wake.notify_one();
    Ok(pools)
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
        let state = standing_of(&inner, &spec, queued_at)?;
        if state.name() != StateName::Blocked {
            let attempt = record.attempt;
            core.transition(&mut inner, &mut record, attempt, state, false)?;
            core.wake.notify_one();
        }
    }
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
