//! Starting the shim of an attempt, and the engine itself, so that they outlive who started them.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::shim::mark_of;
use super::{EngineError, StateDir};
use crate::job::{Attempt, CRASH_VARIABLE, MARK, RunSpec};

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
    let mut command = Command::new(exe);
    command
        .arg("__shim")
        .arg(attempt.dir())
        .current_dir("/")
        .env_clear()
        .envs(&spec.env)
        .envs(secrets)
        .env(MARK, mark_of(attempt).unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    if let Some(points) = std::env::var_os(CRASH_VARIABLE) {
        command.env(CRASH_VARIABLE, points);
    }
    command.spawn().map_err(EngineError::io("cannot start the shim"))
}

/// Starts an engine in the background, its messages in `engine.log`.
pub(super) fn engine(state: &StateDir) -> Result<Child, EngineError> {
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(state.log())
        .map_err(EngineError::io(state.log().display().to_string()))?;
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
