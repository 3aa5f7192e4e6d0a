//! `polyculture __shim ATTEMPT_DIR`: carries one attempt from its start to `exit.json`, whatever
//! becomes of the engine.
//!
//! In this order, so that a death at any point leaves a folder that can be judged: take the run's
//! lock; stop if `exit.json` is there or the attempt was begun before; write into the lock that it
//! has begun; start the work in its own process group; `run.json`; wait; sweep what is left;
//! `exit.json`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::signals::{Early, block_signals, spawn_unblocked};
use super::slurm::identity;
use super::{slurm, sweep};
use crate::job::{
    Attempt, ExitFile, JobError, Mention, PauseFile, ProcessMark, RunFile, RunKind, RunLock,
    RunSpec, StopFile, StopWhy, boot_id, crash_point, now, write_atomically,
};

/// Exit code: somebody else holds the run's lock.
pub const EXIT_BUSY: u8 = 75;
/// Exit code: another shim began this attempt.
pub const EXIT_BEGUN: u8 = 76;
/// Exit code: the attempt's folder cannot be used.
pub const EXIT_FOLDER: u8 = 74;
/// The longest pause between two looks at a run with a time limit.
const LIMIT_LOOK: Duration = Duration::from_millis(500);
/// The line that tells the engine of `run.json`.
pub(super) const READY: &str = "running\n";

/// Runs the shim for an attempt folder. Messages go to stderr, which the engine keeps.
pub fn main(attempt_dir: &Path) -> ExitCode {
    match carry(attempt_dir) {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            crate::engine::log::say(format_args!("shim of {}: {e}", attempt_dir.display()));
            ExitCode::from(EXIT_FOLDER)
        }
    }
}

fn carry(dir: &Path) -> Result<u8, JobError> {
    let early = Early::listen().map_err(JobError::io(dir))?;
    let signals = block_signals().map_err(|e| JobError::io(dir)(e.into()))?;
    // Fails only for the leader of a process group: started by hand, not by the engine.
    let _ = nix::unistd::setsid();
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let attempt = Attempt::open(dir)?;
    let spec = RunSpec::read(attempt.run_dir())?;
    crash_point("shim-before-lock");
    let Some(mut lock) = RunLock::try_take(attempt.run_dir())? else { return Ok(EXIT_BUSY) };
    if ExitFile::read(dir)?.is_some() {
        return Ok(0);
    }
    if lock.mention()?.is_some_and(|m| m.attempt >= attempt.number()) {
        return Ok(EXIT_BEGUN);
    }
    let me = ProcessMark::own().ok_or_else(|| {
        JobError::Work("/proc is not mounted: processes cannot be told apart".into())
    })?;
    let boot = boot_id();
    lock.write_mention(&Mention { attempt: attempt.number(), boot_id: boot.clone(), shim: me })?;
    crash_point("shim-after-lock");
    let mut exit = ExitReserve::new(&attempt)?;
    if let Some(stop) = StopFile::read(dir)? {
        exit.write(&ExitFile { stopped: Some(stop.why), ..ExitFile::unstarted(now()) })?;
        return Ok(0);
    }
    lock.make_inheritable()?;
    // In a job of SLURM: which one, for the engine on another host.
    let node = spec.slurm.as_ref().and_then(|_| identity::here());
    if let Some(node) = &node {
        node.write(dir)?;
    }
    let started = now();
    let work = match start_work(&attempt, &spec) {
        Ok(pid) => pid,
        Err((code, note)) => {
            let end = ExitFile { code, note: Some(note), ..ExitFile::unstarted(now()) };
            exit.write(&end)?;
            return Ok(if node.is_some() { told_to_slurm(&end) } else { 0 });
        }
    };
    // The work cannot be reaped before we wait for it, so its mark is there even if it has ended.
    let recorded = ProcessMark::of(work.as_raw())
        .ok_or_else(|| JobError::Work("the work is not in /proc".into()))
        .and_then(|mark| {
            let host = node.as_ref().map(|n| n.host.clone());
            let file = RunFile { boot_id: boot, shim: me, work: mark, started, host };
            // That the attempt began is durable already, in the lock file.
            attempt.write_json_in_passing(RunFile::NAME, &file)
        });
    if let Err(e) = recorded {
        let _ = killpg(work, Signal::SIGKILL);
        reap_all(work);
        let note = Some(format!("stopped at once, because it could not be recorded: {e}"));
        exit.write(&ExitFile { note, started: Some(started), ..ExitFile::unstarted(now()) })?;
        return Ok(0);
    }
    crash_point("shim-after-run-json");
    // The engine may be gone; then nobody needs to be told. One on another host reads run.json.
    if node.is_none() {
        let mut out = std::io::stdout();
        let _ = out.write_all(READY.as_bytes()).and_then(|()| out.flush());
    }
    let memory = out_of_memory_kills();
    let warning_s = node.as_ref().map(|_| slurm::script::warning_s());
    let mut watch = Watch::new(dir, &spec, work, (signals, early), warning_s);
    watch.steps = node.as_ref().filter(|_| by_srun(&spec)).and_then(|_| identity::raw_id());
    let status = watch.until_work_ends();
    let ended = now();
    reap_all(work);
    crash_point("shim-before-exit-json");
    let (code, signal) = match status {
        WaitStatus::Exited(_, code) => (Some(code), None),
        WaitStatus::Signaled(_, signal, _) => (None, Some(signal as i32)),
        _ => (None, None),
    };
    let end = ExitFile {
        code,
        signal,
        started: Some(started),
        ended,
        stopped: watch.stop,
        lost: None,
        // Others of the group may be meant; work that was killed so was most likely one of them.
        out_of_memory: (signal == Some(9) && out_of_memory_kills() > memory)
            .then(|| "the kernel killed it for want of memory".into()),
        passing: false,
        note: None,
    };
    exit.write(&end)?;
    crash_point("shim-after-exit-json");
    Ok(if node.is_some() { told_to_slurm(&end) } else { 0 })
}

