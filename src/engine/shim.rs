//! `polyculture __shim ATTEMPT_DIR`: carries one attempt from its start to `exit.json`, whatever
//! becomes of the engine.
//!
//! In this order, so that a death at any point leaves a folder that can be judged: take the run's
//! lock; stop if `exit.json` is there or the attempt was begun before; write into the lock that it
//! has begun; start the work in its own process group; `run.json`; wait; sweep what is left;
//! `exit.json`.

mod reap;
mod reserve;
mod watch;

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use super::signals::{Early, block_signals, spawn_unblocked};
use super::slurm::identity;
use super::{slurm, sweep};
use crate::job::{
    Attempt, ExitFile, JobError, Mention, ProcessMark, RunFile, RunKind, RunLock, RunSpec,
    StopFile, boot_id, crash_point, now,
};
use reap::{out_of_memory_kills, reap_all};
use reserve::ExitReserve;
use watch::Watch;

/// Exit code: somebody else holds the run's lock.
pub const EXIT_BUSY: u8 = 75;
/// Exit code: another shim began this attempt.
pub const EXIT_BEGUN: u8 = 76;
/// Exit code: the attempt's folder cannot be used.
pub const EXIT_FOLDER: u8 = 74;
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

/// The mark of this attempt's processes, for the engine's sweeps.
pub(super) fn mark_of(attempt: &Attempt) -> Option<String> {
    let run = attempt.run_dir().file_name()?.to_str()?;
    Some(sweep::mark(run, attempt.number()))
}
