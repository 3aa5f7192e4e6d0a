//! Each rater and each culture: how far, how fast, how careful.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{CultureId, ItemId, RaterId};
use crate::stats::bootstrap::Resampling;
use crate::store::{EventKind, ItemKind, RaterKind, Reason};
use crate::study::QualificationResult;

use super::Marks;
use super::drift::{self, Drift};
use super::log::{Log, Pair};

/// Active time over which the present pace is counted, in milliseconds.
const LATELY_MS: u64 = 30 * 60 * 1000;

/// How many pairs, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Pairs that are theirs; those taken back are not counted.
    pub of: u64,
    /// With a score that stands.
    pub rated: u64,
    /// Put off, or skipped for a reason, and not rated.
    pub skipped: u64,
    /// Still to be rated: neither rated nor "cannot judge". Pairs put off come again.
    pub left: u64,
    /// Taken back from them.
    pub released: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.of += other.of;
        self.rated += other.rated;
        self.skipped += other.skipped;
        self.left += other.left;
        self.released += other.released;
    }

    fn count(&mut self, pair: &Pair<'_>) {
        self.of += 1;
        match (pair.standing.is_some(), pair.skipped()) {
            (true, _) => self.rated += 1,
            (false, Some(why)) => {
                self.skipped += 1;
                self.left += u64::from(why != Some(Reason::CannotJudge));
            }
            (false, None) => self.left += 1,
        }
    }
}

/// How fast.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Median of the active seconds until the first score of a pair.
    pub median_s: Option<f64>,
    /// Pairs with a time.
    pub timed: usize,
    /// Pairs a minute of the last half hour of activity (pauses left out).
    pub per_minute: Option<f64>,
    /// Pairs rated in it.
    pub lately: usize,
    /// How much activity that is, in seconds: half an hour at most.
    pub lately_s: f64,
}

/// Repeats with both scores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatCount {
    /// So many.
    pub pairs: usize,
    /// With the same score.
    pub same: usize,
    /// At most one point apart.
    pub within_one: usize,
}

impl RepeatCount {
    pub(super) fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.same += other.same;
        self.within_one += other.within_one;
    }
}

/// A control scored outside its range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Miss {
    /// Who.
    pub rater: RaterId,
    /// Which item.
    pub item: ItemId,
    /// Its kind.
    pub kind: ItemKind,
    /// The score that stands.
    pub given: u8,
    /// Scores expected, both ends included.
    pub expected: (u8, u8),
    /// When it was given.
    pub at: Timestamp,
}

/// One rater.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RaterLive {
    /// Pseudonym.
    pub rater: RaterId,
    /// Person, script or judge.
    pub kind: RaterKind,
    /// Languages declared.
    pub languages: Vec<String>,
    /// Cultures declared.
    pub cultures: Vec<CultureId>,
    /// Whether they agreed to take part.
    pub consented: bool,
    /// When they left.
    pub withdrawn: Option<Timestamp>,
    /// The practice before the study; `None` before an answer.
    pub practice: Option<QualificationResult>,
    /// Their pairs.
    pub tally: Tally,
    /// Their pairs by culture of the item.
    pub by_culture: BTreeMap<String, Tally>,
    /// How fast.
    pub speed: Speed,
    /// When they last did anything.
    pub last: Option<Timestamp>,
    /// Controls rated.
    pub controls: usize,
    /// Of these, missed.
    pub missed: usize,
    /// Repeats.
    pub repeats: RepeatCount,
    /// Drift over the thirds of their time.
    pub drift: Drift,
    /// What they marked.
    pub marks: Marks,
}

/// One culture of the items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CultureLive {
    /// Its code; `None` for items of no culture.
    pub culture: Option<CultureId>,
    /// Pairs of people.
    pub tally: Tally,
    /// Items (controls and repeats too).
    pub items: usize,
    /// People who have pairs of it.
    pub raters: usize,
}

pub(super) fn raters(log: &Log<'_>, how: &Resampling) -> Vec<RaterLive> {
    let anchors = drift::anchors(log);
    log.raters
        .iter()
        .map(|r| {
            let mut tally = Tally::default();
            let mut by_culture: BTreeMap<String, Tally> = BTreeMap::new();
            let mut marks = Marks::default();
            let (mut controls, mut missed) = (0, 0);
            for pair in log.of(&r.id) {
                tally.count(pair);
                let culture = pair.item.culture.as_ref().map_or("", |c| c.as_str());
                by_culture.entry(culture.to_owned()).or_default().count(pair);
                marks.add(pair.marks());
                controls += usize::from(pair.item.kind.is_control() && pair.standing.is_some());
                missed += usize::from(miss(pair).is_some());
            }
            tally.released = log.released.get(&r.id).copied().unwrap_or(0) as u64;
            let last = log.of(&r.id).filter_map(|p| p.events.last().map(|e| e.at)).max();
            RaterLive {
                rater: r.id.clone(),
                kind: r.kind,
                languages: r.languages.clone(),
                cultures: r.cultures.clone(),
                consented: r.consent.is_some(),
                withdrawn: log.withdrawn.iter().find(|w| w.rater == r.id).map(|w| w.at),
                practice: log.practice.iter().find(|p| p.rater == r.id).cloned(),
                tally,
                by_culture,
                speed: speed(log, Some(&r.id)),
                last,
                controls,
                missed,
                repeats: repeats(log, &r.id),
                drift: drift::of(log, &anchors, &r.id, how),
                marks,
            }
        })
        .collect()
}