/// The job's own exit code, for SLURM's accounts: 0 only for a success.
fn told_to_slurm(end: &ExitFile) -> u8 {
    match (end.code, end.signal, end.stopped) {
        (Some(0), _, None) => 0,
        (Some(code), _, _) if code != 0 => u8::try_from(code).unwrap_or(1),
        (_, Some(signal), _) => u8::try_from(128 + signal).unwrap_or(1),
        _ => 1,
    }
}

/// Starts the work. On failure: the exit code a shell would give, and why.
fn start_work(attempt: &Attempt, spec: &RunSpec) -> Result<Pid, (Option<i32>, String)> {
    let fail = |what: String, e: &std::io::Error| {
        let code = if e.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
        (Some(code), format!("cannot start {what}: {e}"))
    };
    let log_path = attempt.file("out.log");
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&log_path)
        .and_then(|f| Ok((f.try_clone()?, f)))
        .map_err(|e| fail(format!("with log {}", log_path.display()), &e))?;
    let mut command = match (spec.kind, spec.argv.split_first()) {
        (RunKind::Command, Some(_)) if by_srun(spec) => {
            let mut c = Command::new("srun");
            c.arg("--kill-on-bad-exit=1").args(&spec.argv);
            c
        }
        (RunKind::Command, Some((program, arguments))) => {
            let mut c = Command::new(program);
            c.args(arguments);
            c
        }
        (RunKind::Command, None) => {
            return Err((Some(126), "spec.json names no command".into()));
        }
        (_, _) => {
            let exe = std::env::current_exe().map_err(|e| fail("this program".into(), &e))?;
            let mut c = Command::new(exe);
            c.arg("__work").arg(attempt.dir());
            c
        }
    };
    command
        .current_dir(&spec.cwd)
        .env("POLYCULTURE_ATTEMPT_DIR", attempt.dir())
        .stdin(Stdio::null())
        .stdout(log.0)
        .stderr(log.1)
        .process_group(0);
    let child = spawn_unblocked(&mut command).map_err(|e| {
        let program = spec.argv.first().map_or("the work", String::as_str);
        if spec.cwd.is_dir() {
            fail(format!("`{program}`"), &e)
        } else {
            (Some(126), format!("cannot start `{program}`: no folder {}", spec.cwd.display()))
        }
    })?;
    Ok(Pid::from_raw(child.id().cast_signed()))
}

/// True for a command that srun starts on all nodes.
fn by_srun(spec: &RunSpec) -> bool {
    spec.kind == RunKind::Command && spec.slurm.as_ref().is_some_and(|s| s.srun)
}

