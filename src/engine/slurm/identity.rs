//! Which job is ours. An id alone does not say it: a controller that was killed after it
//! acknowledged a job may give the same id to the next one.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::job::{Attempt, JobError, write_atomically};

/// `submit.json`: written, durably, before sbatch is called. Whoever finds it without
/// `slurm.json` must search by the name before submitting again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SubmitFile {
    /// The job's name, unique.
    pub(super) name: String,
    /// When the last try began.
    pub(super) at: Timestamp,
    /// How many tries there were.
    pub(super) tries: u32,
}

/// `slurm.json`: the job that carries an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JobFile {
    /// The cluster's name, where sbatch said one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cluster: Option<String>,
    /// `12`, or `12_3` for a task of an array.
    pub(super) job: String,
    /// When SLURM took it in, by its own clock and in its own words; unknown until it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) submitted: Option<String>,
    /// Its name.
    pub(super) name: String,
}

/// `job.json`: written by the shim on the node, before the work starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeFile {
    /// `12`, or `12_3`.
    pub(crate) job: String,
    /// The cluster.
    pub(crate) cluster: Option<String>,
    /// The job's name.
    pub(crate) name: String,
    /// The node.
    pub(crate) host: String,
    /// How often SLURM had started the job before.
    pub(crate) restarts: u32,
}

macro_rules! file {
    ($t:ident, $name:literal) => {
        impl $t {
            pub(crate) const NAME: &'static str = $name;

            pub(crate) fn read(dir: &Path) -> Result<Option<Self>, JobError> {
                let path = dir.join(Self::NAME);
                let text = match std::fs::read(&path) {
                    Ok(t) => t,
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                    Err(e) => return Err(JobError::io(path)(e)),
                };
                serde_json::from_slice(&text).map(Some).map_err(|e| JobError::Malformed {
                    path,
                    line: Some(e.line() as u64),
                    reason: e.to_string(),
                })
            }

            pub(crate) fn write(&self, dir: &Path) -> Result<(), JobError> {
                let path = dir.join(Self::NAME);
                let text = serde_json::to_vec_pretty(self)
                    .map_err(|e| JobError::Work(format!("{}: {e}", path.display())))?;
                write_atomically(&path, &text)
            }
        }
    };
}
file!(SubmitFile, "submit.json");
file!(JobFile, "slurm.json");
file!(NodeFile, "job.json");

/// The name of an attempt's job: no other job of any cluster has it.
pub(super) fn name_of(attempt: &Attempt) -> String {
    let run = attempt.run_dir().file_name().and_then(|n| n.to_str()).unwrap_or("run");
    format!("pc-{run}-a{}", attempt.number())
}

/// The number of the job in which this process runs: for a task of an array, its own.
pub(crate) fn raw_id() -> Option<String> {
    std::env::var("SLURM_JOB_ID").ok().filter(|id| id.chars().all(|c| c.is_ascii_digit()))
}

/// The job in which this process runs.
pub(crate) fn here() -> Option<NodeFile> {
    let var = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let id = var("SLURM_JOB_ID")?;
    let job = match (var("SLURM_ARRAY_JOB_ID"), var("SLURM_ARRAY_TASK_ID")) {
        (Some(array), Some(task)) => format!("{array}_{task}"),
        _ => id,
    };
    Some(NodeFile {
        job,
        cluster: var("SLURM_CLUSTER_NAME"),
        name: var("SLURM_JOB_NAME").unwrap_or_default(),
        host: var("SLURMD_NODENAME").unwrap_or_default(),
        restarts: var("SLURM_RESTART_COUNT").and_then(|n| n.parse().ok()).unwrap_or(0),
    })
}

/// True when an engine has, or may have, submitted this attempt.
pub(in crate::engine) fn was_submitted(attempt: &Attempt) -> bool {
    [SubmitFile::NAME, JobFile::NAME, NodeFile::NAME].iter().any(|n| attempt.file(n).exists())
}
