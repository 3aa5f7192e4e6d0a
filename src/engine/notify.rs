//! Telling people that a run ended: the user's command, and the desktop. By a thread of its own,
//! one after the other and each with a time limit, so that no hook holds the engine up. What an
//! engine had not told when it died is not told later: the lists have it.

use std::io::{Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::log;
use crate::config::{NotifySettings, UserConfig};
use crate::job::{RunView, allowed_environment};
use crate::text::display;

/// Ends that wait to be told; beyond these the oldest news are no news, and are dropped.
const WAITING: usize = 1000;

/// The way to the thread that tells; it starts with the first end.
#[derive(Debug, Default)]
pub(super) struct Notices(Mutex<Option<Sender<RunView>>>);

impl Notices {
    /// Takes an end to be told, and returns at once.
    pub(super) fn tell(&self, run: RunView) {
        let mut sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sender.is_none() {
            let (send, receive) = channel();
            match std::thread::Builder::new().name("notify".into()).spawn(move || serve(&receive)) {
                Ok(_) => *sender = Some(send),
                Err(e) => return log::say(format_args!("ends are not told: no thread: {e}")),
            }
        }
        if let Some(s) = sender.as_ref() {
            let _ = s.send(run);
        }
    }
}

fn serve(ends: &Receiver<RunView>) {
    let mut last_trouble = String::new();
    while let Ok(first) = ends.recv() {
        let mut batch: Vec<RunView> = std::iter::once(first).chain(ends.try_iter()).collect();
        if batch.len() > WAITING {
            let old = batch.len() - WAITING;
            log::say(format_args!("{old} ends are not told: too many at once"));
            batch.drain(..old);
        }
        // Read again each time: a change of the file needs no new engine.
        let settings = match UserConfig::load() {
            Ok(config) => config.notify,
            Err(e) => {
                let trouble = e.to_string();
                if trouble != last_trouble {
                    log::say(format_args!("ends are not told: {trouble}"));
                }
                last_trouble = trouble;
                continue;
            }
        };
        for run in batch.iter().filter(|r| settings.tells(r.state.word())) {
            tell_one(&settings, run);
        }
    }
}

fn tell_one(settings: &NotifySettings, run: &RunView) {
    if !settings.command.is_empty() {
        let json = serde_json::to_vec(run).unwrap_or_default();
        let limit = Duration::from_secs(settings.time_limit_s.into());
        if let Err(e) = call(&settings.command, &json, run, limit) {
            log::say(format_args!("run {}: the command of [notify]: {e}", run.id));
        }
    }
    let desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|v| std::env::var_os(v).is_some());
    if settings.desktop && desktop && took(run) >= f64::from(settings.after_s) {
        let words = ["notify-send", "--app-name=polyculture", "--", "polyculture", &sentence(run)]
            .map(str::to_owned);
        if let Err(e) = call(&words, b"", run, Duration::from_secs(10)) {
            log::say(format_args!("run {}: notify-send: {e}", run.id));
        }
    }
}

/// One line about an end, without anything that a terminal would take for a command.
pub fn sentence(run: &RunView) -> String {
    let name = run.label.as_deref().unwrap_or(run.kind.word());
    let short: String = display(name).chars().take(60).collect();
    let took = match took(run) {
        s if s <= 0.0 => String::new(),
        s if s < 100.0 => format!(" after {s:.0} s"),
        s if s < 5400.0 => format!(" after {:.0} min", s / 60.0),
        s => format!(" after {:.1} h", s / 3600.0),
    };
    format!("{short}: {}{took}", run.state.word().replace('_', " "))
}

/// Seconds between start and end.
pub fn took(run: &RunView) -> f64 {
    match (run.started_at, run.ended_at) {
        (Some(a), Some(b)) => (b - a).total(jiff::Unit::Second).unwrap_or(0.0),
        _ => 0.0,
    }
}

/// Runs one program to its end or its time limit, with `input` on its standard input.
fn call(words: &[String], input: &[u8], run: &RunView, limit: Duration) -> Result<(), String> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    // Files, not pipes: a hook that reads or writes nothing blocks nobody.
    let file = |bytes: &[u8]| -> std::io::Result<std::fs::File> {
        let mut f = tempfile::tempfile()?;
        f.write_all(bytes)?;
        f.seek(SeekFrom::Start(0))?;
        Ok(f)
    };
    let said = file(b"").map_err(|e| e.to_string())?;
    let mut said_later = said.try_clone().map_err(|e| e.to_string())?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir("/")
        // Keys that the engine was started with are not the hook's.
        .env_clear()
        .envs(allowed_environment())
        .envs(desktop_variables())
        .env("POLYCULTURE_RUN", run.id.as_str())
        .env("POLYCULTURE_RUN_STATE", run.state.word())
        .stdin(file(input).map_err(|e| e.to_string())?)
        .stdout(Stdio::null())
        .stderr(said)
        .process_group(0)
        .spawn()
        .map_err(|e| format!("cannot start `{}`: {e}", display(program)))?;
    let ended = until(&mut child, limit);
    let mut text = String::new();
    let _ = said_later.seek(SeekFrom::Start(0));
    let _ = std::io::Read::read_to_string(
        &mut std::io::Read::take(&mut said_later, 64 << 10),
        &mut text,
    );
    let last = text.lines().rev().find(|l| !l.trim().is_empty()).map(display);
    let last = last.map(|l| format!(": {l}")).unwrap_or_default();
    match ended {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("ended with {status}{last}")),
        None => Err(format!("ended, because it took more than {} s{last}", limit.as_secs())),
    }
}

/// Its end; `None` when its time was up, and it and its children were ended.
fn until(child: &mut Child, limit: Duration) -> Option<std::process::ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
            _ => {
                let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// What a program needs to reach the desktop: addresses, no secrets.
fn desktop_variables() -> Vec<(&'static str, std::ffi::OsString)> {
    ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XAUTHORITY"]
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
        .collect()
}
