//! Does a rater judge at the end as at the beginning? Two signs: repeats (how far the second score
//! is from the first) and anchors (how far from everybody else's), each over the thirds of the
//! rater's active time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, RaterId};
use crate::stats::Estimate;
use crate::stats::bootstrap::{Resampling, clustered_mean, mean};
use crate::store::{ItemKind, RaterKind};

use super::log::{Log, Pair};
use super::people::repeated;

/// One third of a rater's time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Third {
    /// Ratings in it.
    pub ratings: usize,
    /// Mean of (own score minus the mean of the others' scores) over anchors, in points.
    pub anchors: Option<Estimate>,
    /// Mean of (score of the repeat minus score of the original), in points.
    pub repeats: Option<Estimate>,
}

/// The first, the middle and the last third.
pub type Drift = [Third; 3];

/// What is averaged in one third.
#[derive(Default)]
struct Values {
    ratings: usize,
    anchors: Vec<(f64, String)>,
    repeats: Vec<(f64, String)>,
}

/// Scores of anchors by people.
pub(super) type Anchors<'s> = BTreeMap<&'s ItemId, Vec<(&'s RaterId, u8)>>;

/// In which third of their time a rater rated each pair.
fn thirds(log: &Log<'_>, rater: &RaterId) -> BTreeMap<i64, usize> {
    let mut pairs: Vec<&Pair<'_>> = log.of(rater).filter(|p| p.standing.is_some()).collect();
    pairs.sort_unstable_by_key(|p| p.first.map(|f| f.event));
    // without times (imports, scripts) every rating counts the same
    let timed = pairs.iter().any(|p| p.active_ms().is_some());
    let weight = |p: &Pair<'_>| if timed { p.active_ms().map_or(0.0, f64::from) } else { 1.0 };
    let total: f64 = pairs.iter().map(|p| weight(p)).sum();
    let mut done = 0.0;
    pairs
        .into_iter()
        .map(|p| {
            let middle = done + weight(p) / 2.0;
            done += weight(p);
            let third = if total > 0.0 { (3.0 * middle / total) as usize } else { 0 };
            (p.assignment.id, third.min(2))
        })
        .collect()
}

fn values(log: &Log<'_>, anchors: &Anchors<'_>, rater: &RaterId) -> [Values; 3] {
    let mut out: [Values; 3] = Default::default();
    let third = thirds(log, rater);
    for pair in log.of(rater) {
        let (Some(t), Some(score)) = (third.get(&pair.assignment.id), pair.score()) else {
            continue;
        };
        out[*t].ratings += 1;
        if pair.item.kind != ItemKind::Anchor {
            continue;
        }
        let others: Vec<f64> = anchors
            .get(&pair.item.id)
            .into_iter()
            .flatten()
            .filter(|o| o.0 != rater)
            .map(|o| f64::from(o.1))
            .collect();
        if !others.is_empty() {
            let of_others = others.iter().sum::<f64>() / others.len() as f64;
            out[*t].anchors.push((f64::from(score) - of_others, rater.to_string()));
        }
    }
    for (before, after, pair) in repeated(log, rater) {
        if let Some(t) = third.get(&pair.assignment.id) {
            out[*t].repeats.push((f64::from(after) - f64::from(before), rater.to_string()));
        }
    }
    out
}

/// Who gave which anchor which score.
pub(super) fn anchors<'s>(log: &'s Log<'_>) -> Anchors<'s> {
    let mut out: Anchors<'_> = BTreeMap::new();
    for p in log.people().filter(|p| p.item.kind == ItemKind::Anchor) {
        if let Some(score) = p.score() {
            out.entry(&p.item.id).or_default().push((&p.assignment.content.rater, score));
        }
    }
    out
}

fn plain(values: &[(f64, String)], unit: &str, how: &Resampling) -> Option<Estimate> {
    let values: Vec<f64> = values.iter().map(|v| v.0).collect();
    mean(&values, unit, how).ok()
}

/// Drift of one rater; the unit is the item.
pub(super) fn of(log: &Log<'_>, anchors: &Anchors<'_>, rater: &RaterId, how: &Resampling) -> Drift {
    values(log, anchors, rater).map(|v| Third {
        ratings: v.ratings,
        anchors: plain(&v.anchors, "anchor", how),
        repeats: plain(&v.repeats, "repeat", how),
    })
}

/// Drift of all people; raters are resampled, because scores of one rater hang together. By their
/// making the deviations from the others sum up to nearly nothing over all thirds: what tells is
/// how they change.
pub(super) fn all(log: &Log<'_>, how: &Resampling) -> Drift {
    let anchors = &anchors(log);
    let mut sum: [Values; 3] = Default::default();
    for rater in log.raters.iter().filter(|r| r.kind != RaterKind::Judge) {
        for (to, from) in sum.iter_mut().zip(values(log, anchors, &rater.id)) {
            to.ratings += from.ratings;
            to.anchors.extend(from.anchors);
            to.repeats.extend(from.repeats);
        }
    }
    let clustered = |v: &[(f64, String)]| {
        let values: Vec<f64> = v.iter().map(|v| v.0).collect();
        let clusters: Vec<&str> = v.iter().map(|v| v.1.as_str()).collect();
        clustered_mean(&values, &clusters, "rater", how).ok()
    };
    sum.map(|v| Third {
        ratings: v.ratings,
        anchors: clustered(&v.anchors),
        repeats: clustered(&v.repeats),
    })
}
