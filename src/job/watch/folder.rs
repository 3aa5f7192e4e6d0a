//! A folder that is watched: all its sources, each read on by itself, and per curve the one that is
//! trusted most. Two sources are never mixed in one curve.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::board::Board;
use super::gpus::{GpuSeen, read_gpus};
use super::layout::Layout;
use super::saved::{Saved, saved};
use super::trainer::{LlamaLog, Output, StateFile};
use crate::job::{Curves, ExitFile, JobError};

/// Who says it; the first are trusted most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Our `metrics.jsonl`.
    Metrics,
    /// LLaMA-Factory's `trainer_log.jsonl`.
    TrainerLog,
    /// TensorBoard's event files.
    Events,
    /// What transformers printed.
    Output,
    /// `trainer_state.json`
    TrainerState,
}

impl Origin {
    /// As people call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Metrics => "metrics.jsonl",
            Self::TrainerLog => "trainer_log.jsonl",
            Self::Events => "event files",
            Self::Output => "printed lines",
            Self::TrainerState => "trainer_state.json",
        }
    }
}

/// A folder that is watched.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    pub(super) dir: PathBuf,
    pub(super) layout: Layout,
    pub(super) ours: Curves,
    pub(super) llama: Option<LlamaLog>,
    pub(super) board: Option<Board>,
    pub(super) outputs: Vec<Output>,
    pub(super) state: StateFile,
    /// The curves that are shown, and who says each.
    pub(super) curves: Arc<Curves>,
    pub(super) from: BTreeMap<String, Origin>,
    pub(super) position: Option<Origin>,
    pub(super) saved: Vec<Saved>,
    pub(super) gpus: Vec<GpuSeen>,
    pub(super) exit: Option<ExitFile>,
    pub(super) refreshed: u64,
}

impl Watch {
    /// Watches a folder; nothing is read before [`Watch::refresh`].
    ///
    /// # Errors
    /// It is no folder.
    pub fn open(dir: &Path) -> Result<Self, JobError> {
        std::fs::read_dir(dir).map_err(JobError::io(dir))?;
        Ok(Self::new(dir))
    }

    /// The same of a folder that may come later.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), ..Self::default() }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The curves. They are made anew when there is news: who draws holds on to them.
    pub fn curves(&self) -> &Arc<Curves> {
        &self.curves
    }

    /// Who says a curve.
    pub fn origin(&self, metric: &str) -> Option<Origin> {
        self.from.get(metric).copied()
    }

    /// The log to show: the newest.
    pub fn log(&self) -> Option<&Path> {
        self.layout.outputs.first().map(PathBuf::as_path)
    }

    /// Bytes of that log at the last look.
    pub fn log_size(&self) -> u64 {
        let path = self.log();
        self.outputs.iter().find(|o| Some(o.tail.path()) == path).map_or(0, |o| o.tail.size())
    }

