//! A program that is replaced while its engine runs. The engine becomes the new one at once, live
//! runs or not: shims outlive engines and are adopted, so there is nothing to drain for, and an
//! old engine beside new clients and new shims would be the greater risk. The process stays the
//! same (`exec`), so that systemd and whoever started it see no end.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::core::Core;
use super::{EngineError, launch, log};
use crate::domain::RunId;
use crate::job::{Attempt, ProcessMark, RunFile};

/// Names the descriptor through which the secrets of queued runs come: they are in no file.
const SECRETS_FD: &str = "POLYCULTURE_ENGINE_SECRETS_FD";
/// What a pipe takes without a reader. More secrets than this wait for the next start.
const PIPE: usize = 60_000;

/// What tells one file from another at the same path.
type Print = (u64, u64, i64, i64, u64);

/// The file that this engine is.
#[derive(Debug)]
pub(super) struct Program {
    path: Option<PathBuf>,
    first: Option<Print>,
    last: Option<Print>,
}

impl Program {
    /// As it is now.
    pub(super) fn of_this_process() -> Self {
        let path = launch::this_program().ok();
        let first = path.as_deref().and_then(print);
        Self { path, first, last: first }
    }

    /// The path, once: when another file is there, and has been the same for two looks. One that
    /// is still being written is not taken.
    pub(super) fn replaced(&mut self) -> Option<PathBuf> {
        let path = self.path.as_deref()?;
        let now = print(path)?;
        let rests = self.last == Some(now);
        self.last = Some(now);
        if !rests || self.first == Some(now) {
            return None;
        }
        self.first = Some(now);
        self.path.clone()
    }
}

fn print(path: &Path) -> Option<Print> {
    let m = fs::metadata(path).ok()?;
    Some((m.dev(), m.ino(), m.mtime(), m.mtime_nsec(), m.size()))
}

/// Whether the new file is a program that runs here. Half of one is not.
pub(super) fn answers(program: &Path) -> bool {
    let child = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let fits = child.is_ok_and(|mut child| {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return false;
                }
            }
        }
    });
    if !fits {
        log::say(format_args!(
            "{} was replaced by something that does not run; this engine stays as it is",
            program.display()
        ));
    }
    fits
}

/// Replaces this process by the new program; comes back only with the reason why it could not.
pub(super) fn become_new(program: &Path, core: &Core) -> EngineError {
    let secrets = of_open_runs(core);
    let mut command = Command::new(program);
    command.args(["engine", "run"]);
    // Kept open until the exec.
    let _pipe = match hand_over(&secrets) {
        Ok(pipe) => {
            if let Some(p) = &pipe {
                command.env(SECRETS_FD, p.as_raw_fd().to_string());
            }
            pipe
        }
        Err(e) => {
            log::say(format_args!("secrets of queued runs are not handed over: {e}"));
            None
        }
    };
    EngineError::io(format!("cannot become {}", program.display()))(command.exec())
}

/// Secrets of the runs that have not ended: those of all that ever failed would fill the pipe.
fn of_open_runs(core: &Core) -> HashMap<RunId, BTreeMap<String, String>> {
    let mut inner = core.lock();
    let mut secrets = std::mem::take(&mut inner.secrets);
    if let Ok(open) = inner.db.open_runs() {
        secrets.retain(|id, _| open.iter().any(|r| r.id == *id));
    }
    secrets
}

