//! An engine for a client that found none, or one of an older release.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use super::{CAN, Client, LOOK};
use crate::engine::{EngineError, StateDir, launch, log};
use crate::job::MARK;

/// How long an engine may take to start: it may rebuild its database.
const START: Duration = Duration::from_mins(1);
/// How long systemd may take to start one; after that it is started without.
const UNIT: Duration = Duration::from_secs(10);
/// How long an engine may take to become its new program: it looks every two seconds, and twice.
const UPGRADE: Duration = Duration::from_secs(10);

impl Client {
    pub(super) fn at_or_start(state: &StateDir) -> Result<Self, EngineError> {
        match Self::at(state.clone()) {
            // Not from inside a run, where no other is started.
            Ok(Some(client)) if client.is_older() && std::env::var_os(MARK).is_none() => {
                if let Some(newer) = client.becomes_newer() {
                    return Ok(newer);
                }
                client.replace()?;
            }
            Ok(Some(client)) => return Ok(client),
            Ok(None) => {}
            Err(e) => return Err(e),
        }
        let log = state.log();
        let start = fs::metadata(&log).map_or(0, |m| m.len());
        let deadline = Instant::now() + START;
        let mut child: Option<Child> = None;
        let mut unit: Option<Instant> = None;
        let mut failures = 0;
        loop {
            if let Some(mut client) = Self::at(state.clone())? {
                client.launched = child.is_some() || unit.is_some();
                return Ok(client);
            }
            let ended = match &mut child {
                Some(c) => c.try_wait().map_err(EngineError::io("the engine"))?,
                None => None,
            };
            if let Some(status) = ended {
                if !status.success() {
                    failures += 1;
                }
                // Code 0: another engine was there, perhaps on its way out.
                child = None;
            }
            if failures >= 2 || Instant::now() >= deadline {
                let reason = crate::engine::log::last_words(&log, start)
                    .unwrap_or_else(|| "it does not start".into());
                return Err(EngineError::Unreachable { reason, log });
            }
            if child.is_none() {
                // It would carry the run's mark, hold the run's lock, and be ended with the run.
                if std::env::var_os(MARK).is_some() {
                    let reason = "none runs, and from inside a run none is started".to_owned();
                    return Err(EngineError::Unreachable { reason, log });
                }
                if unit.is_none() && launch::engine_as_unit(state) {
                    unit = Some(Instant::now());
                }
                if unit.is_none_or(|since| since.elapsed() > UNIT) {
                    child = Some(launch::engine(state)?);
                }
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The running engine lacks something that this release has.
    fn is_older(&self) -> bool {
        CAN.iter().any(|c| !self.hello.can.iter().any(|h| h == c))
    }

    /// Where the engine's program was replaced, it becomes the new one by itself in a moment, and keeps
    /// the secrets that it was given: that is waited for. `None` where it does not.
    fn becomes_newer(&self) -> Option<Self> {
        let exe = fs::read_link(format!("/proc/{}/exe", self.hello.pid)).ok()?;
        if !exe.to_string_lossy().ends_with(" (deleted)") {
            return None;
        }
        let deadline = Instant::now() + UPGRADE;
        while Instant::now() < deadline {
            std::thread::sleep(LOOK * 10);
            if let Ok(Some(client)) = Self::at(self.state.clone())
                && !client.is_older()
            {
                return Some(client);
            }
        }
        None
    }

    /// Ends an engine of an older release: this client starts its own. Live runs go on and are
    /// adopted; only secrets of queued runs have to be given again.
    fn replace(mut self) -> Result<(), EngineError> {
        log::say(format_args!(
            "the running engine ({}) is older than this polyculture: it is stopped, and a newer one \
             takes its runs over",
            self.hello.engine
        ));
        self.stop()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;
    use std::process::{Command, Stdio};
    use std::sync::mpsc::channel;

    use super::*;
    use crate::engine::protocol::VERSION;

    /// A stand-in for an engine: what it greets with is what it can.
    #[test]
    fn an_older_engine_whose_program_was_replaced_is_waited_for_and_not_stopped() {
        let tmp = tempfile::tempdir().unwrap();
        let state = StateDir::at(tmp.path().join("s")).unwrap();
        // A process whose program is gone from its place.
        let program = tmp.path().join("sh");
        // Copied by another process: what this one writes may be open in a child of another test.
        let copied = Command::new("cp").args(["-L", "/bin/sh"]).arg(&program).status().unwrap();
        assert!(copied.success());
        let mut process =
            Command::new(&program).args(["-c", "read x"]).stdin(Stdio::piped()).spawn().unwrap();
        fs::remove_file(&program).unwrap();
        let listener = UnixListener::bind(state.socket()).unwrap();
        let (asked, heard) = channel();
        let pid = process.id();
        let engine = std::thread::spawn(move || {
            for connection in 0..4 {
                let (mut stream, _) = listener.accept().unwrap();
                let can = if connection < 3 { "[]".into() } else { format!("{CAN:?}") };
                let hello = format!("\"protocol\":{VERSION},\"engine\":\"0\",\"pid\":{pid}");
                writeln!(stream, "{{\"hello\":{{{hello},\"can\":{can}}}}}").unwrap();
                let asked = asked.clone();
                std::thread::spawn(move || {
                    let mut text = String::new();
                    let _ = stream.read_to_string(&mut text);
                    let _ = asked.send(text);
                });
            }
        });
        let client = Client::at_or_start(&state).unwrap();
        assert!(!client.is_older() && !client.launched());
        drop(client);
        engine.join().unwrap();
        assert_eq!(heard.iter().collect::<String>(), "", "nobody was asked to stop");
        drop(process.stdin.take());
        process.wait().unwrap();
    }
}
