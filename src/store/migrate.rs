//! Numbered migrations: all that are missing are applied in one transaction.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// One numbered step of a schema. Once released, its text is never changed.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// `0001_base`
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

/// A kind of database: what tells its files from others', and its migrations in order.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// As named in messages: `workspace`, `engine`.
    pub kind: &'static str,
    /// SQLite's `application_id`; it is never zero.
    pub application_id: i32,
    /// Migration `i` brings a file from version `i` to `i + 1`.
    pub migrations: &'static [Migration],
}

impl Schema {
    /// The version that this program writes.
    pub fn version(&self) -> u32 {
        self.migrations.len() as u32
    }
}

fn pragma(conn: &Connection, path: &Path, name: &str) -> Result<i64, StoreError> {
    conn.pragma_query_value(None, name, |r| r.get(0)).map_err(|e| StoreError::sql(path, e))
}

/// The file's schema version, after checking that the file is of this kind and not newer.
pub(super) fn version_of(
    conn: &Connection,
    path: &Path,
    schema: &Schema,
) -> Result<u32, StoreError> {
    let id = pragma(conn, path, "application_id")?;
    let version = pragma(conn, path, "user_version")?;
    let tables: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))
        .map_err(|e| StoreError::sql(path, e))?;
    let untouched = id == 0 && version == 0 && tables == 0;
    if id != i64::from(schema.application_id) && !untouched {
        return Err(StoreError::ForeignDatabase {
            path: path.to_owned(),
            found: id,
            expected: schema.application_id.into(),
        });
    }
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    if found > schema.version() {
        return Err(StoreError::NewerSchema {
            path: path.to_owned(),
            found,
            known: schema.version(),
        });
    }
    Ok(found)
}

/// Applies what is missing. Of two processes at once one does the work; the other waits at the
/// lock, looks again, and finds nothing left to do.
pub(super) fn migrate(
    conn: &mut Connection,
    path: &Path,
    schema: &Schema,
) -> Result<(), StoreError> {
    if version_of(conn, path, schema)? == schema.version() {
        return Ok(());
    }
    let at = |e| StoreError::sql(path, e);
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
    let from = version_of(&tx, path, schema)?;
    for migration in schema.migrations.iter().skip(from as usize) {
        tx.execute_batch(migration.sql).map_err(at)?;
    }
    tx.pragma_update(None, "application_id", schema.application_id).map_err(at)?;
    tx.pragma_update(None, "user_version", schema.version()).map_err(at)?;
    tx.commit().map_err(at)
}