    /// Takes in what is new in the folder; true when there was something.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn refresh(&mut self) -> Result<bool, JobError> {
        self.layout = Layout::of(&self.dir);
        let mut news = self.refreshed == 0;
        self.refreshed += 1;
        if !self.layout.metrics.is_empty() {
            news |= self.ours.read_files(&self.layout.metrics)?;
        }
        match &self.layout.llama {
            Some(path) => {
                let llama = self.llama.get_or_insert_with(|| LlamaLog::new(path.clone()));
                news |= llama.refresh()?;
            }
            None => news |= self.llama.take().is_some(),
        }
        if let Some(path) = &self.layout.state {
            news |= self.state.refresh(path)?;
        }
        if !self.layout.events.is_empty() || self.board.is_some() {
            let board = self.board.get_or_insert_with(|| Board::new(self.dir.clone()));
            news |= board.refresh(&self.layout.events)?;
        }
        for path in &self.layout.outputs {
            if !self.outputs.iter().any(|o| o.tail.path() == path) {
                self.outputs.push(Output::new(path.clone()));
            }
        }
        let there = &self.layout.outputs;
        self.outputs.retain(|o| there.iter().any(|p| p == o.tail.path()));
        for o in &mut self.outputs {
            news |= o.refresh(self.state.every)?;
        }
        let saved = saved(&self.layout.places);
        news |= saved != self.saved;
        self.saved = saved;
        if let Some(attempt) = &self.layout.attempt {
            let gpus = read_gpus(attempt);
            news |= gpus != self.gpus;
            self.gpus = gpus;
            let exit = std::fs::read(attempt.join("exit.json")).ok();
            let exit: Option<ExitFile> = exit.and_then(|b| serde_json::from_slice(&b).ok());
            news |= exit != self.exit;
            self.exit = exit;
        }
        if news {
            self.choose();
        }
        Ok(news)
    }

    /// The printed log that is read for curves: the newest that has any.
    pub(super) fn output(&self) -> Option<&Output> {
        let in_order = self.layout.outputs.iter();
        let mut known = in_order.filter_map(|p| self.outputs.iter().find(|o| o.tail.path() == p));
        known.find(|o| !o.curves.is_empty() || o.steps.newest().is_some())
    }

    /// Sources that have something, the most trusted first, and when their files were changed.
    pub(super) fn sources(&self) -> Vec<(Origin, &Curves, Option<f64>)> {
        let output = self.output();
        let mut all = vec![(Origin::Metrics, &self.ours, self.ours.tail.modified())];
        if let Some(l) = &self.llama {
            all.push((Origin::TrainerLog, &l.curves, l.tail.modified()));
        }
        if let Some(b) = &self.board {
            all.push((Origin::Events, &b.curves, b.modified()));
        }
        if let Some(o) = output {
            all.push((Origin::Output, &o.curves, o.tail.modified()));
        }
        all.push((Origin::TrainerState, &self.state.curves, None));
        all.retain(|(o, c, _)| !c.is_empty() || *o == Origin::Output);
        all
    }

    fn choose(&mut self) {
        let mut of = BTreeMap::new();
        let mut from = BTreeMap::new();
        let (mut total, mut unreadable) = (None, 0);
        let mut position: Option<(Origin, u64, super::Pace)> = None;
        let sources = self.sources();
        let newest = sources.iter().filter_map(|s| s.2).fold(f64::NEG_INFINITY, f64::max);
        for (origin, curves, modified) in &sources {
            for (name, curve) in curves.of.iter().filter(|(_, c)| c.n > 0) {
                if !of.contains_key(name) {
                    of.insert(name.clone(), curve.clone());
                    from.insert(name.clone(), *origin);
                }
            }
            total = total.or(curves.total);
            unreadable += curves.unreadable;
            // Where the run is, says who was heard last; of those that know, who knows most.
            let heard = modified.is_none_or(|m| m >= newest - 60.0);
            let pace = *curves.pace();
            let step = curves.step().unwrap_or(0);
            let ahead = position.as_ref().is_none_or(|p| {
                heard && step > p.1 && (pace.gap.is_some() || p.2.gap.is_none())
                    || p.2.gap.is_none() && pace.gap.is_some() && step >= p.1
            });
            if step > 0 && ahead {
                position = Some((*origin, step, pace));
            }
        }
        let state_total = self.state.curves.total;
        let total = total.or(state_total);
        let mut curves = Curves { of, total, unreadable, attempt: 1, ..Curves::default() };
        if let Some((origin, _, pace)) = position {
            *curves.pace_mut() = pace;
            self.position = Some(origin);
        }
        (self.curves, self.from) = (Arc::new(curves), from);
    }

    /// Seconds since the last sign of life, where the run should be alive.
    pub(super) fn silent(&self, now: Timestamp) -> Option<f64> {
        let now = now.as_duration().as_secs_f64();
        let (origin, curves, modified) =
            self.sources().into_iter().find(|s| Some(s.0) == self.position)?;
        // Ours and TensorBoard's rows bear the time of the day; the others' files do.
        let last = match origin {
            Origin::Metrics | Origin::Events => curves.pace().time(),
            _ => modified,
        };
        last.map(|t| (now - t).max(0.0))
    }
}
