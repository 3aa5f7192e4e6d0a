//! Ending what the work left behind, and who ended it.

use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Processes that the kernel ended for want of memory in this process's control group; `None`
/// where nobody counts.
pub(super) fn out_of_memory_kills() -> Option<u64> {
    let group = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = group.lines().find_map(|l| l.strip_prefix("0::/"))?;
    let events = Path::new("/sys/fs/cgroup").join(path).join("memory.events");
    let text = std::fs::read_to_string(events).ok()?;
    text.lines().find_map(|l| l.strip_prefix("oom_kill "))?.trim().parse().ok()
}

/// Ends and reaps every descendant. We are their subreaper: whatever they did (`setsid`, a changed
/// environment), once their parents are dead they are our children, and when we have no child
/// left, none of them lives.
pub(super) fn reap_all(work: Pid) {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(Errno::ECHILD) => return,
            Ok(WaitStatus::StillAlive) => {
                let _ = killpg(work, Signal::SIGKILL);
                for child in children() {
                    let _ = kill(Pid::from_raw(child), Signal::SIGKILL);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            _ => {}
        }
    }
}

/// Processes whose parent we are.
fn children() -> Vec<i32> {
    let own = std::process::id().to_string();
    let Ok(dir) = std::fs::read_dir("/proc") else { return Vec::new() };
    dir.flatten()
        .filter_map(|e| e.file_name().into_string().ok()?.parse::<i32>().ok())
        .filter(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| {
                let rest = s.rfind(')').and_then(|i| s.get(i + 1..)).unwrap_or_default();
                rest.split_ascii_whitespace().nth(1) == Some(&own)
            })
        })
        .collect()
}
