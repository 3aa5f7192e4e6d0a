//! The folder of one attempt: `runs/RUN/{spec.json, input/, attempt-N/{..}}`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{JobError, JsonlWriter, MetricsWriter};

/// One try of one run, by its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    dir: PathBuf,
    number: u32,
}

impl Attempt {
    /// Opens an existing `attempt-N` folder.
    ///
    /// # Errors
    /// The folder is missing or not called `attempt-N`.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, JobError> {
        let dir = dir.into();
        let number = dir
            .file_name()
            .and_then(|n| n.to_str())
            .and_then(|n| n.strip_prefix("attempt-"))
            .and_then(|n| n.parse().ok())
            .ok_or_else(|| JobError::Malformed {
                path: dir.clone(),
                line: None,
                reason: "expected a folder called attempt-N".into(),
            })?;
        if !dir.is_dir() {
            return Err(JobError::Malformed {
                path: dir,
                line: None,
                reason: "no such attempt folder".into(),
            });
        }
        Ok(Self { dir, number })
    }

    /// Makes `attempt-N` in a run's folder; it must not exist yet.
    ///
    /// # Errors
    /// The folder exists or cannot be made.
    pub fn create(run_dir: &Path, number: u32) -> Result<Self, JobError> {
        let dir = run_dir.join(format!("attempt-{number}"));
        fs::create_dir(&dir).map_err(JobError::io(&dir))?;
        Ok(Self { dir, number })
    }

    /// The attempt's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// 1, 2, ..
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The run's folder.
    pub fn run_dir(&self) -> &Path {
        self.dir.parent().unwrap_or(Path::new("."))
    }

    /// A file of the frozen input.
    pub fn input(&self, name: &str) -> PathBuf {
        self.run_dir().join("input").join(name)
    }

    /// A file of this attempt.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Earlier attempts of the run, newest first: where a resumed job finds what was done.
    pub fn earlier(&self) -> Vec<Self> {
        (1..self.number)
            .rev()
            .filter_map(|n| Self::open(self.run_dir().join(format!("attempt-{n}"))).ok())
            .collect()
    }

    /// Reads a JSON file of the frozen input.
    ///
    /// # Errors
    /// Missing, or not of the type wanted.
    pub fn read_input<T: DeserializeOwned>(&self, name: &str) -> Result<T, JobError> {
        let path = self.input(name);
        let text = fs::read_to_string(&path).map_err(JobError::io(&path))?;
        serde_json::from_str(&text).map_err(|e| JobError::Malformed {
            path,
            line: Some(e.line() as u64),
            reason: e.to_string(),
        })
    }

    /// Writes a JSON file of this attempt so that it is there whole or not at all.
    ///
    /// # Errors
    /// The disk is full or the folder is gone.
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), JobError> {
        write_atomically(&self.file(name), &to_json(value, &self.file(name))?)
    }

    /// Writes a JSON file of this attempt by rename, but not durably: readers never see a part of
    /// it while the machine is up; after a power failure it may be missing or torn.
    ///
    /// # Errors
    /// The disk is full or the folder is gone.
    pub fn write_json_in_passing<T: Serialize>(
        &self,
        name: &str,
        value: &T,
    ) -> Result<(), JobError> {
        let (path, tmp) = (self.file(name), self.file(&format!(".{name}.tmp")));
        fs::write(&tmp, to_json(value, &path)?).map_err(JobError::io(&tmp))?;
        fs::rename(&tmp, &path).map_err(JobError::io(&path))
    }

    /// Opens `metrics.jsonl` for appending.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn metrics(&self) -> Result<MetricsWriter, JobError> {
        Ok(MetricsWriter::new(JsonlWriter::append(self.file("metrics.jsonl"))?))
    }

    /// Opens `results.jsonl` for appending.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn results(&self) -> Result<JsonlWriter, JobError> {
        JsonlWriter::append(self.file("results.jsonl"))
    }
}

fn to_json<T: Serialize>(value: &T, path: &Path) -> Result<Vec<u8>, JobError> {
    serde_json::to_vec_pretty(value).map_err(|e| JobError::Malformed {
        path: path.to_owned(),
        line: None,
        reason: e.to_string(),
    })
}

/// Writes a file by write, fsync, rename, fsync of the folder: after a crash the old or the new
/// file is there, never a part.
///
/// # Errors
/// Any step fails; the old file is then untouched.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), JobError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut tmp =
        tempfile::Builder::new().prefix(".tmp-").tempfile_in(dir).map_err(JobError::io(path))?;
    tmp.write_all(bytes).map_err(JobError::io(path))?;
    tmp.as_file().sync_all().map_err(JobError::io(path))?;
    tmp.persist(path).map_err(|e| JobError::Io { path: path.to_owned(), source: e.error })?;
    fs::File::open(dir).and_then(|d| d.sync_all()).map_err(JobError::io(dir))
}