struct Watch<'a> {
    dir: &'a Path,
    spec: &'a RunSpec,
    work: Pid,
    signals: SignalFd,
    early: Early,
    stop: Option<StopWhy>,
    /// When TERM follows the signal for a checkpoint.
    term_at: Option<Instant>,
    grace: Duration,
    kill_at: Option<Instant>,
    /// What the work has run of its time limit, and when that was looked at last.
    ran: Duration,
    looked: Instant,
    /// In a job of SLURM: seconds between its USR1 and the time limit.
    warning_s: Option<u32>,
    /// The job whose steps are the work.
    steps: Option<String>,
}

impl<'a> Watch<'a> {
    fn new(
        dir: &'a Path,
        spec: &'a RunSpec,
        work: Pid,
        (signals, early): (SignalFd, Early),
        warning_s: Option<u32>,
    ) -> Self {
        Self {
            dir,
            spec,
            work,
            signals,
            early,
            stop: None,
            term_at: None,
            grace: Duration::from_secs(spec.grace_s.into()),
            kill_at: None,
            ran: Duration::ZERO,
            looked: Instant::now(),
            warning_s,
            steps: None,
        }
    }

    /// Waits for the work, reaps whoever else dies, passes a TERM on, keeps the time limit, and
    /// kills after the grace.
    fn until_work_ends(&mut self) -> WaitStatus {
        loop {
            if let Some(status) = self.reap() {
                return status;
            }
            let mut asked = self.early.term.swap(false, Relaxed);
            let mut warned = self.early.warned.swap(false, Relaxed);
            if !asked && !warned {
                self.wait_for_signal();
            }
            while let Ok(Some(info)) = self.signals.read_signal() {
                asked |= info.ssi_signo == Signal::SIGTERM as u32;
                warned |= info.ssi_signo == Signal::SIGUSR1 as u32;
            }
            warned &= self.warning_s.is_some();
            if (asked || warned) && self.stop.is_none() {
                // The work may have ended already: then it was not stopped.
                if let Some(status) = self.reap() {
                    return status;
                }
                self.begin_stop(if warned { StopWhy::TimeLimit } else { StopWhy::Terminated });
            }
            if self.stop.is_none() && self.is_over_its_limit() {
                if let Some(status) = self.reap() {
                    return status;
                }
                let grace_s = self.spec.grace_s;
                let file = StopFile { why: StopWhy::TimeLimit, grace_s };
                // A full disk keeps nobody from stopping.
                let text = serde_json::to_vec(&file).unwrap_or_default();
                let _ = write_atomically(&self.dir.join(StopFile::NAME), &text);
                self.begin_stop(StopWhy::TimeLimit);
            }
            if self.term_at.is_some_and(|at| Instant::now() >= at) {
                self.terminate();
            }
            if self.kill_at.is_some_and(|at| Instant::now() >= at) {
                let _ = killpg(self.work, Signal::SIGKILL);
                self.kill_at = None;
            }
        }
    }

    /// First the signal for a checkpoint, where the run names one and there is time for it; else
    /// TERM at once. Warned by SLURM that its time limit is near, the work has most of the time that
    /// is left for its checkpoint.
    fn begin_stop(&mut self, unless_told: StopWhy) {
        let file = StopFile::read(self.dir).ok().flatten();
        let why = file.as_ref().map_or(unless_told, |f| f.why);
        let warned = unless_told == StopWhy::TimeLimit;
        if let Some(s) = self.warning_s.filter(|_| warned) {
            self.grace = self.grace.max(Duration::from_secs(u64::from(s) * 3 / 4));
        }
        self.grace = file.map_or(self.grace, |f| Duration::from_secs(f.grace_s.into()));
        self.stop = Some(why);
        let signal = self.spec.terms.checkpoint_signal.and_then(|n| Signal::try_from(n).ok());
        match signal {
            Some(signal) if why != StopWhy::Terminated => {
                self.tell(signal);
                // In a job nobody waits beyond the limit.
                let until_term = if self.warning_s.is_some() { self.grace / 2 } else { self.grace };
                self.term_at = Some(Instant::now() + until_term);
            }
            _ => self.terminate(),
        }
    }

    fn terminate(&mut self) {
        self.term_at = None;
        self.kill_at = Some(Instant::now() + self.grace);
        self.tell(Signal::SIGTERM);
    }

    /// Signals the work. Where srun started it, SLURM signals its tasks on all nodes: srun itself
    /// takes a TERM for an order to kill them.
    fn tell(&self, signal: Signal) {
        if let Some(job) = &self.steps
            && slurm::signal_steps(job, signal).is_ok()
        {
            return;
        }
        let _ = killpg(self.work, signal);
        // A paused group gets its TERM only when it goes on.
        let _ = killpg(self.work, Signal::SIGCONT);
    }

