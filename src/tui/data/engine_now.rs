//! What is known of the engine: the newest word on each run, coalesced.

use std::collections::BTreeMap;

use super::EngineNews;
use crate::domain::RunId;
use crate::job::{ProgressNow, RunView, StateName};

/// The connection to the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Link {
    /// Not tried yet.
    #[default]
    Unknown,
    /// It answers.
    Up,
    /// None runs: nothing is under way, and the next run starts one.
    Down,
    /// It is there and cannot be used.
    Broken(String),
}

/// A run and how far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct RunNow {
    /// The run.
    pub view: RunView,
    /// Its newest progress while it is live.
    pub progress: Option<ProgressNow>,
    /// Lengths of its files.
    pub files: BTreeMap<String, u64>,
}

/// Runs that are not over, and those that ended while the screen was open.
#[derive(Debug, Clone, Default)]
pub struct EngineNow {
    /// The connection.
    pub link: Link,
    /// Newest last (ids sort by time).
    pub runs: BTreeMap<RunId, RunNow>,
    /// Goes up at every piece of news.
    pub changes: u64,
    /// Goes up when a run changed its state or the connection did: not at mere progress.
    pub moves: u64,
}

/// Ended runs are forgotten beyond so many: lists read them from the engine.
const KEPT: usize = 200;

impl EngineNow {
    /// Runs that are not over.
    pub fn open(&self) -> impl DoubleEndedIterator<Item = &RunNow> {
        self.runs.values().filter(|r| !r.view.state.is_final())
    }

    /// How many of them run, stand still, and wait. One that SLURM was handed waits until SLURM
    /// starts it.
    pub fn standing(&self) -> [usize; 3] {
        let mut out = [0; 3];
        for r in self.open() {
            let at = match r.view.state {
                StateName::Paused => 1,
                StateName::Starting if r.view.reason.is_some() => 2,
                s if s.is_live() => 0,
                _ => 2,
            };
            out[at] += 1;
        }
        out
    }

    /// Takes a piece of news; gives the runs that ended by it.
    pub fn take(&mut self, news: EngineNews) -> Vec<RunView> {
        self.changes += 1;
        if !matches!(news, EngineNews::Progress { .. }) {
            self.moves += 1;
        }
        let mut ended = Vec::new();
        match news {
            EngineNews::Link(link) => {
                if link != Link::Up {
                    // What they do now is not known; lists show them as the engine last said.
                    self.runs.clear();
                }
                self.link = link;
            }
            EngineNews::Runs(views) => {
                for view in views {
                    self.put(view, &mut ended);
                }
            }
            EngineNews::Progress { run, progress, files } => {
                if let Some(known) = self.runs.get_mut(&run) {
                    known.progress = progress;
                    known.files = files;
                }
            }
        }
        let over = self.runs.values().filter(|r| r.view.state.is_final()).count();
        if over > KEPT {
            let old: Vec<RunId> = self
                .runs
                .iter()
                .filter(|(_, r)| r.view.state.is_final())
                .map(|(id, _)| id.clone())
                .take(over - KEPT)
                .collect();
            for id in old {
                self.runs.remove(&id);
            }
        }
        ended
    }

    fn put(&mut self, view: RunView, ended: &mut Vec<RunView>) {
        let final_now = view.state.is_final();
        match self.runs.get_mut(&view.id) {
            Some(known) => {
                if final_now && !known.view.state.is_final() {
                    ended.push(view.clone());
                }
                known.view = view;
            }
            None => {
                let id = view.id.clone();
                self.runs.insert(id, RunNow { view, progress: None, files: BTreeMap::new() });
            }
        }
    }
}
