//! The encoder's similarity against people: what share of "4 or 5" a similarity stands for, and the
//! threshold that would give a wished share. A threshold is chosen on one half of the seeds and
//! reported on the other, because what is chosen on some items looks too good on them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::StudyError;
use super::status::scripted_among;
use crate::domain::{ItemId, StudyId, StudyType};
use crate::stats::bootstrap::{Resampling, clustered_mean};
use crate::stats::dice::Dice;
use crate::stats::isotonic::isotonic;
use crate::stats::{Estimate, Undefined};
use crate::store::{RaterKind, RatingRow, Reader};

/// Fewest items a half needs: a threshold from fewer would be chance.
const FEWEST: usize = 10;

/// A step of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Similarities of its items, from.
    pub from: f64,
    /// To, included.
    pub to: f64,
    /// Share of ratings 4 or 5, as the curve that never falls has it.
    pub share: f64,
    /// Items.
    pub items: usize,
    /// Ratings.
    pub ratings: usize,
}

/// A threshold and how it does on items that did not choose it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Keep samples at or above this similarity.
    pub similarity: f64,
    /// Items it was chosen on.
    pub chosen_on: usize,
    /// Share of "4 or 5" among those it keeps of them: too good, for comparison only.
    pub share_chosen: f64,
    /// Items of the other half.
    pub reported_on: usize,
    /// How many of them it keeps.
    pub kept: usize,
    /// Share of "4 or 5" among those, interval over seeds; absent where it keeps none.
    pub share: Option<Estimate>,
    /// Share of "4 or 5" of the other half without a threshold.
    pub share_all: f64,
    /// True where every similarity rated reaches the wish: lower ones are not in the study.
    pub all_reach: bool,
}

/// The encoder against people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The study.
    pub study: StudyId,
    /// Encoders whose similarities these are, where the items say.
    pub encoders: Vec<String>,
    /// Items with a similarity and a rating.
    pub items: usize,
    /// The curve, from the lowest similarity.
    pub curve: Vec<Step>,
    /// The share that was wished for.
    pub wished: f64,
    /// The threshold; absent where none is found, then `undefined` says why.
    pub threshold: Option<Threshold>,
    /// Why there is no threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefined: Option<String>,
    /// What a reader has to know before believing the numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// An item as it is calibrated.
#[derive(Debug, Clone, PartialEq)]
struct Point {
    similarity: f64,
    high: f64,
    ratings: f64,
    seed: String,
}

/// Calibrates a study of similarity by its people's ratings.
///
/// # Errors
/// No such study, one of another type, a share outside (0, 1], no rated item with a similarity, a
/// database that cannot be read.
pub fn calibrate(
    reader: Reader<'_>,
    study: &StudyId,
    share: f64,
    draws: usize,
    seed: u64,
) -> Result<Calibration, StudyError> {
    let study_type = reader.need_study(study)?.study_type;
    let bad = |what, value: String, expected| StudyError::BadSetting { what, value, expected };
    if study_type != StudyType::Similarity {
        let expected = "a study of similarity: the encoder says nothing on others";
        return Err(bad("the study's type", study_type.to_string(), expected));
    }
    if !(share > 0.0 && share <= 1.0) {
        return Err(bad(
            "the share",
            share.to_string(),
            "a number above 0 and up to 1, such as 0.9",
        ));
    }
    let rows = reader.current_ratings(study)?;
    let points = points(&rows);
    if points.is_empty() {
        let expected = "items with a similarity that people have rated";
        return Err(bad("the study's ratings", "none to calibrate by".into(), expected));
    }
    let mut encoders: Vec<String> = rows.iter().filter_map(|r| r.origin.encoder.clone()).collect();
    encoders.sort();
    encoders.dedup();
    let how = Resampling { draws, seed, ..Resampling::default() };
    let (threshold, undefined) = match threshold(&points, share, &how) {
        Ok(t) => (Some(t), None),
        Err(why) => (None, Some(why)),
    };
    Ok(Calibration {
        study: study.clone(),
        encoders,
        items: points.len(),
        curve: curve(&points).map_err(|e| bad("the curve", e.to_string(), "finite numbers"))?,
        wished: share,
        threshold,
        undefined,
        notes: scripted_among(&rows).into_iter().collect(),
    })
}

