//! The small files of an attempt that outlive every process: who runs it, how it ended, whether
//! it was asked to stop.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Exit, JobError, ProcessMark, RunState};

/// `run.json`: the processes of a started attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// The boot under which they ran.
    pub boot_id: String,
    /// The shim.
    pub shim: ProcessMark,
    /// The work: also its process group.
    pub work: ProcessMark,
    /// When the work started.
    pub started: Timestamp,
    /// The host, where it is not the engine's: there these pids mean nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// Why an attempt was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopWhy {
    /// Somebody cancelled it.
    Cancel,
    /// Its time limit passed.
    TimeLimit,
    /// Somebody wants it to write a checkpoint and make room; it can go on from there.
    Checkpoint,
    /// The shim got TERM from outside the engine, as at a shutdown.
    Terminated,
}

/// `stop.json`: written before the shim is told by TERM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StopFile {
    /// Why.
    pub why: StopWhy,
    /// Seconds between TERM and KILL.
    pub grace_s: u32,
}

/// `pause.json`: there while the attempt's processes are meant to stand still.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PauseFile {
    /// Since when.
    pub paused: Timestamp,
}

impl PauseFile {
    /// Takes the file away; that it is not there is no error.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn remove(attempt_dir: &Path) -> Result<(), JobError> {
        let path = attempt_dir.join(Self::NAME);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(JobError::io(path)(e)),
            _ => Ok(()),
        }
    }
}

/// What a failure is of, as far as trying again goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The same again would fail the same way: wrong input, a loss that is not a number.
    #[default]
    Lasting,
    /// May pass: a service that was away, overloaded or rate-limited.
    Transient,
    /// A service that did not answer this attempt at all: it may pass where it answered an earlier one.
    Away,
    /// The GPU's or the machine's memory was not enough: only a changed recipe helps.
    OutOfMemory,
}

/// `failure.json`: written by an activity before it exits with an error, so that the run's reason
/// is the work's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureFile {
    /// For the person who started the run.
    pub message: String,
    /// What it is of.
    #[serde(default)]
    pub kind: FailureKind,
}

/// `exit.json`: the end of an attempt. Whoever finds it starts nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExitFile {
    /// Exit code, where the work ended by itself.
    pub code: Option<i32>,
    /// Signal, where it ended by one.
    pub signal: Option<i32>,
    /// When the work started, if it did.
    #[serde(default)]
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Timestamp,
    /// The stop that the work was told of before it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<StopWhy>,
    /// Why nobody saw its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    /// Who refused memory, where that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_memory: Option<String>,
    /// Nothing was wrong with the run: the same, tried again, may do better.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passing: bool,
    /// Why it could not be started, or what else is to be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl ExitFile {
    /// An end without a start.
    pub fn unstarted(ended: Timestamp) -> Self {
        Self {
            code: None,
            signal: None,
            started: None,
            ended,
            stopped: None,
            lost: None,
            out_of_memory: None,
            passing: false,
            note: None,
        }
    }

    /// The final state this end means, for a run queued at `queued_at`. `failure`: the work's own
    /// words, from `failure.json`.
    pub fn state(&self, queued_at: Timestamp, failure: Option<FailureFile>) -> RunState {
        let (started_at, ended_at) = (self.started, self.ended);
        if let Some(reason) = &self.lost {
            return RunState::Lost { queued_at, started_at, ended_at, reason: reason.clone() };
        }
        let exit = self.code.map(Exit::Code).or(self.signal.map(Exit::Signal));
        if let Some(reason) = &self.out_of_memory {
            let reason = Some(reason.clone());
            return RunState::OutOfMemory { queued_at, started_at, ended_at, exit, reason };
        }
        match (self.stopped, exit, started_at) {
            (Some(StopWhy::Cancel | StopWhy::Checkpoint), ..) => {
                RunState::Cancelled { queued_at, started_at, ended_at, exit }
            }
            (Some(StopWhy::TimeLimit), ..) => {
                RunState::TimedOut { queued_at, started_at, ended_at, exit }
            }
            (Some(StopWhy::Terminated), ..) => RunState::Lost {
                queued_at,
                started_at,
                ended_at,
                reason: "ended by TERM from outside the engine (a shutdown?)".into(),
            },
            (None, Some(Exit::Code(0)), Some(started_at)) => {
                RunState::Succeeded { queued_at, started_at, ended_at }
            }
            (None, exit, _) => {
                let memory = failure.as_ref().is_some_and(|f| f.kind == FailureKind::OutOfMemory);
                let reason =
                    self.note.clone().or(failure.map(|f| f.message)).or_else(|| killed(exit));
                if memory {
                    RunState::OutOfMemory { queued_at, started_at, ended_at, exit, reason }
                } else {
                    RunState::Failed { queued_at, started_at, ended_at, exit, reason }
                }
            }
        }
    }
}

