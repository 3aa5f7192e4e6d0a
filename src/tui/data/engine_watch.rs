//! Hears of the engine's runs. Never starts an engine: looking is not asking for work.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::Link;
use crate::domain::RunId;
use crate::engine::{Client, EngineError, StateDir, protocol::Push};
use crate::job::{ProgressNow, RunView};

/// A piece of news.
#[derive(Debug, Clone)]
pub enum EngineNews {
    /// The connection came or went.
    Link(Link),
    /// Runs as they stand now.
    Runs(Vec<RunView>),
    /// A live run got on.
    Progress {
        /// The run.
        run: RunId,
        /// How far it is.
        progress: Option<ProgressNow>,
        /// Lengths of its files.
        files: BTreeMap<String, u64>,
    },
}

/// So many of the newest runs are told at the start; lists read further back by themselves.
const FIRST: u32 = 200;
/// How long one read waits: long, since the socket wakes it when there is news.
const PATIENCE: Duration = Duration::from_mins(5);

/// Tells of the engine's runs for as long as `send` says that somebody listens.
pub fn watch_engine(send: impl Fn(EngineNews) -> bool + Send + 'static) {
    thread::spawn(move || {
        let mut known = Link::Unknown;
        loop {
            let link = match Client::connect() {
                Ok(Some(client)) => {
                    known = Link::Up;
                    if !send(EngineNews::Link(Link::Up)) {
                        return;
                    }
                    match follow(client, &send) {
                        Ok(()) => return,
                        // It went away; perhaps another follows at once.
                        Err(EngineError::Io { .. } | EngineError::Unreachable { .. }) => Link::Down,
                        Err(e) => Link::Broken(e.to_string()),
                    }
                }
                Ok(None) => Link::Down,
                Err(e) => Link::Broken(e.to_string()),
            };
            if link != known {
                known = link.clone();
                if !send(EngineNews::Link(link)) {
                    return;
                }
            }
            wait_for_socket();
        }
    });
}

fn follow(mut client: Client, send: &impl Fn(EngineNews) -> bool) -> Result<(), EngineError> {
    let page = client.list(None, None, FIRST)?;
    let (snapshot, mut lines) = client.subscribe(None, None)?;
    let mut first = page.items;
    first.extend(snapshot.items);
    if !send(EngineNews::Runs(first)) {
        return Ok(());
    }
    loop {
        let news = match lines.next(PATIENCE)? {
            None => continue,
            Some(Push::Event { run, .. }) => EngineNews::Runs(vec![run]),
            Some(Push::Progress { run, progress, files, .. }) => {
                EngineNews::Progress { run, progress, files }
            }
            Some(Push::Resync(snapshot)) => EngineNews::Runs(snapshot.items),
        };
        if !send(news) {
            return Ok(());
        }
    }
}

/// How long one sleep lasts at most.
const SLEEP: Duration = Duration::from_secs(30);
/// A socket that is younger than this may be one that does not listen yet: it is tried again soon.
const YOUNG: Duration = Duration::from_secs(10);
const SOON: Duration = Duration::from_millis(100);

/// Sleeps until something happens in the engine's state folder, or for a while where that cannot
/// be watched.
fn wait_for_socket() {
    let Ok(state) = StateDir::find() else {
        thread::sleep(Duration::from_secs(5));
        return;
    };
    let socket = state.socket();
    let watched = Inotify::init(InitFlags::IN_CLOEXEC).and_then(|i| {
        let folder = socket.parent().map_or_else(|| state.dir().to_owned(), ToOwned::to_owned);
        i.add_watch(&folder, AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO)?;
        Ok(i)
    });
    match watched {
        Ok(inotify) => {
            // One may have come between the last try and the watch.
            if matches!(Client::connect(), Ok(Some(_))) {
                return;
            }
            // Between its birth and its first `accept` a socket refuses, and nothing tells of the
            // end of that.
            let age = socket.metadata().ok().and_then(|m| m.modified().ok()?.elapsed().ok());
            let sleep = if age.is_some_and(|a| a < YOUNG) { SOON } else { SLEEP };
            let mut fds = [PollFd::new(std::os::fd::AsFd::as_fd(&inotify), PollFlags::POLLIN)];
            let _ = poll(&mut fds, PollTimeout::try_from(sleep).unwrap_or(PollTimeout::MAX));
        }
        Err(_) => thread::sleep(Duration::from_secs(5)),
    }
}
