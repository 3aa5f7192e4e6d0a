//! Which GPUs a run gets, or why it waits: a pure function of the devices as they are, of the live
//! leases, and of what the run may use.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ceiling, Device};

/// Memory in use on a GPU that is called free: driver, display and error correction take some.
pub const FREE_MEMORY: u64 = 1 << 30;
/// Use of a GPU that is called free, percent, where its processes may not be read: a display.
pub const FREE_USE: u32 = 10;

/// What a run gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// These GPUs.
    Take(Vec<Device>),
    /// Nothing yet: why, in words.
    Wait(String),
}

/// Who stands before whom.
#[derive(Debug, Default)]
pub struct Taken {
    /// Live leases: UUID to the run.
    pub leased: BTreeMap<String, String>,
    /// UUIDs that a run before this one in the queue waits for: to the run.
    pub awaited: BTreeMap<String, String>,
}

/// Chooses `count` GPUs. The devices were read just now: what others load is not free.
pub fn choose(devices: &[Device], taken: &Taken, ceiling: &Ceiling, count: u32) -> Choice {
    let count = count as usize;
    if devices.is_empty() {
        return Choice::Wait("this machine shows no GPU now".into());
    }
    let passed = match ceiling.pass(devices) {
        Ok(passed) => units(&passed, count),
        Err(e) => return Choice::Wait(e),
    };
    let mut free = Vec::new();
    let mut reasons = Vec::new();
    for device in &passed {
        match hindrance(device, devices, taken) {
            None => free.push((*device).clone()),
            Some(why) => reasons.push(format!("{}: {why}", device.call())),
        }
    }
    if free.len() >= count {
        free.truncate(count);
        return Choice::Take(free);
    }
    let have = if passed.len() < count {
        format!("{} of the {count} it wants can be seen", passed.len())
    } else {
        format!("{} of the {count} it wants are free", free.len())
    };
    reasons.insert(0, format!("waits for GPUs: {have}"));
    Choice::Wait(reasons.join("; "))
}

/// How many GPUs a run with this ceiling could have on an idle machine.
pub fn most(devices: &[Device], ceiling: &Ceiling) -> Result<usize, String> {
    let passed = ceiling.pass(devices)?;
    // One instance at least, or all whole GPUs.
    let whole = units(&passed, 2).len();
    Ok(if whole == 0 { units(&passed, 1).len().min(1) } else { whole })
}

/// What can be leased: whole GPUs, and for a run that wants one only, MIG instances. CUDA sees one
/// instance at most.
fn units<'a>(devices: &[&'a Device], count: usize) -> Vec<&'a Device> {
    let fits = |d: &&&Device| !d.mig && (d.parent.is_none() || count == 1);
    devices.iter().filter(fits).copied().collect()
}

/// Why a GPU is not free.
fn hindrance(device: &Device, all: &[Device], taken: &Taken) -> Option<String> {
    if let Some(run) = taken.leased.get(&device.uuid) {
        return Some(format!("leased to run {run}"));
    }
    if let Some(run) = taken.awaited.get(&device.uuid) {
        return Some(format!("run {run} is before it"));
    }
    // A whole GPU and its instances cannot both be given.
    let related = |d: &&Device| {
        d.parent.as_deref() == Some(&device.uuid) || device.parent.as_ref() == Some(&d.uuid)
    };
    if let Some(other) = all.iter().filter(related).find(|d| taken.leased.contains_key(&d.uuid)) {
        return Some(format!("{} is leased", other.uuid));
    }
    load(device)
}

/// What somebody does with a GPU that nobody leased from us.
pub fn load(device: &Device) -> Option<String> {
    match &device.processes {
        Some(list) if !list.is_empty() => {
            let pids: Vec<String> = list.iter().take(4).map(|p| p.pid.to_string()).collect();
            return Some(format!("in use by process {}", pids.join(", ")));
        }
        Some(_) => {}
        None => {
            if let Some(share) = device.utilization.filter(|u| *u > FREE_USE) {
                return Some(format!("busy to {share} %, by processes that may not be seen"));
            }
        }
    }
    let used = device.memory_used.filter(|m| *m > FREE_MEMORY)?;
    Some(format!("{} of its memory are in use by others", super::mib(Some(used))))
}

/// The GPUs that a waiting run waits for: those after it do not get them.
pub fn awaited(devices: &[Device], ceiling: &Ceiling, count: u32) -> BTreeSet<String> {
    let passed = ceiling.pass(devices).unwrap_or_default();
    units(&passed, count as usize).iter().map(|d| d.uuid.clone()).collect()
}
