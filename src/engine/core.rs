//! The engine's one place of truth while it runs: the database behind a lock, who is live, and
//! the stream of events. Every transition is committed, then sent, under the same lock, so that
//! subscribers see them in the order of their numbers.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, broadcast};

use super::protocol::{ListAsk, Page, Push, Snapshot};
use super::schedule::{slots, startable};
use super::{EngineError, Ingest, StateDir, lifecycle};
use crate::domain::RunId;
use crate::job::{Attempt, RunRecord, RunSpec, RunState, StateName, now};
use crate::store::engine::{EngineDb, EngineDbError, EventRow, ListQuery};

/// How many lines a subscriber may fall behind before it is resynchronised.
const BACKLOG: usize = 1024;
/// How many runs a snapshot holds at most: the newest.
const SNAPSHOT: u32 = 20_000;

/// A line for subscribers.
#[derive(Debug)]
pub(super) struct Sent {
    /// The event's number; `None` for progress.
    pub(super) seq: Option<i64>,
    /// The run it is about.
    pub(super) run: String,
    /// The whole line, with its end.
    pub(super) line: String,
}

impl Sent {
    pub(super) fn event(row: &EventRow) -> Self {
        let line = format!("{{\"event\":{{\"seq\":{},\"run\":{}}}}}\n", row.seq, row.view);
        Self { seq: Some(row.seq), run: row.run.clone(), line }
    }
}

/// A subscription as the connection keeps it.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) snapshot: Snapshot,
    pub(super) missed: Vec<EventRow>,
    pub(super) lines: broadcast::Receiver<Arc<Sent>>,
}

/// What the lock guards.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) db: EngineDb,
    /// Runs with a supervisor, and the slots they take.
    pub(super) live: HashMap<RunId, u32>,
    /// Values of secrets, in memory only.
    pub(super) secrets: HashMap<RunId, BTreeMap<String, String>>,
}

/// The engine.
pub(super) struct Core {
    pub(super) state: StateDir,
    pub(super) socket: PathBuf,
    pub(super) since: Timestamp,
    pub(super) slots: u32,
    pub(super) ingest: Arc<Ingest>,
    /// Held while results are merged: never two merges at a time.
    pub(super) merging: Mutex<()>,
    /// What SLURM told last.
    pub(super) slurm: super::slurm::Board,
    /// The queue or the slots changed.
    pub(super) wake: Notify,
    /// Somebody asked the engine to end.
    pub(super) stop: Notify,
    lines: broadcast::Sender<Arc<Sent>>,
    inner: Mutex<Inner>,
    /// A second connection, for lists: a search through 100,000 runs holds no transition up.
    reader: Mutex<Option<EngineDb>>,
}

impl Core {
    pub(super) fn new(
        state: StateDir,
        socket: PathBuf,
        db: EngineDb,
        slots: u32,
        ingest: Arc<Ingest>,
    ) -> Self {
        Self {
            state,
            socket,
            since: now(),
            slots,
            ingest,
            merging: Mutex::new(()),
            slurm: super::slurm::Board::default(),
            wake: Notify::new(),
            stop: Notify::new(),
            lines: broadcast::channel(BACKLOG).0,
            inner: Mutex::new(Inner { db, live: HashMap::new(), secrets: HashMap::new() }),
            reader: Mutex::new(None),
        }
    }

