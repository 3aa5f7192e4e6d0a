//! The way to the engine for the two faces: blocking, one request at a time.

mod add;
mod follow;
mod start;

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::protocol::{
    self, AddedRun, CAN, CAN_FIND, CAN_LEASE, CAN_TERMS, CAN_UNDRAIN, Files, Frame, Hello, ListAsk,
    Page, Push, Reply, Request, Snapshot, Status,
};
use super::{EngineError, StateDir};
use crate::domain::RunId;
use crate::job::{RunSpec, RunView, StateName};
use crate::store::engine::Pool;
use add::given;
pub use follow::Subscription;

/// How long an engine may take to answer: it may wait for a slow disk.
const PATIENCE: Duration = Duration::from_mins(1);
/// A pause between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// A connection to the engine.
#[derive(Debug)]
pub struct Client {
    state: StateDir,
    stream: BufReader<UnixStream>,
    /// What was read of a line when the time was up.
    part: Vec<u8>,
    last_id: u64,
    hello: Hello,
    /// This client started the engine.
    launched: bool,
}

#[derive(Deserialize)]
struct Greeting {
    hello: Hello,
}

/// What a line answers, if it is an answer.
#[derive(Deserialize)]
struct Numbered {
    id: Option<u64>,
}

impl Client {
    /// Connects to the engine of [`StateDir::find`], starting one in the background when none
    /// answers.
    ///
    /// # Errors
    /// The state folder cannot be used, no engine comes up in time, or the running one speaks
    /// another version of the protocol.
    pub fn connect_or_start() -> Result<Self, EngineError> {
        Self::at_or_start(&StateDir::find()?)
    }

    /// Connects to a running engine; `None` when there is none.
    ///
    /// # Errors
    /// As [`Self::connect_or_start`].
    pub fn connect() -> Result<Option<Self>, EngineError> {
        Self::at(StateDir::find()?)
    }

