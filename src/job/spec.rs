//! `spec.json`: what a run is, written once and never changed.

use std::collections::BTreeMap;
use std::fs::{self, File};
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

/// A run as it is asked for, before it has an id and a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// What to execute.
    pub kind: RunKind,
    /// A word for people.
    pub label: Option<String>,
    /// The workspace's folder (absolute).
    pub workspace: PathBuf,
    /// Command and arguments; empty for activities.
    pub argv: Vec<String>,
    /// Working folder of the work (absolute).
    pub cwd: PathBuf,
    /// Environment to store: see [`super::allowed_environment`].
    pub env: BTreeMap<String, String>,
    /// Names of environment variables that come as secrets, never written down.
    pub secrets: Vec<String>,
    /// What it takes.
    pub resources: Resources,
    /// The client's own id of this request: the same id is never run twice. `None`: a random one.
    pub request_id: Option<String>,
    /// Dependencies.
    pub after: Vec<After>,
    /// Higher goes first; first come, first served within one.
    pub priority: i32,
    /// Seconds between TERM and KILL when it is stopped.
    pub grace_s: u32,
    /// When and how it may start and must end.
    pub terms: Terms,
    /// What it asks of SLURM; `None`: it runs on this host.
    pub slurm: Option<SlurmAsk>,
}

impl NewRun {
    /// A run of `kind` in `workspace`, with one thread, in the current folder's stead the
    /// workspace, and the allowed part of this process's environment.
    pub fn new(kind: RunKind, workspace: impl Into<PathBuf>) -> Self {
        let workspace = workspace.into();
        Self {
            kind,
            label: None,
            cwd: workspace.clone(),
            workspace,
            argv: Vec::new(),
            env: super::allowed_environment(),
            secrets: Vec::new(),
            resources: Resources::default(),
            request_id: None,
            after: Vec::new(),
            priority: 0,
            grace_s: 10,
            terms: Terms {
                retries: if kind.is_activity() { ACTIVITY_RETRIES } else { 0 },
                ..Terms::default()
            },
            slurm: None,
        }
    }

    /// Makes the run's folder in `runs` by exclusive mkdir, lets `write_input` fill `input/`,
    /// writes `spec.json` last, and makes all of it durable.
    ///
    /// # Errors
    /// The folder cannot be made (read-only, full), or `write_input` failed; the half-made folder
    /// is removed again.
    pub fn create(
        self,
        runs: &Path,
        write_input: impl FnOnce(&Path) -> Result<(), JobError>,
    ) -> Result<(PathBuf, RunSpec), JobError> {
        fs::create_dir_all(runs).map_err(JobError::io(runs))?;
        let (id, dir) = loop {
            let id = new_id()?;
            let dir = runs.join(id.as_str());
            match fs::create_dir(&dir) {
                Ok(()) => break (id, dir),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(JobError::io(dir)(e)),
            }
        };
        let spec = RunSpec {
            version: RunSpec::VERSION,
            id,
            kind: self.kind,
            label: self.label,
            workspace: self.workspace,
            argv: self.argv,
            cwd: self.cwd,
            env: self.env,
            secrets: self.secrets,
            resources: self.resources,
            request_id: self
                .request_id
                .unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string()),
            queued_at: now(),
            after: self.after,
            priority: self.priority,
            grace_s: self.grace_s,
            terms: self.terms,
            slurm: self.slurm,
        };
        let filled = fill(&dir, &spec, write_input).and_then(|()| sync_dir(runs));
        if let Err(e) = filled {
            // Nothing was promised yet; what cannot be removed has no spec.json and is ignored.
            let _ = fs::remove_dir_all(&dir);
            return Err(e);
        }
        Ok((dir, spec))
    }
}

fn fill(
    dir: &Path,
    spec: &RunSpec,
    write_input: impl FnOnce(&Path) -> Result<(), JobError>,
) -> Result<(), JobError> {
    let input = dir.join("input");
    fs::create_dir(&input).map_err(JobError::io(&input))?;
    write_input(&input)?;
    let path = dir.join("spec.json");
    let text = serde_json::to_vec_pretty(spec).map_err(|e| JobError::Malformed {
        path: path.clone(),
        line: None,
        reason: e.to_string(),
    })?;
    // Everything is written first, then made durable: a journal is committed once, not once a
    // file. What a power failure tears in between was promised to nobody.
    fs::write(&path, text).map_err(JobError::io(&path))?;
    sync_tree(&input)?;
    File::open(&path).and_then(|f| f.sync_all()).map_err(JobError::io(&path))?;
    sync_dir(dir)
}

fn sync_dir(dir: &Path) -> Result<(), JobError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(JobError::io(dir))
}

fn sync_tree(dir: &Path) -> Result<(), JobError> {
    let mut any = false;
    for entry in fs::read_dir(dir).map_err(JobError::io(dir))? {
        let path = entry.map_err(JobError::io(dir))?.path();
        any = true;
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            File::open(&path).and_then(|f| f.sync_all()).map_err(JobError::io(&path))?;
        }
    }
    if any { sync_dir(dir) } else { Ok(()) }
}

/// Time and random part: sorts by age, survives a lost database, is never reused.
fn new_id() -> Result<RunId, JobError> {
    let random = uuid::Uuid::new_v4().simple().to_string();
    let time = Timestamp::now().strftime("%Y%m%d-%H%M%S");
    RunId::new(format!("{time}-{}", &random[..8])).map_err(|e| JobError::Work(e.to_string()))
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
    use super::*;

    #[test]
    fn a_run_folder_is_whole_or_absent() {
        let tmp = tempfile::tempdir().unwrap();
        let runs = tmp.path().join("runs");
        let failed = NewRun::new(RunKind::Command, tmp.path())
            .create(&runs, |_| Err(JobError::Work("no input".into())));
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(&runs).unwrap().count(), 0);
        let (dir, spec) = NewRun::new(RunKind::Command, tmp.path())
            .create(&runs, |input| {
                fs::write(input.join("a"), "b").map_err(JobError::io(input.join("a")))
            })
            .unwrap();
        assert_eq!(RunSpec::read(&dir).unwrap(), spec);
        assert_eq!(fs::read(dir.join("input/a")).unwrap(), b"b");
    }

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
