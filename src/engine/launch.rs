//! Starting the shim of an attempt, and the engine itself, so that they outlive who started them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use super::logout::Host;
use super::shim::mark_of;
use super::{EngineError, StateDir, units};
use crate::job::{Attempt, CRASH_VARIABLE, MARK, RunSpec, allowed_environment};

/// Set for an engine that a client starts: it leaves the client's session.
pub(super) const BACKGROUND: &str = "POLYCULTURE_ENGINE_BACKGROUND";

/// Starts the shim of an attempt. Its stdout is a pipe for the one line that says that the work
/// runs; the work's own output goes to a file.
pub(super) fn shim(
    attempt: &Attempt,
    spec: &RunSpec,
    secrets: &BTreeMap<String, String>,
) -> Result<Child, EngineError> {
    let exe = this_program()?;
    let scope = if scopes_work() {
        units::scope_words(spec.id.as_str(), attempt.number())
    } else {
        Vec::new()
    };
    let mut command = match scope.split_first() {
        None => Command::new(exe),
        Some((program, words)) => {
            let mut c = Command::new(program);
            c.args(words).arg(exe);
            c
        }
    };
    command
        .arg("__shim")
        .arg(attempt.dir())
        .current_dir("/")
        .env_clear()
        .envs(&spec.env)
        .envs(secrets);
    if !scope.is_empty() {
        for name in ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
    }
    command
        .env(MARK, mark_of(attempt).unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    if let Some(points) = std::env::var_os(CRASH_VARIABLE) {
        command.env(CRASH_VARIABLE, points);
    }
    command.spawn().map_err(EngineError::io("cannot start the shim"))
}

/// Whether this engine is a unit of the user's systemd, and can put shims into scopes of their own.
/// Asked once, by doing it.
fn scopes_work() -> bool {
    static WORK: OnceLock<bool> = OnceLock::new();
    *WORK.get_or_init(|| {
        std::env::var_os(units::IN_UNIT).is_some()
            && Command::new("systemd-run")
                .args(["--user", "--scope", "--quiet", "--collect", "--", "true"])
                .stdin(Stdio::null())
                .status()
                .is_ok_and(|s| s.success())
    })
}

/// Starts an engine as a transient unit of the user's systemd, where that outlives the session.
/// False where it is not so, or where systemd refused.
pub(super) fn engine_as_unit(state: &StateDir) -> bool {
    let here = Host::here();
    if !units::wants_unit(&here) {
        return false;
    }
    let Ok(program) = this_program() else { return false };
    let mut variables: Vec<String> = allowed_environment().into_keys().collect();
    // What systemd gives its services is right for them.
    variables.retain(|n| n != "XDG_RUNTIME_DIR" && n != super::STATE_DIR_VARIABLE);
    variables.push(super::STATE_DIR_VARIABLE.to_owned());
    let words = units::unit_words(state.dir(), &variables);
    let Some((first, rest)) = words.split_first() else { return false };
    Command::new(first)
        .args(rest)
        .arg(program)
        .args(["engine", "run"])
        .env(super::STATE_DIR_VARIABLE, state.dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Starts an engine in the background, its messages in `engine.log`.
pub(super) fn engine(state: &StateDir) -> Result<Child, EngineError> {
    let log = super::log::open(state)?;
    Command::new(this_program()?)
        .args(["engine", "run"])
        .current_dir("/")
        .env(super::STATE_DIR_VARIABLE, state.dir())
        .env(BACKGROUND, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(EngineError::io("cannot start the engine"))
}

/// This program's file. After an upgrade in place the kernel calls it `.. (deleted)`: then the new
/// file at its old path is meant.
pub(super) fn this_program() -> Result<std::path::PathBuf, EngineError> {
    let exe = std::env::current_exe().map_err(EngineError::io("cannot find this program"))?;
    if exe.exists() {
        return Ok(exe);
    }
    let text = exe.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map_or(exe.clone(), |p| Path::new(p).to_owned()))
}
