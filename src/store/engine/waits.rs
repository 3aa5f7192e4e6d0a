//! Who waits for whose end. The rows say what `spec.json` says: a lost database gets them back
//! when it takes the run in again.

use rusqlite::{Transaction, params};

use super::{EngineDb, EngineDbError};
use crate::domain::RunId;
use crate::job::{Condition, RunRecord, RunSpec, StateName};

/// One dependency, and where the other run stands; `None` when it is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// The run waited for.
    pub other: String,
    /// What must have become of it.
    pub condition: Condition,
    /// Its state.
    pub state: Option<StateName>,
}

/// Notes what a new run waits for.
pub(super) fn note(tx: &Transaction<'_>, spec: &RunSpec) -> rusqlite::Result<()> {
    for after in &spec.after {
        tx.prepare_cached(
            "INSERT OR IGNORE INTO waits (run, other, condition) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![spec.id.as_str(), after.run.as_str(), word(after.condition)])?;
    }
    Ok(())
}

fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::Ok => "ok",
        Condition::Any => "any",
        Condition::Fail => "fail",
    }
}

impl EngineDb {
    /// What a run waits for.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn awaited(&self, run: &RunId) -> Result<Vec<Awaited>, EngineDbError> {
        let query = "SELECT w.other, w.condition, r.state FROM waits w
             LEFT JOIN runs r ON r.id = w.other WHERE w.run = ?1 ORDER BY w.other, w.condition";
        self.conn
            .prepare_cached(query)
            .and_then(|mut q| {
                q.query_map([run.as_str()], |r| {
                    let condition = match r.get::<_, String>(1)?.as_str() {
                        "any" => Condition::Any,
                        "fail" => Condition::Fail,
                        _ => Condition::Ok,
                    };
                    let state = r.get::<_, Option<String>>(2)?;
                    let state = state.as_deref().and_then(StateName::from_word);
                    Ok(Awaited { other: r.get(0)?, condition, state })
                })
                .and_then(Iterator::collect)
            })
            .map_err(self.at())
    }

    /// Blocked runs that wait for this one.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn waiting_for(&self, other: &RunId) -> Result<Vec<RunRecord>, EngineDbError> {
        self.select(
            "WHERE state = 'blocked' AND id IN (SELECT run FROM waits WHERE other = ?1)
             ORDER BY seq",
            [other.as_str()],
        )
    }
}
