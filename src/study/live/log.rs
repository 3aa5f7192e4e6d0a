//! The log by pair: one rater, one item, what stands and how it came to stand.

use std::collections::BTreeMap;

use crate::domain::{ItemId, RaterId};
use crate::store::{
    Adjudication, Assignment, EventKind, Item, Rater, RaterKind, RatingRow, Reason, Withdrawal,
};

use super::{LiveInput, Marks};
use crate::study::QualificationResult;

/// One rater with one item that is theirs still.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub assignment: &'a Assignment,
    pub item: &'a Item,
    pub kind: RaterKind,
    /// Its events, in order.
    pub events: Vec<&'a RatingRow>,
    /// The rating that stands.
    pub standing: Option<&'a RatingRow>,
    /// The first score that was given, whatever became of it.
    pub first: Option<&'a RatingRow>,
}

impl Pair<'_> {
    pub fn score(&self) -> Option<u8> {
        self.standing.and_then(|s| s.score)
    }

    /// Active time of the first rating, in milliseconds.
    pub fn active_ms(&self) -> Option<u32> {
        self.first.and_then(|f| f.active_ms).filter(|ms| *ms > 0)
    }

    /// The newest reason for which it was skipped, where nothing stands.
    pub fn skipped(&self) -> Option<Option<Reason>> {
        if self.standing.is_some() {
            return None;
        }
        let skip = self.events.iter().rev().find(|e| e.kind == EventKind::Skip)?;
        Some(skip.reason)
    }

    pub fn marks(&self) -> Marks {
        let flag = |broken: bool| {
            self.events.iter().any(|e| {
                e.kind == EventKind::Flag
                    && e.reason != Some(Reason::Comment)
                    && (e.reason == Some(Reason::BrokenText)) == broken
            })
        };
        let one = usize::from;
        Marks {
            broken: one(flag(true)),
            flagged: one(flag(false)),
            cannot_judge: one(self.skipped() == Some(Some(Reason::CannotJudge))),
            commented: one(self.events.iter().any(|e| e.comment.is_some())),
        }
    }
}

/// All pairs of a study that were not taken back.
#[derive(Debug)]
pub(super) struct Log<'a> {
    pub raters: &'a [Rater],
    pub items: BTreeMap<&'a ItemId, &'a Item>,
    pub pairs: BTreeMap<i64, Pair<'a>>,
    /// Assignments taken back, by rater.
    pub released: BTreeMap<&'a RaterId, usize>,
    pub events: &'a [RatingRow],
    /// The newest decision of each item.
    pub decided: BTreeMap<&'a ItemId, &'a Adjudication>,
    pub practice: &'a [QualificationResult],
    pub withdrawn: &'a [Withdrawal],
    by_rater: BTreeMap<&'a RaterId, Vec<i64>>,
}

impl<'a> Log<'a> {
    pub fn new(input: &'a LiveInput) -> Self {
        let items: BTreeMap<&ItemId, &Item> = input.items.iter().map(|i| (&i.id, i)).collect();
        let kinds: BTreeMap<&RaterId, RaterKind> =
            input.raters.iter().map(|r| (&r.id, r.kind)).collect();
        let mut released: BTreeMap<&RaterId, usize> = BTreeMap::new();
        let mut pairs = BTreeMap::new();
        let mut by_rater: BTreeMap<&RaterId, Vec<i64>> = BTreeMap::new();
        for a in &input.assignments {
            let (Some(item), Some(kind)) =
                (items.get(&a.content.item), kinds.get(&a.content.rater))
            else {
                continue;
            };
            if a.released_at.is_some() {
                *released.entry(&a.content.rater).or_default() += 1;
                continue;
            }
            let pair = Pair {
                assignment: a,
                item,
                kind: *kind,
                events: Vec::new(),
                standing: None,
                first: None,
            };
            by_rater.entry(&a.content.rater).or_default().push(a.id);
            pairs.insert(a.id, pair);
        }
        for e in &input.events {
            if let Some(pair) = pairs.get_mut(&e.assignment) {
                pair.events.push(e);
            }
        }
        for pair in pairs.values_mut() {
            pair.standing = standing(&pair.events);
            pair.first = pair.events.iter().copied().find(|e| e.kind == EventKind::Submit);
        }
        Self {
            raters: &input.raters,
            items,
            pairs,
            released,
            events: &input.events,
            decided: input.decisions.iter().map(|d| (&d.item, d)).collect(),
            practice: &input.practice,
            withdrawn: &input.withdrawn,
            by_rater,
        }
    }

    /// Pairs of people and scripts.
    pub fn people(&self) -> impl Iterator<Item = &Pair<'a>> {
        self.pairs.values().filter(|p| p.kind != RaterKind::Judge)
    }

    /// Pairs of one rater, in order of assignment.
    pub fn of(&self, rater: &RaterId) -> impl Iterator<Item = &Pair<'a>> + use<'_, 'a> {
        let own = self.by_rater.get(rater).map(Vec::as_slice).unwrap_or_default();
        own.iter().filter_map(|a| self.pairs.get(a))
    }
}

/// The newest score that no undo took back: what the database's view says too.
fn standing<'a>(events: &[&'a RatingRow]) -> Option<&'a RatingRow> {
    events.iter().rev().copied().find(|e| {
        matches!(e.kind, EventKind::Submit | EventKind::Edit)
            && !events.iter().any(|u| u.kind == EventKind::Undo && u.previous == Some(e.event))
    })
}
