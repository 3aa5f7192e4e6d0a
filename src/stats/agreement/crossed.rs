//! Ratings as units crossed with raters: score = mean + unit + rater + rest, the first two drawn
//! from populations. The three variances give ICC(2,1) and ICC(2,k) where cells are missing, and
//! each rater's leaning.
//!
//! Variances by Henderson's third method (1953; Searle, Casella and McCulloch 1992, chapter 5):
//! each sum of squares is what one effect explains beyond the other, set equal to its expectation.
//! With at most one rating a cell these are closed forms, unbiased with any gaps, and on complete
//! data the mean squares of Shrout and Fleiss (1979). A leaning is the best linear unbiased
//! prediction under these variances (Henderson 1975), so few ratings pull it to zero.

use super::Ratings;
use crate::stats::Undefined;

/// Variance components of crossed ratings, in squared points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Components {
    /// Between units. An estimate may come out below zero; it is left so.
    pub units: f64,
    /// Between raters.
    pub raters: f64,
    /// What is left: unit by rater, and chance.
    pub rest: f64,
    /// Harmonic mean of the ratings of a unit: the k of ICC(2,k); on complete data the raters.
    pub per_unit: f64,
}

impl Components {
    /// ICC(2,1): absolute agreement of one rating.
    ///
    /// # Errors
    /// A divisor that is not positive: ratings of one unit differ more than units do.
    pub fn icc_single(&self) -> Result<f64, Undefined> {
        self.share(1.0)
    }

    /// ICC(2,k): absolute agreement of the mean of `per_unit` ratings.
    ///
    /// # Errors
    /// As [`Components::icc_single`].
    pub fn icc_mean(&self) -> Result<f64, Undefined> {
        self.share(self.per_unit)
    }

    fn share(&self, k: f64) -> Result<f64, Undefined> {
        let divisor = self.units + (self.raters + self.rest) / k;
        // one that is zero but for rounding would give a number of any size
        if divisor > 1e-9 * (self.units.abs() + self.raters.abs() + self.rest.abs()) {
            return Ok(self.units / divisor);
        }
        Err(Undefined::BadParameter {
            what: "the estimated variance of item means",
            value: "zero or negative".into(),
            expected: "a positive one; here the ratings of one item differ more than the items do",
        })
    }

    /// Shares of units, raters and rest in the whole variance; components below zero count as zero.
    pub fn shares(&self) -> Option<[f64; 3]> {
        let parts = [self.units, self.raters, self.rest].map(|x| x.max(0.0));
        let whole: f64 = parts.iter().sum();
        (whole > 0.0).then(|| parts.map(|x| x / whole))
    }
}

/// Variance components of all ratings.
///
/// # Errors
/// Fewer than two raters or units, all ratings alike, or too few ratings beyond one a unit and one
/// a rater for a rest to be seen.
pub fn components(ratings: &Ratings) -> Result<Components, Undefined> {
    let crossed = Crossed::of(ratings);
    let times = vec![1.0; ratings.units()];
    Undefined::unless_enough("raters", ratings.raters(), 2)?;
    Undefined::unless_enough("units", ratings.units(), 2)?;
    if crossed.unanimous() {
        return Err(Undefined::Unanimous);
    }
    crossed.fit(&times).ok_or(Undefined::TooFew {
        unit: "ratings beyond one an item and one a rater",
        have: 0,
        need: 1,
    })
}

/// The cells of a matrix, unit by unit.
pub(super) struct Crossed {
    units: Vec<Vec<(usize, f64)>>,
    raters: usize,
}

impl Crossed {
    pub(super) fn of(ratings: &Ratings) -> Self {
        let raters = ratings.raters();
        let row = |u| (0..raters).filter_map(|r| Some((r, ratings.score(u, r)?))).collect();
        Self { units: (0..ratings.units()).map(row).collect(), raters }
    }

    pub(super) fn unanimous(&self) -> bool {
        let mut all = self.units.iter().flatten().map(|c| c.1);
        let first = all.next();
        all.all(|y| Some(y) == first)
    }

    /// Additions that one fit takes, about.
    pub(super) fn work(&self) -> usize {
        let cells: usize = self.units.iter().map(|u| u.len() * u.len()).sum();
        2 * cells + self.raters.pow(3)
    }

