//! What can go wrong between a job and its folder.

use std::path::PathBuf;

use thiserror::Error;

use super::FailureKind;

/// A job's trouble with its files, or with its work.
#[derive(Debug, Error)]
pub enum JobError {
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A file of the folder does not say what it should.
    #[error("{path}{}: {reason}", line.map(|n| format!(", line {n}")).unwrap_or_default())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// 1-based line, where there is one.
        line: Option<u64>,
        /// What was expected.
        reason: String,
    },
    /// The engine or a person asked the job to stop; its files are complete up to here.
    #[error("stopped on request; resume continues from the last checkpoint")]
    Stopped,
    /// The work itself failed: the message is for the person who started it.
    #[error("{0}")]
    Work(String),
    /// The work failed of something that may pass: a service that was away or overloaded.
    #[error("{0}")]
    Transient(String),
    /// A service that has not answered this attempt at all: its address may be wrong.
    #[error("{0}")]
    Away(String),
    /// The memory of the GPU or the machine was not enough.
    #[error("{0}")]
    OutOfMemory(String),
}

impl JobError {
    /// What it means for trying again.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Transient(_) => FailureKind::Transient,
            Self::Away(_) => FailureKind::Away,
            Self::OutOfMemory(_) => FailureKind::OutOfMemory,
            Self::Io { .. } | Self::Malformed { .. } | Self::Stopped | Self::Work(_) => {
                FailureKind::Lasting
            }
        }
    }

    /// Ties an I/O error to its file.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
