//! How similar samples are to their seeds, with a threshold to move. It changes nothing that is
//! stored: it says what another threshold would keep, and how to grow with it.

use super::Samples;
use super::fetch::filter_of;
use crate::chart::Histogram;
use crate::domain::QuestionId;
use crate::store::{DecisionKind, SampleFilter};
use crate::tui::data::{Lane, WorkError};
use crate::tui::load::Load;
use crate::tui::screen::{Answer, Cx, Effect, Tone};
use crate::tui::widgets::{ListControl, thousands};

/// Counts are read so finely that every threshold of three digits is exact.
const FINE: usize = 1_000;
/// Bars of the chart.
const BARS: usize = 50;

/// What is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Samples that only similarity decides on, by thousandths.
    fine: Vec<u64>,
    /// Of those, kept now.
    kept: u64,
    /// The threshold in force where some were rejected by one.
    in_force: Option<f64>,
    /// Those that people rated: similarity in thousandths, scores, and how many of them are 4 or 5.
    said: Vec<(usize, u32, u32)>,
}

/// The pane's state.
#[derive(Debug, Default)]
pub struct Threshold {
    read: Load<Spread>,
    /// In thousandths; `None` until the first answer.
    at: Option<usize>,
}

fn read(a: &mut crate::tui::data::Access, filter: &SampleFilter) -> Result<Spread, WorkError> {
    let decided =
        SampleFilter { by_threshold: true, decision: None, by_hand: None, ..filter.clone() };
    let kept = SampleFilter { decision: Some(DecisionKind::Kept), ..decided.clone() };
    let below = SampleFilter { reason: Some("dissimilar".into()), ..decided.clone() };
    a.read(|r| {
        let in_force =
            r.samples(&below, None, 1)?.into_iter().find_map(|row| match row.sample.decision {
                crate::domain::Decision::Rejected(crate::domain::RejectReason::Dissimilar {
                    threshold,
                    ..
                }) => Some(threshold),
                _ => None,
            });
        Ok(Spread {
            fine: r.similarity_histogram(&decided, FINE)?,
            kept: r.count_samples(&SampleFilter { min_similarity: Some(-1.0), ..kept })?,
            in_force,
            said: r
                .people_said(None, &decided)?
                .into_values()
                .filter_map(|s| Some((thousandths(s.similarity?), s.ratings, s.high)))
                .collect(),
        })
    })
}

/// Where a similarity stands among thousandths.
fn thousandths(similarity: f64) -> usize {
    ((similarity.max(0.0) * FINE as f64) as usize).min(FINE - 1)
}

/// `81 % of 240 scores (80 samples)`.
fn high(of: impl Iterator<Item = (u32, u32)>) -> Option<String> {
    let (mut samples, mut scores, mut high) = (0u64, 0u64, 0u64);
    for (n, h) in of {
        samples += 1;
        scores += u64::from(n);
        high += u64::from(h);
    }
    let share = 100.0 * high as f64 / scores as f64;
    (scores > 0).then(|| {
        let samples = thousands(samples);
        format!("{share:.0} % of {} scores ({samples} samples)", thousands(scores))
    })
}

impl Spread {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.fine.iter().sum()
    }

    /// How many are at least so similar, in thousandths.
    pub fn at_least(&self, at: usize) -> u64 {
        self.fine.iter().skip(at).sum()
    }
}

impl Threshold {
    /// Asks for what the list shows now.
    pub fn ask(&mut self, filter: SampleFilter, cx: &mut Cx<'_>) {
        self.read.ask(cx, Lane::Slow, move |a| read(a, &filter));
    }

    /// Takes an answer that belongs here.
    pub fn accept(&mut self, answer: &mut Answer) -> bool {
        if !self.read.accept(answer) {
            return false;
        }
        if let (None, Some(s)) = (self.at, self.read.get()) {
            self.at = Some((s.in_force.unwrap_or(0.5) * 1000.0).round() as usize);
        }
        true
    }

    /// Why it could not be read.
    pub fn error(&self) -> Option<&WorkError> {
        self.read.error()
    }

    /// What was read.
    pub fn spread(&self) -> Option<&Spread> {
        self.read.get()
    }

    /// The threshold.
    pub fn value(&self) -> f64 {
        self.at.unwrap_or(500) as f64 / 1000.0
    }

    /// Moves it by thousandths.
    pub fn step(&mut self, by: i64) {
        let at = self.at.unwrap_or(500) as i64 + by;
        self.at = Some(at.clamp(0, FINE as i64) as usize);
    }

