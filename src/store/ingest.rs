//! How far the files of runs have been merged. Set it in the transaction of the rows themselves:
//! then a killed ingest repeats nothing and loses nothing.

use crate::domain::RunId;

use super::codec::{count, from_count, from_word, now};
use super::{Reader, StoreError, Tx};

/// One file of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestedRun {
    /// The run.
    pub run: RunId,
    /// Relative to the run's folder: `attempt-1/results.jsonl`.
    pub file: String,
    /// Bytes merged.
    pub offset: u64,
}

impl Tx<'_> {
    /// Notes that `file` of `run` is merged up to byte `offset`.
    ///
    /// # Errors
    /// The offset goes back, which would merge rows twice; the database cannot be written.
    pub fn set_ingest_offset(
        &self,
        run: &RunId,
        file: &str,
        offset: u64,
    ) -> Result<(), StoreError> {
        let before = self.ingest_offset(run, file)?;
        if offset < before {
            return Err(StoreError::Refused {
                path: self.path.to_owned(),
                rule: format!("{run}/{file} is merged up to byte {before}, not {offset}"),
            });
        }
        self.run(
            "INSERT INTO ingest_offset (run, file, offset, at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (run, file) DO UPDATE SET offset = excluded.offset, at = excluded.at",
            (run.as_str(), file, count(offset), now()),
        )?;
        Ok(())
    }
}

impl Reader<'_> {
    /// Bytes of `file` of `run` that are merged; 0 for a file never seen.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn ingest_offset(&self, run: &RunId, file: &str) -> Result<u64, StoreError> {
        Ok(self
            .one(
                "SELECT offset FROM ingest_offset WHERE run = ?1 AND file = ?2",
                [run.as_str(), file],
                |r| from_count(r, 0),
            )?
            .unwrap_or(0))
    }

    /// All files that were merged, by run.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn ingested(&self) -> Result<Vec<IngestedRun>, StoreError> {
        self.all("SELECT run, file, offset FROM ingest_offset ORDER BY run, file", [], |r| {
            Ok(IngestedRun { run: from_word(r, 0)?, file: r.get(1)?, offset: from_count(r, 2)? })
        })
    }
}
