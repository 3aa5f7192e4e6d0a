//! A state folder, a workspace, and the binary: everything that a test started is gone after it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill as send};
use nix::unistd::Pid;
use serde_json::Value;

/// No condition of these tests takes longer, on a busy machine either.
const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) struct House {
    tmp: tempfile::TempDir,
    slots: u32,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with_slots(4)
    }

    pub(crate) fn with_slots(slots: u32) -> Self {
        Self::within(&std::env::temp_dir(), slots)
    }

    /// In memory where there is such a place: for tens of thousands of files.
    pub(crate) fn in_memory(slots: u32) -> Self {
        let shared = Path::new("/dev/shm");
        // Containers have one of 64 MB, which others may fill.
        let room = nix::sys::statvfs::statvfs(shared)
            .is_ok_and(|s| s.blocks_available() * s.fragment_size() > 512 << 20);
        let writable = || tempfile::tempdir_in(shared).is_ok();
        if room && writable() { Self::within(shared, slots) } else { Self::with_slots(slots) }
    }

    fn within(parent: &Path, slots: u32) -> Self {
        let house = Self { tmp: tempfile::tempdir_in(parent).unwrap(), slots };
        std::fs::create_dir(house.workspace()).unwrap();
        std::fs::write(house.workspace().join("polyculture.toml"), "").unwrap();
        std::fs::write(house.file("no-config.toml"), "").unwrap();
        std::fs::create_dir(house.state()).unwrap();
        house
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.tmp.path().join("w")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.tmp.path().join("s")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.tmp.path().join(name)
    }

    pub(crate) fn attempt(&self, id: &str, n: u32) -> PathBuf {
        self.workspace().join("runs").join(id).join(format!("attempt-{n}"))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut c = Command::new(env!("CARGO_BIN_EXE_polyculture"));
        c.arg("--json")
            .args(arguments)
            .current_dir(self.workspace())
            .env("POLYCULTURE_STATE_DIR", self.state())
            .env("POLYCULTURE_SLOTS", self.slots.to_string())
            // Whoever runs the tests may have a workspace, hooks and requests of their own.
            .env("POLYCULTURE_CONFIG", self.file("no-config.toml"))
            .env_remove("POLYCULTURE_WORKSPACE")
            .env_remove("POLYCULTURE_REQUEST_ID")
            .env_remove("POLYCULTURE_ATTEMPT")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        c
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        self.ok_with(arguments, &[])
    }

    pub(crate) fn ok_with(&self, arguments: &[&str], env: &[(&str, &str)]) -> String {
        let mut command = self.command(arguments);
        let out = command.envs(env.iter().copied()).output().unwrap();
        let log = || std::fs::read_to_string(self.state().join("engine.log")).unwrap_or_default();
        assert!(out.status.success(), "{arguments:?}: {out:?}\n{}", log());
        String::from_utf8(out.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }

    pub(crate) fn add(&self, argv: &[&str]) -> String {
        self.add_with(argv, &[])
    }

    pub(crate) fn add_with(&self, argv: &[&str], env: &[(&str, &str)]) -> String {
        let words = [&["runs", "add", "--"], argv].concat();
        let added: Value = serde_json::from_str(&self.ok_with(&words, env)).unwrap();
        added["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn show(&self, id: &str) -> Value {
        self.json(&["runs", "show", id])
    }

    pub(crate) fn wait(&self, id: &str) -> Value {
        // Exits with 1 where the run did not succeed; the run is printed all the same.
        let out = self.command(&["runs", "wait", id]).output().unwrap();
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"))
    }

    pub(crate) fn until_state(&self, id: &str, state: &str) {
        until_true(state, || self.show(id)["state"] == state);
    }

    pub(crate) fn try_engine_pid(&self) -> Option<i32> {
        i32::try_from(self.json(&["engine", "status"])["pid"].as_i64()?).ok()
    }

    pub(crate) fn engine_pid(&self) -> i32 {
        self.try_engine_pid().unwrap()
    }

    /// The engine's process by its first log line: asking it would wait while it is held.
    pub(crate) fn engine_pid_of_lock(&self) -> i32 {
        let log = std::fs::read_to_string(self.state().join("engine.log")).unwrap();
        let line = log.lines().rev().find(|l| l.contains(" at /")).unwrap();
        let after = line.split("engine ").nth(1).unwrap();
        after.split(' ').next().unwrap().parse().unwrap()
    }

    /// Shim and work, by `run.json`.
    pub(crate) fn processes(&self, id: &str) -> (i32, i32) {
        let text = std::fs::read(self.attempt(id, 1).join("run.json")).unwrap();
        let file: Value = serde_json::from_slice(&text).unwrap();
        let pid = |who: &str| i32::try_from(file[who]["pid"].as_i64().unwrap()).unwrap();
        (pid("shim"), pid("work"))
    }
}

impl Drop for House {
    /// Ends every process that has this house's folder in its command line or environment.
    fn drop(&mut self) {
        let mine = self.tmp.path().as_os_str().as_encoded_bytes().to_owned();
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = processes_with(&mine);
            if left.is_empty() || Instant::now() > deadline {
                return;
            }
            left.into_iter().for_each(kill);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn processes_with(mine: &[u8]) -> Vec<i32> {
    let own = i32::try_from(std::process::id()).unwrap();
    let holds =
        |path: String| std::fs::read(path).is_ok_and(|t| t.windows(mine.len()).any(|w| w == mine));
    let Ok(dir) = std::fs::read_dir("/proc") else { return Vec::new() };
    dir.flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != own)
        .filter(|pid| {
            holds(format!("/proc/{pid}/cmdline")) || holds(format!("/proc/{pid}/environ"))
        })
        .collect()
}

/// Living processes of a run, by the mark in their environment.
pub(crate) fn marked(id: &str) -> Vec<i32> {
    let mark = format!("POLYCULTURE_ATTEMPT={id}/");
    processes_with(mark.as_bytes()).into_iter().filter(|p| process_lives(*p)).collect()
}

/// SIGKILL.
pub(crate) fn kill(pid: i32) {
    let _ = send(Pid::from_raw(pid), Signal::SIGKILL);
}

/// SIGINT, as Ctrl-C sends it.
pub(crate) fn interrupt(pid: i32) {
    let _ = send(Pid::from_raw(pid), Signal::SIGINT);
}

/// True while a process runs; a zombie does not.
pub(crate) fn process_lives(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| {
        let rest = &s[s.rfind(')').unwrap() + 1..];
        !matches!(rest.split_ascii_whitespace().next(), Some("Z" | "X"))
    })
}

pub(crate) fn until_true(what: &str, mut condition: impl FnMut() -> bool) {
    until_some(what, || condition().then_some(()));
}

pub(crate) fn until_some<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(t) = condition() {
            return t;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Puts a program in a place, as `install` and package managers do: by rename. Written by a process of
/// its own: what this one writes may be open in a child that another thread is about to start, and a
/// file that is open for writing cannot be executed.
pub(crate) fn put_program(path: &Path, from: &Path) {
    let script = "cp \"$2\" \"$1.new\" && chmod 755 \"$1.new\" && mv \"$1.new\" \"$1\"";
    let words = ["-c", script, "sh"];
    let done = Command::new("sh").args(words).arg(path).arg(from).status().unwrap();
    assert!(done.success(), "{}", path.display());
}

/// The same for a script.
pub(crate) fn put_script(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    put_program(path, &draft);
}

/// A line of shell that waits for a file.
pub(crate) fn until(file: &Path) -> String {
    format!("while [ ! -e {} ]; do sleep 0.02; done", file.display())
}
