//! What a plan will be able to say: the widths of the intervals of the mean and of alpha that are
//! to be expected, by simulating the study as planned, over and over.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Rating, StudyError};
use crate::domain::{StudyId, StudyType};
use crate::stats::agreement::{Coefficient, Ratings, coefficient, components};
use crate::stats::dice::Dice;
use crate::stats::normal;
use crate::store::{RaterKind, Reader};

/// Studies simulated; fewer where they are large. The widths are then right to about a tenth.
const STUDIES: usize = 160;
/// Ratings simulated in all, at most.
const MOST_RATINGS: usize = 600_000;
/// Fewest studies.
const FEWEST: usize = 24;

/// A plan, as far as it decides what can be seen. Controls and repeats enter no estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PowerDesign {
    /// Items that k raters rate.
    pub items: usize,
    /// Raters an item.
    pub k: usize,
    /// Items that everybody rates besides.
    pub anchors: usize,
    /// Raters.
    pub raters: usize,
    /// Raters of an anchor: fewer than `raters` where languages or cultures part them.
    pub anchor_raters: usize,
    /// Different seeds among the items.
    pub seeds: usize,
    /// What is rated.
    pub study_type: StudyType,
    /// How ratings spread; [`Spread::default_of`] where no pilot tells.
    pub spread: Spread,
    /// Seed of the simulation.
    pub seed: u64,
}

/// How ratings spread, in points: standard deviations of seeds, items of a seed, raters, and chance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean score.
    pub mean: f64,
    /// Between seeds.
    pub seeds: f64,
    /// Between items of one seed.
    pub items: f64,
    /// Between raters.
    pub raters: f64,
    /// What is left.
    pub rest: f64,
    /// Where this comes from, in words.
    pub from: String,
}

impl Spread {
    /// What is assumed without a pilot: filtered pairs cluster high, and raters differ by a little.
    pub fn default_of(study_type: StudyType) -> Self {
        let (mean, rest) = match study_type {
            StudyType::Similarity => (4.1, 0.7),
            StudyType::Preference => (2.0, 0.8),
            StudyType::Appropriateness => (3.6, 0.9),
        };
        let from = "no pilot; assumed".to_owned();
        Self { mean, seeds: 0.4, items: 0.5, raters: 0.35, rest, from }
    }

    /// As earlier ratings have it; `None` where they are too few to tell items from raters.
    pub fn of(ratings: &[Rating], from: &str) -> Option<Self> {
        let keyed = Ratings::from_triples(
            None,
            ratings.iter().map(|r| (r.item.as_str(), r.rater.as_str(), f64::from(r.score))),
        )
        .ok()?;
        let found = components(&keyed.ratings).ok()?;
        let mean = ratings.iter().map(|r| f64::from(r.score)).sum::<f64>() / ratings.len() as f64;
        let (units, shared) = (found.units.max(0.0), within_seeds(ratings));
        Some(Self {
            mean,
            seeds: (units * shared).sqrt(),
            items: (units * (1.0 - shared)).sqrt(),
            raters: found.raters.max(0.0).sqrt(),
            rest: found.rest.sqrt(),
            from: format!("{} ratings of {from}", ratings.len()),
        })
    }
}

/// Share of the spread of items that their seeds explain, 0 to 1 (intraclass, one way).
fn within_seeds(ratings: &[Rating]) -> f64 {
    let mut items: BTreeMap<(&str, &str), (f64, f64)> = BTreeMap::new();
    for r in ratings {
        let Some(seed) = &r.cluster else { return 0.0 };
        let (sum, n) = items.entry((seed, &r.item)).or_default();
        *sum += f64::from(r.score);
        *n += 1.0;
    }
    let mut seeds: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for ((seed, _), (sum, n)) in items {
        seeds.entry(seed).or_default().push(sum / n);
    }
    let (n, groups) = (seeds.values().map(Vec::len).sum::<usize>() as f64, seeds.len() as f64);
    let grand = seeds.values().flatten().sum::<f64>() / n;
    let (mut between, mut within, mut squares) = (0.0, 0.0, 0.0);
    for group in seeds.values() {
        let size = group.len() as f64;
        let mean = group.iter().sum::<f64>() / size;
        between += size * (mean - grand).powi(2);
        within += group.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        squares += size * size;
    }
    if groups < 2.0 || n <= groups {
        return 0.0;
    }
    let (between, within) = (between / (groups - 1.0), within / (n - groups));
    let size = (n - squares / n) / (groups - 1.0);
    let whole = between + (size - 1.0) * within;
    if whole > 0.0 { ((between - within) / whole).clamp(0.0, 1.0) } else { 0.0 }
}

