//! Agreement as it grows: alpha, AC2 and raw agreement after each n-th rating.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::StudyType;
use crate::stats::agreement::{Coefficient, Ratings, bootstrap, coefficient};
use crate::stats::bootstrap::Resampling;
use crate::stats::{Estimate, Interval, Undefined};
use crate::store::{EventKind, RaterKind};

use super::log::Log;

/// Points of the curve, at most.
pub const MOST_POINTS: usize = 40;
/// With more seeds than this only every fourth point, and the last, has an interval: a refresh has
/// to stay cheap beside the raters at work.
const MANY_SEEDS: usize = 400;

/// A coefficient at a point: value, interval, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grown {
    /// Its value.
    pub value: Option<f64>,
    /// Percentile interval over seeds, raters kept.
    pub interval: Option<Interval>,
    /// Seeds with a rating.
    pub seeds: usize,
    /// Draws without a value, left out of the interval.
    pub degenerate: usize,
    /// Why there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefined: Option<String>,
}

/// Agreement at a point of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GrowthPoint {
    /// Ratings of samples and anchors that stood then.
    pub ratings: usize,
    /// Items with two of them or more.
    pub paired: usize,
    /// Raters with one of them or more.
    pub raters: usize,
    /// Krippendorff's alpha, ordinal.
    pub alpha: Grown,
    /// Gwet's AC2, quadratic weights.
    pub ac2: Grown,
    /// Share of pairs of ratings that are equal.
    pub raw: Grown,
}

/// The curve.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// From the first ratings to now; the last point is now.
    pub points: Vec<GrowthPoint>,
    /// Bootstrap draws of each interval.
    pub draws: usize,
}

impl Growth {
    /// Now.
    pub fn now(&self) -> Option<&GrowthPoint> {
        self.points.last()
    }
}

/// The curve of the people of a study.
pub(super) fn growth(log: &Log<'_>, of: StudyType, how: &Resampling) -> Growth {
    let mut out = Growth { points: Vec::new(), draws: how.draws };
    // what can stand at all: samples and anchors, by people, not taken back
    let events: Vec<_> = log
        .events
        .iter()
        .filter(|e| e.item_kind.enters_estimates() && e.rater_kind != RaterKind::Judge)
        .filter(|e| log.pairs.contains_key(&e.assignment))
        .filter(|e| matches!(e.kind, EventKind::Submit | EventKind::Edit | EventKind::Undo))
        .collect();
    let submits = events.iter().filter(|e| e.kind == EventKind::Submit).count();
    if submits == 0 {
        return out;
    }
    // declared, because AC2's chance term counts unused scores too
    let scale: Vec<f64> = (1..=of.top()).map(f64::from).collect();
    // by name, as the report has them: the draws are then the same
    let seed_of: BTreeMap<&str, &str> =
        events.iter().map(|e| (e.item.as_str(), e.seed.as_str())).collect();
    let units: BTreeMap<&str, usize> = seed_of.keys().copied().zip(0..).collect();
    let seeds: Vec<&str> = seed_of.values().copied().collect();
    let raters: BTreeSet<&str> = events.iter().map(|e| e.rater.as_str()).collect();
    let raters: BTreeMap<&str, usize> = raters.into_iter().zip(0..).collect();
    // scores that no undo took back, oldest first, by (unit, rater)
    let mut stand: Vec<Vec<Vec<(i64, u8)>>> = vec![vec![Vec::new(); raters.len()]; units.len()];
    let mut seen = 0;
    for (i, e) in events.iter().enumerate() {
        let cell = &mut stand[units[e.item.as_str()]][raters[e.rater.as_str()]];
        match (e.kind, e.score) {
            (EventKind::Undo, _) => cell.retain(|s| Some(s.0) != e.previous),
            (_, Some(score)) => cell.push((e.event, score)),
            _ => {}
        }
        seen += usize::from(e.kind == EventKind::Submit);
        let last = i + 1 == events.len();
        let full = e.kind == EventKind::Submit && is_stop(seen, submits);
        if last || full {
            let known = out.points.len();
            let whole = last || known.is_multiple_of(4) || seeds.len() <= MANY_SEEDS;
            out.points.extend(point(&stand, &seeds, &scale, whole.then_some(how)));
        }
    }
    out
}

