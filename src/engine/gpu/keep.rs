//! The engine's side of GPUs: what it refuses, whom it gives which, and what the work then sees.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::choose::{awaited, choose, most};
use super::{Ceiling, Choice, Device, Gpus, ORDER, PCI_ORDER, Taken, VISIBLE};
use crate::domain::RunId;
use crate::engine::EngineError;
use crate::engine::core::{Core, Inner};
use crate::engine::log;
use crate::engine::protocol::Refusal;
use crate::job::{Attempt, GpusFile, JobError, LeasedGpu, RunRecord, RunSpec, RunState, StateName};

/// The GPUs as the engine keeps them.
pub(in crate::engine) struct Keeper {
    gpus: Box<dyn Gpus>,
    /// Why queued runs wait for GPUs, as of the last look at the queue.
    waits: Mutex<HashMap<RunId, String>>,
    /// Since when the lease of an ended attempt waits for its GPUs, and whether the log says so.
    pub(super) ending: Mutex<HashMap<(String, u32), (Instant, bool)>>,
}

impl Keeper {
    pub(in crate::engine) fn open() -> Self {
        Self { gpus: super::open(), waits: Mutex::default(), ending: Mutex::default() }
    }

    pub(super) fn devices(&self) -> Result<Vec<Device>, String> {
        self.gpus.devices()
    }

    /// Why a queued run waits for GPUs, if that is what it waits for.
    pub(in crate::engine) fn why_waits(&self, run: &RunId) -> Option<String> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).get(run).cloned()
    }

    pub(super) fn anybody_waits(&self) -> bool {
        !self.waits.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Refuses what this machine could never give.
    pub(in crate::engine) fn check(&self, spec: &RunSpec) -> Result<(), Refusal> {
        if spec.resources.gpus == 0 {
            return Ok(());
        }
        let refuse = |text: String| Refusal::new("bad_request", text);
        let ceiling = Ceiling::of(&spec.env).map_err(refuse)?;
        // It may answer later; the run waits and says why.
        let Ok(devices) = self.devices() else { return Ok(()) };
        if devices.is_empty() {
            return Err(refuse("this machine has no GPU that its driver shows".into()).hint(
                "`polyculture doctor` says more; ask for 0 GPUs, or run it where there is one",
            ));
        }
        let most = most(&devices, &ceiling).map_err(refuse)?;
        if most < spec.resources.gpus as usize {
            let within = if spec.env.contains_key(VISIBLE) {
                format!("within {VISIBLE}={}", spec.env[VISIBLE])
            } else {
                "on this machine".into()
            };
            return Err(refuse(format!(
                "the run wants {} GPUs, and at most {most} can be leased {within}",
                spec.resources.gpus
            )));
        }
        Ok(())
    }
}

/// One look at the queue: the GPUs are read before the engine's lock is taken, since a driver may
/// take its time.
pub(in crate::engine) struct Round {
    devices: Option<Result<Vec<Device>, String>>,
    taken: Taken,
}

impl Round {
    /// Before the lock.
    pub(in crate::engine) fn open(core: &Core) -> Result<Self, EngineError> {
        let wanted = core.lock().db.any_gpus_wanted()?;
        let devices = wanted.then(|| core.gpus.devices());
        Ok(Self { devices, taken: Taken::default() })
    }

    /// Under the lock, before the queue is gone through.
    pub(in crate::engine) fn begin(
        &mut self,
        core: &Core,
        inner: &Inner,
    ) -> Result<(), EngineError> {
        core.gpus.waits.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.taken = Taken::default();
        if inner.db.any_gpus_wanted()? {
            self.taken.leased = inner.db.leases()?.into_iter().map(|l| (l.gpu, l.run)).collect();
        }
        Ok(())
    }

