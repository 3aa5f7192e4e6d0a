//! `engine.db`: the engine's runs and events. One row a run (its current attempt), one row an
//! event; each transition and its event are one durable transaction. What is lost here is rebuilt
//! from the run folders, which hold every promise first.

mod error;
mod events;
mod leases;
mod migrations;
mod pools;
mod rows;
mod runs;
#[cfg(test)]
mod tests;
mod waits;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

pub use error::EngineDbError;
pub use events::EventRow;
pub use leases::GpuLease;
pub use pools::Pool;
pub use runs::{Added, Known, ListQuery, NewRow};
pub use waits::Awaited;

/// The engine's database, open for its only writer.
#[derive(Debug)]
pub struct EngineDb {
    conn: Connection,
    path: PathBuf,
    fresh: bool,
}

/// The first SQLite without the WAL reset bug that can corrupt a database (fixed in 3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;

impl EngineDb {
    /// Opens, checks and migrates the database; makes it when there is none.
    ///
    /// # Errors
    /// [`EngineDbError::Corrupt`] when the file is torn or no database, [`EngineDbError::Newer`]
    /// when a newer polyculture wrote it, others when it cannot be opened or written.
    pub fn open(path: &Path) -> Result<Self, EngineDbError> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(EngineDbError::OldSqlite { found: rusqlite::version().to_owned() });
        }
        let at = |e| EngineDbError::sqlite(path, e);
        let conn = Connection::open(path).map_err(at)?;
        conn.busy_timeout(Duration::from_secs(5)).map_err(at)?;
        conn.pragma_update(None, "journal_mode", "WAL").map_err(at)?;
        conn.pragma_update(None, "synchronous", "FULL").map_err(at)?;
        conn.pragma_update(None, "foreign_keys", true).map_err(at)?;
        let verdict: String =
            conn.query_row("PRAGMA quick_check(1)", [], |r| r.get(0)).map_err(at)?;
        if verdict != "ok" {
            return Err(EngineDbError::Corrupt { path: path.to_owned(), detail: verdict });
        }
        let mut db = Self { conn, path: path.to_owned(), fresh: false };
        db.fresh = db.migrate()?;
        Ok(db)
    }

    /// Opens the database for reading beside its writer: what was committed is seen, nobody waits.
    /// `None` when there is none yet.
    ///
    /// # Errors
    /// [`EngineDbError::Older`] and [`EngineDbError::Newer`] when another release wrote it, others
    /// when it cannot be read.
    pub fn open_to_read(path: &Path) -> Result<Option<Self>, EngineDbError> {
        if !path.exists() {
            return Ok(None);
        }
        let at = |e| EngineDbError::sqlite(path, e);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags).map_err(at)?;
        conn.busy_timeout(Duration::from_secs(5)).map_err(at)?;
        let db = Self { conn, path: path.to_owned(), fresh: false };
        db.check_schema()?;
        Ok(Some(db))
    }

    /// Stops waiting for the disk at every commit: for a file that is thrown away when its making
    /// is interrupted. [`Self::finish_bulk`] makes it durable.
    ///
    /// # Errors
    /// SQLite refused.
    pub fn begin_bulk(&self) -> Result<(), EngineDbError> {
        self.conn.pragma_update(None, "synchronous", "OFF").map_err(self.at())
    }

    /// Does many changes with one wait for the disk, at their end. A crash before that loses some
    /// of them and harms nothing: for what can be found again.
    ///
    /// # Errors
    /// The database cannot be written, or what `changes` says.
    pub fn together<T, E: From<EngineDbError>>(
        &mut self,
        changes: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let level =
            |db: &Self, level| db.conn.pragma_update(None, "synchronous", level).map_err(db.at());
        // In WAL mode NORMAL keeps the order of writes, and so the file whole.
        level(self, "NORMAL")?;
        let done = changes(self);
        level(self, "FULL")?;
        self.conn.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())).map_err(self.at())?;
        done
    }

    /// Closes the database with all of it in its one file, durably.
    ///
    /// # Errors
    /// The disk is full or failed.
    pub fn finish_bulk(self) -> Result<(), EngineDbError> {
        let at = self.at();
        self.conn.pragma_update(None, "synchronous", "FULL").map_err(&at)?;
        self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(&at)?;
        self.conn.close().map_err(|(_, e)| at(e))?;
        std::fs::File::open(&self.path)
            .and_then(|f| f.sync_all())
            .map_err(|e| EngineDbError::Sync { path: self.path, source: e })
    }

    /// True when this opening made the tables: nothing was known before.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    fn at(&self) -> impl Fn(rusqlite::Error) -> EngineDbError + use<> {
        let path = self.path.clone();
        move |e| EngineDbError::sqlite(&path, e)
    }
}
