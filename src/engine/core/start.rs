//! The queue at work: what is due is queued, and what fits is started.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Core, Inner, missing_secret};
use crate::domain::RunId;
use crate::engine::schedule::{Room, Turn, Want, slots};
use crate::engine::{EngineError, gpu, lifecycle};
use crate::job::{Attempt, RunRecord, RunSpec, RunState, StateName, now};
use crate::store::engine::Pool;

/// Queued runs looked at in one go.
const BATCH: u32 = 64;
/// The longest sleep of the queue while runs are delayed: the clock may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(20);

impl Core {
    /// How long the queue may sleep until a delayed run is due.
    pub(in crate::engine) fn until_due(&self) -> Option<Duration> {
        let inner = self.lock();
        let due = inner.db.next_due().ok().flatten()?;
        let left = due.saturating_sub(now().as_millisecond()).max(0).unsigned_abs();
        let backoff = inner.backoffs.values().min();
        let backoff = backoff.map(|at| at.saturating_duration_since(Instant::now()));
        let left = Duration::from_millis(left);
        Some(backoff.map_or(left, |b| b.min(left)).min(LONGEST_SLEEP))
    }

    /// Queues delayed runs whose time has come, by the calendar or by the pause that began here.
    fn queue_due(&self, inner: &mut Inner) -> Result<(), EngineError> {
        let mut due = inner.db.due(now())?;
        let over: Vec<RunId> = inner
            .backoffs
            .iter()
            .filter(|(_, at)| **at <= Instant::now())
            .map(|(id, _)| id.clone())
            .collect();
        for id in over {
            inner.backoffs.remove(&id);
            due.extend(inner.db.get(&id)?.filter(|r| r.state.name() == StateName::Delayed));
        }
        due.sort_by_key(|r| r.seq);
        due.dedup_by_key(|r| r.seq);
        for mut record in due {
            inner.backoffs.remove(&record.id);
            let (queued_at, attempt) = (record.state.queued_at(), record.attempt);
            let state = RunState::Queued { queued_at };
            self.transition(inner, &mut record, attempt, state, false)?;
        }
        Ok(())
    }

    /// What is free now.
    fn room(&self, inner: &Inner) -> Result<Room, EngineError> {
        let free = |p: Pool| (p.name, p.capacity.saturating_sub(p.taken));
        let pools = inner.db.pools()?.into_iter().map(free).collect();
        Ok(Room::new(self.slots, inner.live.values().sum(), pools))
    }

    /// Starts what runs elsewhere: it waits for no slot and no GPU of this host.
    fn start_elsewhere(self: &Arc<Self>) -> Result<(), EngineError> {
        loop {
            let mut inner = self.lock();
            let mut room = self.room(&inner)?;
            let mut started = 0;
            for mut record in inner.db.queue_elsewhere(BATCH, &room.full_pools())? {
                if room.turn(Want { threads: 0, pool: record.pool.as_deref() }) == Turn::Start {
                    started += 1;
                    self.start(&mut inner, &mut record, &[])?;
                }
            }
            if started == 0 {
                return Ok(());
            }
        }
    }

    /// Starts what fits: `starting` is committed first, then a supervisor forks the shim.
    pub(in crate::engine) fn start_queued(self: &Arc<Self>) -> Result<(), EngineError> {
        if self.is_draining() {
            if self.lock().live.is_empty() {
                self.stop.notify_one();
            }
            return Ok(());
        }
        self.queue_due(&mut self.lock())?;
        self.start_elsewhere()?;
        let mut round = gpu::Round::open(self)?;
        let mut limit = BATCH;
        loop {
            // Taken anew for every batch, so that requests get their turn.
            let mut inner = self.lock();
            let mut room = self.room(&inner)?;
            round.begin(self, &inner)?;
            let batch = inner.db.queue(limit, &room.full_pools())?;
            let whole = batch.len() < limit as usize;
            let mut started = 0;
            for mut record in batch {
                let want = Want { threads: record.threads, pool: record.pool.as_deref() };
                if room.is_full(want.pool) {
                    continue;
                }
                let Some(gpus) = round.place(self, &record) else { continue };
                if room.turn(want) != Turn::Start {
                    return Ok(());
                }
                started += 1;
                self.start(&mut inner, &mut record, &gpus)?;
            }
            if whole {
                return Ok(());
            }
            // A batch of nothing but runs that wait for places or GPUs: those behind it may start.
            limit = if started == 0 { limit.saturating_mul(8) } else { BATCH };
        }
    }

    fn start(
        self: &Arc<Self>,
        inner: &mut Inner,
        record: &mut RunRecord,
        gpus: &[gpu::Device],
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
        gpu::start(self, inner, record, &attempt, state, gpus)?;
        crate::job::crash_point("engine-before-fork");
        self.supervise(inner, record, attempt, spec);
        Ok(())
    }

    /// Gives a live run its supervisor: a thread of its own, since it waits for a process.
    pub(in crate::engine) fn supervise(
        self: &Arc<Self>,
        inner: &mut Inner,
        record: &RunRecord,
        attempt: Attempt,
        mut spec: RunSpec,
    ) {
        gpu::equip(inner, record, &attempt, &mut spec);
        let paused = record.state.name() == StateName::Paused;
        let taken = if paused { 0 } else { slots(record.threads, self.slots) };
        inner.live.insert(record.id.clone(), taken);
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
            crate::engine::log::say(format_args!("run {id}: no thread for it: {e}"));
        }
    }
}
