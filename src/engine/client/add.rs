//! Adding a run: its folder first, then the engine's word.

use std::collections::BTreeMap;
use std::path::Path;

use super::{AddedRun, Client, Request};
use crate::engine::EngineError;
use crate::job::{JobError, NewRun, Terms};

impl Client {
    /// Makes the run's folder in `runs_dir` (see [`NewRun::write`]) and hands it to the engine.
    /// When its request id was known already, the new folder is removed again and the answer is
    /// the run that is there. Values of its secrets come from this process's environment.
    ///
    /// # Errors
    /// The folder cannot be made, or the engine refuses: no folder is left then. When the engine
    /// cannot be reached again, the folder stays: it may have been taken in.
    pub fn add(
        &mut self,
        new: NewRun,
        runs_dir: &Path,
        write_input: impl FnOnce(&Path) -> Result<(), JobError>,
    ) -> Result<AddedRun, EngineError> {
        let runs_dir = std::path::absolute(runs_dir).map_err(JobError::io(runs_dir))?;
        let plain = Terms { retries: new.terms.retries, ..Terms::default() };
        if new.terms != plain || !new.after.is_empty() {
            self.terms()?;
        }
        let secrets = given(&new.secrets);
        let folder = new.write(&runs_dir, write_input)?;
        // The disk writes the folder while the engine commits the run: it counts as taken in when
        // both are done, and what a power failure tears before was promised to nobody.
        let (durable, added) = std::thread::scope(|scope| {
            let durable = scope.spawn(|| folder.make_durable());
            let added = self.hand_over(&folder.dir, secrets);
            let panicked = |_| Err(JobError::Work("the wait for the disk panicked".into()));
            (durable.join().unwrap_or_else(panicked), added)
        });
        match &added {
            Ok(a) if a.run.dir != folder.dir => folder.remove(),
            Ok(a) => {
                if let Err(e) = durable {
                    let _ = self.cancel(&a.run.id);
                    return Err(e.into());
                }
            }
            Err(EngineError::Refused(_)) => folder.remove(),
            Err(_) => {}
        }
        added
    }

    fn hand_over(
        &mut self,
        dir: &Path,
        secrets: BTreeMap<String, String>,
    ) -> Result<AddedRun, EngineError> {
        let request = Request::Add { dir: dir.to_owned(), secrets };
        match self.ask(request.clone()) {
            // The engine may have died under the request: the same folder is never taken in twice.
            Err(EngineError::Io { .. } | EngineError::Unreachable { .. }) => {
                self.reconnect()?;
                self.ask(request)
            }
            other => other,
        }
    }
}

/// Those of the named variables that this process has.
pub(super) fn given(names: &[String]) -> BTreeMap<String, String> {
    names.iter().filter_map(|n| Some((n.clone(), std::env::var(n).ok()?))).collect()
}
