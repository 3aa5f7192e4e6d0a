//! One submission for many runs. Each task notes itself in a folder of the array; when all are
//! there (or the rest does not come), one of them calls sbatch for all.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::SlurmError;
use super::seconds_of;
use super::submit::Trouble;
use crate::job::{ArrayPlace, Attempt, JobError, write_atomically};

/// Seconds that the tasks of an array wait for each other.
const PATIENCE_VARIABLE: &str = "POLYCULTURE_SLURM_ARRAY_PATIENCE";

/// A task as it notes itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted {
    pub(super) index: u32,
    pub(super) attempt: PathBuf,
    pub(super) mark: String,
}

/// The folder of an array, beside its runs.
pub(super) fn folder(attempt: &Attempt, place: &ArrayPlace) -> PathBuf {
    let runs = attempt.run_dir().parent().unwrap_or(Path::new("."));
    runs.join(".slurm-arrays").join(&place.group)
}

/// Notes a task; then the tasks that go into the submission, once they are settled. `None`: this
/// task came too late, and goes alone.
pub(super) fn tasks(
    dir: &Path,
    place: &ArrayPlace,
    me: &Noted,
    since: Instant,
) -> Result<Option<Vec<Noted>>, Trouble> {
    let settled = dir.join("tasks.json");
    if let Some(all) = read::<Vec<Noted>>(&settled)? {
        return Ok(all.contains(me).then_some(all));
    }
    fs::create_dir_all(dir).map_err(JobError::io(dir))?;
    write(&dir.join(format!("task-{}.json", place.index)), me)?;
    let patience: Duration = seconds_of(PATIENCE_VARIABLE, 30.0);
    // Counted by name first: each of a thousand tasks comes by here at least once.
    let noted = fs::read_dir(dir).map_err(JobError::io(dir))?.flatten();
    let noted = noted.filter(|e| e.file_name().to_string_lossy().starts_with("task-")).count();
    if noted < place.of as usize && since.elapsed() < patience {
        let words = format!("{noted} of {} tasks of its array are here", place.of);
        return Err(SlurmError::Waits(words).into());
    }
    let mut here = Vec::new();
    for index in 0..place.of {
        here.extend(read::<Noted>(&dir.join(format!("task-{index}.json")))?);
    }
    write(&settled, &here)?;
    Ok(Some(here))
}

/// As sbatch wants them: `0,1,3%2`.
pub(super) fn list(tasks: &[Noted], at_once: Option<u32>) -> String {
    let numbers: Vec<String> = tasks.iter().map(|t| t.index.to_string()).collect();
    let limit = at_once.map(|n| format!("%{n}")).unwrap_or_default();
    format!("{}{limit}", numbers.join(","))
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, JobError> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|e| JobError::Malformed {
            path: path.to_owned(),
            line: Some(e.line() as u64),
            reason: e.to_string(),
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(JobError::io(path)(e)),
    }
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), JobError> {
    let text = serde_json::to_vec(value).map_err(|e| JobError::Work(e.to_string()))?;
    write_atomically(path, &text)
}
