//! A database file of ours: made whole, opened with care, backed up.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, TransactionBehavior};

use super::migrate::{migrate, version_of};
use super::{Schema, StoreError, connection};

/// What the caller wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read and write; an older schema is upgraded.
    Write,
    /// Only read: works in a read-only folder too.
    Read,
}

/// An open database of one [`Schema`]. `Send`, for one thread at a time; each process or thread
/// that wants to work at the same time opens its own.
#[derive(Debug)]
pub struct Database {
    conn: Connection,
    path: PathBuf,
    read_only: bool,
}

impl Database {
    /// Makes the file with the newest schema, or opens it for writing where it exists. The file
    /// appears whole or not at all: it is made beside its place and moved there.
    ///
    /// # Errors
    /// The folder cannot be written, the disk is full, or what exists cannot be opened.
    pub fn create(path: &Path, schema: &Schema) -> Result<Self, StoreError> {
        connection::check_sqlite()?;
        if !path.exists() {
            let unwritable = |e: std::io::Error| match e.kind() {
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    StoreError::ReadOnly { path: path.to_owned() }
                }
                std::io::ErrorKind::StorageFull => StoreError::DiskFull { path: path.to_owned() },
                _ => StoreError::Io { path: path.to_owned(), source: e },
            };
            let tmp = tempfile::Builder::new()
                .prefix(".new-database-")
                .tempdir_in(folder_of(path))
                .map_err(unwritable)?;
            let made = tmp.path().join("new.db");
            {
                let mut conn = connection::writable(&made, true)?;
                connection::durable(&conn, &made)?;
                migrate(&mut conn, &made, schema)?;
                conn.close().map_err(|(_, e)| StoreError::sql(&made, e))?;
            }
            // of two who make it at once, one wins and the other opens that one
            match place(&made, path) {
                Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(unwritable(e));
                }
                _ => {}
            }
        }
        Self::open(path, schema, Access::Write)
    }

    /// Opens an existing file. For writing, an older schema is upgraded first; for reading, only
    /// where the file can be written.
    ///
    /// # Errors
    /// No file, no database, another program's, a newer schema, damaged, read-only, locked.
    pub fn open(path: &Path, schema: &Schema, access: Access) -> Result<Self, StoreError> {
        connection::check_sqlite()?;
        match std::fs::metadata(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(StoreError::Missing { path: path.to_owned(), kind: schema.kind });
            }
            Err(e) => return Err(StoreError::io(path)(e)),
            Ok(m) if !m.is_file() => {
                return Err(StoreError::NotADatabase {
                    path: path.to_owned(),
                    reason: "not a file".into(),
                });
            }
            // never filled silently: we only ever make whole files, so the content was lost
            Ok(m) if m.len() == 0 => {
                return Err(StoreError::NotADatabase {
                    path: path.to_owned(),
                    reason: "the file is empty".into(),
                });
            }
            Ok(_) => {}
        }
        connection::check_length(path)?;
        match access {
            Access::Write => Self::open_to_write(path, schema),
            Access::Read => {
                let conn = connection::read_only(path)?;
                let found = version_of(&conn, path, schema)?;
                if found == schema.version() {
                    return Ok(Self { conn, path: path.to_owned(), read_only: true });
                }
                drop(conn);
                match Self::open_to_write(path, schema) {
                    Err(StoreError::ReadOnly { path }) => {
                        Err(StoreError::OlderSchema { path, found, known: schema.version() })
                    }
                    other => other,
                }
            }
        }
    }

    fn open_to_write(path: &Path, schema: &Schema) -> Result<Self, StoreError> {
        let mut conn = match connection::writable(path, false) {
            Err(e) if connection::cannot_make_side_files(&e) => {
                return Err(StoreError::ReadOnly { path: path.to_owned() });
            }
            other => other?,
        };
        let ready = version_of(&conn, path, schema)
            .and_then(|_| connection::durable(&conn, path))
            .and_then(|()| migrate(&mut conn, path, schema));
        match ready {
            // the folder cannot hold the -wal and -shm files
            Err(e) if connection::cannot_make_side_files(&e) => {
                Err(StoreError::ReadOnly { path: path.to_owned() })
            }
            Err(e) => Err(e),
            Ok(()) => Ok(Self { conn, path: path.to_owned(), read_only: false }),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True when it was opened for reading only.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// A number that changes when another connection has written (`PRAGMA data_version`).
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        self.conn
            .pragma_query_value(None, "data_version", |r| r.get(0))
            .map_err(|e| StoreError::sql(&self.path, e))
    }

    /// Writes a consistent copy while others work (`VACUUM INTO`). The copy appears whole or not
    /// at all, and an existing file is not overwritten.
    ///
    /// # Errors
    /// The target exists, or there is no space.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        if to.exists() {
            return Err(StoreError::Refused {
                path: to.to_owned(),
                rule: "a backup never overwrites a file; choose another name".into(),
            });
        }
        let tmp = tempfile::Builder::new()
            .prefix(".backup-")
            .tempdir_in(folder_of(to))
            .map_err(StoreError::io(to))?;
        let copy = tmp.path().join("copy.db");
        self.conn
            .execute("VACUUM INTO ?1", [copy.to_string_lossy()])
            .map_err(|e| StoreError::sql(to, e))?;
        std::fs::File::open(&copy).and_then(|f| f.sync_all()).map_err(StoreError::io(&copy))?;
        place(&copy, to).map_err(StoreError::io(to))
    }

    /// Makes a database of a backup: a copy that is checked, and brought up to date where it is
    /// older, before it gets its name. The backup is only read.
    ///
    /// # Errors
    /// There is a database; the backup is none of ours, newer, damaged, or a file in use.
    pub fn restore(backup: &Path, to: &Path, schema: &Schema) -> Result<Self, StoreError> {
        let no = |rule: &str| StoreError::Refused { path: to.to_owned(), rule: rule.to_owned() };
        if to.exists() {
            return Err(no(
                "a restore never overwrites a database; move it away, or restore into \
                           another folder",
            ));
        }
        let mut log = backup.as_os_str().to_owned();
        log.push("-wal");
        if std::fs::metadata(&log).is_ok_and(|m| m.len() > 0) {
            return Err(no("this is a database in use and not a backup: a part of it is in the \
                           file beside it; `polyculture workspace backup` copies both"));
        }
        if !backup.is_file() {
            return Err(StoreError::Missing { path: backup.to_owned(), kind: schema.kind });
        }
        let tmp = tempfile::Builder::new()
            .prefix(".restore-")
            .tempdir_in(folder_of(to))
            .map_err(StoreError::io(to))?;
        let copy = tmp.path().join("copy.db");
        std::fs::copy(backup, &copy).map_err(StoreError::io(&copy))?;
        // a backup may be kept read-only
        let mut rights = std::fs::metadata(&copy).map_err(StoreError::io(&copy))?.permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut rights, 0o600);
        std::fs::set_permissions(&copy, rights).map_err(StoreError::io(&copy))?;
        let made = Self::open(&copy, schema, Access::Write)?;
        if let Some(first) = made.check()?.into_iter().next() {
            return Err(StoreError::Corrupt { path: backup.to_owned(), reason: first });
        }
        made.conn.close().map_err(|(_, e)| StoreError::sql(&copy, e))?;
        std::fs::File::open(&copy).and_then(|f| f.sync_all()).map_err(StoreError::io(&copy))?;
        place(&copy, to).map_err(StoreError::io(to))?;
        Self::open(to, schema, Access::Write)
    }

    /// Checks the whole file; an empty list is a sound one. Reads everything: for `doctor`.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        let run = |sql: &str| -> rusqlite::Result<Vec<String>> {
            self.conn.prepare(sql)?.query_map([], |r| r.get(0))?.collect()
        };
        let mut found = run("PRAGMA quick_check").map_err(|e| StoreError::sql(&self.path, e))?;
        found.retain(|line| line != "ok");
        let broken =
            run("SELECT \"table\" || ' row ' || rowid || ' points at no row of ' || parent \
             FROM pragma_foreign_key_check");
        found.extend(broken.map_err(|e| StoreError::sql(&self.path, e))?);
        Ok(found)
    }

    /// Deleted content is overwritten with zeros.
    pub(super) fn erase_on_delete(&self) -> Result<(), StoreError> {
        self.conn
            .pragma_update(None, "secure_delete", true)
            .map_err(|e| StoreError::sql(&self.path, e))
    }

    /// Rewrites the whole file, moves all of it out of the log, and empties that.
    pub(super) fn clean(&self) -> Result<(), StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly { path: self.path.clone() });
        }
        let at = |e| StoreError::sql(&self.path, e);
        // old versions of pages may hold what was deleted from the new ones
        self.conn.execute_batch("VACUUM").map_err(at)?;
        let busy: i64 =
            self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get(0)).map_err(at)?;
        if busy == 0 {
            return Ok(());
        }
        let waited_ms = connection::BUSY_BUDGET_MS;
        Err(StoreError::Busy { path: self.path.clone(), waited_ms })
    }

    /// Every read looks now and then whether `stop` is set, and ends then with
    /// [`StoreError::Interrupted`]; `None` lets reads run to their end.
    pub(super) fn stop_when(&mut self, stop: Option<Arc<AtomicBool>>) -> Result<(), StoreError> {
        // some ten microseconds of SQLite's work: nothing beside a page, soon enough for a scan
        let every = 2_000;
        let asked = stop.map(|s| move || s.load(Ordering::Relaxed));
        self.conn.progress_handler(every, asked).map_err(|e| StoreError::sql(&self.path, e))
    }

    /// The connection, for the typed readers of this room.
    pub(super) fn conn(&self) -> &Connection {
        &self.conn
    }

    /// Runs `f` in one `BEGIN IMMEDIATE` transaction and commits. When it returns `Ok`, the rows
    /// are on the disk; when it returns an error, nothing was written.
    pub(super) fn transaction<T>(
        &mut self,
        f: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly { path: self.path.clone() });
        }
        let path = self.path.clone();
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|e| StoreError::sql(&path, e))?;
        let out = f(&tx)?;
        tx.commit().map_err(|e| StoreError::sql(&path, e))?;
        Ok(out)
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

/// Gives a finished file its name, durably, without overwriting: by a link (which fails where the
/// name is taken), or by renaming on file systems without links.
fn place(made: &Path, name: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(made, name) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => return Err(e),
        Err(_) if !name.exists() => std::fs::rename(made, name)?,
        other => other?,
    }
    std::fs::File::open(folder_of(name))?.sync_all()
}
