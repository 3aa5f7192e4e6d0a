//! A study while it runs, for whoever leads it: how far everybody is, how fast, who fails controls,
//! who repeats themselves and who drifts, how agreement grows, which items divide raters most.
//! Raters never see it. Nobody is dropped; model judges stand apart.
//!
//! One short read ([`LiveInput::read`]), then a pure function ([`live`]): the read holds no rater
//! up, and what is computed can be tested without a clock.

mod drift;
mod growth;
mod items;
mod log;
mod people;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{StudyId, StudyType};
use crate::stats::bootstrap::Resampling;
use crate::store::{
    Adjudication, Assignment, Item, ItemKind, Rater, RaterKind, RatingRow, Reader, StoreError,
    StudyRecord, Withdrawal,
};

use super::status::scripted_note;
use super::{QualificationResult, StudyError, qualifications};

pub use drift::{Drift, Third};
pub use growth::{Grown, Growth, GrowthPoint, MOST_POINTS};
pub use items::{MOST_WIDE, WideItem};
pub use people::{CultureLive, Miss, RaterLive, RepeatCount, Speed, Tally};

use log::Log;

/// Draws of every interval of the live view: enough to see whether one is narrow, and no more.
/// What is printed in a paper comes from `study agreement`.
pub const LIVE_DRAWS: usize = 200;

/// What the live view is made of, as read.
#[derive(Debug, Clone)]
pub struct LiveInput {
    /// The study.
    pub record: StudyRecord,
    /// Its items.
    pub items: Vec<Item>,
    /// Its raters.
    pub raters: Vec<Rater>,
    /// All assignments, those taken back too.
    pub assignments: Vec<Assignment>,
    /// The whole log, in order.
    pub events: Vec<RatingRow>,
    /// What came of the practice before the study.
    pub practice: Vec<QualificationResult>,
    /// Decisions on items, oldest first.
    pub decisions: Vec<Adjudication>,
    /// Who left.
    pub withdrawn: Vec<Withdrawal>,
}

impl LiveInput {
    /// Reads it.
    ///
    /// # Errors
    /// No such study; the database cannot be read.
    pub fn read(reader: Reader<'_>, study: &StudyId) -> Result<Self, StoreError> {
        Ok(Self {
            record: reader.need_study(study)?,
            items: reader.items(study)?,
            raters: reader.raters(study)?,
            assignments: reader.assignments(study)?,
            events: reader.rating_events(study)?,
            practice: match qualifications(reader, study) {
                Ok(practice) => practice,
                Err(StudyError::Store(e)) => return Err(e),
                // it reads, and does nothing else that could fail
                Err(_) => Vec::new(),
            },
            decisions: reader.adjudications(study)?,
            withdrawn: reader.withdrawals(study)?,
        })
    }
}

/// Pairs that raters marked, skipped or wrote on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Pairs flagged as broken text.
    pub broken: usize,
    /// Pairs flagged for another reason.
    pub flagged: usize,
    /// Pairs that a rater could not judge.
    pub cannot_judge: usize,
    /// Pairs with a comment.
    pub commented: usize,
}

impl Marks {
    pub(super) fn add(&mut self, other: Self) {
        self.broken += other.broken;
        self.flagged += other.flagged;
        self.cannot_judge += other.cannot_judge;
        self.commented += other.commented;
    }
}

/// A study at one moment. Without judges, unless a field says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// The study.
    pub study: StudyId,
    /// What raters are asked.
    pub study_type: StudyType,
    /// The moment.
    pub at: Timestamp,
    /// When it was made.
    pub created: Timestamp,
    /// When its plan was fixed; `None` before.
    pub planned: Option<Timestamp>,
    /// Raters an item.
    pub k: u32,
    /// Random seed of choice and plan.
    pub seed: u64,
    /// Items by kind.
    pub items: BTreeMap<ItemKind, usize>,
    /// Assignments of all people together.
    pub all: Tally,
    /// Each rater, judges too, by name.
    pub raters: Vec<RaterLive>,
    /// Each culture of the items, by its code; items without one last.
    pub cultures: Vec<CultureLive>,
    /// Speed over all people.
    pub speed: Speed,
    /// Seconds of work that are left, all people together, at each one's own pace (the study's
    /// where they have none); absent before anything was timed.
    pub left_s: Option<f64>,
    /// Ratings of controls.
    pub controls: usize,
    /// Controls scored outside their range, newest first.
    pub misses: Vec<Miss>,
    /// Repeats of all people together.
    pub repeats: RepeatCount,
    /// Drift of all people together.
    pub drift: Drift,
    /// Agreement after each n-th rating.
    pub growth: Growth,
    /// Items that people scored most differently, at most [`MOST_WIDE`].
    pub widest: Vec<WideItem>,
    /// Items whose scores differ.
    pub divided: usize,
    /// Items with two scores or more.
    pub compared: usize,
    /// Items with a decision that stands.
    pub decided: usize,
    /// What raters marked.
    pub marks: Marks,
    /// What a reader must know, first of all which raters are scripted.
    pub notes: Vec<String>,
}

/// The study now.
///
/// # Errors
/// No such study; the database cannot be read.
pub fn snapshot(reader: Reader<'_>, study: &StudyId, now: Timestamp) -> Result<Live, StudyError> {
    Ok(live(&LiveInput::read(reader, study)?, now))
}

/// The study at this moment, from what was read.
pub fn live(input: &LiveInput, now: Timestamp) -> Live {
    let log = Log::new(input);
    let how = Resampling { draws: LIVE_DRAWS, seed: input.record.seed, level: 0.95 };
    let raters = people::raters(&log, &how);
    let speed = people::speed(&log, None);
    let is_person = |r: &&RaterLive| r.kind != RaterKind::Judge;
    let mut all = Tally::default();
    let mut marks = Marks::default();
    let mut repeats = RepeatCount::default();
    for r in raters.iter().filter(is_person) {
        all.add(&r.tally);
        marks.add(r.marks);
        repeats.add(r.repeats);
    }
    let scripted = raters.iter().filter(|r| r.kind == RaterKind::Scripted).count();
    let people = raters.iter().filter(is_person).count();
    let mut notes: Vec<String> = scripted_note(scripted, people).into_iter().collect();
    if people < raters.len() {
        notes.push(format!(
            "{} model judge(s) stand in the list of raters and in no other figure",
            raters.len() - people
        ));
    }
    let left_s = raters
        .iter()
        .filter(is_person)
        .map(|r| Some(r.tally.left as f64 * r.speed.median_s.or(speed.median_s)?))
        .sum();
    let (widest, divided, compared) = items::widest(&log);
    let mut kinds: BTreeMap<ItemKind, usize> = BTreeMap::new();
    for item in &input.items {
        *kinds.entry(item.kind).or_default() += 1;
    }
    Live {
        study: input.record.id.clone(),
        study_type: input.record.study_type,
        at: now,
        created: input.record.created,
        planned: input.record.fixed,
        k: input.record.k,
        seed: input.record.seed,
        items: kinds,
        all,
        cultures: people::cultures(&log),
        speed,
        left_s,
        controls: raters.iter().filter(is_person).map(|r| r.controls).sum(),
        misses: people::misses(&log),
        repeats,
        drift: drift::all(&log, &how),
        growth: growth::growth(&log, input.record.study_type, &how),
        widest,
        divided,
        compared,
        decided: log.decided.values().filter(|d| d.score.is_some()).count(),
        marks,
        raters,
        notes,
    }
}
