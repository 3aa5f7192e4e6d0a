//! Stopping a job: its checkpoint signal, then scancel. Never somebody else's: scancel is given the
//! id and our unique name, and ends what has both.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::super::signals::spawn_unblocked;
use super::command::{Access, ask};
use super::identity::JobFile;
use super::log;
use super::parse::{Phase, phase};
use super::poll::Look;
use crate::job::StopFile;

/// More than the grace of the work: the shim kills it then, and writes the end.
const SLACK: Duration = Duration::from_secs(5);
/// Between two scancels of a job that does not end.
const AGAIN: Duration = Duration::from_secs(30);

/// What was done so far.
#[derive(Debug, Default)]
pub(super) struct Stopping {
    told: Option<Instant>,
    ended: Option<Instant>,
    acted: bool,
}

impl Stopping {
    /// True when the last step did something.
    pub(super) fn acted(&self) -> bool {
        self.acted
    }

    /// One step towards the end.
    pub(super) fn step(&mut self, access: &Access, job: &JobFile, look: &Look, stop: &StopFile) {
        self.acted = false;
        // What is over or not known yet is not ended: the next answer tells.
        let Some(line) = &look.line else { return };
        match phase(&line.state) {
            Phase::Ended(_) => return,
            Phase::Waiting => {}
            Phase::OnNode | Phase::Unknown => {
                let Some(told) = self.told else {
                    // To the shim, which passes a TERM to the work and kills it after its grace.
                    self.acted = cancel(access, job, &["--signal=USR1", "--batch"]);
                    self.told = Some(Instant::now());
                    return;
                };
                if told.elapsed() < Duration::from_secs(stop.grace_s.into()) + SLACK {
                    return;
                }
            }
        }
        if self.ended.is_none_or(|t| t.elapsed() >= AGAIN) {
            self.ended = Some(Instant::now());
            self.acted = cancel(access, job, &[]);
        }
    }
}

/// Ends a job at once: its folder is gone.
pub(super) fn end_now(access: &Access, job: Option<&JobFile>) {
    if let Some(job) = job {
        cancel(access, job, &[]);
    }
}

/// From inside a job, on its node: a signal for all its steps, not for the batch script, which is
/// the caller. Who is our child afterwards is reaped with the work's others.
///
/// # Errors
/// scancel cannot be started.
pub(in crate::engine) fn signal_steps(job: &str, signal: Signal) -> std::io::Result<()> {
    let access = Access::of(&BTreeMap::new());
    let mut command = Command::new("scancel");
    command
        .arg(format!("--signal={}", signal.as_str().trim_start_matches("SIG")))
        .arg(job)
        .env_clear()
        .envs(access.env())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    spawn_unblocked(&mut command).map(drop)
}

/// scancel of the job that has the id and the name. True when it could be asked; that it was heard
/// is seen by the job's state only, because scancel of nothing exits with 0.
fn cancel(access: &Access, job: &JobFile, how: &[&str]) -> bool {
    let mut words: Vec<String> = how.iter().map(|w| (*w).to_owned()).collect();
    words.push(format!("--name={}", job.name));
    words.push(job.job.clone());
    match ask(access, &BTreeMap::new(), "scancel", &words) {
        Ok(said) => {
            if said.code != Some(0) {
                log::say(format_args!("scancel of job {}: {}", job.job, said.complaint()));
            }
            true
        }
        Err(e) => {
            log::say(format_args!("scancel of job {}: {e}", job.job));
            false
        }
    }
}
