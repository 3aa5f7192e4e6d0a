//! Facts about processes from `/proc`. Never `kill(pid, 0)`: zombies answer it, and pids are
//! reused.

use std::fs;

use serde::{Deserialize, Serialize};

/// A process that cannot be taken for another one of the same boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMark {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot (`/proc/PID/stat`, field 22).
    pub start: u64,
}

impl ProcessMark {
    /// The mark of a process that exists now, zombies included.
    pub fn of(pid: i32) -> Option<Self> {
        Some(Self { pid, start: stat(pid)?.start })
    }

    /// This process.
    pub fn own() -> Option<Self> {
        Self::of(i32::try_from(std::process::id()).ok()?)
    }

    /// True while this very process runs; a zombie does not.
    pub fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|s| s.start == self.start && !matches!(s.state, 'Z' | 'X'))
    }
}

/// What `/proc/PID/stat` says.
struct Stat {
    state: char,
    start: u64,
}

fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Fields 3 (state) and 22 (start time); the second, in brackets, may hold anything.
fn parse_stat(text: &str) -> Option<Stat> {
    let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let start = fields.nth(18)?.parse().ok()?;
    Some(Stat { state, start })
}

/// This boot of the kernel: another one means that no process of then lives. Empty where the
/// kernel does not say.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|s| s.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let line = "12 (a) b (c) Z 1 12 12 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 98765 1 2";
        let s = parse_stat(line).unwrap();
        assert_eq!((s.state, s.start), ('Z', 98765));
        assert!(parse_stat("nonsense").is_none());
    }

    #[test]
    fn a_reused_pid_is_another_process() {
        let me = ProcessMark::own().unwrap();
        assert!(me.is_alive());
        assert!(!ProcessMark { start: me.start + 1, ..me }.is_alive());
        assert!(!boot_id().is_empty());
    }

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mark = ProcessMark::of(i32::try_from(child.id()).unwrap()).unwrap();
        assert!(mark.is_alive());
        child.kill().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while mark.is_alive() {
            assert!(std::time::Instant::now() < deadline);
            std::thread::yield_now();
        }
        assert_eq!(ProcessMark::of(mark.pid), Some(mark), "it is there still, as a zombie");
        child.wait().unwrap();
    }
}
