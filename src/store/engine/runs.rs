//! Runs: arrival, transitions, lists.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Params, Transaction, TransactionBehavior, params};

use super::events::{self, EventRow};
use super::rows::{COLUMNS, Read, exit_columns, read};
use super::{EngineDb, EngineDbError};
use crate::domain::RunId;
use crate::job::{RunRecord, RunSpec, RunState};

/// A run that arrives.
#[derive(Debug)]
pub struct NewRow<'a> {
    /// Its spec.
    pub spec: &'a RunSpec,
    /// Its folder.
    pub dir: &'a Path,
    /// Its current attempt.
    pub attempt: u32,
    /// Where it stands.
    pub state: &'a RunState,
}

/// What became of an arrival.
#[derive(Debug)]
pub enum Added {
    /// It is in.
    New(RunRecord, EventRow),
    /// A run of the same id or request id was there already.
    Known(RunRecord),
}

/// Which runs a list holds: newest first.
#[derive(Debug, Clone, Default)]
pub struct ListQuery<'a> {
    /// Only those of this workspace.
    pub workspace: Option<&'a Path>,
    /// Only those that arrived before this one (its `seq`).
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

const OPEN: &str =
    "state IN ('queued','blocked','delayed','starting','running','paused','stopping')";
const NEXT_TURN: &str = "(SELECT coalesce(max(turn), 0) + 1 FROM runs)";

