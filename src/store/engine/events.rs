//! The ordered events of the engine: one a transition, holding the run's JSON after it.

use rusqlite::{Transaction, params};

use super::{EngineDb, EngineDbError};
use crate::job::{RunRecord, now};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its number; they only grow.
    pub seq: i64,
    /// The run it is about.
    pub run: String,
    /// The run's public JSON after the transition.
    pub view: String,
}

/// Writes the event of a transition in the transaction of the transition.
pub(super) fn push(tx: &Transaction<'_>, record: &RunRecord) -> rusqlite::Result<EventRow> {
    let run = record.id.as_str().to_owned();
    let view = serde_json::to_string(&record.view())
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    tx.prepare_cached("INSERT INTO events (at, run, view) VALUES (?1, ?2, ?3)")?
        .execute(params![now().as_millisecond(), run, view])?;
    Ok(EventRow { seq: tx.last_insert_rowid(), run, view })
}

impl EngineDb {
    /// The number of the newest event; 0 when there is none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn last_event(&self) -> Result<i64, EngineDbError> {
        self.conn
            .query_row("SELECT coalesce(max(seq), 0) FROM events", [], |r| r.get(0))
            .map_err(self.at())
    }

    /// Events after `since`, oldest first; `None` when some of them were dropped already or
    /// `since` is not of this database: the caller needs a snapshot.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn events_since(&self, since: i64) -> Result<Option<Vec<EventRow>>, EngineDbError> {
        let at = self.at();
        let (oldest, newest): (i64, i64) = self
            .conn
            .query_row("SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) FROM events", [], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })
            .map_err(&at)?;
        if since > newest || since + 1 < oldest {
            return Ok(None);
        }
        let mut query = self
            .conn
            .prepare_cached("SELECT seq, run, view FROM events WHERE seq > ?1 ORDER BY seq")
            .map_err(&at)?;
        let rows = query
            .query_map([since], |r| {
                Ok(EventRow { seq: r.get(0)?, run: r.get(1)?, view: r.get(2)? })
            })
            .and_then(Iterator::collect)
            .map_err(&at)?;
        Ok(Some(rows))
    }

    /// Drops all but the newest `keep` events.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn drop_old_events(&self, keep: u32) -> Result<(), EngineDbError> {
        self.conn
            .execute("DELETE FROM events WHERE seq <= (SELECT max(seq) FROM events) - ?1", [keep])
            .map(|_| ())
            .map_err(self.at())
    }
}
