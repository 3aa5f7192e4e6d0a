//! One live run, from its shim's start to its end: launch, wait, judge, merge, announce.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::again::{again, make_next};
use super::core::Core;
use super::judge::{Close, Verdict, close, judge};
use super::shim::mark_of;
use super::{EngineError, gpu, launch, log, shim, sweep, upgrade};
use crate::job::{
    Attempt, ExitFile, FailureFile, JobError, RunFile, RunKind, RunSpec, RunState, StateName,
    StopFile, now,
};

/// How often a run without a shim of ours is looked at.
const LOOK: Duration = Duration::from_millis(40);
/// How long a shim may hold the lock before it says that it began.
const YOUNG: Duration = Duration::from_secs(15);
/// How long the processes of a run without a folder are swept.
const SWEEP: Duration = Duration::from_secs(5);
/// How often a shim that died before it began is started again.
const LAUNCHES: u32 = 3;

/// Carries one attempt.
pub(super) struct Supervisor {
    pub(super) core: Arc<Core>,
    pub(super) attempt: Attempt,
    pub(super) spec: RunSpec,
    pub(super) secrets: BTreeMap<String, String>,
}

impl Supervisor {
    /// Until the attempt has ended. `fresh`: `starting` was committed just now, or by an engine
    /// that died then; the judge tells which.
    pub(super) fn carry(self, fresh: bool) {
        if self.spec.slurm.is_some() {
            return super::slurm::take_on(self);
        }
        let end = self.until_end(fresh);
        self.finish(&end);
    }

    /// What follows when an attempt has ended: its last results, its state, what it held.
    pub(super) fn finish(&self, end: &Result<ExitFile, JobError>) {
        upgrade::reap_shim(&self.attempt);
        if let Err(e) = end {
            log::say(format_args!("run {}: {e}", self.spec.id));
        }
        if end.is_err() && self.spec.slurm.is_none() {
            // Its folder is gone or unreadable, so nobody can judge it; what it left must not
            // live on while its slots are given away.
            sweep::sweep(&mark_of(&self.attempt).unwrap_or_default(), SWEEP);
        }
        let ingested = self.merge_last();
        self.announce(end, ingested);
        gpu::give_back(&self.core, &self.spec, &self.attempt);
        self.core.wake.notify_one();
    }

    fn until_end(&self, fresh: bool) -> Result<ExitFile, JobError> {
        let mut launches = 0;
        let mut term: Option<Instant> = None;
        let mut noted = false;
        // A run that was just committed has no shim yet: what the judge would say is known.
        let mut known = fresh.then_some(Verdict::NeverBegan);
        let since = Instant::now();
        loop {
            let verdict = match known.take() {
                // After a restart `starting` may have a shim already.
                Some(v) if !self.attempt.run_dir().join("lock").exists() => v,
                _ => judge(&self.attempt)?,
            };
            match verdict {
                Verdict::Ended(exit) => return Ok(exit),
                Verdict::NeverBegan if launches < LAUNCHES => {
                    launches += 1;
                    self.launch()?;
                }
                Verdict::NeverBegan => {
                    let why = "its shim died before it began; the engine's log says more";
                    return close(&self.attempt, Close::Unstartable(why.into()));
                }
                Verdict::Alive { shim: true, run, begun } => {
                    if let Some(file) = run {
                        self.now_running(&file, None);
                    } else if !begun && since.elapsed() > YOUNG {
                        let why = "the run's lock is held by processes of an earlier attempt";
                        return close(&self.attempt, Close::Unstartable(why.into()));
                    }
                    std::thread::sleep(LOOK);
                }
                Verdict::Alive { shim: false, run, .. } => {
                    if let Some(file) = run.filter(|_| !noted) {
                        noted = true;
                        let note = "its shim was killed: the work goes on, but nobody will see \
                                    its exit code";
                        self.now_running(&file, Some(note.into()));
                    }
                    if self.stop_without_shim(&mut term) {
                        return close(&self.attempt, Close::Stopped);
                    }
                    std::thread::sleep(LOOK);
                }
                Verdict::Stray => return close(&self.attempt, self.why_gone(false)),
                Verdict::Gone { reboot } => return close(&self.attempt, self.why_gone(reboot)),
            }
        }
    }

    fn why_gone(&self, reboot: bool) -> Close {
        if StopFile::read(self.attempt.dir()).ok().flatten().is_some() {
            return Close::Stopped;
        }
        Close::Lost(if reboot {
            "the machine was restarted while it ran".into()
        } else {
            "its shim was killed, so nobody saw its exit code".into()
        })
    }

