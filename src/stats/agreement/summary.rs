//! What one unit adds to every coefficient, as a row of numbers that can be summed.
//!
//! Alpha needs coincidences (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"),
//! AC1 and AC2 need shares and weighted agreement by unit (Gwet 2014, chapters 2 to 5). All are sums
//! over units, so a bootstrap over clusters of units adds rows and never touches ratings again.
//! The ordinal metric of alpha depends on the marginals of the draw; those are in the row.

use super::Ratings;

/// Where things stand in a row, for `q` categories.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    q: usize,
}

/// One-number columns in front of the others.
const PAIRED_UNITS: usize = 0; // units with two ratings or more
const RATED_UNITS: usize = 1; // units with one rating or more
const EQUAL: usize = 2; // sum over units of the share of equal pairs
const ORDINAL: usize = 3; // the same with ordinal weights
const QUADRATIC: usize = 4; // the same with quadratic weights
const FIXED: usize = 5;

impl Layout {
    pub(super) fn new(categories: usize) -> Self {
        Self { q: categories }
    }

    /// Numbers in a row: shares (q), marginals (q), coincidences of c < k (q(q-1)/2).
    pub(super) fn width(self) -> usize {
        FIXED + 2 * self.q + self.q * self.q.saturating_sub(1) / 2
    }

    fn coincidences(self) -> usize {
        FIXED + 2 * self.q
    }

    /// Row of one unit.
    pub(super) fn row(self, ratings: &Ratings, unit: usize) -> Vec<f64> {
        let q = self.q;
        let mut row = vec![0.0; self.width()];
        let mut counts = vec![0.0; q];
        ratings.positions(unit).for_each(|c| counts[c] += 1.0);
        let m: f64 = counts.iter().sum();
        if m == 0.0 {
            return row;
        }
        row[RATED_UNITS] = 1.0;
        for c in 0..q {
            row[FIXED + c] = counts[c] / m;
        }
        if m < 2.0 {
            return row;
        }
        row[PAIRED_UNITS] = 1.0;
        let x = ratings.categories();
        let pairs = m * (m - 1.0);
        let mut at = self.coincidences();
        for c in 0..q {
            row[FIXED + q + c] = counts[c];
            let equal = counts[c] * (counts[c] - 1.0) / pairs;
            for column in [EQUAL, ORDINAL, QUADRATIC] {
                row[column] += equal;
            }
            for k in c + 1..q {
                let both = counts[c] * counts[k];
                row[at] = both / (m - 1.0);
                at += 1;
                // Twice: (c, k) and (k, c).
                row[ORDINAL] += 2.0 * both / pairs * ordinal_weight(c, k, q);
                row[QUADRATIC] += 2.0 * both / pairs * quadratic_weight(c, k, x);
            }
        }
        row
    }
}

/// Gwet's ordinal weight (2014, section 3.5): 1 - C(|c-k|+1, 2) / C(q, 2).
fn ordinal_weight(c: usize, k: usize, q: usize) -> f64 {
    let pairs = |n: usize| (n * n.saturating_sub(1) / 2) as f64;
    1.0 - pairs(c.abs_diff(k) + 1) / pairs(q)
}

/// Quadratic weight of scores: 1 - (x_c - x_k)^2 / (range)^2.
fn quadratic_weight(c: usize, k: usize, x: &[f64]) -> f64 {
    let range = x[x.len() - 1] - x[0];
    1.0 - ((x[c] - x[k]) / range).powi(2)
}

/// Metric of alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metric {
    Nominal,
    Ordinal,
    Interval,
    Ratio,
}

/// Weights of AC1 (identity) and AC2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weights {
    Identity,
    Ordinal,
    Quadratic,
}

/// Sums of rows, read as coefficients. `None` where a coefficient is undefined.
pub(super) struct Summed<'a> {
    layout: Layout,
    x: &'a [f64],
    weight_totals: [f64; 3],
}

