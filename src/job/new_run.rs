//! A run's folder, from what is asked for to a whole and durable `runs/RUN`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::spec::{ACTIVITY_RETRIES, After, Resources, RunKind, RunSpec, Terms, now};
use super::{JobError, SlurmAsk};
use crate::domain::RunId;

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

    /// Makes the run's folder as [`Self::write`] does, and makes it durable.
    ///
    /// # Errors
    /// As [`Self::write`] and [`Unsynced::make_durable`]; the folder is removed again.
    pub fn create(
        self,
        runs: &Path,
        write_input: impl FnOnce(&Path) -> Result<(), JobError>,
    ) -> Result<(PathBuf, RunSpec), JobError> {
        let folder = self.write(runs, write_input)?;
        if let Err(e) = folder.make_durable() {
            folder.remove();
            return Err(e);
        }
        Ok((folder.dir, folder.spec))
    }

    /// Makes the run's folder in `runs` by exclusive mkdir, lets `write_input` fill `input/`, which
    /// is then durable, and writes `spec.json` last.
    ///
    /// # Errors
    /// The folder cannot be made (read-only, full), or `write_input` failed; the half-made folder
    /// is removed again.
    pub fn write(
        self,
        runs: &Path,
        write_input: impl FnOnce(&Path) -> Result<(), JobError>,
    ) -> Result<Unsynced, JobError> {
        let new_parent = if runs.is_dir() { None } else { runs.parent().map(Path::to_owned) };
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
        let folder = Unsynced { dir, spec, new_parent };
        if let Err(e) = fill(&folder.dir, &folder.spec, write_input) {
            folder.remove();
            return Err(e);
        }
        Ok(folder)
    }
}

/// A run's folder that is whole, and that a power failure may still take.
#[derive(Debug)]
pub struct Unsynced {
    /// `runs/RUN`
    pub dir: PathBuf,
    /// What stands in its `spec.json`.
    pub spec: RunSpec,
    /// The folder of `runs`, where that was made too.
    new_parent: Option<PathBuf>,
}

impl Unsynced {
    /// Waits until the disk has it, its name included. All at once: a disk answers several that
    /// wait with one flush of its cache, so that this takes the time of one.
    ///
    /// # Errors
    /// The disk failed.
    pub fn make_durable(&self) -> Result<(), JobError> {
        let names = [Some(self.dir.as_path()), self.dir.parent(), self.new_parent.as_deref()];
        std::thread::scope(|scope| {
            let waits: Vec<_> =
                names.into_iter().flatten().map(|n| scope.spawn(|| sync(n))).collect();
            let spec = sync(&self.dir.join("spec.json"));
            waits.into_iter().fold(spec, |all, w| {
                all.and(w.join().unwrap_or_else(|_| {
                    Err(JobError::Work("a thread that waited for the disk panicked".into()))
                }))
            })
        })
    }

    /// Takes it away again: nothing was promised. What cannot be removed has no attempt's folder,
    /// and is ignored.
    pub fn remove(&self) {
        let _ = fs::remove_dir_all(&self.dir);
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
    sync_tree(&input)
}

fn sync(path: &Path) -> Result<(), JobError> {
    File::open(path).and_then(|d| d.sync_all()).map_err(JobError::io(path))
}

/// The files below a folder, and the folder; an empty one goes with its name.
fn sync_tree(dir: &Path) -> Result<(), JobError> {
    let mut any = false;
    for entry in fs::read_dir(dir).map_err(JobError::io(dir))? {
        let path = entry.map_err(JobError::io(dir))?.path();
        any = true;
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            sync(&path)?;
        }
    }
    if any { sync(dir) } else { Ok(()) }
}

/// Time and random part: sorts by age, survives a lost database, is never reused.
fn new_id() -> Result<RunId, JobError> {
    let random = uuid::Uuid::new_v4().simple().to_string();
    let time = Timestamp::now().strftime("%Y%m%d-%H%M%S");
    RunId::new(format!("{time}-{}", &random[..8])).map_err(|e| JobError::Work(e.to_string()))
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
}
