//! The GPUs' clock: readings of leased ones for the panels, those that went away, leases that
//! outlived their run, and runs that wait for what others load. A thread of its own: a driver may
//! take its time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Device;
use super::release::release;
use crate::domain::RunId;
use crate::engine::core::Core;
use crate::engine::log;
use crate::job::{GpuNow, GpuReading, JsonlWriter, RunState, StateName, now};
use crate::store::engine::GpuLease;

/// One look at the leases; the GPUs are asked only when one of the reasons below is due.
const TICK: Duration = Duration::from_secs(1);
/// Between two readings while somebody watches.
const WATCHED: Duration = Duration::from_secs(2);
/// Between two readings while nobody does.
const ALONE: Duration = Duration::from_secs(10);
/// Between two looks for runs that wait for GPUs.
const WAITS: Duration = Duration::from_secs(3);

/// Leases by their attempt.
type Groups = BTreeMap<(String, u32), Vec<GpuLease>>;

/// Looks until the engine ends.
pub(in crate::engine) fn tend(core: &Arc<Core>) {
    let (mut read, mut looked) = (None::<Instant>, Instant::now());
    let mut known = BTreeSet::new();
    let mut gone = BTreeSet::new();
    loop {
        std::thread::sleep(TICK);
        if core.gpus.anybody_waits() && looked.elapsed() >= WAITS {
            looked = Instant::now();
            core.wake.notify_one();
        }
        let groups = match groups(core) {
            Ok(groups) => groups,
            Err(e) => {
                log::say(format_args!("GPU leases cannot be read: {e}"));
                continue;
            }
        };
        let (live, ended): (Groups, Groups) =
            groups.into_iter().partition(|(key, _)| is_live(core, key));
        let pause = if core.is_watched() { WATCHED } else { ALONE };
        let keys: BTreeSet<(String, u32)> = live.keys().cloned().collect();
        let new = keys != known;
        let due = !live.is_empty() && (new || read.is_none_or(|r| r.elapsed() >= pause));
        if !due && ended.is_empty() {
            continue;
        }
        let devices = core.gpus.devices();
        for own in ended.values() {
            release(core, own, &devices);
        }
        if due && let Ok(devices) = &devices {
            (read, known) = (Some(Instant::now()), keys);
            for (key, own) in &live {
                note_gone(core, key, own, devices, &mut gone);
                write(core, key, own, devices);
            }
        }
    }
}

fn groups(core: &Core) -> Result<Groups, crate::store::engine::EngineDbError> {
    let mut groups = Groups::new();
    for lease in core.lock().db.leases()? {
        groups.entry((lease.run.clone(), lease.attempt)).or_default().push(lease);
    }
    Ok(groups)
}

fn record(core: &Core, run: &str) -> Option<crate::job::RunRecord> {
    core.lock().db.get(&RunId::new(run).ok()?).ok().flatten()
}

/// True while the attempt has not ended.
fn is_live(core: &Core, (run, attempt): &(String, u32)) -> bool {
    record(core, run).is_some_and(|r| r.attempt == *attempt && r.state.name().is_live())
}

/// Says on a running run that a GPU of its lease is not there any more.
fn note_gone(
    core: &Core,
    (run, attempt): &(String, u32),
    own: &[GpuLease],
    devices: &[Device],
    said: &mut BTreeSet<(String, u32, String)>,
) {
    for lease in own {
        let key = (run.clone(), *attempt, lease.gpu.clone());
        if devices.iter().any(|d| d.uuid == lease.gpu) || said.contains(&key) {
            continue;
        }
        said.insert(key);
        log::say(format_args!("run {run}: {} is gone", lease.gpu));
        let mut inner = core.lock();
        let Ok(id) = RunId::new(run.clone()) else { continue };
        let Ok(Some(mut record)) = inner.db.get(&id) else { continue };
        if record.attempt != *attempt || record.state.name() != StateName::Running {
            continue;
        }
        let flat = record.state.flat();
        let Some(started_at) = flat.started_at else { continue };
        let note = format!(
            "{} of its lease is gone: the driver does not show it any more. The run goes on, and \
             no other gets that GPU",
            lease.gpu
        );
        let note = Some(flat.reason.map_or(note.clone(), |r| format!("{r}; {note}")));
        let state = RunState::Running { queued_at: flat.queued_at, started_at, note };
        if let Err(e) = core.transition(&mut inner, &mut record, *attempt, state, false) {
            log::say(format_args!("run {run}: that could not be noted: {e}"));
        }
    }
}

/// One line of `gpus.jsonl`. A folder that is gone or full costs readings, nothing else.
fn write(core: &Core, (run, attempt): &(String, u32), own: &[GpuLease], devices: &[Device]) {
    let Some(record) = record(core, run) else { return };
    let gpus = own
        .iter()
        .map(|l| match devices.iter().find(|d| d.uuid == l.gpu) {
            Some(d) => GpuNow {
                index: d.index,
                uuid: d.uuid.clone(),
                memory_used: d.memory_used,
                memory_total: d.memory_total,
                utilization: d.utilization,
                gone: false,
            },
            None => GpuNow {
                index: 0,
                uuid: l.gpu.clone(),
                memory_used: None,
                memory_total: None,
                utilization: None,
                gone: true,
            },
        })
        .collect();
    let path = record.dir.join(format!("attempt-{attempt}")).join(GpuReading::NAME);
    if let Ok(mut file) = JsonlWriter::append(path) {
        let _ = file.write(&GpuReading { at: now(), gpus });
    }
}
