//! Runs: arrival, transitions, lists.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{
    OptionalExtension, Params, Transaction, TransactionBehavior, params, params_from_iter,
};

use super::events::{self, EventRow};
use super::rows::{COLUMNS, Read, exit_columns, read};
use super::{EngineDb, EngineDbError, waits};
use crate::domain::RunId;
use crate::job::{RunKind, RunRecord, RunSpec, RunState, StateName};
use crate::text::fold;

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

/// What is known of a run, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The run.
    pub id: String,
    /// Its current attempt.
    pub attempt: u32,
    /// True when that has not been started.
    pub waits: bool,
    /// The run's folder.
    pub dir: PathBuf,
}

/// Which runs a list holds: newest first.
#[derive(Debug, Clone, Default)]
pub struct ListQuery<'a> {
    /// Only those of this workspace.
    pub workspace: Option<&'a Path>,
    /// Only those that arrived before this one (its `seq`).
    pub before: Option<i64>,
    /// Only those that arrived after this one. Without `before`, the page is the one next to it:
    /// `Some(0)` gives the oldest runs.
    pub after: Option<i64>,
    /// Every word of this stands in the run's id, kind, label or state, in either case.
    pub words: &'a str,
    /// Only those in one of these states; empty: in any.
    pub states: &'a [StateName],
    /// Only those of this kind.
    pub kind: Option<RunKind>,
    /// At most so many.
    pub limit: u32,
}

/// What the words of a filter are looked for in, beside the state.
pub(super) fn words(id: &str, kind: &str, label: Option<&str>) -> String {
    fold(&format!("{id} {kind} {}", label.unwrap_or_default()))
}

