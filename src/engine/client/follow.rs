//! Following runs: a stream of events, and the wait for an end through restarts of the engine.

use std::time::Duration;

use super::{Client, Push, Request, Snapshot};
use crate::domain::RunId;
use crate::engine::EngineError;
use crate::job::{ProgressNow, RunView};

impl Client {
    /// Turns this connection into a stream of events: of one run, or of all.
    pub fn subscribe(
        mut self,
        since_seq: Option<i64>,
        run: Option<RunId>,
    ) -> Result<(Snapshot, Subscription), EngineError> {
        let snapshot = self.ask(Request::Subscribe { since_seq, run })?;
        Ok((snapshot, Subscription(self)))
    }

    /// Waits for a run's end, through restarts of the engine. `on_change` is called with the run
    /// as it stands, and again at every transition and progress of it.
    pub fn wait(
        &mut self,
        run: &RunId,
        on_change: &mut dyn FnMut(&RunView, Option<&ProgressNow>),
    ) -> Result<RunView, EngineError> {
        loop {
            if let Some(view) = self.wait_until(run, on_change, &|| false)? {
                return Ok(view);
            }
        }
    }

    /// As [`Self::wait`]; `None` when `give_up` said so first.
    pub(in crate::engine) fn wait_until(
        &mut self,
        run: &RunId,
        on_change: &mut dyn FnMut(&RunView, Option<&ProgressNow>),
        give_up: &dyn Fn() -> bool,
    ) -> Result<Option<RunView>, EngineError> {
        // An unknown run is refused here, by name.
        let mut view = match self.show(run) {
            Err(EngineError::Io { .. } | EngineError::Unreachable { .. }) => {
                self.reconnect()?;
                self.show(run)?
            }
            other => other?,
        };
        loop {
            let watched = self
                .another()
                .and_then(|c| c.subscribe(None, Some(run.clone())))
                .and_then(|(snapshot, lines)| {
                    if let Some(now) = snapshot.items.into_iter().next() {
                        view = now;
                    }
                    watch(lines, &mut view, on_change, give_up)
                });
            match watched {
                Ok(Some(end)) => return Ok(Some(end)),
                Ok(None) => return Ok(None),
                Err(EngineError::Io { .. } | EngineError::Unreachable { .. }) => {
                    self.reconnect()?;
                }
                Err(e) => return Err(e),
            }
        }
    }
}

/// A stream of events.
#[derive(Debug)]
pub struct Subscription(Client);

impl Subscription {
    /// The next line; `None` when there was none in time.
    ///
    /// # Errors
    /// The engine is gone: connect again and subscribe with the newest `seq` seen.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Push>, EngineError> {
        let Some(line) = self.0.line(timeout)? else { return Ok(None) };
        serde_json::from_slice(&line)
            .map(Some)
            .map_err(|e| self.0.unreachable(&format!("its line cannot be read: {e}")))
    }
}

/// Follows one run to its end; `None` when `give_up` said so first.
fn watch(
    mut lines: Subscription,
    view: &mut RunView,
    on_change: &mut dyn FnMut(&RunView, Option<&ProgressNow>),
    give_up: &dyn Fn() -> bool,
) -> Result<Option<RunView>, EngineError> {
    let mut latest = None;
    on_change(view, None);
    while !view.state.is_final() {
        if give_up() {
            return Ok(None);
        }
        match lines.next(Duration::from_millis(100))? {
            None => continue,
            Some(Push::Event { run, .. }) => *view = run,
            Some(Push::Progress { progress, .. }) => latest = progress,
            Some(Push::Resync(snapshot)) => {
                if let Some(run) = snapshot.items.into_iter().next() {
                    *view = run;
                }
            }
        }
        on_change(view, latest.as_ref());
    }
    Ok(Some(view.clone()))
}
