//! What can go wrong with the engine, in words for the person at the terminal.

use std::path::PathBuf;

use thiserror::Error;

use super::protocol::Refusal;
use crate::job::JobError;
use crate::store::engine::EngineDbError;

/// Trouble with the engine or the way to it.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The state folder cannot be used.
    #[error("state folder {path}: {reason}")]
    State {
        /// The folder.
        path: PathBuf,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] EngineDbError),
    /// A run's folder.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The file system or the socket.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The reason.
        source: std::io::Error,
    },
    /// The engine was asked and said no.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// No engine answers, and none could be started.
    #[error("the engine cannot be reached: {reason}; its log is {log}")]
    Unreachable {
        /// What was tried.
        reason: String,
        /// The engine's log.
        log: PathBuf,
    },
    /// The other side speaks another version of the protocol.
    #[error(
        "the running engine speaks protocol {theirs}, this polyculture {ours}: run `polyculture \
         engine stop` (its runs go on) and try again"
    )]
    Protocol {
        /// The engine's version.
        theirs: u32,
        /// Ours.
        ours: u32,
    },
    /// The running engine is of a release that does not know what was asked.
    #[error(
        "the running engine ({engine}) is older than this polyculture and cannot search its runs: \
         run `polyculture engine stop` (its runs go on) and try again"
    )]
    TooOld {
        /// Its release.
        engine: String,
    },
}

impl EngineError {
    /// Ties an I/O error to what was being done.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// A word for scripts: the `code` of JSON errors.
    pub fn code(&self) -> &str {
        match self {
            Self::State { .. } => "state_folder",
            Self::Db(EngineDbError::Newer { .. }) => "newer_schema",
            Self::Db(EngineDbError::Full { .. }) => "disk_full",
            Self::Db(_) => "engine_db",
            Self::Job(_) => "run_folder",
            Self::Io { .. } => "io",
            Self::Refused(r) => &r.code,
            Self::Unreachable { .. } => "engine_unreachable",
            Self::Protocol { .. } | Self::TooOld { .. } => "protocol",
        }
    }

    /// The exit code of the command that met it: 2 for a wrong request, else 3 (the engine or the
    /// workspace is unusable).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(r) if r.is_users() => 2,
            _ => 3,
        }
    }
}