fn killed(exit: Option<Exit>) -> Option<String> {
    match exit {
        Some(Exit::Signal(9)) => Some(
            "killed by signal 9 (KILL): by somebody, or by the kernel for want of memory".into(),
        ),
        Some(Exit::Signal(n)) => Some(format!("killed by signal {n}")),
        _ => None,
    }
}

/// Reads a small JSON file; `None` when it is not there.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, JobError> {
    let text = match fs::read(path) {
        Ok(t) => t,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(JobError::io(path)(e)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|e| JobError::Malformed {
        path: path.to_owned(),
        line: Some(e.line() as u64),
        reason: e.to_string(),
    })
}

macro_rules! small_file {
    ($t:ident, $name:literal) => {
        impl $t {
            /// The file's name in the attempt folder.
            pub const NAME: &'static str = $name;

            /// Reads it; `None` when it is not there.
            ///
            /// # Errors
            /// It cannot be read, or does not say what it should.
            pub fn read(attempt_dir: &Path) -> Result<Option<Self>, JobError> {
                read(&attempt_dir.join(Self::NAME))
            }
        }
    };
}
small_file!(RunFile, "run.json");
small_file!(ExitFile, "exit.json");
small_file!(StopFile, "stop.json");
small_file!(PauseFile, "pause.json");
small_file!(FailureFile, "failure.json");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::StateName;

    #[test]
    fn only_code_0_of_work_that_was_not_stopped_is_a_success() {
        let t = Timestamp::UNIX_EPOCH;
        let base = ExitFile { started: Some(t), ..ExitFile::unstarted(t) };
        let cases = [
            (ExitFile { code: Some(0), ..base.clone() }, StateName::Succeeded),
            (ExitFile { code: Some(7), ..base.clone() }, StateName::Failed),
            (ExitFile { signal: Some(9), ..base.clone() }, StateName::Failed),
            (
                ExitFile { signal: Some(9), out_of_memory: Some("no".into()), ..base.clone() },
                StateName::OutOfMemory,
            ),
            (
                ExitFile { code: Some(0), stopped: Some(StopWhy::Checkpoint), ..base.clone() },
                StateName::Cancelled,
            ),
            (base.clone(), StateName::Failed),
            (ExitFile { code: Some(0), ..ExitFile::unstarted(t) }, StateName::Failed),
            (
                ExitFile { code: Some(0), stopped: Some(StopWhy::Cancel), ..base.clone() },
                StateName::Cancelled,
            ),
            (
                ExitFile { code: Some(0), stopped: Some(StopWhy::TimeLimit), ..base.clone() },
                StateName::TimedOut,
            ),
            (
                ExitFile { code: Some(0), stopped: Some(StopWhy::Terminated), ..base.clone() },
                StateName::Lost,
            ),
            (ExitFile { code: Some(0), lost: Some("x".into()), ..base }, StateName::Lost),
        ];
        for (exit, name) in cases {
            assert_eq!(exit.state(t, None).name(), name, "{exit:?}");
        }
    }
}