    /// Units with a rating, each with how often it counts.
    fn rated<'a>(&'a self, times: &'a [f64]) -> impl Iterator<Item = (&'a [(usize, f64)], f64)> {
        let units = self.units.iter().zip(times);
        units.filter(|(u, w)| !u.is_empty() && **w > 0.0).map(|(u, w)| (u.as_slice(), *w))
    }

    /// Variances where each unit counts `times`; `None` where they cannot be told apart.
    pub(super) fn fit(&self, times: &[f64]) -> Option<Components> {
        let m = self.raters;
        let (mut units, mut cells, mut sum, mut inverse) = (0.0, 0.0, 0.0, 0.0);
        for (unit, w) in self.rated(times) {
            units += w;
            cells += w * unit.len() as f64;
            inverse += w / unit.len() as f64;
            sum += w * unit.iter().map(|c| c.1).sum::<f64>();
        }
        let grand = sum / cells;
        let (mut square, mut by_unit) = (0.0, 0.0);
        let (mut total, mut count) = (vec![0.0; m], vec![0.0; m]);
        // the normal equations of raters, with units absorbed
        let (mut left, mut right) = (vec![0.0; m * m], vec![0.0; m]);
        for (unit, w) in self.rated(times) {
            let n = unit.len() as f64;
            let mean = unit.iter().map(|c| c.1 - grand).sum::<f64>() / n;
            by_unit += w * n * mean * mean;
            for (r, y) in unit {
                let y = y - grand;
                square += w * y * y;
                total[*r] += w * y;
                count[*r] += w;
                right[*r] += w * (y - mean);
                left[r * m + r] += w;
                for (other, _) in unit {
                    left[r * m + other] -= w / n;
                }
            }
        }
        let raters = count.iter().filter(|n| **n > 0.0).count() as f64;
        let by_rater: f64 =
            total.iter().zip(&count).filter(|(_, n)| **n > 0.0).map(|(t, n)| t * t / n).sum();
        let (effects, rank) = solve(&mut left, &right);
        let parts = raters - rank as f64;
        let rater_beyond_unit: f64 = effects.iter().zip(&right).map(|(b, r)| b * r).sum();
        let unit_beyond_rater = by_unit + rater_beyond_unit - by_rater;
        let free = cells - units - raters + parts;
        if free < 0.5 || cells - units < 0.5 || cells - raters < 0.5 {
            return None;
        }
        let rest = ((square - by_unit - rater_beyond_unit) / free).max(0.0);
        Some(Components {
            units: (unit_beyond_rater - (units - parts) * rest) / (cells - raters),
            raters: (rater_beyond_unit - (raters - parts) * rest) / (cells - units),
            rest,
            per_unit: units / inverse,
        })
    }

    /// Each rater's leaning in points under these variances; `None` for one without a rating.
    pub(super) fn leanings(&self, times: &[f64], of: &Components) -> Vec<Option<f64>> {
        let m = self.raters;
        let mut count = vec![0.0; m];
        for (unit, w) in self.rated(times) {
            unit.iter().for_each(|(r, _)| count[*r] += w);
        }
        let seen = |r: usize, x: f64| (count[r] > 0.0).then_some(x);
        if of.raters <= 0.0 {
            return (0..m).map(|r| seen(r, 0.0)).collect();
        }
        // a rest of zero would leave nothing to weigh by
        let rest = of.rest.max(1e-9 * (of.units.abs() + of.raters));
        let ridge = (of.units > 0.0).then(|| rest / of.units);
        let side = m + 1;
        let (mut left, mut right) = (vec![0.0; side * side], vec![0.0; side]);
        for (unit, w) in self.rated(times) {
            let n = unit.len() as f64;
            let share = ridge.map_or(0.0, |ridge| 1.0 / (n + ridge));
            let sum: f64 = unit.iter().map(|c| c.1).sum();
            left[m * side + m] += w * (n - n * n * share);
            right[m] += w * sum * (1.0 - n * share);
            for (r, y) in unit {
                left[r * side + r] += w;
                left[r * side + m] += w * (1.0 - n * share);
                left[m * side + r] += w * (1.0 - n * share);
                right[*r] += w * (y - share * sum);
                for (other, _) in unit {
                    left[r * side + other] -= w * share;
                }
            }
        }
        (0..m).for_each(|r| left[r * side + r] += rest / of.raters);
        let (solution, _) = solve(&mut left, &right);
        (0..m).map(|r| seen(r, solution[r])).collect()
    }
}

/// Solves a symmetric system that is positive but for known dependences, by elimination in place;
/// unknowns without a pivot are zero. Answers with the rank.
fn solve(left: &mut [f64], right: &[f64]) -> (Vec<f64>, usize) {
    let n = right.len();
    let mut x = right.to_vec();
    let largest = (0..n).map(|i| left[i * n + i]).fold(0.0, f64::max);
    let mut rank = 0;
    let mut kept = vec![false; n];
    for i in 0..n {
        let pivot = left[i * n + i];
        if pivot <= largest * 1e-10 {
            continue;
        }
        kept[i] = true;
        rank += 1;
        let (above, below) = left.split_at_mut((i + 1) * n);
        let row = &above[i * n..];
        for (j, other) in below.chunks_mut(n).enumerate() {
            let factor = other[i] / pivot;
            if factor != 0.0 {
                for k in i..n {
                    other[k] -= factor * row[k];
                }
                x[i + 1 + j] -= factor * x[i];
            }
        }
    }
    for i in (0..n).rev() {
        if kept[i] {
            let known: f64 = (i + 1..n).map(|k| left[i * n + k] * x[k]).sum();
            x[i] = (x[i] - known) / left[i * n + i];
        } else {
            x[i] = 0.0;
        }
    }
    (x, rank)
}

#[cfg(test)]
mod tests;
