//! What can be told of runs while no engine runs: what the last one left in its database. Looking
//! starts no engine.

use super::protocol::{ListAsk, Page};
use super::{EngineError, StateDir};
use crate::domain::RunId;
use crate::job::RunView;
use crate::store::engine::EngineDb;

/// A page of runs as the last engine left them.
///
/// # Errors
/// The database is of another release, or cannot be read.
pub fn list(state: &StateDir, ask: &ListAsk) -> Result<Page, EngineError> {
    match EngineDb::open_to_read(&state.db())? {
        Some(db) => Ok(Page::read(&db, ask)?),
        None => Ok(Page { items: Vec::new(), next: None, seqs: Vec::new(), total: Some(0) }),
    }
}

/// One run and its cursor, as the last engine left it.
///
/// # Errors
/// As [`list`].
pub fn show(state: &StateDir, run: &RunId) -> Result<Option<(i64, RunView)>, EngineError> {
    let Some(db) = EngineDb::open_to_read(&state.db())? else { return Ok(None) };
    Ok(db.get(run)?.map(|r| (r.seq, r.view())))
}
