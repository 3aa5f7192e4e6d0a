//! All that is known of a watched folder, as one document.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::alarm::{Alarm, AlarmKind, alarms, number_or_word};
use super::folder::{Origin, Watch};
use super::gpus::GpuSeen;
use super::saved::Saved;
use super::stdout::StepsFrom;

/// Whether the run goes on, as far as its files tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Going {
    /// Nothing was measured yet.
    Waiting,
    /// Steps come.
    Running,
    /// No step has come for too long, see [`super::Pace::patience`].
    Silent,
    /// It ended.
    Ended,
}

impl Going {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "nothing measured yet",
            Self::Running => "running",
            Self::Silent => "silent",
            Self::Ended => "ended",
        }
    }
}

/// A source that was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceSeen {
    /// What it is.
    pub origin: Origin,
    /// The file; of several the folder.
    pub path: PathBuf,
    /// Bytes read.
    pub bytes: u64,
    /// Lines or records that could not be read.
    pub unreadable: u64,
    /// Of printed lines: where their steps come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps_from: Option<StepsFrom>,
    /// What else is to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A curve in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Who says it.
    pub origin: Origin,
    /// Values.
    pub n: u64,
    /// The step of the newest value.
    pub step: u64,
    /// The newest value; a NaN as the word.
    #[serde(serialize_with = "number_or_word")]
    pub last: Option<f64>,
    /// The newest smoothed value.
    pub smoothed: Option<f64>,
    /// The lowest value and its step.
    pub lowest: Option<(u64, f64)>,
    /// NaN and infinite values.
    pub not_finite: u64,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Known {
    /// The folder.
    pub dir: PathBuf,
    /// When this was said.
    pub at: Timestamp,
    /// Whether it goes on.
    pub state: Going,
    /// How it ended, where the folder says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The newest step.
    pub step: Option<u64>,
    /// Steps in all.
    pub total: Option<u64>,
    /// Epochs done.
    pub epoch: Option<f64>,
    /// Seconds left at the pace of this start; none where it ended or has no pace yet.
    pub eta_s: Option<f64>,
    /// Steps a second of this start.
    pub steps_per_s: Option<f64>,
    /// Tokens a second.
    pub tokens_per_s: Option<f64>,
    /// Seconds since the last step.
    pub silent_s: Option<f64>,
    /// Curves.
    pub metrics: BTreeMap<String, Measured>,
    /// What a person should look at.
    pub alarms: Vec<Alarm>,
    /// Checkpoints.
    pub checkpoints: Vec<Saved>,
    /// Leased GPUs.
    pub gpus: Vec<GpuSeen>,
    /// The log.
    pub log: Option<PathBuf>,
    /// What was read.
    pub sources: Vec<SourceSeen>,
}

impl Watch {
    /// What is known now.
    pub fn known(&self, now: Timestamp) -> Known {
        let curves = self.curves();
        let (step, total) = (curves.step(), curves.total);
        let end = self.end();
        let reached = step.is_some() && step >= total && total.is_some();
        let ended = end.is_some() || reached || self.says_ended();
        let silent = self.silent(now).filter(|_| !ended);
        let alarms = alarms(curves, silent);
        let stalled = alarms.iter().any(|a| a.kind == AlarmKind::Stall);
        let state = match (ended, step.is_some() || !curves.is_empty(), stalled) {
            (true, ..) => Going::Ended,
            (_, false, _) => Going::Waiting,
            (.., true) => Going::Silent,
            (.., false) => Going::Running,
        };
        let newest = |name: &str| curves.of.get(name).and_then(|c| c.last).map(|l| l.1);
        let finite = |name: &str| newest(name).filter(|x| x.is_finite());
        let metrics = curves.of.iter().filter_map(|(name, c)| {
            let (step, last) = c.last?;
            let smoothed = c.smooth.iter().rev().find(|p| p.1.is_finite()).map(|p| p.1);
            let measured = Measured {
                origin: self.origin(name)?,
                n: c.n,
                step,
                last: Some(last),
                smoothed,
                lowest: c.lowest,
                not_finite: c.not_finite,
            };
            Some((name.clone(), measured))
        });
        Known {
            dir: self.dir.clone(),
            at: now,
            state,
            end,
            step,
            total,
            epoch: finite("epoch"),
            eta_s: curves.seconds_left().filter(|_| !ended),
            steps_per_s: curves.pace().per_second(),
            tokens_per_s: finite("tokens_per_s"),
            silent_s: silent,
            metrics: metrics.collect(),
            alarms,
            checkpoints: self.saved.clone(),
            gpus: self.gpus.clone(),
            log: self.log().map(ToOwned::to_owned),
            sources: self.seen(),
        }
    }

    /// How a run of ours ended.
    fn end(&self) -> Option<String> {
        let e = self.exit.as_ref()?;
        Some(e.state(e.ended, None).name().word().to_owned())
    }

    /// A trainer said that it is done.
    fn says_ended(&self) -> bool {
        match self.position {
            Some(Origin::Output) => self.output().is_some_and(|o| o.ended),
            Some(Origin::TrainerLog) => self.llama.as_ref().is_some_and(|l| l.ended),
            Some(Origin::TrainerState) => {
                self.state.step.is_some() && self.state.step >= self.state.curves.total
            }
            _ => false,
        }
    }

    fn seen(&self) -> Vec<SourceSeen> {
        let mut out = Vec::new();
        let mut add = |origin, path: PathBuf, bytes, unreadable, steps_from, note| {
            let seen = SourceSeen { origin, path, bytes, unreadable, steps_from, note };
            out.push(seen);
        };
        let c = &self.ours;
        if let Some(path) = self.layout.metrics.last().filter(|_| c.read_to() > 0) {
            add(Origin::Metrics, path.clone(), c.read_to(), c.unreadable, None, None);
        }
        if let Some(l) = &self.llama {
            let path = l.tail.path().to_owned();
            add(Origin::TrainerLog, path, l.tail.offset(), l.curves.unreadable, None, None);
        }
        if let Some(b) = &self.board {
            let (bytes, files) = b.read();
            let torn = b.broken();
            let note = (torn > 0).then(|| {
                format!("{torn} of {files} files end in bytes that are no record: what stands behind them is not read")
            });
            add(Origin::Events, self.dir.clone(), bytes, b.curves.unreadable, None, note);
        }
        if let Some(o) = self.output() {
            let note = match o.steps.from {
                StepsFrom::Bar => None,
                StepsFrom::LoggingSteps => {
                    Some("no progress bar beside the rows: steps are counted by logging_steps")
                }
                StepsFrom::Rows => {
                    Some("nothing tells the steps: rows are counted 1, 2, 3 instead")
                }
            };
            let path = o.tail.path().to_owned();
            let from = Some(o.steps.from);
            let note = note.map(ToOwned::to_owned);
            add(Origin::Output, path, o.tail.offset(), 0, from, note);
        }
        if let Some(path) = &self.layout.state {
            add(Origin::TrainerState, path.clone(), self.state.size(), 0, None, None);
        }
        out
    }
}