impl EngineDb {
    /// Takes a run in, with its event, unless its id or request id is known.
    ///
    /// # Errors
    /// The database cannot be written; the run is then not in.
    pub fn add(&mut self, row: &NewRow<'_>) -> Result<Added, EngineDbError> {
        let at = self.at();
        let tx = self.begin()?;
        let known = tx
            .prepare_cached(&format!("SELECT {COLUMNS} FROM runs WHERE request_id = ?1 OR id = ?2"))
            .and_then(|mut q| {
                q.query_row([&row.spec.request_id, row.spec.id.as_str()], read).optional()
            })
            .map_err(&at)?;
        if let Some(known) = known {
            drop(tx);
            return Ok(Added::Known(self.checked(known)?));
        }
        let spec = row.spec;
        let flat = row.state.flat();
        let (code, signal) = exit_columns(flat.exit);
        let threads = spec.resources.threads.max(1);
        tx.prepare_cached(&format!(
            "INSERT INTO runs (id, request_id, kind, label, dir, workspace, attempt, priority,
                 threads, turn, state, queued_at, since, started_at, ended_at, exit_code, signal,
                 reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, {NEXT_TURN}, ?10, ?11, ?12, ?13, ?14,
                 ?15, ?16, ?17)"
        ))
        .and_then(|mut q| {
            q.execute(params![
                spec.id.as_str(),
                spec.request_id,
                spec.kind.word(),
                spec.label,
                row.dir.to_string_lossy(),
                spec.workspace.to_string_lossy(),
                row.attempt,
                spec.priority,
                threads,
                flat.name.word(),
                flat.queued_at.as_millisecond(),
                flat.since.map(Timestamp::as_millisecond),
                flat.started_at.map(Timestamp::as_millisecond),
                flat.ended_at.map(Timestamp::as_millisecond),
                code,
                signal,
                flat.reason,
            ])
        })
        .map_err(&at)?;
        let record = RunRecord {
            seq: tx.last_insert_rowid(),
            id: spec.id.clone(),
            kind: spec.kind,
            label: spec.label.clone(),
            dir: row.dir.to_owned(),
            workspace: spec.workspace.clone(),
            attempt: row.attempt,
            priority: spec.priority,
            threads,
            state: row.state.clone(),
        };
        let event = events::push(&tx, &record).map_err(&at)?;
        tx.commit().map_err(&at)?;
        Ok(Added::New(record, event))
    }

    /// Moves a run to another state, and to `attempt`, with its event, in one transaction.
    /// `record` changes only when it is committed.
    ///
    /// # Errors
    /// The database cannot be written; nothing has changed then.
    pub fn transition(
        &mut self,
        record: &mut RunRecord,
        attempt: u32,
        state: RunState,
        ingested: bool,
    ) -> Result<EventRow, EngineDbError> {
        let at = self.at();
        let mut next = record.clone();
        next.attempt = attempt;
        next.state = state;
        let flat = next.state.flat();
        let (code, signal) = exit_columns(flat.exit);
        let tx = self.begin()?;
        let turn = if attempt == record.attempt { "turn" } else { NEXT_TURN };
        tx.prepare_cached(&format!(
            "UPDATE runs SET attempt = ?2, state = ?3, queued_at = ?4, since = ?5,
                 started_at = ?6, ended_at = ?7, exit_code = ?8, signal = ?9, reason = ?10,
                 ingested = ?11, turn = {turn}
             WHERE id = ?1"
        ))
        .and_then(|mut q| {
            q.execute(params![
                next.id.as_str(),
                attempt,
                flat.name.word(),
                flat.queued_at.as_millisecond(),
                flat.since.map(Timestamp::as_millisecond),
                flat.started_at.map(Timestamp::as_millisecond),
                flat.ended_at.map(Timestamp::as_millisecond),
                code,
                signal,
                flat.reason,
                ingested,
            ])
        })
        .map_err(&at)?;
        let event = events::push(&tx, &next).map_err(&at)?;
        tx.commit().map_err(&at)?;
        *record = next;
        Ok(event)
    }

    /// One run.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn get(&self, id: &RunId) -> Result<Option<RunRecord>, EngineDbError> {
        Ok(self.select("WHERE id = ?1", [id.as_str()])?.pop())
    }

    /// A page of runs, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn list(&self, query: &ListQuery<'_>) -> Result<Vec<RunRecord>, EngineDbError> {
        let before = query.before.unwrap_or(i64::MAX);
        match query.workspace {
            None => self
                .select("WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2", params![before, query.limit]),
            Some(w) => self.select(
                "WHERE seq < ?1 AND workspace = ?3 ORDER BY seq DESC LIMIT ?2",
                params![before, query.limit, w.to_string_lossy()],
            ),
        }
    }

    /// Runs that have not ended, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn open_runs(&self) -> Result<Vec<RunRecord>, EngineDbError> {
        self.select(&format!("WHERE {OPEN} ORDER BY seq"), [])
    }

    /// The head of the queue: highest priority first, then first come, first served.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn queue(&self, limit: u32) -> Result<Vec<RunRecord>, EngineDbError> {
        self.select("WHERE state = 'queued' ORDER BY priority DESC, turn LIMIT ?1", [limit])
    }

    /// Ended activity runs whose results are not merged yet.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn not_ingested(&self) -> Result<Vec<RunRecord>, EngineDbError> {
        self.select(
            &format!("WHERE ingested = 0 AND kind <> 'command' AND NOT ({OPEN}) ORDER BY seq"),
            [],
        )
    }

    /// Notes that the results of a run's ended attempt are merged.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn set_ingested(&self, id: &RunId, attempt: u32) -> Result<(), EngineDbError> {
        self.conn
            .execute(
                "UPDATE runs SET ingested = 1 WHERE id = ?1 AND attempt = ?2",
                params![id.as_str(), attempt],
            )
            .map(|_| ())
            .map_err(self.at())
    }

    /// Id and current attempt of every run, and whether it has ended.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn known(&self) -> Result<Vec<(String, u32, bool)>, EngineDbError> {
        let at = self.at();
        let mut query = self
            .conn
            .prepare(&format!("SELECT id, attempt, NOT ({OPEN}) FROM runs"))
            .map_err(&at)?;
        query
            .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
            .and_then(Iterator::collect)
            .map_err(&at)
    }

    /// How many runs there are in each state.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn counts(&self) -> Result<Vec<(String, i64)>, EngineDbError> {
        let at = self.at();
        let mut query = self
            .conn
            .prepare_cached("SELECT state, count(*) FROM runs GROUP BY state")
            .map_err(&at)?;
        query.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).and_then(Iterator::collect).map_err(&at)
    }

    /// Takes the write lock at once, so that no transaction fails half-way for want of it.
    fn begin(&mut self) -> Result<Transaction<'_>, EngineDbError> {
        let at = self.at();
        self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)
    }

    fn select(&self, tail: &str, params: impl Params) -> Result<Vec<RunRecord>, EngineDbError> {
        let at = self.at();
        let mut query =
            self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM runs {tail}")).map_err(&at)?;
        let rows: Vec<Read> =
            query.query_map(params, read).and_then(Iterator::collect).map_err(&at)?;
        rows.into_iter().map(|r| self.checked(r)).collect()
    }

    fn checked(&self, row: Read) -> Result<RunRecord, EngineDbError> {
        row.map_err(|(run, reason)| EngineDbError::BadRow { path: self.path.clone(), run, reason })
    }
}
