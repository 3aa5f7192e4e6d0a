//! What can go wrong between the program and its database.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

/// Trouble with a database file. Every message names the file and the way out.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is no such file.
    #[error("{path}: no {kind} database here; `polyculture init DIR` makes a workspace")]
    Missing {
        /// The file.
        path: PathBuf,
        /// `workspace` or `engine`.
        kind: &'static str,
    },
    /// The file is empty or is no SQLite database.
    #[error(
        "{path}: not a database ({reason}); move it away and restore a backup, or run `polyculture init` in a new folder"
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A SQLite database of another program.
    #[error(
        "{path}: a database of another program (application id {found:#x}, expected {expected:#x}); choose another folder"
    )]
    ForeignDatabase {
        /// The file.
        path: PathBuf,
        /// Its application id.
        found: i64,
        /// Ours.
        expected: i64,
    },
    /// A database cut short or overwritten.
    #[error(
        "{path}: the database is damaged ({reason}); keep the file, restore the last backup, or try `sqlite3 FILE .recover`"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// Written by a later version of the program.
    #[error(
        "{path}: its schema is version {found}, this program knows up to {known}; use the newer polyculture that wrote it, or restore the backup made before the upgrade"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The file's schema version.
        found: u32,
        /// The highest version known here.
        known: u32,
    },
    /// An older schema in a place where nothing can be written.
    #[error(
        "{path}: its schema is version {found}, this program needs {known} and cannot upgrade a read-only file; make the folder writable once, or copy it"
    )]
    OlderSchema {
        /// The file.
        path: PathBuf,
        /// The file's schema version.
        found: u32,
        /// The version needed.
        known: u32,
    },
    /// Writing was asked of a file or folder that cannot be written.
    #[error(
        "{path}: read-only; nothing was written. Make file and folder writable for this user, or copy the workspace"
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the database.
    #[error(
        "{path}: another process kept it locked for {waited_ms} ms; nothing was written. Try again, or see who has it open (`fuser FILE`)"
    )]
    Busy {
        /// The file.
        path: PathBuf,
        /// How long was waited, in milliseconds.
        waited_ms: u64,
    },
    /// A read was stopped because its answer is not wanted any more.
    #[error("{path}: the read was stopped before its end; ask again")]
    Interrupted {
        /// The file.
        path: PathBuf,
    },
    /// No space left.
    #[error(
        "{path}: the disk is full; nothing of this step was written, all before it is safe. Free space and repeat"
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// A file system that does not lock as SQLite needs.
    #[error(
        "{path}: lies on {kind}, where simultaneous writers can damage a database; move the workspace to a local disk (only `runs` may be shared: `[storage] runs = DIR`)"
    )]
    NetworkFileSystem {
        /// The folder.
        path: PathBuf,
        /// Name of the file system.
        kind: &'static str,
    },
    /// The SQLite that was linked has a bug that can damage a database with two writers.
    #[error(
        "SQLite {found} is linked, {needed} or later is needed; build with the bundled SQLite (the default)"
    )]
    OldSqlite {
        /// Version linked.
        found: String,
        /// Version needed.
        needed: &'static str,
    },
    /// A stored value that does not read as what it should be.
    #[error(
        "{path}: a stored row cannot be read: {reason}; `polyculture doctor` checks the whole file"
    )]
    BadRow {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// Something asked for by name is not there.
    #[error("{path}: no {what} `{name}`{hint}")]
    NotFound {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// Its name.
        name: String,
        /// What else to try, starting with `; `, or empty.
        hint: String,
    },
    /// A rule that the database itself keeps was about to be broken; nothing was written.
    #[error("{path}: refused: {rule}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// The rule, in words.
        rule: String,
    },
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Any other complaint of SQLite.
    #[error("{path}: {source}")]
    Sql {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Ties an I/O error to its file.
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// A thing asked for by name that is not there.
    pub(super) fn not_found(path: &Path, what: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound { path: path.to_owned(), what, name: name.into(), hint: String::new() }
    }

    /// Sorts what SQLite says into the cases that have a way out.
    pub(super) fn sql(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match &source {
            rusqlite::Error::SqliteFailure(e, text) => {
                let said = text.clone().unwrap_or_else(|| e.to_string());
                match e.code {
                    ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                        Self::Busy { path, waited_ms: super::connection::BUSY_BUDGET_MS }
                    }
                    ErrorCode::OperationInterrupted => Self::Interrupted { path },
                    ErrorCode::DiskFull => Self::DiskFull { path },
                    ErrorCode::ReadOnly => Self::ReadOnly { path },
                    ErrorCode::NotADatabase => Self::NotADatabase { path, reason: said },
                    ErrorCode::DatabaseCorrupt => Self::Corrupt { path, reason: said },
                    ErrorCode::ConstraintViolation => Self::Refused { path, rule: said },
                    _ => Self::Sql { path, source },
                }
            }
            rusqlite::Error::FromSqlConversionFailure(_, _, e) => {
                let reason = e.to_string();
                Self::BadRow { path, reason }
            }
            rusqlite::Error::InvalidColumnType(_, name, kind) => {
                let reason = format!("column {name} holds {kind}");
                Self::BadRow { path, reason }
            }
            _ => Self::Sql { path, source },
        }
    }
}