impl ListQuery<'_> {
    /// The table, the condition and its values. The index holds all that the condition asks, so
    /// that a filter that finds little reads a fifth of the table's bytes.
    fn condition(&self) -> (String, Vec<Value>) {
        let mut values: Vec<Value> = Vec::new();
        let mut clauses = Vec::new();
        let mut add = |clause: &str, value: Value| {
            values.push(value);
            clauses.push(clause.replace('?', &format!("?{}", values.len())));
        };
        if let Some(before) = self.before {
            add("seq < ?", before.into());
        }
        if let Some(after) = self.after {
            add("seq > ?", after.into());
        }
        for word in fold(self.words).split(' ').filter(|w| !w.is_empty()) {
            add("instr(words || ' ' || state, ?) > 0", word.to_owned().into());
        }
        if let Some(kind) = self.kind {
            add("kind = ?", kind.word().to_owned().into());
        }
        let narrow = self.kind.is_some() || !self.states.is_empty();
        let filters = narrow || !self.words.trim().is_empty();
        let mut table = if filters { "runs INDEXED BY runs_found" } else { "runs NOT INDEXED" };
        if let Some(w) = self.workspace {
            add("workspace = ?", w.to_string_lossy().into_owned().into());
            table = "runs NOT INDEXED";
        }
        if !self.states.is_empty() {
            let words: Vec<String> =
                self.states.iter().map(|s| format!("'{}'", s.word())).collect();
            clauses.push(format!("state IN ({})", words.join(", ")));
        }
        let all = clauses.join(" AND ");
        (format!("{table} WHERE {}", if all.is_empty() { "1" } else { &all }), values)
    }
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
        // What runs elsewhere takes no slot and no GPU here; nor does what only waits for others
        // and asks for no thread.
        let gpus = if spec.slurm.is_some() { 0 } else { spec.resources.gpus };
        let threads = if spec.slurm.is_some() { 0 } else { spec.resources.threads };
        tx.prepare_cached(&format!(
            "INSERT INTO runs (id, request_id, kind, label, dir, workspace, attempt, priority,
                 threads, turn, state, queued_at, since, started_at, ended_at, exit_code, signal,
                 reason, words, gpus, pool)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, {NEXT_TURN}, ?10, ?11, ?12, ?13, ?14,
                 ?15, ?16, ?17, ?18, ?19, ?20)"
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
                words(spec.id.as_str(), spec.kind.word(), spec.label.as_deref()),
                gpus,
                spec.terms.pool,
            ])
        })
        .and_then(|_| waits::note(&tx, spec))
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
            gpus,
            pool: spec.terms.pool.clone(),
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
        self.transition_and(record, attempt, state, ingested, |_| Ok(()))
    }

    /// As [`Self::transition`], with `more` in the same transaction.
    pub(super) fn transition_and(
        &mut self,
        record: &mut RunRecord,
        attempt: u32,
        state: RunState,
        ingested: bool,
        more: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
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
        more(&tx).map_err(&at)?;
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
        let (condition, values) = query.condition();
        // The page next to `after` is read from there upwards.
        let up = query.after.is_some() && query.before.is_none();
        let (order, limit) = (if up { "ASC" } else { "DESC" }, query.limit);
        self.select(
            &format!(
                "WHERE seq IN (SELECT seq FROM {condition} ORDER BY seq {order} LIMIT {limit}) \
                 ORDER BY seq DESC"
            ),
            params_from_iter(values),
        )
    }

    /// How many runs a query finds, its `limit` aside.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn count(&self, query: &ListQuery<'_>) -> Result<u64, EngineDbError> {
        let (condition, values) = query.condition();
        self.conn
            .prepare_cached(&format!("SELECT count(*) FROM {condition}"))
            .and_then(|mut q| q.query_row(params_from_iter(values), |r| r.get::<_, i64>(0)))
            .map(|n| n.unsigned_abs())
            .map_err(self.at())
    }

    /// Runs that have not ended, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn open_runs(&self) -> Result<Vec<RunRecord>, EngineDbError> {
        self.select(&format!("WHERE {OPEN} ORDER BY seq"), [])
    }

    /// The head of the queue: highest priority first, then first come, first served. Left out are
    /// runs of the named pools.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn queue(
        &self,
        limit: u32,
        full_pools: &[String],
    ) -> Result<Vec<RunRecord>, EngineDbError> {
        self.queued("runs_by_state", "threads > 0", limit, full_pools)
    }

    /// The same of runs that take no slot of this host.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn queue_elsewhere(
        &self,
        limit: u32,
        full_pools: &[String],
    ) -> Result<Vec<RunRecord>, EngineDbError> {
        self.queued("runs_elsewhere", "threads = 0", limit, full_pools)
    }

    fn queued(
        &self,
        index: &str,
        place: &str,
        limit: u32,
        full_pools: &[String],
    ) -> Result<Vec<RunRecord>, EngineDbError> {
        let marks = vec!["?"; full_pools.len()].join(", ");
        let pools = if full_pools.is_empty() {
            String::new()
        } else {
            format!("AND (pool IS NULL OR pool NOT IN ({marks}))")
        };
        self.select(
            &format!(
                "INDEXED BY {index} WHERE state = 'queued' AND {place} {pools}
                 ORDER BY priority DESC, turn LIMIT {limit}"
            ),
            params_from_iter(full_pools),
        )
    }

    /// Puts a waiting run before or behind others.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn set_priority(&self, id: &RunId, priority: i32) -> Result<(), EngineDbError> {
        self.conn
            .execute("UPDATE runs SET priority = ?2 WHERE id = ?1", params![id.as_str(), priority])
            .map(|_| ())
            .map_err(self.at())
    }

    /// Runs in one state, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn in_state(&self, state: StateName) -> Result<Vec<RunRecord>, EngineDbError> {
        self.select("WHERE state = ?1 ORDER BY seq", [state.word()])
    }

    /// The earliest time that a delayed run waits for, in Unix milliseconds.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn next_due(&self) -> Result<Option<i64>, EngineDbError> {
        self.conn
            .prepare_cached(
                "SELECT min(since) FROM runs INDEXED BY runs_due WHERE state = 'delayed'",
            )
            .and_then(|mut q| q.query_row([], |r| r.get(0)))
            .map_err(self.at())
    }

    /// Delayed runs whose time has come.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn due(&self, now: Timestamp) -> Result<Vec<RunRecord>, EngineDbError> {
        self.select(
            "INDEXED BY runs_due WHERE state = 'delayed' AND since <= ?1 ORDER BY seq",
            [now.as_millisecond()],
        )
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

    /// What is known of every run: enough to see where the folders know more.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn known(&self) -> Result<Vec<Known>, EngineDbError> {
        let at = self.at();
        let mut query =
            self.conn.prepare("SELECT id, attempt, state, dir FROM runs").map_err(&at)?;
        query
            .query_map([], |r| {
                let waits = matches!(
                    StateName::from_word(&r.get::<_, String>(2)?),
                    Some(StateName::Queued | StateName::Blocked | StateName::Delayed)
                );
                let dir = PathBuf::from(r.get::<_, String>(3)?);
                Ok(Known { id: r.get(0)?, attempt: r.get(1)?, waits, dir })
            })
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
    pub(super) fn begin(&mut self) -> Result<Transaction<'_>, EngineDbError> {
        let at = self.at();
        self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)
    }

    pub(super) fn select(
        &self,
        tail: &str,
        params: impl Params,
    ) -> Result<Vec<RunRecord>, EngineDbError> {
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