pub(super) fn cultures(log: &Log<'_>) -> Vec<CultureLive> {
    let mut out: BTreeMap<(bool, Option<&CultureId>), (Tally, Vec<&RaterId>)> = BTreeMap::new();
    let mut items: BTreeMap<Option<&CultureId>, usize> = BTreeMap::new();
    for item in log.items.values() {
        let culture = item.culture.as_ref();
        *items.entry(culture).or_default() += 1;
        out.entry((culture.is_none(), culture)).or_default();
    }
    for pair in log.people() {
        let culture = pair.item.culture.as_ref();
        let (tally, raters) = out.entry((culture.is_none(), culture)).or_default();
        tally.count(pair);
        raters.push(&pair.assignment.content.rater);
    }
    out.into_iter()
        .map(|((_, culture), (tally, mut raters))| {
            raters.sort_unstable();
            raters.dedup();
            CultureLive {
                culture: culture.cloned(),
                tally,
                items: items.get(&culture).copied().unwrap_or(0),
                raters: raters.len(),
            }
        })
        .collect()
}

/// Speed of one rater, or of all people.
pub(super) fn speed(log: &Log<'_>, rater: Option<&RaterId>) -> Speed {
    let pairs: Vec<&Pair<'_>> = match rater {
        Some(r) => log.of(r).collect(),
        None => log.people().collect(),
    };
    let mut times: Vec<u32> = pairs.iter().filter_map(|p| p.active_ms()).collect();
    times.sort_unstable();
    let mut out = Speed { timed: times.len(), ..Speed::default() };
    if !times.is_empty() {
        let (low, high) = (times[(times.len() - 1) / 2], times[times.len() / 2]);
        out.median_s = Some((f64::from(low) + f64::from(high)) / 2000.0);
    }
    let mut events: Vec<_> = pairs
        .iter()
        .flat_map(|p| &p.events)
        .filter(|e| matches!(e.kind, EventKind::Submit | EventKind::Skip))
        .filter(|e| e.active_ms.is_some_and(|ms| ms > 0))
        .collect();
    events.sort_unstable_by_key(|e| std::cmp::Reverse(e.event));
    let mut active = 0;
    for e in events {
        let own = e.active_ms.map_or(0, u64::from);
        if active > 0 && active + own > LATELY_MS {
            break;
        }
        active += own;
        out.lately += usize::from(e.kind == EventKind::Submit);
    }
    out.lately_s = active as f64 / 1000.0;
    out.per_minute = (active > 0).then(|| out.lately as f64 * 60_000.0 / active as f64);
    out
}

fn miss(pair: &Pair<'_>) -> Option<Miss> {
    let (standing, expected) = pair.standing.zip(pair.item.expected)?;
    let given = standing.score?;
    (given < expected.0 || given > expected.1).then(|| Miss {
        rater: pair.assignment.content.rater.clone(),
        item: pair.item.id.clone(),
        kind: pair.item.kind,
        given,
        expected,
        at: standing.at,
    })
}

/// Missed controls of all people, the newest first.
pub(super) fn misses(log: &Log<'_>) -> Vec<Miss> {
    let mut out: Vec<(i64, Miss)> =
        log.people().filter_map(|p| Some((p.standing?.event, miss(p)?))).collect();
    out.sort_unstable_by_key(|m| std::cmp::Reverse(m.0));
    out.into_iter().map(|m| m.1).collect()
}

/// Score of the original and of its repeat, by the pair of the repeat, in order of rating.
pub(super) fn repeated<'s, 'a>(log: &'s Log<'a>, rater: &RaterId) -> Vec<(u8, u8, &'s Pair<'a>)> {
    let first: BTreeMap<&ItemId, u8> =
        log.of(rater).filter_map(|p| Some((&p.item.id, p.score()?))).collect();
    log.of(rater)
        .filter_map(|p| Some((*first.get(p.item.repeat_of.as_ref()?)?, p.score()?, p)))
        .collect()
}

fn repeats(log: &Log<'_>, rater: &RaterId) -> RepeatCount {
    let mut out = RepeatCount::default();
    for (before, after, _) in repeated(log, rater) {
        let apart = before.abs_diff(after);
        out.pairs += 1;
        out.same += usize::from(apart == 0);
        out.within_one += usize::from(apart <= 1);
    }
    out
}
