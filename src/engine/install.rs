//! `engine install` and `engine uninstall`: the engine after a reboot, by a unit of the user's
//! systemd, or by a line of the crontab where there is none.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Serialize;

use super::logout::Host;
use super::units::{CRON_MARK, UNIT, cron_line, unit_file, with_line};
use super::{EngineError, StateDir, launch};
use crate::job::write_atomically;

/// How the engine starts after a reboot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum Installed {
    /// A unit of the user's systemd.
    Systemd {
        /// The unit's file.
        file: PathBuf,
        /// Without lingering it starts at the first login only.
        lingers: bool,
    },
    /// A line of the user's crontab.
    Cron {
        /// The line.
        line: String,
    },
}

/// What `install` would do here: the way, and the text that it writes.
///
/// # Errors
/// This program's own file is not found, or no home folder is known.
pub fn plan(state: &StateDir, host: &Host) -> Result<(Installed, String), EngineError> {
    let program = launch::this_program()?;
    if host.systemd && host.user_manager {
        let text = unit_file(&program, state.dir());
        return Ok((Installed::Systemd { file: unit_path()?, lingers: host.linger }, text));
    }
    let line = cron_line(&program, state.dir());
    Ok((Installed::Cron { line: line.clone() }, line))
}

fn unit_path() -> Result<PathBuf, EngineError> {
    let config = directories::BaseDirs::new().map(|d| d.config_dir().to_owned());
    config.map(|c| c.join("systemd/user").join(UNIT)).ok_or_else(|| EngineError::State {
        path: PathBuf::from("~"),
        reason: "no home folder is known; set HOME".into(),
    })
}

/// Makes the engine start after a reboot.
///
/// # Errors
/// systemd or cron refused, with what to do by hand.
pub fn install(state: &StateDir, host: &Host) -> Result<Installed, EngineError> {
    let (how, text) = plan(state, host)?;
    match &how {
        Installed::Systemd { file, .. } => {
            let folder = file.parent().unwrap_or(Path::new("/"));
            fs::create_dir_all(folder).map_err(EngineError::io(folder.display().to_string()))?;
            write_atomically(file, text.as_bytes())?;
            systemctl(&["daemon-reload"])?;
            systemctl(&["enable", UNIT])?;
        }
        Installed::Cron { line } => write_crontab(&with_line(&crontab()?, Some(line)), line)?,
    }
    Ok(how)
}

/// Undoes [`install`], whichever way it went. False when nothing was installed.
///
/// # Errors
/// systemd or cron refused.
pub fn uninstall() -> Result<bool, EngineError> {
    let mut any = false;
    let file = unit_path()?;
    if file.exists() {
        // A systemd that does not answer starts nothing either.
        let _ = systemctl(&["disable", UNIT]);
        fs::remove_file(&file).map_err(EngineError::io(file.display().to_string()))?;
        let _ = systemctl(&["daemon-reload"]);
        any = true;
    }
    let now = crontab().unwrap_or_default();
    if now.contains(CRON_MARK) {
        write_crontab(&with_line(&now, None), CRON_MARK)?;
        any = true;
    }
    Ok(any)
}

/// How the engine starts after a reboot as things stand, for `doctor`.
pub fn installed() -> Option<&'static str> {
    if unit_path().is_ok_and(|f| f.exists()) {
        return Some("by the unit of your systemd");
    }
    crontab().is_ok_and(|t| t.contains(CRON_MARK)).then_some("by a line of your crontab")
}

fn systemctl(words: &[&str]) -> Result<(), EngineError> {
    let all = [&["--user"], words].concat();
    let out = Command::new("systemctl")
        .args(&all)
        .stdin(Stdio::null())
        .output()
        .map_err(EngineError::io("systemctl"))?;
    if out.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&out.stderr).trim().to_owned();
    Err(EngineError::io(format!("systemctl {}", all.join(" ")))(std::io::Error::other(said)))
}

/// The user's crontab; empty where there is none yet.
fn crontab() -> Result<String, EngineError> {
    let out = Command::new("crontab")
        .arg("-l")
        .stdin(Stdio::null())
        .output()
        .map_err(EngineError::io("crontab"))?;
    // `no crontab for ada` is exit code 1, as other troubles are; writing it tells them apart.
    Ok(if out.status.success() {
        String::from_utf8_lossy(&out.stdout).into_owned()
    } else {
        String::new()
    })
}

fn write_crontab(text: &str, line: &str) -> Result<(), EngineError> {
    let by_hand = format!("crontab (by hand: `crontab -e`, and the line `{line}`)");
    let mut child = Command::new("crontab")
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(EngineError::io(by_hand.clone()))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).map_err(EngineError::io(by_hand.clone()))?;
    }
    let out = child.wait_with_output().map_err(EngineError::io(by_hand.clone()))?;
    if out.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&out.stderr).trim().to_owned();
    Err(EngineError::io(by_hand)(std::io::Error::other(said)))
}
