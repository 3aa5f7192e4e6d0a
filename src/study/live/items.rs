//! Items that divide raters most.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{CultureId, ItemId, QuestionId, Score};
use crate::store::ItemKind;

use super::Marks;
use super::log::{Log, Pair};

/// Items listed, at most.
pub const MOST_WIDE: usize = 200;

/// An item with the scores of its raters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WideItem {
    /// The item.
    pub item: ItemId,
    /// Sample or anchor.
    pub kind: ItemKind,
    /// Its seed question.
    pub seed: QuestionId,
    /// Its culture.
    pub culture: Option<CultureId>,
    /// Its language.
    pub language: String,
    /// Scores that stand, ascending; whose they are is not told here.
    pub scores: Vec<u8>,
    /// Highest minus lowest, in points.
    pub range: u8,
    /// Variance over its raters, with n - 1.
    pub variance: f64,
    /// Mean score.
    pub mean: f64,
    /// What raters marked on it.
    pub marks: Marks,
    /// The final score that a researcher gave it.
    pub decided: Option<Score>,
    /// True: the texts are shown only on request.
    pub sensitive: bool,
    /// The seed as raters saw it.
    pub seed_text: String,
    /// The other text as raters saw it.
    pub sample_text: String,
}

/// The items with the widest disagreement first (range, then variance, then more raters), how many
/// items divide raters at all, and how many have two scores or more. Items on which all agree are
/// not listed.
pub(super) fn widest(log: &Log<'_>) -> (Vec<WideItem>, usize, usize) {
    let mut by_item: BTreeMap<&ItemId, Vec<&Pair<'_>>> = BTreeMap::new();
    for p in log.people().filter(|p| p.item.kind.enters_estimates()) {
        by_item.entry(&p.item.id).or_default().push(p);
    }
    let mut found: Vec<(u8, f64, Vec<u8>, Vec<&Pair<'_>>)> = Vec::new();
    let mut compared = 0;
    for pairs in by_item.into_values() {
        let mut scores: Vec<u8> = pairs.iter().filter_map(|p| p.score()).collect();
        scores.sort_unstable();
        let (Some(low), Some(high), true) = (scores.first(), scores.last(), scores.len() > 1)
        else {
            continue;
        };
        compared += 1;
        if low < high {
            found.push((high - low, variance(&scores), scores, pairs));
        }
    }
    found.sort_by(|a, b| {
        (b.0.cmp(&a.0))
            .then(b.1.total_cmp(&a.1))
            .then(b.2.len().cmp(&a.2.len()))
            .then(a.3[0].item.id.cmp(&b.3[0].item.id))
    });
    let divided = found.len();
    found.truncate(MOST_WIDE);
    let wide = found.into_iter().map(|(range, variance, scores, pairs)| {
        let item = pairs[0].item;
        let mut marks = Marks::default();
        pairs.iter().for_each(|p| marks.add(p.marks()));
        WideItem {
            item: item.id.clone(),
            kind: item.kind,
            seed: item.seed.clone(),
            culture: item.culture.clone(),
            language: item.language.clone(),
            mean: mean(&scores),
            range,
            variance,
            scores,
            marks,
            decided: log.decided.get(&item.id).and_then(|d| d.score),
            sensitive: item.sensitive,
            seed_text: item.seed_text.clone(),
            sample_text: item.sample_text.clone(),
        }
    });
    (wide.collect(), divided, compared)
}

fn mean(scores: &[u8]) -> f64 {
    scores.iter().copied().map(f64::from).sum::<f64>() / scores.len().max(1) as f64
}

fn variance(scores: &[u8]) -> f64 {
    let m = mean(scores);
    let squares: f64 = scores.iter().map(|s| (f64::from(*s) - m).powi(2)).sum();
    squares / (scores.len().max(2) - 1) as f64
}
