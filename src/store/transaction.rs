//! What reads and what writes, kept apart by type.

use std::ops::Deref;
use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// Reads the workspace. Every call is a read of its own: none stays open while a person thinks.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    pub(super) conn: &'a Connection,
    pub(super) path: &'a Path,
}

impl Reader<'_> {
    /// Ties SQLite's complaints to the file.
    pub(super) fn sql<T>(&self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        result.map_err(|e| StoreError::sql(self.path, e))
    }

    /// Runs several reads on one state of the database.
    pub(super) fn snapshot<T>(
        &self,
        f: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if !self.conn.is_autocommit() {
            return f(self);
        }
        let tx = self.sql(self.conn.unchecked_transaction())?;
        let out = f(self);
        self.sql(tx.finish())?;
        out
    }

    /// All rows of a query.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let run = || self.conn.prepare_cached(sql)?.query_map(params, row)?.collect();
        self.sql(run())
    }

    /// One row, or none.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        row: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        use rusqlite::OptionalExtension as _;
        let run = || self.conn.prepare_cached(sql)?.query_row(params, row).optional();
        self.sql(run())
    }
}

/// Stops what a connection is doing, from another thread: a person typed on, and the count that
/// they waited for is of no use any more.
pub struct Interrupter {
    handle: rusqlite::InterruptHandle,
}

impl std::fmt::Debug for Interrupter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupter")
    }
}

impl Interrupter {
    pub(super) fn new(conn: &Connection) -> Self {
        Self { handle: conn.get_interrupt_handle() }
    }

    /// The read that runs now answers [`StoreError::Interrupted`]. Where none runs, nothing
    /// happens; the connection stays usable.
    pub fn stop(&self) {
        self.handle.interrupt();
    }
}

/// One transaction that writes. It also reads, and sees what it wrote.
#[derive(Debug, Clone, Copy)]
pub struct Tx<'a> {
    reader: Reader<'a>,
}

impl<'a> Tx<'a> {
    pub(super) fn new(conn: &'a Connection, path: &'a Path) -> Self {
        Self { reader: Reader { conn, path } }
    }

    /// Runs one statement and returns how many rows it changed.
    pub(super) fn run(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
    ) -> Result<usize, StoreError> {
        let run = || self.conn.prepare_cached(sql)?.execute(params);
        self.sql(run())
    }
}

impl<'a> Deref for Tx<'a> {
    type Target = Reader<'a>;
    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}