    /// Starts the shim, hears that the work runs, and waits for the shim's end.
    fn launch(&self) -> Result<(), JobError> {
        let mut child = match launch::shim(&self.attempt, &self.spec, &self.secrets) {
            Ok(child) => child,
            Err(e) => {
                log::say(format_args!("run {}: {e}", self.spec.id));
                std::thread::sleep(Duration::from_millis(200));
                return Ok(());
            }
        };
        crate::job::crash_point("engine-after-fork");
        self.hear_ready(&mut child);
        let status = child.wait().map_err(JobError::io(self.attempt.dir()))?;
        if status.code() == Some(shim::EXIT_BUSY.into()) {
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn hear_ready(&self, child: &mut Child) {
        let Some(out) = child.stdout.take() else { return };
        let mut line = String::new();
        // Ends at the line, or when the shim closes the pipe by dying.
        let _ = BufReader::new(out).read_line(&mut line);
        if line == shim::READY
            && let Ok(Some(file)) = RunFile::read(self.attempt.dir())
        {
            self.now_running(&file, None);
        }
    }

    /// The engine's own TERM and KILL, for work whose shim is dead. True when it is time to close.
    fn stop_without_shim(&self, term: &mut Option<Instant>) -> bool {
        let Some(stop) = StopFile::read(self.attempt.dir()).ok().flatten() else { return false };
        let Some(at) = term else {
            let run = RunFile::read(self.attempt.dir()).ok().flatten();
            if let Some(run) = run.filter(|r| r.work.is_alive()) {
                let _ = killpg(Pid::from_raw(run.work.pid), Signal::SIGTERM);
                let _ = killpg(Pid::from_raw(run.work.pid), Signal::SIGCONT);
            }
            *term = Some(Instant::now());
            return false;
        };
        at.elapsed() >= Duration::from_secs(stop.grace_s.into())
    }

    /// Commits `running`, unless the run is there already, is being stopped, or has moved on.
    fn now_running(&self, file: &RunFile, note: Option<String>) {
        let change = || -> Result<(), EngineError> {
            let mut inner = self.core.lock();
            let Some(mut record) = inner.db.get(&self.spec.id)? else { return Ok(()) };
            let name = record.state.name();
            let due = name == StateName::Starting || (name == StateName::Running && note.is_some());
            if record.attempt != self.attempt.number() || !due {
                return Ok(());
            }
            let queued_at = record.state.queued_at();
            let state = RunState::Running { queued_at, started_at: file.started, note };
            self.core.transition(&mut inner, &mut record, self.attempt.number(), state, false)
        };
        if let Err(e) = change() {
            log::say(format_args!(
                "run {}: it runs, but that could not be noted: {e}",
                self.spec.id
            ));
        }
    }

    /// What follows from the end: a final state, or another attempt.
    fn what_follows(
        &self,
        end: &Result<ExitFile, JobError>,
        before: &RunState,
    ) -> Result<(u32, RunState, Option<Duration>), JobError> {
        let number = self.attempt.number();
        let exit = match end {
            Ok(exit) => exit,
            Err(e) => return Ok((number, folder_trouble(before, e), None)),
        };
        let failure = FailureFile::read(self.attempt.dir()).ok().flatten();
        let jitter = uuid::Uuid::new_v4().as_u128() as f64 / u128::MAX as f64;
        if let Some(next) = again(&self.spec, &self.attempt, exit, failure.as_ref(), jitter) {
            let number = make_next(&self.attempt, &next.reason)?;
            let queued_at = now();
            let until = queued_at.checked_add(next.pause).unwrap_or(queued_at);
            let state = RunState::Delayed { queued_at, until, reason: Some(next.reason) };
            return Ok((number, state, Some(next.pause)));
        }
        Ok((number, exit.state(before.queued_at(), failure), None))
    }

    /// The last merge, before the end is announced. True when nothing remains to be merged.
    fn merge_last(&self) -> bool {
        if self.spec.kind == RunKind::Command {
            return true;
        }
        match merge(&self.core, &self.spec, &self.attempt, true) {
            Ok(()) => true,
            Err(e) => {
                log::say(format_args!("run {}: its results are not merged: {e}", self.spec.id));
                false
            }
        }
    }

    /// Commits the end. While the disk says no it is tried again: the folder holds the end anyway,
    /// and the next engine would find it.
    fn announce(&self, end: &Result<ExitFile, JobError>, ingested: bool) {
        crate::job::crash_point("engine-before-end");
        let number = self.attempt.number();
        let change = || -> Result<(), EngineError> {
            let mut inner = self.core.lock();
            let Some(mut record) = inner.db.get(&self.spec.id)? else { return Ok(()) };
            if record.attempt == number && !record.state.name().is_final() {
                // In one step with the end: a retry that follows takes slots of its own.
                let (next, state, pause) = self.what_follows(end, &record.state)?;
                let ingested = ingested && next == number;
                self.core.transition(&mut inner, &mut record, next, state, ingested)?;
                if let Some(pause) = pause {
                    inner.backoffs.insert(self.spec.id.clone(), Instant::now() + pause);
                }
            }
            inner.live.remove(&self.spec.id);
            Ok(())
        };
        while let Err(e) = change() {
            log::say(format_args!("run {}: its end is not noted yet: {e}", self.spec.id));
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

/// Merges results, one run at a time.
pub(super) fn merge(
    core: &Core,
    spec: &RunSpec,
    attempt: &Attempt,
    ended: bool,
) -> Result<(), String> {
    let _one = core.merging.lock().unwrap_or_else(PoisonError::into_inner);
    let ingest = Arc::clone(&core.ingest);
    let call = std::panic::AssertUnwindSafe(|| ingest(spec, attempt, ended));
    // A bug there must not end the bookkeeping here.
    std::panic::catch_unwind(call).unwrap_or_else(|_| Err("the merge panicked".into()))
}

/// The end of a run whose folder cannot be used.
pub(super) fn folder_trouble(before: &RunState, e: &JobError) -> RunState {
    let (queued_at, started_at, ended_at) = (before.queued_at(), before.started_at(), now());
    RunState::Lost {
        queued_at,
        started_at,
        ended_at,
        reason: format!("its folder cannot be used: {e}"),
    }
}
