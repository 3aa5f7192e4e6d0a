//! `spec.json`: what a run is, written once and never changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{JobError, SlurmAsk};
use crate::domain::RunId;

/// The time now, to the millisecond: what is stored is what is shown.
pub fn now() -> Timestamp {
    let t = Timestamp::now();
    Timestamp::from_millisecond(t.as_millisecond()).unwrap_or(t)
}

/// What the engine executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// Grow samples from seeds.
    Augment,
    /// Train a model.
    Finetune,
    /// Score a model.
    Evaluate,
    /// Let a model rate the items of a study.
    Judge,
    /// Any command line (`runs add -- CMD ARG..`).
    Command,
}

impl RunKind {
    /// As in JSON and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Augment => "augment",
            Self::Finetune => "finetune",
            Self::Evaluate => "evaluate",
            Self::Judge => "judge",
            Self::Command => "command",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Augment, Self::Finetune, Self::Evaluate, Self::Judge, Self::Command]
            .into_iter()
            .find(|k| k.word() == word)
    }

    /// True for runs executed by `polyculture __work`, whose results are ingested.
    pub fn is_activity(self) -> bool {
        self != Self::Command
    }
}

/// When a run that waits for another may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// The other succeeded.
    Ok,
    /// The other ended.
    Any,
    /// The other ended otherwise than by success.
    Fail,
}

/// One dependency of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// The run waited for.
    pub run: RunId,
    /// What must have become of it.
    pub condition: Condition,
}

/// What a run takes from the machine while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// CPU threads: slots of the engine's pool. More than the pool has counts as the whole pool; 0
    /// is for work that only waits for other runs.
    pub threads: u32,
    /// GPUs to lease.
    #[serde(default)]
    pub gpus: u32,
    /// Main memory, in MiB, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
}

impl Default for Resources {
    fn default() -> Self {
        Self { threads: 1, gpus: 0, memory_mib: None }
    }
}

/// How often the attempts of an activity are tried again by themselves: an activity goes on from
/// what its earlier attempts left. What any other command does twice nobody knows, so it has none.
pub const ACTIVITY_RETRIES: u32 = 5;

/// When a run may start, how long it may go on, and what becomes of it when an attempt dies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Terms {
    /// The pool whose places it takes; none: only the CPU slots count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Seconds that an attempt may run, pauses not counted; then it is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit_s: Option<u64>,
    /// How often an attempt that died of something that may pass (lost, preempted, a service that
    /// was not there) is followed by another by itself.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries: u32,
    /// Number of the signal that asks the work for a checkpoint before TERM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_signal: Option<i32>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// `spec.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// Version of this file's form.
    pub version: u32,
    /// The run's id, also its folder's name.
    pub id: RunId,
    /// What to execute.
    pub kind: RunKind,
    /// A word for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The workspace's folder.
    pub workspace: PathBuf,
    /// Command and arguments; empty for activities.
    #[serde(default)]
    pub argv: Vec<String>,
    /// Working folder of the work.
    pub cwd: PathBuf,
    /// The environment of the work, all of it but secrets.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Names of secrets it needs.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// What it takes.
    #[serde(default)]
    pub resources: Resources,
    /// The client's id of the request.
    pub request_id: String,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// Dependencies.
    #[serde(default)]
    pub after: Vec<After>,
    /// Higher goes first.
    #[serde(default)]
    pub priority: i32,
    /// Seconds between TERM and KILL.
    #[serde(default)]
    pub grace_s: u32,
    /// When and how it may start and must end.
    #[serde(flatten)]
    pub terms: Terms,
    /// What it asks of SLURM; without it the run is one of this host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slurm: Option<SlurmAsk>,
}

impl RunSpec {
    /// The newest form this program writes and reads.
    pub const VERSION: u32 = 1;

    /// Reads `spec.json` of a run's folder.
    ///
    /// # Errors
    /// Missing, not JSON, of a newer form, or of another run than the folder's name says.
    pub fn read(run_dir: &Path) -> Result<Self, JobError> {
        let path = run_dir.join("spec.json");
        let text = fs::read(&path).map_err(JobError::io(&path))?;
        let wrong = |line, reason| JobError::Malformed { path: path.clone(), line, reason };
        let spec: Self = serde_json::from_slice(&text)
            .map_err(|e| wrong(Some(e.line() as u64), e.to_string()))?;
        if spec.version > Self::VERSION {
            let (found, known) = (spec.version, Self::VERSION);
            return Err(wrong(
                None,
                format!("form {found}, this polyculture reads up to {known}: upgrade it"),
            ));
        }
        if run_dir.file_name().and_then(|n| n.to_str()) != Some(spec.id.as_str()) {
            return Err(wrong(None, format!("it is of run {}, not of this folder", spec.id)));
        }
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::super::NewRun;
    use super::*;

    #[test]
    fn a_newer_or_foreign_spec_is_refused_with_the_reason() {
        let tmp = tempfile::tempdir().unwrap();
        let (dir, spec) =
            NewRun::new(RunKind::Command, tmp.path()).create(tmp.path(), |_| Ok(())).unwrap();
        let newer = RunSpec { version: 9, ..spec.clone() };
        fs::write(dir.join("spec.json"), serde_json::to_vec(&newer).unwrap()).unwrap();
        assert!(RunSpec::read(&dir).unwrap_err().to_string().contains("upgrade"));
        let foreign = RunSpec { id: RunId::new("other").unwrap(), ..spec };
        fs::write(dir.join("spec.json"), serde_json::to_vec(&foreign).unwrap()).unwrap();
        assert!(RunSpec::read(&dir).unwrap_err().to_string().contains("run other"));
    }
}
