//! A SLURM of its own for every test, a few tests at a time: most of their time they wait.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, PoisonError};

use serde_json::Value;

use crate::house::{House, until_some, until_true};

/// Clusters at a time.
const AT_ONCE: usize = 3;
static UP: Mutex<usize> = Mutex::new(0);
static ONE_LESS: Condvar = Condvar::new();

/// One of the few clusters that are up.
struct Turn;

impl Turn {
    fn wait() -> Self {
        let mut up = UP.lock().unwrap_or_else(PoisonError::into_inner);
        while *up >= AT_ONCE {
            up = ONE_LESS.wait(up).unwrap_or_else(PoisonError::into_inner);
        }
        *up += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *UP.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ONE_LESS.notify_one();
    }
}

pub(crate) struct Lab {
    pub(crate) house: House,
    min_job_age: u32,
    nodes: u16,
    accounting: bool,
    _turn: Turn,
}

impl Lab {
    /// A running SLURM of one node; `None`, said loudly, where there can be none.
    pub(crate) fn up() -> Option<Self> {
        Self::of(1, 300)
    }

    /// The same with so many nodes, which forgets ended jobs after so many seconds.
    pub(crate) fn of(nodes: u16, min_job_age: u32) -> Option<Self> {
        Self::start(nodes, min_job_age, false)
    }

    /// One node, with slurmdbd and a database of its own.
    pub(crate) fn with_accounting() -> Option<Self> {
        for program in ["slurmdbd", "mariadbd", "sacct", "sacctmgr"] {
            if on_path(program).is_none() {
                eprintln!("skipped: no accounting of SLURM here ({program} is missing)");
                return None;
            }
        }
        Self::start(1, 300, true)
    }

    fn start(nodes: u16, min_job_age: u32, accounting: bool) -> Option<Self> {
        for program in ["slurmctld", "slurmd", "munged", "sbatch", "squeue", "srun"] {
            if on_path(program).is_none() {
                eprintln!("skipped: no SLURM here ({program} is missing)");
                return None;
            }
        }
        if !nix::unistd::Uid::effective().is_root() {
            eprintln!("skipped: no SLURM here (its daemons need root)");
            return None;
        }
        let turn = Turn::wait();
        let mut lab = Self { house: House::new(), min_job_age, nodes, accounting, _turn: turn };
        let mut said = None;
        // Somebody else may have taken a port meanwhile.
        for _ in 0..3 {
            let out = lab.script(&["up", &lab.dir(), &free_ports(nodes.max(9) + 1).to_string()]);
            if out.status.success() {
                return Some(lab);
            }
            said = Some(out);
            lab.script(&["down", &lab.dir()]);
            lab.house = House::new();
        }
        eprintln!("skipped: no SLURM here (it does not start: {said:?})");
        None
    }

    fn dir(&self) -> String {
        self.house.file("lab").display().to_string()
    }

