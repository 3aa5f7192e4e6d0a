//! What people ask of a run: to stop, pause, go on, go first, or try again.

use std::fs::File;
use std::sync::Arc;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::core::{Core, standing_of};
use super::judge::{Close, close};
use super::protocol::Refusal;
use super::requests::find;
use super::schedule::slots;
use super::{pause as processes, rebuild};
use crate::domain::RunId;
use crate::job::{
    Attempt, JobError, PauseFile, RunFile, RunLock, RunRecord, RunSpec, RunState, RunView,
    StateName, StopFile, StopWhy, boot_id, now,
};

fn current(record: &RunRecord) -> Result<Attempt, JobError> {
    Attempt::open(record.dir.join(format!("attempt-{}", record.attempt)))
}

fn not_now(text: String) -> Refusal {
    Refusal::new("not_now", text)
}

/// Ends a run, or one that waits.
pub(super) fn stop(core: &Arc<Core>, run: &RunId, why: StopWhy) -> Result<RunView, Refusal> {
    let mut inner = core.lock();
    let mut record = find(&inner, run)?;
    let name = record.state.name();
    if name.is_final() {
        return Err(not_now(format!("run {run} has ended already: {}", name.word())));
    }
    if name == StateName::Stopping {
        return Ok(record.view());
    }
    let number = record.attempt;
    let attempt = current(&record)?;
    let (queued_at, started_at) = (record.state.queued_at(), record.state.started_at());
    let spec = RunSpec::read(&record.dir)?;
    let grace_s = spec.grace_s;
    attempt.write_json(StopFile::NAME, &StopFile { why, grace_s })?;
    if !name.is_live() {
        let end = close(&attempt, Close::Stopped)?;
        let state = end.state(queued_at, None);
        inner.backoffs.remove(run);
        core.transition(&mut inner, &mut record, number, state, true)?;
        core.wake.notify_one();
        return Ok(record.view());
    }
    let state = RunState::Stopping { queued_at, started_at, stopping_at: now() };
    core.transition(&mut inner, &mut record, number, state, false)?;
    if name == StateName::Paused {
        // Who stands still cannot write a checkpoint.
        PauseFile::remove(attempt.dir())?;
        processes::go_on(&attempt);
    }
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

/// Lets a running run stand still. Its CPU slots are free meanwhile; its memory is not.
pub(super) fn pause(core: &Arc<Core>, run: &RunId) -> Result<RunView, Refusal> {
    let mut inner = core.lock();
    let mut record = find(&inner, run)?;
    let (queued_at, started_at) = match record.state {
        RunState::Paused { .. } => return Ok(record.view()),
        RunState::Running { queued_at, started_at, .. } => (queued_at, started_at),
        ref other => {
            let text = format!("run {run} is {}: only a running one pauses", other.name().word());
            return Err(not_now(text));
        }
    };
    if RunSpec::read(&record.dir)?.slurm.is_some() {
        let text = format!("run {run} is a job of SLURM, which lets only its operators pause jobs");
        return Err(Refusal::new("not_supported", text)
            .hint("`polyculture runs stop` writes a checkpoint and gives its nodes back"));
    }
    let attempt = current(&record)?;
    let paused_at = now();
    // The file first: an engine whose database is lost knows it from there.
    attempt.write_json(PauseFile::NAME, &PauseFile { paused: paused_at })?;
    let number = record.attempt;
    let state = RunState::Paused { queued_at, started_at, paused_at };
    core.transition(&mut inner, &mut record, number, state, false)?;
    crate::job::crash_point("engine-before-stop");
    if let Some(taken) = inner.live.get_mut(run) {
        *taken = 0;
    }
    drop(inner);
    if !processes::stop(&attempt) {
        super::log::say(format_args!("run {run}: not all of its processes stand still"));
    }
    core.wake.notify_one();
    Ok(record.view())
}

/// Lets a paused run go on; one that was stopped with a checkpoint gets another attempt.
pub(super) fn resume(core: &Arc<Core>, run: &RunId) -> Result<RunView, Refusal> {
    let mut inner = core.lock();
    let mut record = find(&inner, run)?;
    let RunState::Paused { queued_at, started_at, .. } = record.state else {
        let name = record.state.name();
        if name == StateName::Running {
            return Ok(record.view());
        }
        drop(inner);
        return match name {
            StateName::Cancelled => retry(core, run),
            _ => Err(not_now(format!("run {run} is {}: it is not paused", name.word()))),
        };
    };
    let attempt = current(&record)?;
    let number = record.attempt;
    let state = RunState::Running { queued_at, started_at, note: None };
    // It takes its slots again at once; who waits for slots waits until there is room.
    let taken = slots(record.threads, core.slots);
    core.transition(&mut inner, &mut record, number, state, false)?;
    if let Some(live) = inner.live.get_mut(run) {
        *live = taken;
    }
    PauseFile::remove(attempt.dir())?;
    processes::go_on(&attempt);
    Ok(record.view())
}

/// Lets a waiting run go before or behind others.
pub(super) fn priority(core: &Arc<Core>, run: &RunId, to: i32) -> Result<RunView, Refusal> {
    let inner = core.lock();
    let mut record = find(&inner, run)?;
    let name = record.state.name();
    if name.is_final() || name.is_live() {
        return Err(not_now(format!("run {run} does not wait: it is {}", name.word())));
    }
    inner.db.set_priority(run, to)?;
    record.priority = to;
    drop(inner);
    core.wake.notify_one();
    Ok(record.view())
}

/// Another attempt of an ended run.
pub(super) fn retry(core: &Arc<Core>, run: &RunId) -> Result<RunView, Refusal> {
    let mut inner = core.lock();
    let mut record = find(&inner, run)?;
    let name = record.state.name();
    // The supervisor's last step comes after the end is announced.
    if !name.is_final() {
        let text = format!("run {run} has not ended: {}", name.word());
        return Err(not_now(text).hint("cancel it first"));
    }
    let spec = RunSpec::read(&record.dir)?;
    let queued_at = now();
    let state = standing_of(&inner, &spec, queued_at)?;
    if let RunState::Skipped { reason, .. } = &state {
        return Err(not_now(format!("run {run} would be skipped again: {reason}"))
            .hint("retry the run that it waits for, then this one"));
    }
    let number = record.attempt + 1;
    // Left by an engine that died between this and its commit.
    if rebuild::newest_attempt_number(&record.dir) != Some(number) {
        Attempt::create(&record.dir, number)?;
    }
    File::open(&record.dir).and_then(|d| d.sync_all()).map_err(JobError::io(&record.dir))?;
    core.transition(&mut inner, &mut record, number, state, false)?;
    drop(inner);
    core.wake.notify_one();
    Ok(record.view())
}