    /// A page of runs, as last committed.
    pub(super) fn list(&self, ask: &ListAsk) -> Result<Page, EngineDbError> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.is_none() {
            *reader = EngineDb::open_to_read(&self.state.db()).unwrap_or(None);
        }
        match reader.as_ref().map(|db| Page::read(db, ask)) {
            Some(Ok(page)) => Ok(page),
            // A reader can lack the right to make the files that a WAL needs; the writer has them.
            Some(Err(_)) | None => {
                *reader = None;
                Page::read(&self.lock().db, ask)
            }
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // What a panicking thread had half done is not in the database.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves a run on and tells everybody. The caller holds the lock.
    pub(super) fn transition(
        &self,
        inner: &mut Inner,
        record: &mut RunRecord,
        attempt: u32,
        state: RunState,
        ingested: bool,
    ) -> Result<(), EngineError> {
        let row = inner.db.transition(record, attempt, state, ingested)?;
        self.tell(&row);
        Ok(())
    }

    /// Sends an event to the subscribers. The caller holds the lock.
    pub(super) fn tell(&self, row: &EventRow) {
        // No subscriber is no error.
        let _ = self.lines.send(Arc::new(Sent::event(row)));
    }

    /// Sends a line that is not kept.
    pub(super) fn tell_progress(&self, run: &RunId, push: &Push) {
        if let Ok(mut line) = serde_json::to_string(push) {
            line.push('\n');
            let _ = self.lines.send(Arc::new(Sent { seq: None, run: run.to_string(), line }));
        }
    }

    /// True when somebody listens.
    pub(super) fn is_watched(&self) -> bool {
        self.lines.receiver_count() > 0
    }

    /// A snapshot, or the events since `since`, and the lines from then on, without a gap.
    pub(super) fn subscribe(
        &self,
        since: Option<i64>,
        run: Option<&RunId>,
    ) -> Result<Feed, EngineError> {
        let inner = self.lock();
        let lines = self.lines.subscribe();
        let seq = inner.db.last_event()?;
        if let Some(since) = since
            && let Some(mut missed) = inner.db.events_since(since)?
        {
            missed.retain(|e| run.is_none_or(|r| r.as_str() == e.run));
            return Ok(Feed { snapshot: Snapshot { seq, items: Vec::new() }, missed, lines });
        }
        let items = if let Some(id) = run {
            inner.db.get(id)?.into_iter().map(|r| r.view()).collect()
        } else {
            let query = ListQuery { limit: SNAPSHOT, ..ListQuery::default() };
            inner.db.list(&query)?.iter().map(RunRecord::view).collect()
        };
        Ok(Feed { snapshot: Snapshot { seq, items }, missed: Vec::new(), lines })
    }

    /// Starts what fits: `starting` is committed first, then a supervisor forks the shim.
    pub(super) fn start_queued(self: &Arc<Self>) -> Result<(), EngineError> {
        loop {
            let mut inner = self.lock();
            // What runs elsewhere waits for no slot.
            for mut record in inner.db.queue_elsewhere(64)? {
                self.start(&mut inner, &mut record)?;
            }
            let taken = inner.live.values().sum();
            let queue = inner.db.queue(64)?;
            let n = startable(queue.iter().map(|r| r.threads), self.slots, taken);
            if n == 0 {
                return Ok(());
            }
            for mut record in queue.into_iter().take(n) {
                self.start(&mut inner, &mut record)?;
            }
        }
    }

    fn start(
        self: &Arc<Self>,
        inner: &mut Inner,
        record: &mut RunRecord,
    ) -> Result<(), EngineError> {
        let queued_at = record.state.queued_at();
        let number = record.attempt;
        let ready = RunSpec::read(&record.dir).and_then(|spec| {
            let dir = record.dir.join(format!("attempt-{number}"));
            let attempt = if dir.is_dir() {
                Attempt::open(dir)?
            } else {
                Attempt::create(&record.dir, number)?
            };
            Ok((attempt, spec))
        });
        let (attempt, spec) = match ready {
            Ok(both) => both,
            Err(e) => {
                let state = lifecycle::folder_trouble(&record.state, &e);
                return self.transition(inner, record, number, state, true);
            }
        };
        if let Some(name) = missing_secret(&spec, inner.secrets.get(&record.id)) {
            let reason = format!(
                "waits for the secret {name}: secrets are kept in memory only, and this engine \
                 has not been given it; retry the run from a shell where {name} is set"
            );
            let state = RunState::Blocked { queued_at, reason };
            return self.transition(inner, record, number, state, false);
        }
        let state = RunState::Starting { queued_at, starting_at: now(), note: None };
        self.transition(inner, record, number, state, false)?;
        crate::job::crash_point("engine-before-fork");
        self.supervise(inner, record, attempt, spec);
        Ok(())
    }

    /// Gives a live run its supervisor: a thread of its own, since it waits for a process.
    pub(super) fn supervise(
        self: &Arc<Self>,
        inner: &mut Inner,
        record: &RunRecord,
        attempt: Attempt,
        spec: RunSpec,
    ) {
        inner.live.insert(record.id.clone(), slots(record.threads, self.slots));
        let secrets = inner.secrets.get(&record.id).cloned().unwrap_or_default();
        let fresh = record.state.name() == StateName::Starting;
        let core = Arc::clone(self);
        let id = record.id.clone();
        let spawned = std::thread::Builder::new()
            .name(format!("run {id}"))
            .spawn(move || lifecycle::Supervisor { core, attempt, spec, secrets }.carry(fresh));
        if let Err(e) = spawned {
            // Its state stays; the next engine judges it. Without threads nothing else works either.
            inner.live.remove(&id);
            super::log::say(format_args!("run {id}: no thread for it: {e}"));
        }
    }
}

/// A secret that the run names and nobody has given.
pub(super) fn missing_secret(
    spec: &RunSpec,
    given: Option<&BTreeMap<String, String>>,
) -> Option<String> {
    spec.secrets.iter().find(|n| given.is_none_or(|g| !g.contains_key(*n))).cloned()
}
