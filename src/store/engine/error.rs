//! What can be wrong with `engine.db`.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

/// Trouble with the engine's database.
#[derive(Debug, Error)]
pub enum EngineDbError {
    /// Torn, or no database at all. The caller sets it aside and rebuilds.
    #[error("{path} is damaged: {detail}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        detail: String,
    },
    /// A newer program wrote it.
    #[error(
        "{path} has schema {found}, this polyculture knows up to {known}: upgrade polyculture, or \
         set POLYCULTURE_STATE_DIR to a folder of its own"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest known here.
        known: i64,
    },
    /// An older program wrote it, and nobody has brought it up to date yet.
    #[error(
        "{path} has schema {found}, this polyculture reads {known}: `polyculture engine start` \
         brings it up to date"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The one known here.
        known: i64,
    },
    /// The library that this program was built with can corrupt a database.
    #[error("SQLite {found} is too old: 3.51.3 or newer is needed")]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// No space.
    #[error("{path}: the disk is full; free some space and try again, nothing was lost")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be made durable.
    #[error("{path} cannot be made durable: {source}")]
    Sync {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A row that this program did not write.
    #[error("{path}: run {run} has a row that cannot be read: {reason}")]
    BadRow {
        /// The file.
        path: PathBuf,
        /// The run.
        run: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Anything else SQLite says.
    #[error("{path}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
}

impl EngineDbError {
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { path, detail: source.to_string() }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path },
            _ => Self::Sqlite { path, source },
        }
    }
}
