//! The end of a lease: after the run's end, and after its processes are off the GPU.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::Device;
use crate::engine::core::Core;
use crate::engine::{log, sweep};
use crate::job::{Attempt, RunSpec};
use crate::store::engine::GpuLease;

/// How long the end of a run waits for its GPUs; after that the engine's clock looks on.
const AT_ONCE: Duration = Duration::from_secs(2);
/// How long a process that this machine does not know (in a container, the host's number of one)
/// keeps a lease. What loads the GPU is looked at again before it is given to anybody.
const UNKNOWN: Duration = Duration::from_secs(30);
/// After so long the log says that a lease is held.
const SAY: Duration = Duration::from_secs(10);

/// After the end of an attempt was announced: releases its GPUs, now or as soon as they are free.
pub(in crate::engine) fn give_back(core: &Core, spec: &RunSpec, attempt: &Attempt) {
    if spec.resources.gpus == 0 || spec.slurm.is_some() {
        return;
    }
    let mark = sweep::mark(spec.id.as_str(), attempt.number());
    sweep::sweep(&mark, Duration::from_secs(1));
    let deadline = Instant::now() + AT_ONCE;
    loop {
        let held = core.lock().db.leases().unwrap_or_default();
        let own: Vec<GpuLease> = held
            .into_iter()
            .filter(|l| l.run == spec.id.as_str() && l.attempt == attempt.number())
            .collect();
        if own.is_empty() || release(core, &own, &core.gpus.devices()) || Instant::now() >= deadline
        {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Releases the GPUs of one ended attempt if nothing of it is on them any more.
pub(super) fn release(
    core: &Core,
    own: &[GpuLease],
    devices: &Result<Vec<Device>, String>,
) -> bool {
    let Some(first) = own.first() else { return true };
    let key = (first.run.clone(), first.attempt);
    let ending = || core.gpus.ending.lock().unwrap_or_else(PoisonError::into_inner);
    let (since, said) = *ending().entry(key.clone()).or_insert_with(|| (Instant::now(), false));
    if let Some(pid) = remains(own, devices, since.elapsed() > UNKNOWN) {
        if since.elapsed() > SAY && !said {
            ending().insert(key, (since, true));
            log::say(format_args!(
                "run {}: its GPUs stay leased, because process {pid} is still on them",
                first.run
            ));
        }
        return false;
    }
    let Ok(run) = crate::domain::RunId::new(first.run.clone()) else { return false };
    let released = core.lock().db.release_gpus(&run, first.attempt);
    if let Err(e) = released {
        log::say(format_args!("run {run}: its GPUs are not released: {e}"));
        return false;
    }
    ending().remove(&key);
    core.wake.notify_one();
    true
}

/// A process of the attempt, or one that may be, on its GPUs.
fn remains(own: &[GpuLease], devices: &Result<Vec<Device>, String>, patient: bool) -> Option<u32> {
    let mark = sweep::mark(&own.first()?.run, own.first()?.attempt);
    if let Some(pid) = sweep::marked(&mark).first() {
        return u32::try_from(*pid).ok();
    }
    // A driver that does not answer shows nothing; nothing of the attempt lives.
    let devices = devices.as_ref().ok()?;
    let listed = own
        .iter()
        .filter_map(|l| devices.iter().find(|d| d.uuid == l.gpu)?.processes.as_ref())
        .flatten();
    listed.map(|p| p.pid).find(|pid| !is_somebody_elses(*pid) && !patient)
}

/// True for a live process, known here, that is not of this attempt: its mark was looked for.
fn is_somebody_elses(pid: u32) -> bool {
    match std::fs::read(format!("/proc/{pid}/environ")) {
        // Empty: it is ending, and may be ours.
        Ok(environment) => !environment.is_empty(),
        Err(e) => e.kind() == std::io::ErrorKind::PermissionDenied,
    }
}