    /// Counts by a clock that nobody sets, and leaves pauses out.
    fn is_over_its_limit(&mut self) -> bool {
        let Some(limit) = self.spec.terms.time_limit_s else { return false };
        let passed = self.looked.elapsed();
        self.looked += passed;
        if !self.dir.join(PauseFile::NAME).exists() {
            self.ran += passed;
        }
        self.ran >= Duration::from_secs(limit)
    }

    fn reap(&self) -> Option<WaitStatus> {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(s @ (WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)))
                    if pid == self.work =>
                {
                    return Some(s);
                }
                Ok(WaitStatus::StillAlive) => return None,
                Ok(_) | Err(Errno::EINTR) => {}
                // No child at all, though the work was not reaped: nobody can say how it ended.
                Err(_) => return Some(WaitStatus::StillAlive),
            }
        }
    }

    fn wait_for_signal(&self) {
        let now = Instant::now();
        let limit = self.spec.terms.time_limit_s.filter(|_| self.stop.is_none()).map(|s| {
            // Looked at now and then: a pause is seen by its file.
            let left = Duration::from_secs(s).saturating_sub(self.ran);
            left.clamp(Duration::from_millis(10), LIMIT_LOOK)
        });
        let timeout = [self.term_at, self.kill_at]
            .into_iter()
            .flatten()
            .map(|at| at.saturating_duration_since(now))
            .chain(limit)
            .min()
            .map_or(PollTimeout::NONE, |left| {
                PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX)
            });
        let _ = poll(&mut [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)], timeout);
    }
}

/// Processes that the kernel ended for want of memory in this process's control group; `None`
/// where nobody counts.
fn out_of_memory_kills() -> Option<u64> {
    let group = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = group.lines().find_map(|l| l.strip_prefix("0::/"))?;
    let events = Path::new("/sys/fs/cgroup").join(path).join("memory.events");
    let text = std::fs::read_to_string(events).ok()?;
    text.lines().find_map(|l| l.strip_prefix("oom_kill "))?.trim().parse().ok()
}

/// Ends and reaps every descendant. We are their subreaper: whatever they did (`setsid`, a changed
/// environment), once their parents are dead they are our children, and when we have no child
/// left, none of them lives.
fn reap_all(work: Pid) {
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

/// Room for `exit.json`, taken before the work starts: a disk that the work fills up does not cost
/// us its exit code.
struct ExitReserve {
    file: File,
    tmp: std::path::PathBuf,
    path: std::path::PathBuf,
}

impl ExitReserve {
    const SIZE: usize = 4096;

    fn new(attempt: &Attempt) -> Result<Self, JobError> {
        let tmp = attempt.file(".exit.json.reserved");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&tmp)
            .map_err(JobError::io(&tmp))?;
        file.write_all_at(&[b' '; Self::SIZE], 0).map_err(JobError::io(&tmp))?;
        Ok(Self { file, tmp, path: attempt.file(ExitFile::NAME) })
    }

    /// Writes it, trying again for a minute while the disk says no.
    fn write(&mut self, end: &ExitFile) -> Result<(), JobError> {
        let mut text = serde_json::to_vec_pretty(end).unwrap_or_default();
        text.resize(text.len().max(Self::SIZE - 1), b' ');
        text.push(b'\n');
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let written = self
                .file
                .write_all_at(&text, 0)
                .and_then(|()| self.file.sync_all())
                .and_then(|()| std::fs::rename(&self.tmp, &self.path))
                .and_then(|()| {
                    File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
                });
            match written {
                Ok(()) => return Ok(()),
                // The reserve is gone or unusable: the plain way may still work.
                Err(_) if write_atomically(&self.path, text.trim_ascii()).is_ok() => return Ok(()),
                Err(e) if Instant::now() >= deadline => return Err(JobError::io(&self.path)(e)),
                Err(_) => std::thread::sleep(Duration::from_millis(500)),
            }
        }
    }
}

/// The mark of this attempt's processes, for the engine's sweeps.
pub(super) fn mark_of(attempt: &Attempt) -> Option<String> {
    let run = attempt.run_dir().file_name()?.to_str()?;
    Some(sweep::mark(run, attempt.number()))
}
