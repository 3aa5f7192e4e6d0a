//! GPUs: whether queued runs want any, and which are leased to whom. A lease is committed with
//! the `starting` of its attempt, and its key is the GPU: no two runs can hold one.

use rusqlite::{Transaction, params};

use super::{EngineDb, EngineDbError, EventRow};
use crate::domain::RunId;
use crate::job::{RunRecord, RunState, now};

/// A GPU that an attempt holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuLease {
    /// The GPU's or the MIG instance's UUID.
    pub gpu: String,
    /// Who holds it.
    pub run: String,
    /// Which attempt of it.
    pub attempt: u32,
}

fn take(tx: &Transaction<'_>, run: &RunId, attempt: u32, gpus: &[String]) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO gpu_leases (gpu, run, attempt, place, since) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (i, gpu) in gpus.iter().enumerate() {
        insert.execute(params![gpu, run.as_str(), attempt, i as i64, now().as_millisecond()])?;
    }
    Ok(())
}

impl EngineDb {
    /// As [`Self::transition`], taking GPUs in the same transaction.
    ///
    /// # Errors
    /// The database cannot be written, or one of the GPUs is leased already: nothing has changed
    /// then.
    pub fn transition_leasing(
        &mut self,
        record: &mut RunRecord,
        state: RunState,
        gpus: &[String],
    ) -> Result<EventRow, EngineDbError> {
        let (run, attempt) = (record.id.clone(), record.attempt);
        self.transition_and(record, attempt, state, false, |tx| take(tx, &run, attempt, gpus))
    }

    /// Takes GPUs for an attempt that runs with them: a lost database is made anew from folders.
    ///
    /// # Errors
    /// The database cannot be written, or one of the GPUs is leased already.
    pub fn restore_leases(
        &mut self,
        run: &RunId,
        attempt: u32,
        gpus: &[String],
    ) -> Result<(), EngineDbError> {
        let at = self.at();
        let tx = self.begin()?;
        take(&tx, run, attempt, gpus).and_then(|()| tx.commit()).map_err(at)
    }

    /// Gives the GPUs of an attempt back.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn release_gpus(&self, run: &RunId, attempt: u32) -> Result<(), EngineDbError> {
        self.conn
            .execute(
                "DELETE FROM gpu_leases WHERE run = ?1 AND attempt = ?2",
                params![run.as_str(), attempt],
            )
            .map(drop)
            .map_err(self.at())
    }

    /// All leases, by run and in the order of their GPUs.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn leases(&self) -> Result<Vec<GpuLease>, EngineDbError> {
        let at = self.at();
        let mut query = self
            .conn
            .prepare_cached("SELECT gpu, run, attempt FROM gpu_leases ORDER BY run, attempt, place")
            .map_err(&at)?;
        query
            .query_map([], |r| Ok(GpuLease { gpu: r.get(0)?, run: r.get(1)?, attempt: r.get(2)? }))
            .and_then(Iterator::collect)
            .map_err(&at)
    }

    /// True when a queued run wants GPUs.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn any_gpus_wanted(&self) -> Result<bool, EngineDbError> {
        let at = self.at();
        self.conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM runs WHERE state = 'queued' AND gpus > 0)",
            )
            .and_then(|mut q| q.query_row([], |r| r.get(0)))
            .map_err(at)
    }
}
