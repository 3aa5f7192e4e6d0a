//! Lanes: threads that do work in order, one for each kind of waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::{Access, WorkError};
use crate::launch::Place;
use crate::tui::screen::{Answer, Job, ScreenId, Ticket};

/// Which thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The page of a list in view: nothing slow may stand before it.
    Page,
    /// Details and counts beside the list.
    Read,
    /// Counts over a million rows, exports.
    Slow,
    /// Writing to the database, in order, never dropped.
    Write,
    /// The engine: requests, log files.
    Engine,
    /// Commands of the program and services elsewhere: seconds.
    Outside,
    /// Small files: exports, themes, drafts, settings. Never dropped.
    Files,
}

/// What the end of the program waits for: work that would be missed tomorrow.
const AWAITED: [Lane; 2] = [Lane::Write, Lane::Files];

type Stale = Option<Arc<AtomicBool>>;

/// The lanes. Threads start at first need and end with the program.
pub struct Workers {
    place: Place,
    answer: Arc<dyn Fn(ScreenId, Answer) + Send + Sync>,
    lanes: HashMap<Lane, Sender<(ScreenId, Ticket, Job, Stale)>>,
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers").field("lanes", &self.lanes.keys()).finish_non_exhaustive()
    }
}

impl Workers {
    /// `answer` is called on a lane's thread.
    pub fn new(place: Place, answer: Arc<dyn Fn(ScreenId, Answer) + Send + Sync>) -> Self {
        Self { place, answer, lanes: HashMap::new() }
    }

    /// Puts work on a lane.
    pub fn put(&mut self, to: ScreenId, ticket: Ticket, lane: Lane, job: Job, stale: Stale) {
        let lane = self.lanes.entry(lane).or_insert_with(|| start(&self.place, &self.answer));
        if let Err(e) = lane.send((to, ticket, job, stale)) {
            // The lane's thread is gone: only a panic in a job does that.
            drop(e);
            let gone = WorkError::new("a part of the program ended unexpectedly")
                .hint("leave and start again; everything that was saved is there");
            (self.answer)(to, Answer { ticket, value: Some(Err(gone)) });
        }
    }

    /// Waits until what is to be kept is kept: nothing typed is lost at the end. Reads, requests
    /// and commands that are under way hold nobody up; what a command started goes on.
    pub fn finish(&mut self) {
        let (done, ended) = channel::<()>();
        for (_, lane) in self.lanes.drain().filter(|(l, _)| AWAITED.contains(l)) {
            let done = done.clone();
            let last: Job = Box::new(move |_| {
                drop(done);
                Ok(Box::new(()))
            });
            // A lane that is gone has nothing left to do.
            drop(lane.send((ScreenId::Overview, 0, last, None)));
        }
        drop(done);
        // Ends when the last lane let go of its end.
        let _ = ended.recv_timeout(std::time::Duration::from_secs(12));
    }
}

fn start(
    place: &Place,
    answer: &Arc<dyn Fn(ScreenId, Answer) + Send + Sync>,
) -> Sender<(ScreenId, Ticket, Job, Stale)> {
    let (give, take) = channel::<(ScreenId, Ticket, Job, Stale)>();
    let (place, answer) = (place.clone(), Arc::clone(answer));
    thread::spawn(move || {
        let mut access = Access::new(place);
        for (to, ticket, job, stale) in take {
            if stale.as_ref().is_some_and(|s| s.load(Ordering::Relaxed)) {
                continue;
            }
            access.wanted_until(stale);
            let value = Some(job(&mut access));
            answer(to, Answer { ticket, value });
        }
    });
    give
}