/// A pipe that holds the secrets; `None` where there are none.
fn hand_over(
    secrets: &HashMap<RunId, BTreeMap<String, String>>,
) -> std::io::Result<Option<std::io::PipeReader>> {
    if secrets.is_empty() {
        return Ok(None);
    }
    let text = serde_json::to_vec(secrets)?;
    if text.len() > PIPE {
        return Err(std::io::Error::other("they are too many for a pipe"));
    }
    let (reader, mut writer) = std::io::pipe()?;
    writer.write_all(&text)?;
    fcntl(&reader, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(Some(reader))
}

/// The secrets that the engine before this one, in the same process, had been given.
pub(super) fn handed_over() -> HashMap<RunId, BTreeMap<String, String>> {
    let fd = std::env::var(SECRETS_FD).ok().and_then(|v| v.parse::<i32>().ok());
    fd.map(read_pipe).unwrap_or_default()
}

/// What was read is gone from the pipe; the descriptor itself leads nowhere any more.
fn read_pipe(fd: i32) -> HashMap<RunId, BTreeMap<String, String>> {
    let mut text = String::new();
    let read = File::open(format!("/proc/self/fd/{fd}"))
        .and_then(|f| f.take(PIPE as u64).read_to_string(&mut text));
    match read {
        Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
        Err(_) => HashMap::new(),
    }
}

/// Takes leave of a shim that the engine before this one, in the same process, had started: as its
/// child it would stay as a zombie. Others are nobody's children here.
pub(super) fn reap_shim(attempt: &Attempt) {
    let Ok(Some(file)) = RunFile::read(attempt.dir()) else { return };
    let pid = Pid::from_raw(file.shim.pid);
    let deadline = Instant::now() + Duration::from_secs(1);
    while ProcessMark::of(file.shim.pid) == Some(file.shim) && Instant::now() < deadline {
        match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_millis(5)),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ingest, requests};
    use super::*;
    use crate::engine::StateDir;
    use crate::job::{NewRun, RunKind};
    use crate::store::engine::EngineDb;

    #[test]
    fn secrets_of_ended_runs_are_not_handed_over() {
        let tmp = tempfile::tempdir().unwrap();
        let state = StateDir::at(tmp.path().join("s")).unwrap();
        let db = EngineDb::open(&state.db()).unwrap();
        let core = Core::new(state, tmp.path().join("x"), db, 1, ingest::none(), false);
        let core = std::sync::Arc::new(core);
        let ids = ["stays", "ends"].map(|name| {
            let mut new = NewRun::new(RunKind::Command, tmp.path());
            new.secrets = vec!["THE_KEY".into()];
            let (dir, spec) = new.create(&tmp.path().join("runs"), |_| Ok(())).unwrap();
            let secrets = BTreeMap::from([("THE_KEY".to_owned(), name.to_owned())]);
            let request = super::super::protocol::Request::Add { dir, secrets };
            requests::answer(&core, request).unwrap();
            spec.id
        });
        let cancel = super::super::protocol::Request::Cancel { run: ids[1].clone() };
        requests::answer(&core, cancel).unwrap();
        let handed = of_open_runs(&core);
        assert_eq!(handed.keys().collect::<Vec<_>>(), [&ids[0]]);
    }

    #[test]
    fn secrets_pass_through_a_pipe_that_outlives_an_exec_and_are_read_once() {
        assert!(hand_over(&HashMap::new()).unwrap().is_none());
        assert!(read_pipe(-1).is_empty());
        let own = BTreeMap::from([("THE_KEY".to_owned(), "hush".to_owned())]);
        let secrets = HashMap::from([(RunId::new("r1").unwrap(), own)]);
        let pipe = hand_over(&secrets).unwrap().unwrap();
        let flags = FdFlag::from_bits_truncate(fcntl(&pipe, FcntlArg::F_GETFD).unwrap());
        assert!(!flags.contains(FdFlag::FD_CLOEXEC));
        assert_eq!(read_pipe(pipe.as_raw_fd()), secrets);
        assert!(read_pipe(pipe.as_raw_fd()).is_empty());
        let long = BTreeMap::from([("K".to_owned(), "x".repeat(PIPE))]);
        let long = HashMap::from([(RunId::new("r1").unwrap(), long)]);
        assert!(hand_over(&long).is_err(), "a pipe without a reader would block");
    }

    #[test]
    fn a_file_counts_as_replaced_once_it_rests() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("program");
        fs::write(&path, "old").unwrap();
        let first = print(&path);
        let mut own = Program { path: Some(path.clone()), first, last: first };
        assert_eq!(own.replaced(), None);
        fs::write(&path, "half").unwrap();
        assert_eq!(own.replaced(), None, "it is still being written");
        fs::write(&path, "all of it").unwrap();
        assert_eq!(own.replaced(), None);
        assert_eq!(own.replaced(), Some(path.clone()));
        assert_eq!(own.replaced(), None, "once");
        fs::remove_file(&path).unwrap();
        assert_eq!(own.replaced(), None);
    }
}
