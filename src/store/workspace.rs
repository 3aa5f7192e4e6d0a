//! `workspace.db`: the database of one workspace folder.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Access, Database, Interrupter, Migration, Reader, Schema, StoreError, Tx};

const SCHEMA: Schema = Schema {
    kind: "workspace",
    // "PlyC"
    application_id: 0x506c_7943,
    migrations: &[
        Migration { name: "0001_base", sql: include_str!("migrations/0001_base.sql") },
        Migration { name: "0002_study", sql: include_str!("migrations/0002_study.sql") },
        Migration { name: "0003_judge", sql: include_str!("migrations/0003_judge.sql") },
        Migration { name: "0004_pages", sql: include_str!("migrations/0004_pages.sql") },
        Migration { name: "0005_study2", sql: include_str!("migrations/0005_study2.sql") },
    ],
};

/// The open database of a workspace folder.
#[derive(Debug)]
pub struct Workspace {
    db: Database,
}

impl Workspace {
    /// Name of the file in the workspace's folder.
    pub const FILE: &'static str = "workspace.db";

    /// Makes the database in an existing folder, or opens the one that is there, for writing.
    ///
    /// # Errors
    /// See [`Database::create`].
    pub fn create(folder: &Path) -> Result<Self, StoreError> {
        Database::create(&folder.join(Self::FILE), &SCHEMA).map(|db| Self { db })
    }

    /// Opens the database of a workspace folder.
    ///
    /// # Errors
    /// See [`Database::open`].
    pub fn open(folder: &Path, access: Access) -> Result<Self, StoreError> {
        Database::open(&folder.join(Self::FILE), &SCHEMA, access).map(|db| Self { db })
    }

    /// Makes the database of a folder from a backup; see [`Database::restore`].
    ///
    /// # Errors
    /// As [`Database::restore`].
    pub fn restore(backup: &Path, folder: &Path) -> Result<Self, StoreError> {
        Database::restore(backup, &folder.join(Self::FILE), &SCHEMA).map(|db| Self { db })
    }

    /// The schema version that this program writes.
    pub fn schema_version() -> u32 {
        SCHEMA.version()
    }

    /// The file with its health: path, read-only flag, backup, check.
    pub fn database(&self) -> &Database {
        &self.db
    }

    /// Reads. Each call of the reader is one read.
    pub fn read(&self) -> Reader<'_> {
        Reader { conn: self.db.conn(), path: self.db.path() }
    }

    /// What another thread stops a long read with; see [`Interrupter::stop`].
    pub fn interrupter(&self) -> Interrupter {
        Interrupter::new(self.db.conn())
    }

    /// From now on reads end with [`StoreError::Interrupted`] once `stop` is true: what they
    /// would answer is not wanted any more. `None`: they run to their end.
    ///
    /// # Errors
    /// SQLite refuses.
    pub fn stop_reads_when(&mut self, stop: Option<Arc<AtomicBool>>) -> Result<(), StoreError> {
        self.db.stop_when(stop)
    }

    /// From now on deleted rows of this connection are overwritten with zeros in the file.
    ///
    /// # Errors
    /// SQLite refuses.
    pub fn erase_on_delete(&mut self) -> Result<(), StoreError> {
        self.db.erase_on_delete()
    }

    /// Rewrites the database without any trace of what was deleted, in the file and in its log.
    /// Others may go on; they are waited for, and they wait.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where somebody holds the database; no space for a second copy.
    pub fn clean(&mut self) -> Result<(), StoreError> {
        self.db.clean()
    }

    /// Runs `f` in one transaction. On `Ok` everything is on the disk; on an error nothing is
    /// written. Another writer is waited for up to ten seconds.
    ///
    /// # Errors
    /// What `f` returns; [`StoreError::ReadOnly`], [`StoreError::Busy`], [`StoreError::DiskFull`].
    pub fn write<T>(
        &mut self,
        f: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let path = self.db.path().to_owned();
        self.db.transaction(|tx| f(&Tx::new(tx, &path)))
    }

    /// Like [`Workspace::write`], for rooms with an error of their own.
    ///
    /// # Errors
    /// What `f` returns, or the store's own.
    pub fn write_as<T, E: From<StoreError>>(
        &mut self,
        f: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut refused = None;
        let path = self.db.path().to_owned();
        let out = self.db.transaction(|tx| match f(&Tx::new(tx, &path)) {
            Ok(v) => Ok(v),
            Err(e) => {
                refused = Some(e);
                // any error rolls the transaction back; this one never leaves this function
                Err(StoreError::Refused { path: path.clone(), rule: "rolled back".into() })
            }
        });
        match (out, refused) {
            (_, Some(e)) => Err(e),
            (Ok(v), None) => Ok(v),
            (Err(e), None) => Err(e.into()),
        }
    }
}

/// The schema, for the tests of this room.
#[cfg(test)]
pub(super) const TEST_SCHEMA: Schema = SCHEMA;
