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
impl Client {
    pub(super) fn at_or_start(state: &StateDir) -> Result<Self, EngineError> {
        match Self::at(state.clone()) {
            // Not from inside a run, where no other is started.
            Ok(Some(client)) if client.is_older() && std::env::var_os(MARK).is_none() => {
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
