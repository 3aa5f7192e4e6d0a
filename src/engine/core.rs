//! The engine's one place of truth while it runs: the database behind a lock, who is live, and
//! the stream of events. Every transition is committed, then sent, under the same lock, so that
//! subscribers see them in the order of their numbers.

mod start;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::{Notify, broadcast};

use super::protocol::{ListAsk, Page, Push, Snapshot};
use super::settings::Settings;
use super::waiting::{Holds, standing};
use super::{EngineError, Ingest, StateDir, gpu, lifecycle, notify};
use crate::domain::RunId;
use crate::job::{RunRecord, RunSpec, RunState, StateName, now};
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
    /// Runs with a supervisor, and the slots they take: none while they are paused.
    pub(super) live: HashMap<RunId, u32>,
    /// When further attempts are due by a clock that nobody sets back.
    pub(super) backoffs: HashMap<RunId, Instant>,
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
    pub(super) gpus: gpu::Keeper,
    /// Who is told when a run ends.
    pub(super) notices: notify::Notices,
    /// Held while results are merged: never two merges at a time.
    pub(super) merging: Mutex<()>,
    /// What SLURM told last.
    pub(super) slurm: super::slurm::Board,
    /// The queue or the slots changed.
    pub(super) wake: Notify,
    /// Somebody asked the engine to end.
    pub(super) stop: Notify,
    /// No more starts; the engine ends with the last live run.
    draining: AtomicBool,
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
        draining: bool,
    ) -> Self {
        Self {
            state,
            socket,
            since: now(),
            slots,
            ingest,
            gpus: gpu::Keeper::open(),
            notices: notify::Notices::default(),
            merging: Mutex::new(()),
            slurm: super::slurm::Board::default(),
            wake: Notify::new(),
            stop: Notify::new(),
            draining: AtomicBool::new(draining),
            lines: broadcast::channel(BACKLOG).0,
            inner: Mutex::new(Inner {
                db,
                live: HashMap::new(),
                backoffs: HashMap::new(),
                secrets: HashMap::new(),
            }),
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

    /// Moves a run on and tells everybody; when that is its end, those that waited for it move too.
    /// The caller holds the lock.
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
        self.moved(inner, record)
    }

    /// What follows from a committed transition: after an end people are told, and those that
    /// waited for it move on.
    pub(super) fn moved(&self, inner: &mut Inner, record: &RunRecord) -> Result<(), EngineError> {
        // A list, not a recursion: a chain of runs may be long.
        let mut ended = vec![record.clone()];
        while let Some(record) = ended.pop() {
            if matches!(record.state.name(), StateName::Succeeded | StateName::Skipped) {
                // Nobody needs them any more; who ended otherwise may be resumed.
                inner.secrets.remove(&record.id);
            }
            if record.state.name().is_final() {
                self.notices.tell(record.view());
                ended.extend(self.settle(inner, &record.id)?);
            }
        }
        Ok(())
    }

    /// Moves on those that waited for a run that ended. Returns those that ended by it.
    fn settle(&self, inner: &mut Inner, ended: &RunId) -> Result<Vec<RunRecord>, EngineError> {
        let mut skipped = Vec::new();
        for mut record in inner.db.waiting_for(ended)? {
            if self.stand(inner, &mut record)? && record.state.name().is_final() {
                skipped.push(record);
            }
        }
        Ok(skipped)
    }

    /// Puts a run that is not live where it belongs now. True when that is another state.
    fn stand(&self, inner: &mut Inner, record: &mut RunRecord) -> Result<bool, EngineError> {
        let state = match RunSpec::read(&record.dir) {
            Ok(spec) => standing_of(inner, &spec, record.state.queued_at())?,
            Err(e) => lifecycle::folder_trouble(&record.state, &e),
        };
        if state == record.state {
            return Ok(false);
        }
        let row = inner.db.transition(record, record.attempt, state, true)?;
        self.tell(&row);
        self.wake.notify_one();
        Ok(true)
    }

    /// Looks at every blocked run again: another engine may have died between an end and what
    /// follows from it.
    pub(super) fn stand_all(&self) -> Result<(), EngineError> {
        let mut inner = self.lock();
        for mut record in inner.db.in_state(StateName::Blocked)? {
            // Secrets are gone with the engine that had them: those runs stay as they are.
            if !inner.db.awaited(&record.id)?.is_empty() && self.stand(&mut inner, &mut record)? {
                self.moved(&mut inner, &record)?;
            }
        }
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

    /// Starts no more runs, and ends the engine when the last live one has ended; or starts them
    /// again. An engine that comes after a crash knows it.
    pub(super) fn drain(&self, on: bool) -> Result<(), EngineError> {
        let inner = self.lock();
        Settings::change(&self.state, &inner.db, |s| s.draining = on)?;
        self.draining.store(on, Relaxed);
        drop(inner);
        self.wake.notify_one();
        Ok(())
    }

    /// Takes the hold away when nothing lives any more: what was to be drained is.
    pub(super) fn end_drain(&self) -> Result<(), EngineError> {
        let drained = self.is_draining() && self.lock().live.is_empty();
        if drained { self.drain(false) } else { Ok(()) }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
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
}

/// Where a run stands that is not live.
pub(super) fn standing_of(
    inner: &Inner,
    spec: &RunSpec,
    queued_at: Timestamp,
) -> Result<RunState, EngineError> {
    let awaited = inner.db.awaited(&spec.id)?;
    let missing = missing_secret(spec, inner.secrets.get(&spec.id));
    let not_before = spec.terms.not_before;
    let holds = Holds { awaited: &awaited, not_before, missing_secret: missing.as_deref() };
    Ok(standing(queued_at, now(), &holds))
}

/// A secret that the run names and nobody has given.
pub(super) fn missing_secret(
    spec: &RunSpec,
    given: Option<&BTreeMap<String, String>>,
) -> Option<String> {
    spec.secrets.iter().find(|n| given.is_none_or(|g| !g.contains_key(*n))).cloned()
}