/// Whether the curve has a point after so many of all first scores; it has one at the end besides.
fn is_stop(seen: usize, all: usize) -> bool {
    seen < all && seen.is_multiple_of(all.div_ceil(MOST_POINTS).max(1))
}

fn point(
    stand: &[Vec<Vec<(i64, u8)>>],
    seeds: &[&str],
    scale: &[f64],
    how: Option<&Resampling>,
) -> Option<GrowthPoint> {
    let mut rows: Vec<Vec<Option<f64>>> = Vec::new();
    let mut clusters = Vec::new();
    for (row, seed) in stand.iter().zip(seeds) {
        let row: Vec<Option<f64>> = row.iter().map(|c| c.last().map(|s| f64::from(s.1))).collect();
        if row.iter().any(Option::is_some) {
            rows.push(row);
            clusters.push(*seed);
        }
    }
    let given = |row: &[Option<f64>]| row.iter().flatten().count();
    let raters = (0..rows.first().map_or(0, Vec::len))
        .filter(|r| rows.iter().any(|row| row[*r].is_some()))
        .collect::<Vec<usize>>();
    // a rater without a rating is no rater
    let rows: Vec<Vec<Option<f64>>> =
        rows.iter().map(|row| raters.iter().map(|r| row[*r]).collect()).collect();
    if rows.is_empty() {
        return None;
    }
    let ratings = Ratings::from_rows(Some(scale), &rows).ok()?;
    let which = [Coefficient::AlphaOrdinal, Coefficient::Ac2Quadratic, Coefficient::Raw];
    let found: Vec<Result<Estimate, Undefined>> = match how {
        Some(how) => {
            let all = bootstrap(&ratings, Some(&clusters), &which, "seed", how).ok()?;
            all.into_iter().map(|f| f.1).collect()
        }
        None => {
            let n = clusters.iter().collect::<BTreeSet<_>>().len();
            let plain = |value| Estimate {
                value,
                interval: None,
                n,
                unit: "seed".into(),
                draws: 0,
                degenerate: 0,
            };
            which.iter().map(|c| coefficient(&ratings, *c).map(plain)).collect()
        }
    };
    let mut found = found.into_iter().map(|e| match e {
        Ok(Estimate { value, interval, n, degenerate, .. }) => {
            Grown { value: Some(value), interval, seeds: n, degenerate, undefined: None }
        }
        Err(why) => Grown {
            value: None,
            interval: None,
            seeds: 0,
            degenerate: 0,
            undefined: Some(why.to_string()),
        },
    });
    Some(GrowthPoint {
        ratings: rows.iter().map(|r| given(r)).sum(),
        paired: rows.iter().filter(|r| given(r) >= 2).count(),
        raters: raters.len(),
        alpha: found.next()?,
        ac2: found.next()?,
        raw: found.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_has_forty_points_at_most_and_few_ratings_have_one_each() {
        for (all, points) in [(1, 1), (39, 39), (40, 40), (41, 21), (80, 40), (81, 27), (6000, 40)]
        {
            let stops = (1..=all).filter(|seen| is_stop(*seen, all)).count();
            assert_eq!(stops + 1, points, "{all} ratings");
        }
        assert!((1..3000).all(|n| (1..=n).filter(|s| is_stop(*s, n)).count() < MOST_POINTS));
    }

    #[test]
    fn a_point_without_intervals_has_the_same_values() {
        let stand: Vec<Vec<Vec<(i64, u8)>>> = [[5, 4], [2, 3], [1, 1], [4, 2]]
            .iter()
            .map(|r| r.iter().map(|s| vec![(1, *s)]).collect())
            .collect();
        let seeds = ["q1", "q1", "q2", "q3"];
        let scale = [1.0, 2.0, 3.0, 4.0, 5.0];
        let how = Resampling { draws: 50, seed: 1, level: 0.95 };
        let whole = point(&stand, &seeds, &scale, Some(&how)).unwrap();
        let plain = point(&stand, &seeds, &scale, None).unwrap();
        for (a, b) in
            [(&whole.alpha, &plain.alpha), (&whole.ac2, &plain.ac2), (&whole.raw, &plain.raw)]
        {
            assert!(a.value.is_some() && a.interval.is_some());
            assert_eq!((a.value, a.seeds, None), (b.value, b.seeds, b.interval));
        }
        assert!(point(&[], &[], &scale, Some(&how)).is_none());
    }
}
