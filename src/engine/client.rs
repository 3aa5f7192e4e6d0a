//! The way to the engine for the two faces: blocking, one request at a time.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::protocol::{
    self, AddedRun, CAN, CAN_FIND, CAN_LEASE, CAN_TERMS, CAN_UNDRAIN, Files, Frame, Hello, ListAsk,
    Page, Push, Reply, Request, Snapshot, Status,
};
use super::{EngineError, StateDir, launch, log as engine_log};
use crate::domain::RunId;
use crate::job::{JobError, MARK, NewRun, ProgressNow, RunSpec, RunView, StateName, Terms};
use crate::store::engine::Pool;

/// How long an engine may take to answer: it may wait for a slow disk.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long an engine may take to start: it may rebuild its database.
const START: Duration = Duration::from_mins(1);
/// How long systemd may take to start one; after that it is started without.
const UNIT: Duration = Duration::from_secs(10);
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

    fn at_or_start(state: &StateDir) -> Result<Self, EngineError> {
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
                let reason = engine_log::last_words(&log, start)
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

    /// True when this client had to start the engine.
    pub fn launched(&self) -> bool {
        self.launched
    }

    /// The engine's state folder.
    pub fn state(&self) -> &StateDir {
        &self.state
    }

    /// The running engine lacks something that this release has.
    fn is_older(&self) -> bool {
        CAN.iter().any(|c| !self.hello.can.iter().any(|h| h == c))
    }

    /// Ends an engine of an older release: this client starts its own. Live runs go on and are
    /// adopted; only secrets of queued runs have to be given again.
    fn replace(mut self) -> Result<(), EngineError> {
        engine_log::say(format_args!(
            "the running engine ({}) is older than this polyculture: it is stopped, and a newer one \
             takes its runs over",
            self.hello.engine
        ));
        self.stop()
    }

    /// The engine's greeting.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

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
    pub(super) fn wait_until(
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

/// Whether a line answers this request. A line of a subscription has no id; an engine says it first,
/// so that a page of 5,000 runs is not read twice for it.
fn answers(line: &[u8], id: u64) -> bool {
    line.starts_with(format!("{{\"id\":{id},").as_bytes())
        || serde_json::from_slice::<Numbered>(line).ok().and_then(|n| n.id) == Some(id)
}

/// Those of the named variables that this process has.
fn given(names: &[String]) -> BTreeMap<String, String> {
    names.iter().filter_map(|n| Some((n.clone(), std::env::var(n).ok()?))).collect()
}
