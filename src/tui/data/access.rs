//! What a piece of work may use. Each lane has its own, so that a long read holds nobody up.

use std::fmt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::engine::protocol::{ListAsk, Page};
use crate::engine::{Client, EngineError, StateDir, at_rest};
use crate::launch::Place;
use crate::store::{Reader, StoreError, Workspace as Store};

/// Why work failed, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkError {
    /// What happened.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
}

impl WorkError {
    /// From a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// With the way out.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn lost() -> Self {
        Self::new("the answer was of another kind than asked for: this is a defect of the program")
    }
}

impl fmt::Display for WorkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl<E: std::error::Error> From<E> for WorkError {
    fn from(e: E) -> Self {
        Self::new(e.to_string())
    }
}

fn refused(e: EngineError) -> WorkError {
    match e {
        EngineError::Refused(r) => {
            let e = WorkError::new(r.message);
            match r.hint {
                Some(h) => e.hint(h),
                None => e,
            }
        }
        other => other.into(),
    }
}

/// The workspace and the engine, opened at first need and kept open.
pub struct Access {
    place: Place,
    reader: Option<Store>,
    writer: Option<Store>,
    engine: Option<Client>,
    stale: Option<Arc<AtomicBool>>,
    #[cfg(test)]
    pretended: Option<Pretended>,
}

/// What tests of screens answer instead of another process.
#[cfg(test)]
pub type Pretended = Box<dyn FnMut(&[String]) -> Result<serde_json::Value, WorkError> + Send>;

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Access {
    /// Opens nothing yet.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            reader: None,
            writer: None,
            engine: None,
            stale: None,
            #[cfg(test)]
            pretended: None,
        }
    }

    /// From now on commands are answered by this function.
    #[cfg(test)]
    pub fn pretend(&mut self, f: Pretended) {
        self.pretended = Some(f);
    }

    /// The work that begins now is not wanted any more once this is set; reads then end early.
    pub(super) fn wanted_until(&mut self, stale: Option<Arc<AtomicBool>>) {
        self.stale = stale;
    }

    /// The workspace.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Reads the database.
    ///
    /// # Errors
    /// It cannot be opened, or what `f` says.
    pub fn read<T>(
        &mut self,
        f: impl FnOnce(Reader<'_>) -> Result<T, StoreError>,
    ) -> Result<T, WorkError> {
        if self.reader.is_none() {
            self.reader = Some(self.place.read()?);
        }
        match &mut self.reader {
            Some(store) => {
                // A filter typed on makes the scan for its beginning worthless.
                store.stop_reads_when(self.stale.clone())?;
                Ok(f(store.read())?)
            }
            None => Err(WorkError::lost()),
        }
    }

    /// The database for writing. Connections wait for a lock as long as the store's patience says.
    ///
    /// # Errors
    /// It cannot be opened, or is read-only.
    pub fn writer(&mut self) -> Result<&mut Store, WorkError> {
        if self.writer.is_none() {
            self.writer = Some(self.place.write()?);
        }
        self.writer.as_mut().ok_or_else(WorkError::lost)
    }

    /// Asks the engine without starting one: looking is not asking for work. `None` when none runs.
    ///
    /// # Errors
    /// It is there and refuses, or cannot be used.
    pub fn look<T>(
        &mut self,
        mut f: impl FnMut(&mut Client) -> Result<T, EngineError>,
    ) -> Result<Option<T>, WorkError> {
        for last in [false, true] {
            if self.engine.is_none() {
                self.engine = Client::at(self.state_dir()?)?;
            }
            let Some(client) = self.engine.as_mut() else { return Ok(None) };
            match f(client) {
                Err(EngineError::Io { .. } | EngineError::Unreachable { .. }) => {
                    self.engine = None;
                    if last {
                        return Ok(None);
                    }
                }
                other => return Ok(Some(other.map_err(refused)?)),
            }
        }
        Ok(None)
    }

    /// A page of runs: from the engine, or as the last one left them where none runs.
    ///
    /// # Errors
    /// The engine or what it left cannot be read.
    pub fn runs(&mut self, ask: &ListAsk) -> Result<Page, WorkError> {
        match self.look(|c| c.find(ask))? {
            Some(page) => Ok(page),
            None => Ok(at_rest::list(&self.state_dir()?, ask)?),
        }
    }

    /// The engine's state folder.
    ///
    /// # Errors
    /// It cannot be made, or is somebody else's.
    pub fn state_dir(&self) -> Result<StateDir, WorkError> {
        // Unit tests never meet the engine of whoever runs them.
        Ok(if cfg!(test) {
            StateDir::at(self.place.folder().root().join("engine"))?
        } else {
            StateDir::find()?
        })
    }

    /// Asks the engine, connecting again once where the connection was lost.
    ///
    /// # Errors
    /// None runs and none can be started, or it refuses.
    pub fn engine<T>(
        &mut self,
        mut f: impl FnMut(&mut Client) -> Result<T, EngineError>,
    ) -> Result<T, WorkError> {
        if cfg!(test) {
            return self.look(f)?.ok_or_else(|| WorkError::new("no engine runs in a test"));
        }
        for last in [false, true] {
            if self.engine.is_none() {
                self.engine = Some(Client::connect_or_start()?);
            }
            let Some(client) = self.engine.as_mut() else { break };
            match f(client) {
                Err(EngineError::Io { .. } | EngineError::Unreachable { .. }) if !last => {
                    self.engine = None;
                }
                other => return other.map_err(refused),
            }
        }
        Err(WorkError::lost())
    }

    /// Carries out one of the program's own commands on this workspace, as a shell would, and gives
    /// its JSON document. Forms use it, so that what a form starts and what a script starts is the
    /// same, and the form can show the line it stands for.
    ///
    /// # Errors
    /// What the command says, with its hint.
    pub fn command(&mut self, args: &[String]) -> Result<serde_json::Value, WorkError> {
        // The program that runs a test is not ours to start again.
        #[cfg(test)]
        return match &mut self.pretended {
            Some(f) => f(args),
            None => Err(WorkError::new("tests start no process")),
        };
        #[cfg(not(test))]
        self.started(args)
    }

    #[cfg_attr(test, allow(dead_code, reason = "tests pretend"))]
    fn started(&mut self, args: &[String]) -> Result<serde_json::Value, WorkError> {
        let program = std::env::current_exe()?;
        let output = Command::new(program)
            .arg("--workspace")
            .arg(self.place.folder().root())
            .arg("--json")
            .args(args)
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let doc: serde_json::Value = serde_json::from_str(text.trim()).unwrap_or_default();
        if output.status.success() {
            return Ok(doc);
        }
        let field = |name: &str| doc["error"][name].as_str().map(str::to_owned);
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let e = WorkError::new(field("message").unwrap_or(said));
        Err(match field("hint") {
            Some(h) => e.hint(h),
            None => e,
        })
    }
}