impl<'a> Summed<'a> {
    pub(super) fn new(categories: &'a [f64]) -> Self {
        let q = categories.len();
        let total = |w: &dyn Fn(usize, usize) -> f64| {
            (0..q).map(|c| (c + 1..q).map(|k| 2.0 * w(c, k)).sum::<f64>() + 1.0).sum::<f64>()
        };
        Self {
            layout: Layout::new(q),
            x: categories,
            weight_totals: [
                q as f64,
                total(&|c, k| ordinal_weight(c, k, q)),
                total(&|c, k| quadratic_weight(c, k, categories)),
            ],
        }
    }

    fn marginals<'s>(&self, sum: &'s [f64]) -> &'s [f64] {
        &sum[FIXED + self.layout.q..][..self.layout.q]
    }

    pub(super) fn paired_units(sum: &[f64]) -> f64 {
        sum[PAIRED_UNITS]
    }

    /// True when all ratings that could be paired are the same.
    pub(super) fn unanimous(&self, sum: &[f64]) -> bool {
        self.marginals(sum).iter().filter(|n| **n > 0.0).count() < 2
    }

    /// alpha = 1 - (n - 1) * sum o_ck d_ck / sum n_c n_k d_ck over c < k.
    pub(super) fn alpha(&self, sum: &[f64], metric: Metric) -> Option<f64> {
        let n_c = self.marginals(sum);
        let coincidences = &sum[self.layout.coincidences()..];
        let n: f64 = n_c.iter().sum();
        let (mut observed, mut expected) = (0.0, 0.0);
        let mut at = 0;
        for c in 0..n_c.len() {
            let mut between = n_c[c];
            for k in c + 1..n_c.len() {
                between += n_c[k];
                let d = match metric {
                    Metric::Nominal => 1.0,
                    Metric::Ordinal => between - f64::midpoint(n_c[c], n_c[k]),
                    Metric::Interval => self.x[c] - self.x[k],
                    Metric::Ratio => ratio(self.x[c], self.x[k]),
                };
                observed += coincidences[at] * d * d;
                expected += n_c[c] * n_c[k] * d * d;
                at += 1;
            }
        }
        (expected > 0.0).then(|| 1.0 - (n - 1.0) * observed / expected)
    }

    /// AC = (p_a - p_e) / (1 - p_e), p_e = T_w / (q (q - 1)) * sum pi_k (1 - pi_k).
    pub(super) fn ac(&self, sum: &[f64], weights: Weights) -> Option<f64> {
        if self.unanimous(sum) {
            return None;
        }
        let (column, total) = match weights {
            Weights::Identity => (EQUAL, self.weight_totals[0]),
            Weights::Ordinal => (ORDINAL, self.weight_totals[1]),
            Weights::Quadratic => (QUADRATIC, self.weight_totals[2]),
        };
        let q = self.layout.q as f64;
        let agreed = sum[column] / sum[PAIRED_UNITS];
        let spread: f64 = sum[FIXED..][..self.layout.q]
            .iter()
            .map(|share| share / sum[RATED_UNITS])
            .map(|pi| pi * (1.0 - pi))
            .sum();
        let chance = total / (q * (q - 1.0)) * spread;
        (chance < 1.0).then(|| (agreed - chance) / (1.0 - chance))
    }

    /// kappa = (p_a - p_e) / (1 - p_e), p_e = sum pi_k^2.
    pub(super) fn fleiss(&self, sum: &[f64]) -> Option<f64> {
        if self.unanimous(sum) {
            return None;
        }
        let agreed = sum[EQUAL] / sum[PAIRED_UNITS];
        let shares = &sum[FIXED..][..self.layout.q];
        let chance: f64 = shares.iter().map(|share| (share / sum[RATED_UNITS]).powi(2)).sum();
        (chance < 1.0).then(|| (agreed - chance) / (1.0 - chance))
    }

    /// Mean over units of the share of equal pairs. Defined for unanimous data: there it is 1.
    pub(super) fn raw(sum: &[f64]) -> Option<f64> {
        (sum[PAIRED_UNITS] > 0.0).then(|| sum[EQUAL] / sum[PAIRED_UNITS])
    }
}

fn ratio(a: f64, b: f64) -> f64 {
    if a + b == 0.0 { 0.0 } else { (a - b) / (a + b) }
}
