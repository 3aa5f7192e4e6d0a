//! The import log: which file was read, when, and what was said about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::codec::{from_json, from_time, json, now};
use super::{Reader, StoreError, Tx};

/// One import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportRecord {
    /// `survey`, `questionnaire`, `samples`, `ratings`.
    pub kind: String,
    /// The file as the user named it.
    pub file: String,
    /// Of its content, in hexadecimal.
    pub sha256: String,
    /// What the importer said, as it was shown.
    pub report: serde_json::Value,
}

impl Tx<'_> {
    /// Adds a line to the import log and returns its number.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn log_import(&self, import: &ImportRecord) -> Result<i64, StoreError> {
        self.run(
            "INSERT INTO import_log (at, kind, file, sha256, report) VALUES (?1, ?2, ?3, ?4, ?5)",
            (now(), &import.kind, &import.file, &import.sha256, self.sql(json(&import.report))?),
        )?;
        Ok(self.conn.last_insert_rowid())
    }
}

impl Reader<'_> {
    /// All imports of a kind (of every kind for `None`), oldest first, with their times.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn imports(
        &self,
        kind: Option<&str>,
    ) -> Result<Vec<(Timestamp, ImportRecord)>, StoreError> {
        self.all(
            "SELECT at, kind, file, sha256, report FROM import_log \
             WHERE ?1 IS NULL OR kind = ?1 ORDER BY id",
            [kind],
            |r| {
                Ok((
                    from_time(r, 0)?,
                    ImportRecord {
                        kind: r.get(1)?,
                        file: r.get(2)?,
                        sha256: r.get(3)?,
                        report: from_json(r, 4)?,
                    },
                ))
            },
        )
    }
}
