//! `polyculture engine run`: the engine process, from its lock to its last line.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

use super::core::Core;
use super::settings::Settings;
use super::{
    EngineError, Ingest, StateDir, connection, launch, log, pause, rebuild, upgrade, watch,
};
use crate::job::{Attempt, PauseFile, RunRecord, RunSpec, StateName};

/// Names the number of CPU slots; the machine's threads without it.
pub const SLOTS_VARIABLE: &str = "POLYCULTURE_SLOTS";

/// How often the socket is looked at: it is made again when somebody deleted it.
const SOCKET_CHECK: Duration = Duration::from_secs(2);

/// Runs the engine of the user's state folder until it is stopped. `ingest` merges results into
/// their workspaces. Exit code 0 also when another engine runs here already; 3 when the state
/// cannot be used.
pub fn main(ingest: Arc<Ingest>) -> ExitCode {
    match StateDir::find().and_then(|state| run(state, ingest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            log::say(format_args!("the engine ends: {e}"));
            ExitCode::from(e.exit_code())
        }
    }
}

fn run(state: StateDir, ingest: Arc<Ingest>) -> Result<(), EngineError> {
    if std::env::var_os(launch::BACKGROUND).is_some() {
        // Out of the session of the client that started us: its terminal may close.
        let _ = nix::unistd::setsid();
    }
    let Some(_guard) = take_guard(&state)? else {
        log::say(format_args!("another engine runs in {} already", state.dir().display()));
        return Ok(());
    };
    log::keep_short(&state);
    let db = rebuild::open(&state)?;
    let draining = Settings::apply(&state, &db)?;
    let socket = state.socket_to_bind()?;
    let core = Arc::new(Core::new(state, socket, db, slots(), ingest, draining));
    core.lock().secrets = upgrade::handed_over();
    adopt(&core)?;
    core.stand_all()?;
    // What the engine before was draining may have ended without it.
    core.end_drain()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(EngineError::io("cannot start the event loop"))?;
    let ended = runtime.block_on(serve(&core));
    if let Err(e) = core.end_drain() {
        log::say(format_args!("it is drained, but that could not be noted: {e}"));
    }
    let _ = fs::remove_file(&core.socket);
    // Supervisors and merges are not waited for: what they do is found again from the folders.
    runtime.shutdown_background();
    match ended? {
        End::Stopped => Ok(()),
        End::Upgraded(program) => Err(upgrade::become_new(&program, &core)),
    }
}

/// The lock that makes this the only engine of the folder; `None` when there is another.
fn take_guard(state: &StateDir) -> Result<Option<File>, EngineError> {
    let path = state.lock();
    let what = || format!("{}", path.display());
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(EngineError::io(what()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(EngineError::io(what())(e)),
    }
}

fn slots() -> u32 {
    std::env::var(SLOTS_VARIABLE)
        .ok()
        .and_then(|s| s.parse().ok())
        .filter(|n| *n > 0)
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get() as u32))
}

/// Gives every run that may live a supervisor, which judges it by its folder.
fn adopt(core: &Arc<Core>) -> Result<(), EngineError> {
    let mut inner = core.lock();
    for mut record in inner.db.open_runs()? {
        if !record.state.name().is_live() {
            continue;
        }
        let dir = record.dir.join(format!("attempt-{}", record.attempt));
        match RunSpec::read(&record.dir).and_then(|spec| Ok((Attempt::open(dir)?, spec))) {
            Ok((attempt, spec)) => {
                stand_still_or_go_on(&record, &attempt);
                core.supervise(&mut inner, &record, attempt, spec);
            }
            Err(e) => {
                let state = super::lifecycle::folder_trouble(&record.state, &e);
                let attempt = record.attempt;
                core.transition(&mut inner, &mut record, attempt, state, true)?;
            }
        }
    }
    Ok(())
}

