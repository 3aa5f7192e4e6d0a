//! A number as it is printed: value, interval, how many of what it rests on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An interval with its level, in the unit of the value that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
    /// Confidence level: 0.95 for a 95 % interval.
    pub level: f64,
}

impl Interval {
    /// True where the interval holds `x`, ends included.
    pub fn contains(&self, x: f64) -> bool {
        self.lo <= x && x <= self.hi
    }

    /// True where the whole interval lies above `x`.
    pub fn is_above(&self, x: f64) -> bool {
        self.lo > x
    }

    /// Percentile interval of draws (linear interpolation between order statistics, R's type 7).
    /// NaN marks a degenerate draw and is left out. `None` when no draw is left.
    pub fn from_draws(draws: &[f64], level: f64) -> Option<Self> {
        let mut kept: Vec<f64> = draws.iter().copied().filter(|x| !x.is_nan()).collect();
        if kept.is_empty() {
            return None;
        }
        let tail = (1.0 - level) / 2.0;
        Some(Self {
            lo: quantile_of(&mut kept, tail),
            hi: quantile_of(&mut kept, 1.0 - tail),
            level,
        })
    }
}

/// Quantile of non-empty values in any order, which it leaves in another one: two order statistics
/// are selected, so that time grows with their number and not with that of a sort.
fn quantile_of(values: &mut [f64], p: f64) -> f64 {
    let at = p.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let (_, low, above) = values.select_nth_unstable_by(at.floor() as usize, f64::total_cmp);
    let low = *low;
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    low + (at - at.floor()) * (high - low)
}

/// Quantile of sorted, non-empty values by linear interpolation: what [`quantile_of`] is held to.
#[cfg(test)]
pub(crate) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let at = p.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (at - below as f64) * (sorted[above] - sorted[below])
}

/// A value with its interval and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value on all the data.
    pub value: f64,
    /// Its interval; absent where one unit (or none) leaves nothing to resample.
    pub interval: Option<Interval>,
    /// How many units were resampled.
    pub n: usize,
    /// What a unit is: "question", "seed", "item".
    pub unit: String,
    /// Bootstrap draws that gave a value; 0 for a closed-form interval.
    #[serde(default)]
    pub draws: usize,
    /// Draws that gave none (unanimous, no pairs) and are left out of the interval.
    #[serde(default)]
    pub degenerate: usize,
}

impl Estimate {
    /// Makes an estimate from a value and its draws (NaN: a degenerate draw).
    pub fn from_draws(value: f64, draws: &[f64], level: f64, n: usize, unit: &str) -> Self {
        let degenerate = draws.iter().filter(|x| x.is_nan()).count();
        Self {
            value,
            interval: if n < 2 { None } else { Interval::from_draws(draws, level) },
            n,
            unit: unit.to_owned(),
            draws: draws.len() - degenerate,
            degenerate,
        }
    }

    /// One sentence on draws that gave no value; `None` when all did.
    pub fn note(&self) -> Option<String> {
        (self.degenerate > 0).then(|| {
            format!(
                "{} of {} bootstrap draws were degenerate and are left out of the interval",
                self.degenerate,
                self.draws + self.degenerate
            )
        })
    }
}

impl fmt::Display for Estimate {
    /// `0.815 [0.62, 0.97] (n = 12 items)`; the precision of the format applies, 3 by default.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(3);
        write!(f, "{:.digits$}", self.value)?;
        if let Some(i) = &self.interval {
            write!(f, " [{:.digits$}, {:.digits$}]", i.lo, i.hi)?;
        }
        write!(f, " (n = {} {}{})", self.n, self.unit, if self.n == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_between_order_statistics() {
        let x = [1.0, 2.0, 3.0, 4.0];
        for (p, want) in [(0.0, 1.0), (1.0, 4.0), (0.5, 2.5), (0.25, 1.75), (-1.0, 1.0)] {
            assert!((quantile(&x, p) - want).abs() < 1e-12, "{p}");
        }
        assert_eq!(quantile(&[7.0], 0.3), 7.0);
    }

    #[test]
    fn a_selected_quantile_is_that_of_sorted_values() {
        let x: Vec<f64> = (0..101u32).map(|i| f64::from(i * 37 % 101 / 3)).collect();
        let mut sorted = x.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        for p in [0.0, 0.025, 0.333, 0.5, 0.975, 1.0] {
            assert_eq!(quantile_of(&mut x.clone(), p), quantile(&sorted, p), "{p}");
        }
        assert_eq!(quantile_of(&mut [7.0], 0.5), 7.0);
    }

    #[test]
    fn degenerate_draws_are_left_out_counted_and_said() {
        let e = Estimate::from_draws(0.5, &[0.4, f64::NAN, 0.6], 0.95, 9, "item");
        assert_eq!((e.draws, e.degenerate), (2, 1));
        assert!(e.note().unwrap().contains("1 of 3"));
        assert!(Interval::from_draws(&[f64::NAN], 0.95).is_none());
        let whole = Estimate::from_draws(0.5, &[0.4, 0.6], 0.95, 9, "item");
        assert_eq!(whole.note(), None);
        assert_eq!(format!("{whole:.2}"), "0.50 [0.41, 0.59] (n = 9 items)");
    }

    #[test]
    fn one_unit_has_a_value_but_no_interval() {
        let e = Estimate::from_draws(0.5, &[0.5, 0.5], 0.95, 1, "question");
        assert!(e.interval.is_none());
        assert_eq!(format!("{e}"), "0.500 (n = 1 question)");
    }
}
