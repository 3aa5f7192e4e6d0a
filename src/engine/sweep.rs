//! Ending processes that an attempt left behind: by their mark in the environment, which they
//! keep through `setsid` and through the death of their parents.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::job::MARK;

/// The value of [`MARK`] for an attempt.
pub(super) fn mark(run: &str, attempt: u32) -> String {
    format!("{run}/attempt-{attempt}")
}

/// Processes (zombies excluded) whose environment at their start held this mark.
pub(super) fn marked(mark: &str) -> Vec<i32> {
    let want = format!("{MARK}={mark}");
    let own = std::process::id().to_string();
    let Ok(dir) = fs::read_dir("/proc") else { return Vec::new() };
    dir.flatten()
        .filter_map(|e| e.file_name().into_string().ok())
        .filter(|name| *name != own)
        .filter_map(|name| {
            let pid: i32 = name.parse().ok()?;
            // A zombie's environment reads as empty.
            let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
            environment.split(|b| *b == 0).any(|v| v == want.as_bytes()).then_some(pid)
        })
        .collect()
}

/// Kills all marked processes, those born meanwhile too. False when some are still there at the
/// end (stuck in the kernel, or of another user).
pub(super) fn sweep(mark: &str, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        let pids = marked(mark);
        if pids.is_empty() {
            return true;
        }
        for pid in pids {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
