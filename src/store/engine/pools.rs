//! Named pools: how many of their runs may be live at a time.

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::{EngineDb, EngineDbError};

/// A pool and how full it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Runs at a time; 0 holds them all back.
    pub capacity: u32,
    /// Runs of it that are starting, running, paused or stopping.
    pub taken: u32,
    /// Runs of it that wait.
    pub waiting: u32,
}

impl EngineDb {
    /// All pools, by name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn pools(&self) -> Result<Vec<Pool>, EngineDbError> {
        let at = self.at();
        // Both counts use the index by state: only open runs are looked at.
        let count = |states: &str| {
            format!(
                "(SELECT count(*) FROM runs INDEXED BY runs_by_state
                  WHERE state IN ({states}) AND pool = name)"
            )
        };
        let taken = count("'starting','running','paused','stopping'");
        let waiting = count("'queued','blocked','delayed'");
        self.conn
            .prepare_cached(&format!(
                "SELECT name, capacity, {taken}, {waiting} FROM pools ORDER BY name"
            ))
            .and_then(|mut q| {
                q.query_map([], |r| {
                    Ok(Pool {
                        name: r.get(0)?,
                        capacity: r.get(1)?,
                        taken: r.get(2)?,
                        waiting: r.get(3)?,
                    })
                })
                .and_then(Iterator::collect)
            })
            .map_err(at)
    }

    /// Makes a pool, or changes its capacity.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn set_pool(&self, name: &str, capacity: u32) -> Result<(), EngineDbError> {
        self.conn
            .execute(
                "INSERT INTO pools (name, capacity) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET capacity = excluded.capacity",
                params![name, capacity],
            )
            .map(|_| ())
            .map_err(self.at())
    }

    /// Removes a pool. False when there was none.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn drop_pool(&self, name: &str) -> Result<bool, EngineDbError> {
        self.conn
            .execute("DELETE FROM pools WHERE name = ?1", [name])
            .map(|n| n > 0)
            .map_err(self.at())
    }
}