    fn script(&self, words: &[&str]) -> Output {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slurm/lab.sh");
        let mut c = Command::new("bash");
        c.arg(script)
            .args(words)
            .env("MIN_JOB_AGE", self.min_job_age.to_string())
            .env("NODES", self.nodes.to_string())
            .env("ACCOUNTING", if self.accounting { "1" } else { "" });
        // A daemon inherits our pipes, and `output` would wait for it: files instead.
        let log = self.house.file("lab.out");
        let file = std::fs::File::options().append(true).create(true).open(&log).unwrap();
        let status = c
            .stdin(std::process::Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .status()
            .unwrap();
        Output { status, stdout: std::fs::read(log).unwrap(), stderr: Vec::new() }
    }

    pub(crate) fn conf(&self) -> String {
        format!("{}/etc/client.conf", self.dir())
    }

    /// What every process of polyculture gets here.
    fn env(&self) -> Vec<(String, String)> {
        [
            ("SLURM_CONF", self.conf().as_str()),
            ("POLYCULTURE_SLURM_POLL", "0.2"),
            ("POLYCULTURE_SLURM_GRACE", "2"),
            ("POLYCULTURE_SLURM_SETTLE", "1.5"),
            ("POLYCULTURE_SLURM_TIMEOUT", "20"),
            ("POLYCULTURE_SLURM_ARRAY_PATIENCE", "10"),
            ("POLYCULTURE_RETRY_FIRST_MS", "100"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut c = self.house.command(words);
        c.envs(self.env());
        c
    }

    /// A command's document; with `more` in its environment.
    pub(crate) fn json_with(&self, words: &[&str], more: &[(&str, &str)]) -> Value {
        let out = self.command(words).envs(more.iter().copied()).output().unwrap();
        let log =
            || std::fs::read_to_string(self.house.state().join("engine.log")).unwrap_or_default();
        serde_json::from_slice(&out.stdout)
            .unwrap_or_else(|e| panic!("{words:?}: {e}: {out:?}\n{}", log()))
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        self.json_with(words, &[])
    }

    /// `runs add --on slurm OPTIONS -- sh -c LINE`
    pub(crate) fn add(&self, options: &[&str], line: &str) -> String {
        self.add_with(options, line, &[])
    }

    pub(crate) fn add_with(&self, options: &[&str], line: &str, more: &[(&str, &str)]) -> String {
        let words =
            [&["runs", "add", "--on", "slurm"], options, &["--", "sh", "-c", line]].concat();
        let added = self.json_with(&words, more);
        added["id"].as_str().unwrap_or_else(|| panic!("{added}")).to_owned()
    }

    pub(crate) fn show(&self, id: &str) -> Value {
        self.json(&["runs", "show", id])
    }

    pub(crate) fn wait(&self, id: &str) -> Value {
        until_some(&format!("the end of {id}: {}", self.show(id)), || {
            let view = self.show(id);
            view["ended_at"].is_string().then_some(view)
        })
    }

    /// The same for what takes minutes, as SLURM counts time limits.
    pub(crate) fn wait_long(&self, id: &str) -> Value {
        for _ in 0..4 {
            let view = self.show(id);
            if view["ended_at"].is_string() {
                return view;
            }
            let out = self.command(&["runs", "wait", id]).output().unwrap();
            assert!(!out.stdout.is_empty(), "{out:?}");
        }
        self.wait(id)
    }

    /// Kills the engine as soon as a run has its job.
    pub(crate) fn kill_engine_after_submit(&self, id: &str) {
        self.job(id, 1);
        crate::house::kill(self.house.engine_pid());
    }

    /// Until a run's state is this and its reason holds these words.
    pub(crate) fn until(&self, id: &str, state: &str, says: &str) -> Value {
        let mut last = Value::Null;
        until_some(&format!("{id} {state} {says}"), || {
            last = self.show(id);
            let reason = last["reason"].as_str().unwrap_or_default();
            (last["state"] == state && reason.contains(says)).then(|| last.clone())
        })
    }

    pub(crate) fn attempt(&self, id: &str, n: u32) -> PathBuf {
        self.house.attempt(id, n)
    }

    /// A file of an attempt, as JSON.
    pub(crate) fn file(&self, id: &str, n: u32, name: &str) -> Value {
        let path = self.attempt(id, n).join(name);
        let text = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        serde_json::from_slice(&text).unwrap()
    }

    /// The job of an attempt, once it is known.
    pub(crate) fn job(&self, id: &str, n: u32) -> String {
        until_true("slurm.json", || self.attempt(id, n).join("slurm.json").exists());
        self.file(id, n, "slurm.json")["job"].as_str().unwrap().to_owned()
    }

    /// A program of SLURM; its output.
    pub(crate) fn slurm(&self, program: &str, words: &[&str]) -> String {
        let out =
            Command::new(program).args(words).env("SLURM_CONF", self.conf()).output().unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// Names of all jobs that SLURM knows.
    pub(crate) fn job_names(&self) -> Vec<String> {
        let text = self.slurm("squeue", &["-h", "-r", "-t", "all", "-o", "%j"]);
        text.lines().map(str::to_owned).collect()
    }

    /// Until SLURM knows no job any more.
    pub(crate) fn until_forgotten(&self) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(5);
        while !self.job_names().is_empty() {
            assert!(std::time::Instant::now() < deadline, "{:?}", self.job_names());
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }

    pub(crate) fn kill_controller(&self, signal: &str) {
        let pid = std::fs::read_to_string(format!("{}/run/slurmctld.pid", self.dir())).unwrap();
        let pid: i32 = pid.trim().parse().unwrap();
        assert!(self.script(&["away", &self.dir()]).status.success());
        assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
        until_true("the controller is gone", || !crate::house::process_lives(pid));
    }

    /// slurmdbd goes away, or comes back.
    pub(crate) fn accounting_daemon(&self, goes: bool) {
        let how = if goes { "stop" } else { "start" };
        assert!(self.script(&["dbd", &self.dir(), how]).status.success());
        until_true("slurmdbd", || {
            self.slurm("sacctmgr", &["-n", "list", "cluster"]).is_empty() == goes
        });
    }

    /// Starts the controller again; `forget`: without any memory.
    pub(crate) fn start_controller(&self, forget: bool) {
        let dir = self.dir();
        let words: &[&str] = if forget { &["ctld", &dir, "-c"] } else { &["ctld", &dir] };
        let out = self.script(words);
        assert!(out.status.success(), "{out:?}");
    }

    /// A folder with a program that stands before the real one of that name in PATH. `$real` is it.
    pub(crate) fn wrapped(&self, program: &str, body: &str) -> String {
        let dir = self.house.file("wrapped");
        std::fs::create_dir_all(&dir).unwrap();
        let real =
            on_path(program).map_or_else(|| "/nowhere".to_owned(), |p| p.display().to_string());
        let file = dir.join(program);
        crate::house::put_script(&file, &format!("#!/bin/sh\nreal={real}\n{body}\n"));
        format!("{}:{}", dir.display(), std::env::var("PATH").unwrap())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Jobs first: what they started need not mention our folder.
        let _ = self.slurm("scancel", &["--user=root", "--signal=KILL", "--full"]);
        self.script(&["down", &self.dir()]);
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|d| d.join(program)).find(|p| p.is_file())
}

/// The first of some ports in a row that nobody listens at. Below those that the system gives to
/// outgoing connections, and not the same for two tests of this process.
fn free_ports(n: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = u16::try_from(std::process::id() % 900).unwrap() * 20;
    loop {
        let first = 12_000 + (begin + NEXT.fetch_add(n, Relaxed)) % 19_000;
        let free = |p: u16| std::net::TcpListener::bind(("127.0.0.1", p)).is_ok();
        if (first..first + n).all(free) {
            return first;
        }
    }
}