    /// Under the lock, for each queued run in its order: the GPUs that it gets (none where it
    /// wants none); `None` when it waits for GPUs. Such a run holds up only runs that want GPUs
    /// of those that it may use.
    pub(in crate::engine) fn place(
        &mut self,
        core: &Core,
        record: &RunRecord,
    ) -> Option<Vec<Device>> {
        let want = record.gpus;
        if want == 0 {
            return Some(Vec::new());
        }
        let choice = match &self.devices {
            // It arrived after the look at the GPUs: look again.
            None => {
                core.wake.notify_one();
                Choice::Wait("waits for a look at the GPUs".into())
            }
            Some(Err(e)) => Choice::Wait(format!("waits for GPUs, which cannot be asked: {e}")),
            Some(Ok(devices)) => match RunSpec::read(&record.dir) {
                // Started all the same: its start tells what is wrong with its folder.
                Err(_) => return Some(Vec::new()),
                Ok(spec) => match Ceiling::of(&spec.env) {
                    Err(e) => Choice::Wait(e),
                    Ok(ceiling) => {
                        let choice = choose(devices, &self.taken, &ceiling, want);
                        if matches!(choice, Choice::Wait(_)) {
                            for uuid in awaited(devices, &ceiling, want) {
                                self.taken.awaited.entry(uuid).or_insert(record.id.to_string());
                            }
                        }
                        choice
                    }
                },
            },
        };
        match choice {
            Choice::Take(devices) => {
                for d in &devices {
                    self.taken.leased.insert(d.uuid.clone(), record.id.to_string());
                }
                Some(devices)
            }
            Choice::Wait(why) => {
                let mut waits = core.gpus.waits.lock().unwrap_or_else(PoisonError::into_inner);
                waits.insert(record.id.clone(), why);
                None
            }
        }
    }
}

/// Commits `starting` with the GPUs of the attempt, and tells everybody. They are written into its
/// folder first, durably: from there a lost database gets them back.
pub(in crate::engine) fn start(
    core: &Core,
    inner: &mut Inner,
    record: &mut RunRecord,
    attempt: &Attempt,
    state: RunState,
    devices: &[Device],
) -> Result<(), EngineError> {
    if devices.is_empty() {
        let number = attempt.number();
        return core.transition(inner, record, number, state, false);
    }
    note_lease(attempt, devices)?;
    let uuids: Vec<String> = devices.iter().map(|d| d.uuid.clone()).collect();
    let row = inner.db.transition_leasing(record, state, &uuids)?;
    core.tell(&row);
    core.moved(inner, record)
}

fn note_lease(attempt: &Attempt, devices: &[Device]) -> Result<(), JobError> {
    let gpus = devices
        .iter()
        .map(|d| LeasedGpu {
            index: d.index,
            uuid: d.uuid.clone(),
            name: d.name.clone(),
            memory_total: d.memory_total,
        })
        .collect();
    attempt.write_json(GpusFile::NAME, &GpusFile { gpus })
}

/// Before an attempt is carried: its work sees the GPUs of its lease and no other. After a restart
/// these are the ones that it had.
pub(in crate::engine) fn equip(
    inner: &mut Inner,
    record: &RunRecord,
    attempt: &Attempt,
    spec: &mut RunSpec,
) {
    if spec.resources.gpus == 0 || spec.slurm.is_some() {
        return;
    }
    let held = inner.db.leases().unwrap_or_default();
    let mut gpus: Vec<String> = held
        .into_iter()
        .filter(|l| l.run == record.id.as_str() && l.attempt == attempt.number())
        .map(|l| l.gpu)
        .collect();
    if gpus.is_empty()
        && let Some(file) = GpusFile::read(attempt.dir())
        && record.state.name() != StateName::Queued
    {
        gpus = file.gpus.into_iter().map(|g| g.uuid).collect();
        if let Err(e) = inner.db.restore_leases(&record.id, attempt.number(), &gpus) {
            log::say(format_args!("run {}: its GPUs are not noted: {e}", record.id));
        }
    }
    export(&mut spec.env, &gpus);
}

fn export(env: &mut BTreeMap<String, String>, gpus: &[String]) {
    env.insert(VISIBLE.into(), gpus.join(","));
    env.insert(ORDER.into(), PCI_ORDER.into());
}