/// Items with a similarity, by what people said.
fn points(rows: &[RatingRow]) -> Vec<Point> {
    points_by(rows, |row| row.origin.similarity)
}

/// Items with a value of their own, by what people said.
fn points_by(rows: &[RatingRow], of_item: impl Fn(&RatingRow) -> Option<f64>) -> Vec<Point> {
    let mut of: BTreeMap<&ItemId, Point> = BTreeMap::new();
    let counted = rows.iter().filter(|r| r.item_kind.enters_estimates());
    for row in counted.filter(|r| r.rater_kind != RaterKind::Judge) {
        let (Some(score), Some(similarity)) = (row.score, of_item(row)) else { continue };
        let point = of.entry(&row.item).or_insert_with(|| Point {
            similarity,
            high: 0.0,
            ratings: 0.0,
            seed: row.seed.to_string(),
        });
        point.high += f64::from(u8::from(score >= 4));
        point.ratings += 1.0;
    }
    of.into_values().collect()
}

/// The threshold of a judge's score that gives a wished share of people's "4 or 5"; `None` where the
/// halves are too small or no score reaches it.
pub(super) fn judge_threshold(
    scored: &[(&RatingRow, u8)],
    rows: &[RatingRow],
    wished: f64,
    how: &Resampling,
) -> Option<Threshold> {
    let judged: BTreeMap<&ItemId, f64> =
        scored.iter().map(|(row, score)| (&row.item, f64::from(*score))).collect();
    let people: Vec<RatingRow> =
        rows.iter().filter(|r| r.rater_kind == RaterKind::Human).cloned().collect();
    let points = points_by(&people, |row| judged.get(&row.item).copied());
    threshold(&points, wished, how).ok()
}

fn fit(points: &[Point]) -> Result<Vec<f64>, Undefined> {
    let x: Vec<f64> = points.iter().map(|p| p.similarity).collect();
    let y: Vec<f64> = points.iter().map(|p| p.high / p.ratings).collect();
    let w: Vec<f64> = points.iter().map(|p| p.ratings).collect();
    isotonic(&x, &y, &w)
}

/// The curve in steps of equal share.
fn curve(points: &[Point]) -> Result<Vec<Step>, Undefined> {
    let fitted = fit(points)?;
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|i, j| points[*i].similarity.total_cmp(&points[*j].similarity));
    Ok(order
        .chunk_by(|i, j| fitted[*i] == fitted[*j])
        .map(|step| Step {
            from: points[step[0]].similarity,
            to: points[step[step.len() - 1]].similarity,
            share: fitted[step[0]],
            items: step.len(),
            ratings: step.iter().map(|i| points[*i].ratings as usize).sum(),
        })
        .collect())
}

/// Chosen on one half of the seeds, reported on the other; or why not.
fn threshold(points: &[Point], wished: f64, how: &Resampling) -> Result<Threshold, String> {
    let (chosen, other) = halves(points, how.seed);
    if chosen.len() < FEWEST || other.len() < FEWEST {
        return Err(format!(
            "{} and {} items in the two halves of the seeds: expected {FEWEST} or more in each",
            chosen.len(),
            other.len()
        ));
    }
    let (similarity, share_chosen) = lowest(&chosen, wished).map_err(|e| e.to_string())?.ok_or(
        format!("no similarity gives a share of {wished} on the half that chooses: wish for less"),
    )?;
    let kept: Vec<&Point> = other.iter().filter(|p| p.similarity >= similarity).collect();
    let (mut values, mut seeds) = (Vec::new(), Vec::new());
    for p in &kept {
        for n in 0..p.ratings as usize {
            values.push(f64::from(u8::from((n as f64) < p.high)));
            seeds.push(p.seed.as_str());
        }
    }
    let lowest_rated = chosen.iter().map(|p| p.similarity).fold(f64::INFINITY, f64::min);
    Ok(Threshold {
        similarity,
        chosen_on: chosen.len(),
        share_chosen,
        reported_on: other.len(),
        kept: kept.len(),
        share: clustered_mean(&values, &seeds, "seed", how).ok(),
        share_all: other.iter().map(|p| p.high).sum::<f64>()
            / other.iter().map(|p| p.ratings).sum::<f64>(),
        all_reach: similarity <= lowest_rated,
    })
}