    /// The running engine of a state folder; `None` when there is none.
    ///
    /// # Errors
    /// As [`Self::connect_or_start`].
    pub fn at(state: StateDir) -> Result<Option<Self>, EngineError> {
        let socket = state.socket();
        let stream = match UnixStream::connect(&socket) {
            Ok(s) => s,
            // Nothing there, or the socket of an engine that died.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                return Ok(None);
            }
            Err(e) => return Err(EngineError::io(format!("socket {}", socket.display()))(e)),
        };
        let mut client = Self {
            state,
            stream: BufReader::new(stream),
            part: Vec::new(),
            last_id: 0,
            hello: Hello { protocol: 0, engine: String::new(), pid: 0, can: Vec::new() },
            launched: false,
        };
        // An engine that ends just now closes the connection without a word.
        let Ok(line) = client.line(PATIENCE) else { return Ok(None) };
        let Some(line) = line else {
            return Err(client.unreachable("it accepts connections and says nothing"));
        };
        let greeting: Greeting = serde_json::from_slice(&line)
            .map_err(|e| client.unreachable(&format!("its greeting cannot be read: {e}")))?;
        client.hello = greeting.hello;
        if client.hello.protocol != protocol::VERSION {
            let theirs = client.hello.protocol;
            return Err(EngineError::Protocol { theirs, ours: protocol::VERSION });
        }
        Ok(Some(client))
    }

    /// True when this client had to start the engine.
    pub fn launched(&self) -> bool {
        self.launched
    }

    /// The engine's state folder.
    pub fn state(&self) -> &StateDir {
        &self.state
    }

    /// The engine's greeting.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// A page of runs, newest first; `before` is the `next` of the page before.
    ///
    /// # Errors
    /// The engine cannot be reached or refuses. So for all requests below.
    pub fn list(
        &mut self,
        workspace: Option<&Path>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Page, EngineError> {
        let workspace = workspace.map(Path::to_owned);
        self.find(&ListAsk { workspace, before, limit, ..ListAsk::default() })
    }

    /// A page of the runs that are asked for, either way from a cursor.
    pub fn find(&mut self, ask: &ListAsk) -> Result<Page, EngineError> {
        self.page(ask)
    }

    /// The same, each run as the JSON in which the engine said it: for those who hand it on.
    pub fn find_raw(&mut self, ask: &ListAsk) -> Result<Page<Box<RawValue>>, EngineError> {
        self.page(ask)
    }

    fn page<T: DeserializeOwned>(&mut self, ask: &ListAsk) -> Result<Page<T>, EngineError> {
        if ask.finds() && !self.hello.can.iter().any(|c| c == CAN_FIND) {
            // It would leave the filter out and answer with other runs.
            return Err(EngineError::TooOld { engine: self.hello.engine.clone() });
        }
        self.ask(Request::List(ask.clone()))
    }

    /// One run.
    pub fn show(&mut self, run: &RunId) -> Result<RunView, EngineError> {
        self.ask(Request::Show { run: run.clone() })
    }

    /// Ends a run: TERM, and KILL after its grace. It may still be stopping in the answer.
    pub fn cancel(&mut self, run: &RunId) -> Result<RunView, EngineError> {
        self.ask(Request::Cancel { run: run.clone() })
    }

    /// Starts another attempt of an ended run; secrets come from this process's environment.
    pub fn retry(&mut self, run: &RunId) -> Result<RunView, EngineError> {
        let view = self.show(run)?;
        let names = RunSpec::read(&view.dir).map(|s| s.secrets).unwrap_or_default();
        let secrets = given(&names);
        if !secrets.is_empty() {
            let request = Request::Secrets { run: run.clone(), secrets };
            let now: RunView = self.ask(request)?;
            if view.state == StateName::Blocked {
                return Ok(now);
            }
        }
        self.ask(Request::Retry { run: run.clone() })
    }

    /// Ends a run with a checkpoint; [`Self::resume`] goes on from there.
    pub fn checkpoint(&mut self, run: &RunId) -> Result<RunView, EngineError> {
        self.terms()?;
        self.ask(Request::Checkpoint { run: run.clone() })
    }

    /// Lets a running run stand still.
    pub fn pause(&mut self, run: &RunId) -> Result<RunView, EngineError> {
        self.terms()?;
        self.ask(Request::Pause { run: run.clone() })
    }

    /// Lets a paused run go on, or gives one that was stopped with a checkpoint another attempt.
    pub fn resume(&mut self, run: &RunId) -> Result<RunView, EngineError> {
        self.terms()?;
        self.ask(Request::Resume { run: run.clone() })
    }

    /// Changes the priority of a run that waits.
    pub fn priority(&mut self, run: &RunId, priority: i32) -> Result<RunView, EngineError> {
        self.terms()?;
        self.ask(Request::Priority { run: run.clone(), priority })
    }

    /// All pools.
    pub fn pools(&mut self) -> Result<Vec<Pool>, EngineError> {
        self.terms()?;
        self.ask(Request::Pools)
    }

    /// Makes or changes a pool; removes it without a capacity. Answered by all pools.
    pub fn set_pool(
        &mut self,
        name: &str,
        capacity: Option<u32>,
    ) -> Result<Vec<Pool>, EngineError> {
        self.terms()?;
        self.ask(Request::SetPool { name: name.to_owned(), capacity })
    }

    /// Refuses where the engine is older than what is asked: it would leave terms out.
    fn terms(&self) -> Result<(), EngineError> {
        if self.hello.can.iter().any(|c| c == CAN_TERMS) {
            return Ok(());
        }
        Err(EngineError::TooOld { engine: self.hello.engine.clone() })
    }

    /// What the engine is doing.
    pub fn status(&mut self) -> Result<Status, EngineError> {
        self.ask(Request::Status)
    }

    /// Files of an attempt (the current one without a number) and their lengths.
    pub fn logs(&mut self, run: &RunId, attempt: Option<u32>) -> Result<Files, EngineError> {
        self.ask(Request::Logs { run: run.clone(), attempt })
    }

    /// Lets the engine start no more runs, and end with the last live one.
    pub fn drain(&mut self) -> Result<Status, EngineError> {
        if !self.hello.can.iter().any(|c| c == CAN_LEASE) {
            return Err(EngineError::TooOld { engine: self.hello.engine.clone() });
        }
        self.ask(Request::Drain)
    }

    /// Lets a draining engine start runs again.
    pub fn undrain(&mut self) -> Result<Status, EngineError> {
        if !self.hello.can.iter().any(|c| c == CAN_UNDRAIN) {
            return Err(EngineError::TooOld { engine: self.hello.engine.clone() });
        }
        self.ask(Request::Undrain)
    }

    /// Ends the engine; returns when it is gone. Live runs go on under their shims.
    pub fn stop(&mut self) -> Result<(), EngineError> {
        let _: serde_json::Value = self.ask(Request::Stop)?;
        let deadline = Instant::now() + PATIENCE;
        // It closes the connection when it ends, and its lock with the process.
        while Instant::now() < deadline {
            match self.line(Duration::from_millis(200)) {
                Ok(_) => {}
                Err(_) => break,
            }
        }
        while fs::File::open(self.state.lock()).is_ok_and(|f| f.try_lock_shared().is_err()) {
            if Instant::now() >= deadline {
                return Err(self.unreachable("it was asked to stop, and has not"));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// A second connection to the same engine, or to the one that follows it.
    fn another(&self) -> Result<Self, EngineError> {
        Self::at_or_start(&self.state)
    }

    pub(super) fn reconnect(&mut self) -> Result<(), EngineError> {
        *self = self.another()?;
        Ok(())
    }

    fn ask<T: DeserializeOwned>(&mut self, request: Request) -> Result<T, EngineError> {
        self.last_id += 1;
        let id = self.last_id;
        let mut frame = serde_json::to_vec(&Frame { id, request })
            .map_err(|e| self.unreachable(&e.to_string()))?;
        frame.push(b'\n');
        let what = "the engine went away";
        self.stream.get_mut().write_all(&frame).map_err(EngineError::io(what))?;
        loop {
            let Some(line) = self.line(PATIENCE)? else {
                return Err(self.unreachable("it does not answer"));
            };
            if !answers(&line, id) {
                continue;
            }
            let reply: Reply<T> = serde_json::from_slice(&line)
                .map_err(|e| self.unreachable(&format!("its answer cannot be read: {e}")))?;
            return match (reply.ok, reply.error) {
                (_, Some(refusal)) => Err(EngineError::Refused(refusal)),
                (Some(ok), None) => Ok(ok),
                (None, None) => Err(self.unreachable("its answer is empty")),
            };
        }
    }

    /// The next line; `None` when the time was up first, what was read of it being kept.
    fn line(&mut self, patience: Duration) -> Result<Option<Vec<u8>>, EngineError> {
        let what = "the engine went away";
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now()).max(LOOK);
            self.stream.get_ref().set_read_timeout(Some(left)).map_err(EngineError::io(what))?;
            let room = (protocol::LONGEST_LINE - self.part.len()) as u64;
            match (&mut self.stream).take(room).read_until(b'\n', &mut self.part) {
                Ok(_) if self.part.last() == Some(&b'\n') => {
                    return Ok(Some(std::mem::take(&mut self.part)));
                }
                Ok(_) => return Err(EngineError::io(what)(ErrorKind::UnexpectedEof.into())),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Ok(None);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(EngineError::io(what)(e)),
            }
        }
    }

    fn unreachable(&self, reason: &str) -> EngineError {
        EngineError::Unreachable { reason: reason.to_owned(), log: self.state.log() }
    }
}

/// Whether a line answers this request. A line of a subscription has no id; an engine says it first,
/// so that a page of 5,000 runs is not read twice for it.
fn answers(line: &[u8], id: u64) -> bool {
    line.starts_with(format!("{{\"id\":{id},").as_bytes())
        || serde_json::from_slice::<Numbered>(line).ok().and_then(|n| n.id) == Some(id)
}
