//! The wait for the work: its stops, its time limit, and whoever else dies meanwhile.

use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::engine::signals::Early;
use crate::engine::slurm;
use crate::job::{PauseFile, RunSpec, StopFile, StopWhy, write_atomically};

/// The longest pause between two looks at a run with a time limit.
const LIMIT_LOOK: Duration = Duration::from_millis(500);

pub(super) struct Watch<'a> {
    dir: &'a Path,
    spec: &'a RunSpec,
    work: Pid,
    signals: SignalFd,
    early: Early,
    /// Why it was told to end, once it was.
    pub(super) stop: Option<StopWhy>,
    /// When TERM follows the signal for a checkpoint.
    term_at: Option<Instant>,
    grace: Duration,
    kill_at: Option<Instant>,
    /// What the work has run of its time limit, and when that was looked at last.
    ran: Duration,
    looked: Instant,
    /// In a job of SLURM: seconds between its USR1 and the time limit.
    warning_s: Option<u32>,
    /// The job whose steps are the work.
    pub(super) steps: Option<String>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        dir: &'a Path,
        spec: &'a RunSpec,
        work: Pid,
        (signals, early): (SignalFd, Early),
        warning_s: Option<u32>,
    ) -> Self {
        Self {
            dir,
            spec,
            work,
            signals,
            early,
            stop: None,
            term_at: None,
            grace: Duration::from_secs(spec.grace_s.into()),
            kill_at: None,
            ran: Duration::ZERO,
            looked: Instant::now(),
            warning_s,
            steps: None,
        }
    }

    /// Waits for the work, reaps whoever else dies, passes a TERM on, keeps the time limit, and
    /// kills after the grace.
    pub(super) fn until_work_ends(&mut self) -> WaitStatus {
        loop {
            if let Some(status) = self.reap() {
                return status;
            }
            let mut asked = self.early.term.swap(false, Relaxed);
            let mut warned = self.early.warned.swap(false, Relaxed);
            if !asked && !warned {
                self.wait_for_signal();
            }
            while let Ok(Some(info)) = self.signals.read_signal() {
                asked |= info.ssi_signo == Signal::SIGTERM as u32;
                warned |= info.ssi_signo == Signal::SIGUSR1 as u32;
            }
            warned &= self.warning_s.is_some();
            if (asked || warned) && self.stop.is_none() {
                // The work may have ended already: then it was not stopped.
                if let Some(status) = self.reap() {
                    return status;
                }
                self.begin_stop(if warned { StopWhy::TimeLimit } else { StopWhy::Terminated });
            }
            if self.stop.is_none() && self.is_over_its_limit() {
                if let Some(status) = self.reap() {
                    return status;
                }
                let grace_s = self.spec.grace_s;
                let file = StopFile { why: StopWhy::TimeLimit, grace_s };
                // A full disk keeps nobody from stopping.
                let text = serde_json::to_vec(&file).unwrap_or_default();
                let _ = write_atomically(&self.dir.join(StopFile::NAME), &text);
                self.begin_stop(StopWhy::TimeLimit);
            }
            if self.term_at.is_some_and(|at| Instant::now() >= at) {
                self.terminate();
            }
            if self.kill_at.is_some_and(|at| Instant::now() >= at) {
                let _ = killpg(self.work, Signal::SIGKILL);
                self.kill_at = None;
            }
        }
    }

    /// First the signal for a checkpoint, where the run names one and there is time for it; else
    /// TERM at once. Warned by SLURM that its time limit is near, the work has most of the time that
    /// is left for its checkpoint.
    fn begin_stop(&mut self, unless_told: StopWhy) {
        let file = StopFile::read(self.dir).ok().flatten();
        let why = file.as_ref().map_or(unless_told, |f| f.why);
        let warned = unless_told == StopWhy::TimeLimit;
        if let Some(s) = self.warning_s.filter(|_| warned) {
            self.grace = self.grace.max(Duration::from_secs(u64::from(s) * 3 / 4));
        }
        self.grace = file.map_or(self.grace, |f| Duration::from_secs(f.grace_s.into()));
        self.stop = Some(why);
        let signal = self.spec.terms.checkpoint_signal.and_then(|n| Signal::try_from(n).ok());
        match signal {
            Some(signal) if why != StopWhy::Terminated => {
                self.tell(signal);
                // In a job nobody waits beyond the limit.
                let until_term = if self.warning_s.is_some() { self.grace / 2 } else { self.grace };
                self.term_at = Some(Instant::now() + until_term);
            }
            _ => self.terminate(),
        }
    }

    fn terminate(&mut self) {
        self.term_at = None;
        self.kill_at = Some(Instant::now() + self.grace);
        self.tell(Signal::SIGTERM);
    }

    /// Signals the work. Where srun started it, SLURM signals its tasks on all nodes: srun itself
    /// takes a TERM for an order to kill them.
    fn tell(&self, signal: Signal) {
        if let Some(job) = &self.steps
            && slurm::signal_steps(job, signal).is_ok()
        {
            return;
        }
        let _ = killpg(self.work, signal);
        // A paused group gets its TERM only when it goes on.
        let _ = killpg(self.work, Signal::SIGCONT);
    }

    /// Counts by a clock that nobody sets, and leaves pauses out.
    fn is_over_its_limit(&mut self) -> bool {
        let Some(limit) = self.spec.terms.time_limit_s else { return false };
        let passed = self.looked.elapsed();
        self.looked += passed;
        if !self.dir.join(PauseFile::NAME).exists() {
            self.ran += passed;
        }
        self.ran >= Duration::from_secs(limit)
    }

    fn reap(&self) -> Option<WaitStatus> {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(s @ (WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)))
                    if pid == self.work =>
                {
                    return Some(s);
                }
                Ok(WaitStatus::StillAlive) => return None,
                Ok(_) | Err(Errno::EINTR) => {}
                // No child at all, though the work was not reaped: nobody can say how it ended.
                Err(_) => return Some(WaitStatus::StillAlive),
            }
        }
    }

    fn wait_for_signal(&self) {
        let now = Instant::now();
        let limit = self.spec.terms.time_limit_s.filter(|_| self.stop.is_none()).map(|s| {
            // Looked at now and then: a pause is seen by its file.
            let left = Duration::from_secs(s).saturating_sub(self.ran);
            left.clamp(Duration::from_millis(10), LIMIT_LOOK)
        });
        let timeout = [self.term_at, self.kill_at]
            .into_iter()
            .flatten()
            .map(|at| at.saturating_duration_since(now))
            .chain(limit)
            .min()
            .map_or(PollTimeout::NONE, |left| {
                PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX)
            });
        let _ = poll(&mut [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)], timeout);
    }
}
