//! What became of an attempt, by its folder, its lock and `/proc`: the rules of adoption.

use std::path::Path;
use std::time::{Duration, Instant};

use super::shim::mark_of;
use super::sweep::sweep;
use crate::job::{Attempt, ExitFile, JobError, RunFile, RunLock, StopFile, StopWhy, boot_id, now};

/// A verdict on an attempt.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It has its `exit.json`.
    Ended(ExitFile),
    /// The lock is held, and the shim or the work of `run.json` is alive, or `run.json` is not
    /// there yet.
    Alive {
        /// The shim lives.
        shim: bool,
        /// Its `run.json`, if written.
        run: Option<RunFile>,
        /// The holder has said that it is this attempt: before that it may be anybody.
        begun: bool,
    },
    /// The lock is held, but neither the shim nor the work lives: by something they left behind.
    Stray,
    /// Nobody holds the lock, and the attempt had begun.
    Gone {
        /// It began under another boot.
        reboot: bool,
    },
    /// Nobody holds the lock, and no shim ever began it: it may be started (again).
    NeverBegan,
}

/// Judges an attempt. Never by `kill(pid, 0)`.
pub(super) fn judge(attempt: &Attempt) -> Result<Verdict, JobError> {
    if let Some(end) = ExitFile::read(attempt.dir())? {
        return Ok(Verdict::Ended(end));
    }
    let Some(lock) = RunLock::try_take(attempt.run_dir())? else {
        let boot = boot_id();
        let run = RunFile::read(attempt.dir()).ok().flatten();
        let mention = RunLock::peek(attempt.run_dir())?
            .filter(|m| m.attempt == attempt.number() && m.boot_id == boot);
        let shim = mention.is_some_and(|m| m.shim.is_alive());
        let work = run.as_ref().is_some_and(|r| r.boot_id == boot && r.work.is_alive());
        // Before the mention is written, the holder is a shim on its way.
        let young = RunLock::peek(attempt.run_dir())?.is_none_or(|m| m.attempt < attempt.number());
        return Ok(if shim || work || young {
            Verdict::Alive { shim: shim || young, run, begun: !young }
        } else {
            Verdict::Stray
        });
    };
    // Written between our first look and the lock?
    if let Some(end) = ExitFile::read(attempt.dir())? {
        return Ok(Verdict::Ended(end));
    }
    let begun = lock.mention()?.filter(|m| m.attempt >= attempt.number());
    let run = RunFile::read(attempt.dir()).ok().flatten();
    Ok(match (begun, run) {
        (Some(m), _) => Verdict::Gone { reboot: m.boot_id != boot_id() },
        // The lock file was deleted by hand.
        (None, Some(r)) => Verdict::Gone { reboot: r.boot_id != boot_id() },
        (None, None) => Verdict::NeverBegan,
    })
}

/// Closes an attempt that nobody carries any more: takes the lock, ends what is left of it, and
/// writes `exit.json`, so that no late shim starts it. Returns the end that the folder then tells,
/// which may be a real one that came first.
pub(super) fn close(attempt: &Attempt, why: Close) -> Result<ExitFile, JobError> {
    let mark = mark_of(attempt).unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(10);
    let _lock = loop {
        sweep(&mark, Duration::from_secs(2));
        match RunLock::try_take(attempt.run_dir())? {
            Some(lock) => break lock,
            None if Instant::now() >= deadline => {
                return Err(JobError::Work(format!(
                    "processes of {} cannot be ended: its lock is still held",
                    attempt.dir().display()
                )));
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    // With the lock in hand no new process can come from a shim; what was born before is swept.
    sweep(&mark, Duration::from_secs(2));
    if let Some(end) = ExitFile::read(attempt.dir())? {
        return Ok(end);
    }
    let started = RunFile::read(attempt.dir()).ok().flatten().map(|r| r.started);
    let mut end = ExitFile { started, ..ExitFile::unstarted(now()) };
    match why {
        Close::Lost(reason) => end.lost = Some(reason),
        Close::Unstartable(reason) => end.note = Some(reason),
        Close::Stopped => {
            let file = StopFile::read(attempt.dir()).ok().flatten();
            end.stopped = Some(file.map_or(StopWhy::Cancel, |f| f.why));
        }
    }
    attempt.write_json(ExitFile::NAME, &end)?;
    Ok(end)
}

/// Why an attempt is closed by the engine rather than by its shim.
#[derive(Debug)]
pub(super) enum Close {
    /// Nobody saw its end.
    Lost(String),
    /// It could not be started.
    Unstartable(String),
    /// It was asked to stop, and has no shim to do it.
    Stopped,
}

/// The newest attempt folder of a run; `None` when the engine never promised to run it.
pub(super) fn newest_attempt(run_dir: &Path) -> Option<Attempt> {
    let number = std::fs::read_dir(run_dir)
        .ok()?
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.strip_prefix("attempt-")?.parse::<u32>().ok())
        .max()?;
    Attempt::open(run_dir.join(format!("attempt-{number}"))).ok()
}