    /// The chart.
    pub fn chart(&self) -> Option<Histogram> {
        let s = self.read.get()?;
        let counts = s.fine.chunks(FINE / BARS).map(|c| c.iter().sum()).collect();
        Some(Histogram {
            title: format!("Similarity of {} samples with their seeds", thousands(s.total())),
            x_label: "similarity, 0 to 1".into(),
            edges: (0..=BARS).map(|i| i as f64 / BARS as f64).collect(),
            counts,
            mark: Some(self.value()),
        })
    }

    /// Before and after.
    pub fn words(&self) -> Option<String> {
        let s = self.read.get()?;
        let would = s.at_least((self.value() * 1000.0).round() as usize);
        let change = would as i64 - s.kept as i64;
        let change = match change {
            0 => "as many as now".to_owned(),
            n if n > 0 => format!("{} more than now", thousands(n.unsigned_abs())),
            n => format!("{} fewer than now", thousands(n.unsigned_abs())),
        };
        Some(format!(
            "threshold {:.3}: {} of {} samples are at least so similar; kept now: {} ({change})",
            self.value(),
            thousands(would),
            thousands(s.total()),
            thousands(s.kept)
        ))
    }

    /// What people said of samples on both sides of the threshold; `None` where nobody rated any.
    pub fn people(&self) -> Option<String> {
        let s = self.read.get()?;
        let at = self.at.unwrap_or(500);
        let side =
            |from: bool| high(s.said.iter().filter(|r| (r.0 >= at) == from).map(|r| (r.1, r.2)));
        let (from, below) = (side(true), side(false));
        if from.is_none() && below.is_none() {
            return None;
        }
        let none = || "no scores".to_owned();
        Some(format!(
            "4 or 5 by people, from it on: {}; below it: {}",
            from.unwrap_or_else(none),
            below.unwrap_or_else(none)
        ))
    }

    /// Where the threshold of the runs is, in words.
    pub fn in_force(&self) -> String {
        match self.read.get().and_then(|s| s.in_force) {
            Some(t) => format!("the runs' own threshold: {t:.3}"),
            None => "no sample here was rejected by a threshold".into(),
        }
    }
}

impl Samples {
    pub(super) fn open_threshold(&mut self, cx: &mut Cx<'_>) {
        let filter = filter_of(&self.base_scope(), self.list.filter());
        let mut t = Threshold::default();
        t.ask(filter, cx);
        self.threshold = Some(t);
    }

    pub(super) fn close_threshold(&mut self, _: &mut Cx<'_>) {
        self.threshold = None;
    }

    pub(super) fn move_threshold(&mut self, by: i64) {
        if let Some(t) = &mut self.threshold {
            t.step(by);
        }
    }

    /// The command that grows again with the threshold.
    pub(super) fn threshold_command(&self) -> String {
        let t = self.threshold.as_ref().map_or(0.5, Threshold::value);
        let filter = filter_of(&self.base_scope(), self.list.filter());
        let seeds = filter.seed.map_or(String::new(), |s| format!(" --seeds {s}"));
        format!("polyculture augment{seeds} --threshold {t:.3}")
    }

    /// Lists what the threshold would keep; nothing stored changes.
    pub(super) fn list_at_threshold(&mut self, cx: &mut Cx<'_>) {
        let Some(t) = self.threshold.take() else { return };
        let others: Vec<&str> =
            self.list.filter().split_whitespace().filter(|w| !w.starts_with("sim>")).collect();
        let filter = format!("{} sim>={:.3}", others.join(" "), t.value());
        self.list.set_filter(filter.trim());
        self.look(cx);
        let said = format!(
            "listed: similarity from {:.3}. Nothing stored was changed; a run with this threshold: \
             {}",
            t.value(),
            {
                self.threshold = Some(t);
                let line = self.threshold_command();
                self.threshold = None;
                line
            }
        );
        cx.note(Tone::Plain, said);
    }

    pub(super) fn copy_threshold(&mut self, cx: &mut Cx<'_>) {
        let line = self.threshold_command();
        cx.ask(Effect::Copy(line));
    }

    /// Opens the form that grows samples, with this threshold in it.
    pub(super) fn augment_at_threshold(&mut self, cx: &mut Cx<'_>) {
        let Some(t) = self.threshold.take() else { return };
        let filter = filter_of(&self.base_scope(), self.list.filter());
        let seeds: Vec<QuestionId> = match (filter.seed, &cx.shared.survey) {
            (Some(seed), _) => vec![seed],
            (None, Some(survey)) => survey.questions.iter().map(|q| q.id.clone()).collect(),
            (None, None) => Vec::new(),
        };
        let told = crate::tui::screen::Told::Augment(seeds, format!("{:.3}", t.value()));
        cx.go(crate::tui::screen::ScreenId::Seeds, Some(told));
    }
}
