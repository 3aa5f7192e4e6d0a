//! One row of `runs`, to and from the types of the job contract.

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::Row;

use crate::domain::RunId;
use crate::job::{Exit, FlatState, RunKind, RunRecord, RunState, StateName};

/// The columns that [`read`] wants, in its order.
pub(super) const COLUMNS: &str = "seq, id, kind, label, dir, workspace, attempt, priority, \
     threads, state, queued_at, since, started_at, ended_at, exit_code, signal, reason, gpus, pool";

/// A row, or the run's id and what is wrong with it.
pub(super) type Read = Result<RunRecord, (String, String)>;

/// Reads a row of [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Read> {
    let time = |i| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(i)?.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    };
    let id: String = row.get(1)?;
    let kind: String = row.get(2)?;
    let word: String = row.get(9)?;
    let queued_at = time(10)?.unwrap_or_default();
    let exit = match (row.get::<_, Option<i32>>(14)?, row.get::<_, Option<i32>>(15)?) {
        (Some(code), _) => Some(Exit::Code(code)),
        (None, signal) => signal.map(Exit::Signal),
    };
    let bad = |what: &str| Ok(Err((id.clone(), what.to_owned())));
    let Ok(run) = RunId::new(id.clone()) else { return bad("its id") };
    let Some(kind) = RunKind::from_word(&kind) else { return bad(&format!("kind `{kind}`")) };
    let Some(name) = StateName::from_word(&word) else { return bad(&format!("state `{word}`")) };
    let flat = FlatState {
        name,
        queued_at,
        since: time(11)?,
        started_at: time(12)?,
        ended_at: time(13)?,
        exit,
        reason: row.get(16)?,
    };
    let Some(state) = RunState::from_flat(flat) else {
        return bad(&format!("state `{word}` without its times"));
    };
    Ok(Ok(RunRecord {
        seq: row.get(0)?,
        id: run,
        kind,
        label: row.get(3)?,
        dir: PathBuf::from(row.get::<_, String>(4)?),
        workspace: PathBuf::from(row.get::<_, String>(5)?),
        attempt: row.get(6)?,
        priority: row.get(7)?,
        threads: row.get(8)?,
        gpus: row.get(17)?,
        pool: row.get(18)?,
        state,
    }))
}

/// Exit code and signal as columns.
pub(super) fn exit_columns(exit: Option<Exit>) -> (Option<i32>, Option<i32>) {
    match exit {
        Some(Exit::Code(c)) => (Some(c), None),
        Some(Exit::Signal(s)) => (None, Some(s)),
        None => (None, None),
    }
}