/// Makes the processes do what the run's state says: the engine before may have died between its
/// commit and its signal.
fn stand_still_or_go_on(record: &RunRecord, attempt: &Attempt) {
    match record.state.name() {
        StateName::Paused => drop(pause::stop(attempt)),
        StateName::Running | StateName::Stopping if pause::is_standing_still(attempt) => {
            let _ = PauseFile::remove(attempt.dir());
            pause::go_on(attempt);
        }
        _ => {}
    }
}

/// Why the engine ends.
enum End {
    Stopped,
    /// Its program was replaced by this one.
    Upgraded(PathBuf),
}

async fn serve(core: &Arc<Core>) -> Result<End, EngineError> {
    let mut listener = bind(&core.socket)?;
    let mut inode = inode(&core.socket);
    let what = "signals";
    let mut term = signal(SignalKind::terminate()).map_err(EngineError::io(what))?;
    let mut int = signal(SignalKind::interrupt()).map_err(EngineError::io(what))?;
    // The terminal that we were started from may close.
    let mut hup = signal(SignalKind::hangup()).map_err(EngineError::io(what))?;
    let watched = Arc::clone(core);
    std::thread::Builder::new()
        .name("watch".into())
        .spawn(move || {
            watch::merge_leftovers(&watched);
            watch::keep_watch(&watched);
        })
        .map_err(EngineError::io("cannot start the watch"))?;
    let tended = Arc::clone(core);
    std::thread::Builder::new()
        .name("gpus".into())
        .spawn(move || super::gpu::tend(&tended))
        .map_err(EngineError::io("cannot start the clock of the GPUs"))?;
    tokio::spawn(schedule(Arc::clone(core)));
    core.wake.notify_one();
    log::say(format_args!("engine {} at {}", std::process::id(), core.socket.display()));
    let mut own = upgrade::Program::of_this_process();
    let mut check = tokio::time::interval(SOCKET_CHECK);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(connection::serve(Arc::clone(core), stream));
                }
                Err(e) => {
                    // Out of descriptors: others will close theirs.
                    log::say(format_args!("a client was not let in: {e}"));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            _ = check.tick() => {
                log::keep_short(&core.state);
                if self::inode(&core.socket) != inode || inode.is_none() {
                    log::say(format_args!("{} was removed; made again", core.socket.display()));
                    listener = bind(&core.socket)?;
                    inode = self::inode(&core.socket);
                }
                if let Some(program) = own.replaced() {
                    let new = program.clone();
                    let fits = tokio::task::spawn_blocking(move || upgrade::answers(&new)).await;
                    if matches!(fits, Ok(true)) {
                        log::say(format_args!(
                            "engine {}: {} was replaced; the new one takes over, live runs go on",
                            std::process::id(),
                            program.display()
                        ));
                        return Ok(End::Upgraded(program));
                    }
                }
            }
            () = core.stop.notified() => break,
            _ = term.recv() => break,
            _ = int.recv() => break,
            _ = hup.recv() => {}
        }
    }
    log::say(format_args!("engine {} ends; live runs go on", std::process::id()));
    Ok(End::Stopped)
}

/// Binds the socket. Whatever lies there is left from an engine that died: we hold the lock.
fn bind(path: &Path) -> Result<UnixListener, EngineError> {
    let what = || format!("socket {}", path.display());
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(EngineError::io(what())(e));
        }
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(EngineError::io(what()))?;
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o600));
    Ok(listener)
}

fn inode(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|m| m.ino())
}

/// Starts queued runs whenever the queue or the slots changed.
async fn schedule(core: Arc<Core>) {
    loop {
        let due = core.until_due();
        let sleep = tokio::time::sleep(due.unwrap_or(Duration::from_hours(1)));
        tokio::select! {
            () = core.wake.notified() => {}
            () = sleep => {}
        }
        let at_work = Arc::clone(&core);
        let started = tokio::task::spawn_blocking(move || at_work.start_queued()).await;
        match started {
            Ok(Ok(())) => {}
            Ok(Err(e)) => {
                log::say(format_args!("the queue waits: {e}"));
                tokio::time::sleep(Duration::from_secs(1)).await;
                core.wake.notify_one();
            }
            Err(e) => log::say(format_args!("the queue waits: {e}")),
        }
    }
}