/// Whole seeds by lot: items of one seed correlate and stay together.
fn halves(points: &[Point], seed: u64) -> (Vec<Point>, Vec<Point>) {
    let mut seeds: Vec<&str> = points.iter().map(|p| p.seed.as_str()).collect();
    seeds.sort_unstable();
    seeds.dedup();
    Dice::new(seed, &["calibration"]).shuffle(&mut seeds);
    let mut first: Vec<&str> = seeds[..seeds.len().div_ceil(2)].to_vec();
    first.sort_unstable();
    points.iter().cloned().partition(|p| first.binary_search(&p.seed.as_str()).is_ok())
}

/// The lowest similarity at and above which the curve's share reaches the wish, and that share.
fn lowest(points: &[Point], wished: f64) -> Result<Option<(f64, f64)>, Undefined> {
    let fitted = fit(points)?;
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|i, j| points[*j].similarity.total_cmp(&points[*i].similarity));
    let (mut sum, mut ratings, mut found) = (0.0, 0.0, None);
    for tied in order.chunk_by(|i, j| points[*i].similarity == points[*j].similarity) {
        for i in tied {
            sum += fitted[*i] * points[*i].ratings;
            ratings += points[*i].ratings;
        }
        // the curve does not fall, so that below the first miss there is no hit
        if sum / ratings < wished - 1e-12 {
            break;
        }
        found = Some((points[tied[0]].similarity, sum / ratings));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(n: usize, similarity: f64, high: f64) -> Point {
        Point { similarity, high, ratings: 4.0, seed: format!("Q{}", n / 2) }
    }

    /// Shares that rise with similarity from 0 at .80 to 1 at .99.
    fn rising() -> Vec<Point> {
        (0..80).map(|n| point(n, 0.8 + (n % 20) as f64 / 100.0, ((n % 20) / 4) as f64)).collect()
    }

    #[test]
    fn the_curve_rises_in_steps_that_hold_all_items() {
        let steps = curve(&rising()).unwrap();
        assert_eq!(steps.iter().map(|s| s.items).sum::<usize>(), 80);
        let shares: Vec<f64> = steps.iter().map(|s| s.share).collect();
        assert_eq!(shares, [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert!(steps.windows(2).all(|w| w[0].to < w[1].from));
        assert_eq!(steps[0].ratings, 64);
    }

    #[test]
    fn the_threshold_is_the_lowest_that_reaches_the_wish() {
        // at and above .96 all are high; at and above .92 the mean of 1 and .75
        assert_eq!(lowest(&rising(), 1.0).unwrap().map(|t| (t.0 * 100.0).round()), Some(96.0));
        assert_eq!(lowest(&rising(), 0.875).unwrap().map(|t| (t.0 * 100.0).round()), Some(92.0));
        let low: Vec<Point> = (0..10).map(|n| point(n, 0.9, 1.0)).collect();
        assert_eq!(lowest(&low, 0.5).unwrap(), None);
    }

    #[test]
    fn it_is_chosen_on_some_seeds_and_reported_on_others() {
        let how = Resampling { draws: 200, seed: 5, ..Resampling::default() };
        let points = rising();
        let (a, b) = halves(&points, how.seed);
        assert_eq!((a.len(), b.len()), (40, 40));
        assert!(a.iter().all(|p| b.iter().all(|q| p.seed != q.seed)), "no seed is in both");
        let t = threshold(&points, 0.9, &how).unwrap();
        assert_eq!((t.chosen_on, t.reported_on), (40, 40));
        assert!(t.share_chosen >= 0.9 && !t.all_reach && t.kept > 0, "{t:?}");
        let share = t.share.unwrap();
        assert!(share.value > 0.8 && share.interval.is_some() && t.share_all < 0.7);
        assert!(threshold(&points, 0.01, &how).unwrap().all_reach);
        assert!(threshold(&points[..12], 0.9, &how).unwrap_err().contains("10 or more"));
        let never: Vec<Point> = (0..80).map(|n| point(n, 0.9, 1.0)).collect();
        assert!(threshold(&never, 0.9, &how).unwrap_err().contains("wish for less"));
    }
}
