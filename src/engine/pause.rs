//! Stopping and continuing the processes of an attempt. Their memory, on GPUs too, stays taken.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::shim::mark_of;
use super::sweep::marked;
use crate::job::{Attempt, ProcessMark, RunFile, RunLock, boot_id};

/// How long processes that start others while they are stopped are run after.
const PATIENCE: Duration = Duration::from_secs(2);

/// Stops all processes of an attempt but its shim, those in sessions of their own too. False when
/// some could not be stopped in time (stuck in the kernel, of another user).
pub(super) fn stop(attempt: &Attempt) -> bool {
    let deadline = Instant::now() + PATIENCE;
    signal_group(attempt, Signal::SIGSTOP);
    let mut told = HashSet::new();
    loop {
        // Who is told and sleeps in the kernel (a parent whose child stopped before its exec) stops
        // before it runs another instruction.
        let going: Vec<i32> = processes(attempt)
            .into_iter()
            .filter(|pid| match standing(*pid) {
                Standing::Still => false,
                Standing::InKernel => !told.contains(pid),
                Standing::Going => true,
            })
            .collect();
        if going.is_empty() {
            return true;
        }
        for pid in going {
            let _ = kill(Pid::from_raw(pid), Signal::SIGSTOP);
            told.insert(pid);
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Lets them go on.
pub(super) fn go_on(attempt: &Attempt) {
    signal_group(attempt, Signal::SIGCONT);
    for pid in processes(attempt) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGCONT);
    }
}

/// True when the work of `run.json` stands still.
pub(super) fn is_standing_still(attempt: &Attempt) -> bool {
    RunFile::read(attempt.dir()).ok().flatten().is_some_and(|r| {
        r.boot_id == boot_id() && r.work.is_alive() && standing(r.work.pid) == Standing::Still
    })
}

fn signal_group(attempt: &Attempt, signal: Signal) {
    let run = RunFile::read(attempt.dir()).ok().flatten();
    if let Some(run) = run.filter(|r| r.boot_id == boot_id() && r.work.is_alive()) {
        let _ = killpg(Pid::from_raw(run.work.pid), signal);
    }
}

/// The attempt's processes without its shim, which must go on to see their end.
fn processes(attempt: &Attempt) -> Vec<i32> {
    let shim = RunLock::peek(attempt.run_dir())
        .ok()
        .flatten()
        .filter(|m| m.attempt == attempt.number())
        .map(|m| m.shim)
        .filter(|s: &ProcessMark| s.is_alive())
        .map(|s| s.pid);
    let mut pids = marked(&mark_of(attempt).unwrap_or_default());
    pids.retain(|pid| Some(*pid) != shim);
    pids
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Standing {
    Going,
    InKernel,
    /// Stopped, or gone.
    Still,
}

fn standing(pid: i32) -> Standing {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = stat.rfind(')').and_then(|i| stat.get(i + 1..)).unwrap_or_default();
    match rest.split_ascii_whitespace().next() {
        Some("T" | "t" | "Z" | "X") | None => Standing::Still,
        Some("D") => Standing::InKernel,
        Some(_) => Standing::Going,
    }
}
