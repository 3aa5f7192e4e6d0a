//! Datasets that were built: their manifests, and where their files lie.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{DatasetId, LabelPolicy};

use super::codec::{from_json, from_time, from_word, json, time, word};
use super::{Reader, StoreError, Tx};

/// One dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// Its name in the workspace.
    pub name: DatasetId,
    /// When it was built.
    pub created: Timestamp,
    /// How answers became targets.
    pub policy: LabelPolicy,
    /// All that is needed to build it again.
    pub manifest: serde_json::Value,
    /// Its file or folder, relative to the workspace where it lies inside.
    pub path: String,
    /// Of its rows, in hexadecimal.
    pub sha256: String,
}

fn dataset(r: &rusqlite::Row<'_>) -> rusqlite::Result<DatasetRecord> {
    Ok(DatasetRecord {
        name: from_word(r, 0)?,
        created: from_time(r, 1)?,
        policy: from_word(r, 2)?,
        manifest: from_json(r, 3)?,
        path: r.get(4)?,
        sha256: r.get(5)?,
    })
}

impl Tx<'_> {
    /// Stores a dataset under its name. The same name with other content is refused: models point
    /// at datasets by name.
    ///
    /// # Errors
    /// The name is taken by other rows; the database cannot be written.
    pub fn put_dataset(&self, d: &DatasetRecord) -> Result<(), StoreError> {
        if let Some(old) = self.dataset(&d.name)?
            && old.sha256 != d.sha256
        {
            return Err(StoreError::Refused {
                path: self.path.to_owned(),
                rule: format!(
                    "dataset `{}` exists with other rows (built {}); choose another name",
                    d.name, old.created
                ),
            });
        }
        self.run(
            "INSERT OR REPLACE INTO dataset (name, created, policy, manifest, path, sha256) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                d.name.as_str(),
                time(d.created),
                self.sql(word(&d.policy))?,
                self.sql(json(&d.manifest))?,
                &d.path,
                &d.sha256,
            ),
        )?;
        Ok(())
    }
}

impl Reader<'_> {
    /// One dataset.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn dataset(&self, name: &DatasetId) -> Result<Option<DatasetRecord>, StoreError> {
        self.one(
            "SELECT name, created, policy, manifest, path, sha256 FROM dataset WHERE name = ?1",
            [name.as_str()],
            dataset,
        )
    }

    /// All datasets, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn datasets(&self) -> Result<Vec<DatasetRecord>, StoreError> {
        self.all(
            "SELECT name, created, policy, manifest, path, sha256 FROM dataset \
             ORDER BY created, name",
            [],
            dataset,
        )
    }
}
