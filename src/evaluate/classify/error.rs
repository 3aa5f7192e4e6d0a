//! What can be wrong with a task, its data or a run over it.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::job::JobError;
use crate::providers::ProviderError;
use crate::stats::Undefined;
use crate::table::TableError;

/// A classification task that cannot be read, planned, run or summed up.
#[derive(Debug, Error)]
pub enum ClassifyError {
    /// A task file, at a line.
    #[error("{path}{}: {reason}", .line.map(|l| format!(", line {l}")).unwrap_or_default())]
    TaskFile {
        /// The file.
        path: PathBuf,
        /// 1-based line, where one is to blame.
        line: Option<u64>,
        /// What is wrong, what was expected, and the way out.
        reason: String,
    },
    /// A data file, at a line.
    #[error("{path}, line {line}: {reason}")]
    Data {
        /// The file.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// What is wrong, what was expected, and the way out.
        reason: String,
    },
    /// A data file that is no table of the kind that is read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// No task answers to a name.
    #[error("{0}")]
    Unknown(String),
    /// A set that would be scored to no end: its ceiling is below 1, or it is empty.
    #[error("{task}: {reason}")]
    Refused {
        /// The task.
        task: String,
        /// Every finding that stops it, and the way out.
        reason: String,
    },
    /// A plan that cannot be carried out, or that is not the one that was locked.
    #[error("the plan cannot be carried out: {0}")]
    Plan(String),
    /// A model that cannot be opened or asked.
    #[error("model {model}: {reason}")]
    Model {
        /// Its reference.
        model: String,
        /// Why.
        reason: String,
    },
    /// The provider as a whole stopped working.
    #[error("model {model}: {source}")]
    Provider {
        /// Its reference.
        model: String,
        /// Why.
        source: ProviderError,
        /// It had answered this run before.
        answered: bool,
    },
    /// A number that does not exist.
    #[error("{what}: {source}")]
    Undefined {
        /// Which figure.
        what: String,
        /// Why.
        source: Undefined,
    },
    /// The attempt's files.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The file system.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl ClassifyError {
    /// Ties an I/O error to its file.
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// The file it is about, and the line in it.
    pub fn place(&self) -> (Option<&Path>, Option<u64>) {
        match self {
            Self::TaskFile { path, line, .. } => (Some(path), *line),
            Self::Data { path, line, .. } => (Some(path), Some(*line)),
            Self::Io { path, .. } => (Some(path), None),
            Self::Table(e) => (None, e.line()),
            _ => (None, None),
        }
    }
}

impl From<ClassifyError> for JobError {
    fn from(e: ClassifyError) -> Self {
        match e {
            ClassifyError::Job(e) => e,
            ClassifyError::Provider { ref source, answered, .. } => {
                source.of_run(e.to_string(), answered)
            }
            other => Self::Work(other.to_string()),
        }
    }
}