/// The spread of an earlier study's ratings by people; `None` without enough of them.
///
/// # Errors
/// No such study; the database cannot be read.
pub fn pilot(reader: Reader<'_>, study: &StudyId) -> Result<Option<Spread>, StudyError> {
    reader.need_study(study)?;
    let rows = reader.current_ratings(study)?;
    let people = rows.iter().filter(|r| r.rater_kind != RaterKind::Judge);
    let scripted = rows.iter().any(|r| r.rater_kind == RaterKind::Scripted);
    let name = if scripted { format!("{study}, scripted") } else { study.to_string() };
    Ok(Spread::of(&super::results::ratings(people), &name))
}

/// What to expect of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// Width of the 95 % interval of the mean score, in points, seeds and raters drawn; absent with
    /// no item or no rater.
    pub mean_width: Option<f64>,
    /// Width of the 95 % interval of ordinal alpha, seeds drawn; absent with fewer than two raters
    /// an item or two items.
    pub alpha_width: Option<f64>,
    /// What it rests on, in words.
    pub assumed: String,
}

/// Simulates a plan: the widths are those of the middle 95 % of the estimates of studies that
/// differ in nothing but chance. The same seed gives the same answer.
pub fn power(design: &PowerDesign) -> Power {
    let s = &design.spread;
    let assumed = format!(
        "{}: mean {:.2}; standard deviations: seeds {:.2}, items of a seed {:.2}, raters {:.2}, rest {:.2}",
        s.from, s.mean, s.seeds, s.items, s.raters, s.rest
    );
    let k = design.k.min(design.raters);
    let ratings = design.items * k + design.anchors * design.anchor_raters;
    if ratings == 0 {
        return Power { mean_width: None, alpha_width: None, assumed };
    }
    let studies = (MOST_RATINGS / ratings).clamp(FEWEST, STUDIES);
    let drawn: Vec<(f64, f64)> =
        (0..studies).into_par_iter().map(|n| simulate(design, k, n)).collect();
    let (means, alphas): (Vec<f64>, Vec<f64>) = drawn.into_iter().unzip();
    Power { mean_width: width(&means), alpha_width: width(&alphas), assumed }
}

/// 2 x 1.96 standard deviations of what is defined; `None` where hardly anything is.
fn width(values: &[f64]) -> Option<f64> {
    let kept: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    if kept.len() < FEWEST / 2 {
        return None;
    }
    let n = kept.len() as f64;
    let mean = kept.iter().sum::<f64>() / n;
    let variance = kept.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Some(2.0 * 1.96 * variance.sqrt())
}

/// Mean and ordinal alpha (NaN: undefined) of study number `n`.
fn simulate(design: &PowerDesign, k: usize, n: usize) -> (f64, f64) {
    let s = &design.spread;
    let mut dice = Dice::new(design.seed, &["power", &n.to_string()]);
    let mut noise = |sd: f64| if sd > 0.0 { sd * bell(&mut dice) } else { 0.0 };
    let seeds: Vec<f64> = (0..design.seeds.max(1)).map(|_| noise(s.seeds)).collect();
    let raters: Vec<f64> = (0..design.raters).map(|_| noise(s.raters)).collect();
    // alpha's interval keeps its raters, so that they are the same people in every study
    let fixed: Vec<f64> = (0..design.raters)
        .map(|r| s.raters * normal::quantile((r as f64 + 0.5) / design.raters as f64))
        .collect();
    let top = f64::from(design.study_type.top());
    let mut rows: Vec<Vec<Option<f64>>> = Vec::with_capacity(design.items + design.anchors);
    let columns = if design.anchors > 0 { design.anchor_raters.max(k) } else { k };
    let (mut sum, mut count) = (0.0, 0.0);
    for item in 0..design.items + design.anchors {
        let here = if item < design.items { k } else { design.anchor_raters };
        let truth = s.mean + seeds[item % seeds.len()] + noise(s.items);
        let mut row = vec![None; columns];
        for (slot, cell) in row.iter_mut().enumerate().take(here) {
            let rater = (item * k + slot) % design.raters;
            let rest = noise(s.rest);
            sum += (truth + raters[rater] + rest).round().clamp(1.0, top);
            count += 1.0;
            *cell = Some((truth + fixed[rater] + rest).round().clamp(1.0, top));
        }
        rows.push(row);
    }
    let alpha = Ratings::from_rows(None, &rows)
        .and_then(|r| coefficient(&r, Coefficient::AlphaOrdinal))
        .unwrap_or(f64::NAN);
    (sum / count, alpha)
}

