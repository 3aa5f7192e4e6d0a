//! The end of an attempt, where its shim did not write it, and what may follow from it.

use std::time::{Duration, Instant};

use super::carry::Carrier;
use super::judge::{Facts, end, needs_slurms_word, passes};
use super::parse::EndWord;
use crate::job::{ExitFile, JobError, RunFile, RunLock, RunSpec, StopFile, StopWhy, now};

/// How long the lock of a run is waited for when its job is over.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

impl Carrier {
    /// Nothing of it can ever run.
    pub(super) fn unstartable(&self, note: String) -> Result<ExitFile, JobError> {
        let end = ExitFile { note: Some(note), ..ExitFile::unstarted(now()) };
        self.attempt().write_json(ExitFile::NAME, &end)?;
        Ok(end)
    }

    /// Writes the end down, under the run's lock where it can be had: what a dead job left holding
    /// it does not keep a run open for ever.
    pub(super) fn close(&self, word: Option<EndWord>, said: &str) -> Result<ExitFile, JobError> {
        let dir = self.attempt().dir();
        let deadline = Instant::now() + LOCK_PATIENCE;
        let _lock = loop {
            match RunLock::try_take(self.attempt().run_dir())? {
                Some(lock) => break Some(lock),
                None if Instant::now() >= deadline => break None,
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        let exit = ExitFile::read(dir)?;
        if let Some(exit) = exit.as_ref().filter(|e| !needs_slurms_word(e)) {
            return Ok(self.with_passing(exit.clone(), false));
        }
        let facts = Facts {
            word,
            said,
            exit: exit.as_ref(),
            stop: StopFile::read(dir)?.map(|s| s.why),
            began: self.began()?,
            started: RunFile::read(dir).ok().flatten().map(|r| r.started),
            now: now(),
        };
        let end = self.with_passing(end(&facts), passes(word));
        self.attempt().write_json(ExitFile::NAME, &end)?;
        Ok(end)
    }

    /// Marks an end after which the same run, tried again, may do better.
    pub(super) fn with_passing(&self, mut end: ExitFile, job_passes: bool) -> ExitFile {
        if !resumable(&self.sup.spec) {
            return end;
        }
        let timed_out = end.stopped == Some(StopWhy::TimeLimit);
        let went_on = timed_out && self.left_something();
        end.passing = went_on || (end.lost.is_some() && job_passes);
        end
    }

    /// True when a next attempt does not begin where this one did.
    fn left_something(&self) -> bool {
        let dir = self.attempt().dir();
        let checkpoints = std::fs::read_dir(dir.join("checkpoints"));
        let grown = |name: &str| dir.join(name).metadata().is_ok_and(|m| m.len() > 0);
        !self.sup.spec.argv.is_empty()
            || checkpoints.is_ok_and(|mut d| d.next().is_some())
            || grown("results.jsonl")
            || grown("replies.jsonl")
    }
}

/// True for work that goes on from what an earlier attempt left.
fn resumable(spec: &RunSpec) -> bool {
    let said = spec.slurm.as_ref().and_then(|s| s.resumable);
    said.unwrap_or_else(|| spec.kind.is_activity())
}
