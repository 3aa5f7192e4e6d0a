//! A SLURM of its own for every test, one test at a time: two cores carry no more.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::house::{House, until_some, until_true};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub(crate) struct Lab {
    pub(crate) house: House,
    min_job_age: u32,
    _turn: MutexGuard<'static, ()>,
}

impl Lab {
    /// A running SLURM; `None`, said loudly, where there can be none.
    pub(crate) fn up() -> Option<Self> {
        Self::keeping_jobs(300)
    }

    /// The same, which forgets ended jobs after so many seconds.
    pub(crate) fn keeping_jobs(min_job_age: u32) -> Option<Self> {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        for program in ["slurmctld", "slurmd", "munged", "sbatch", "squeue"] {
            if Command::new("which").arg(program).output().is_ok_and(|o| !o.status.success()) {
                eprintln!("skipped: no SLURM here ({program} is missing)");
                return None;
            }
        }
        if !nix::unistd::Uid::effective().is_root() {
            eprintln!("skipped: no SLURM here (its daemons need root)");
            return None;
        }
        let lab = Self { house: House::new(), min_job_age, _turn: turn };
        let out = lab.script(&["up", &lab.dir(), &two_ports().to_string()]);
        if !out.status.success() {
            eprintln!("skipped: no SLURM here (it does not start: {out:?})");
            return None;
        }
        Some(lab)
    }

    fn dir(&self) -> String {
        self.house.file("lab").display().to_string()
    }

    fn script(&self, words: &[&str]) -> Output {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slurm/lab.sh");
        let mut c = Command::new("bash");
        c.arg(script).args(words).env("MIN_JOB_AGE", self.min_job_age.to_string());
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
        format!("{}/etc/slurm.conf", self.dir())
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

    pub(crate) fn kill_controller(&self, signal: &str) {
        let pid = std::fs::read_to_string(format!("{}/run/slurmctld.pid", self.dir())).unwrap();
        let pid: i32 = pid.trim().parse().unwrap();
        assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
        until_true("the controller is gone", || !crate::house::process_lives(pid));
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
        use std::os::unix::fs::PermissionsExt as _;
        let dir = self.house.file("wrapped");
        std::fs::create_dir_all(&dir).unwrap();
        let out = Command::new("which").arg(program).output().unwrap();
        let real = String::from_utf8(out.stdout).unwrap();
        let file = dir.join(program);
        std::fs::write(&file, format!("#!/bin/sh\nreal={}\n{body}\n", real.trim())).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        format!("{}:{}", dir.display(), std::env::var("PATH").unwrap())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.slurm("scancel", &["--user=root", "--signal=KILL", "--full"]);
        self.script(&["down", &self.dir()]);
    }
}

/// A port that is free now, and the one after it.
fn two_ports() -> u16 {
    loop {
        let one = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = one.local_addr().unwrap().port();
        if port < u16::MAX && std::net::TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}