/// A draw from the standard normal distribution (Box and Muller).
fn bell(dice: &mut Dice) -> f64 {
    let (u, v) = (1.0 - dice.unit(), dice.unit());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design() -> PowerDesign {
        PowerDesign {
            items: 60,
            k: 3,
            anchors: 0,
            raters: 6,
            anchor_raters: 6,
            seeds: 20,
            study_type: StudyType::Similarity,
            spread: Spread {
                mean: 3.0,
                seeds: 0.5,
                items: 0.3,
                raters: 0.2,
                rest: 0.3,
                from: "test".into(),
            },
            seed: 7,
        }
    }

    #[test]
    fn nothing_planned_says_nothing_and_one_rater_has_no_alpha() {
        for bad in [
            PowerDesign { items: 0, ..design() },
            PowerDesign { raters: 0, ..design() },
            PowerDesign { k: 0, ..design() },
        ] {
            let p = power(&bad);
            assert_eq!((p.mean_width, p.alpha_width), (None, None));
        }
        let p = power(&PowerDesign { k: 1, ..design() });
        assert!(p.mean_width.is_some() && p.alpha_width.is_none());
        let p = power(&PowerDesign { k: 5, raters: 1, ..design() });
        assert!(p.alpha_width.is_none(), "five ratings an item by one person cannot be");
        let p = power(&PowerDesign { items: 1, ..design() });
        assert!(p.alpha_width.is_none());
    }

    /// By hand: the variance of a mean is s2_seeds / seeds + s2_items / items + s2_raters / raters +
    /// s2_rest / ratings, and rounding adds 1/12 of a squared point to the rest.
    #[test]
    fn the_width_of_the_mean_is_that_of_its_parts() {
        let p = power(&design());
        let variance: f64 = 0.25 / 20.0 + 0.09 / 60.0 + 0.04 / 6.0 + (0.09 + 1.0 / 12.0) / 180.0;
        let want = 2.0 * 1.96 * variance.sqrt();
        let have = p.mean_width.unwrap();
        assert!((have / want - 1.0).abs() < 0.2, "{have}, by hand {want}");
        assert_eq!(p, power(&design()), "the same seed, the same answer");
        assert!(p.assumed.contains("test: mean 3.00"), "{}", p.assumed);
    }

    #[test]
    fn more_seeds_narrow_the_mean_and_more_items_narrow_alpha() {
        let p = power(&design());
        let seeds = power(&PowerDesign { seeds: 60, ..design() });
        assert!(seeds.mean_width.unwrap() < 0.9 * p.mean_width.unwrap());
        let items = power(&PowerDesign { items: 240, seeds: 80, ..design() });
        assert!(items.alpha_width.unwrap() < 0.75 * p.alpha_width.unwrap());
        let anchors = power(&PowerDesign { anchors: 20, ..design() });
        assert!(anchors.alpha_width.is_some());
    }

    #[test]
    fn a_pilot_gives_back_how_its_ratings_spread() {
        assert!(Spread::of(&[], "x").is_none());
        let d = PowerDesign { items: 200, seeds: 50, k: 4, raters: 4, ..design() };
        let mut dice = Dice::new(3, &["pilot"]);
        let seeds: Vec<f64> = (0..50).map(|_| 0.8 * bell(&mut dice)).collect();
        let mut ratings = Vec::new();
        for item in 0..d.items {
            let truth = 3.0 + seeds[item % 50] + 0.3 * bell(&mut dice);
            for rater in 0..4 {
                let score = (truth + 0.4 * bell(&mut dice)).round().clamp(1.0, 5.0);
                ratings.push(Rating {
                    item: format!("i{item}"),
                    rater: format!("r{rater}"),
                    score: score as u8,
                    cluster: Some(format!("Q{}", item % 50)),
                });
            }
        }
        let s = Spread::of(&ratings, "pilot").unwrap();
        assert!((s.seeds - 0.8).abs() < 0.2 && (s.items - 0.3).abs() < 0.15, "{s:?}");
        assert!(s.raters < 0.15 && (s.rest - 0.49).abs() < 0.1, "{s:?}");
        assert_eq!(s.from, "800 ratings of pilot");
    }
}
