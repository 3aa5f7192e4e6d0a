//! Coefficients by name, alone and with bootstrap intervals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Ratings;
use super::summary::{Layout, Metric, Summed, Weights};
use crate::stats::bootstrap::{Resampling, Sums};
use crate::stats::{Estimate, Undefined};

/// A coefficient of agreement among any number of raters, gaps allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coefficient {
    /// Krippendorff's alpha, categories without order.
    AlphaNominal,
    /// Krippendorff's alpha, ordered categories (the metric built from the marginals).
    AlphaOrdinal,
    /// Krippendorff's alpha, equal steps.
    AlphaInterval,
    /// Krippendorff's alpha, a true zero; scores must not be negative.
    AlphaRatio,
    /// Gwet's AC1.
    Ac1,
    /// Gwet's AC2 with ordinal weights.
    Ac2Ordinal,
    /// Gwet's AC2 with quadratic weights.
    Ac2Quadratic,
    /// Fleiss' kappa (1971), for any number of raters a unit (Gwet 2014): the observed agreement of
    /// AC1, and by chance the squares of the mean shares of the categories.
    #[serde(rename = "kappa-fleiss")]
    Fleiss,
    /// Share of equal pairs of ratings, averaged over units (the observed agreement of AC1).
    Raw,
}

impl Coefficient {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::AlphaNominal,
        Self::AlphaOrdinal,
        Self::AlphaInterval,
        Self::AlphaRatio,
        Self::Ac1,
        Self::Ac2Ordinal,
        Self::Ac2Quadratic,
        Self::Fleiss,
        Self::Raw,
    ];

    /// What is shown together for ratings on an ordered scale.
    pub const ORDERED: [Self; 3] = [Self::AlphaOrdinal, Self::Ac2Quadratic, Self::Raw];

    /// Name for tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::AlphaNominal => "alpha-nominal",
            Self::AlphaOrdinal => "alpha-ordinal",
            Self::AlphaInterval => "alpha-interval",
            Self::AlphaRatio => "alpha-ratio",
            Self::Ac1 => "ac1",
            Self::Ac2Ordinal => "ac2-ordinal",
            Self::Ac2Quadratic => "ac2-quadratic",
            Self::Fleiss => "kappa-fleiss",
            Self::Raw => "raw",
        }
    }

    fn of(self, summed: &Summed<'_>, sum: &[f64]) -> Option<f64> {
        match self {
            Self::AlphaNominal => summed.alpha(sum, Metric::Nominal),
            Self::AlphaOrdinal => summed.alpha(sum, Metric::Ordinal),
            Self::AlphaInterval => summed.alpha(sum, Metric::Interval),
            Self::AlphaRatio => summed.alpha(sum, Metric::Ratio),
            Self::Ac1 => summed.ac(sum, Weights::Identity),
            Self::Ac2Ordinal => summed.ac(sum, Weights::Ordinal),
            Self::Ac2Quadratic => summed.ac(sum, Weights::Quadratic),
            Self::Fleiss => summed.fleiss(sum),
            Self::Raw => Summed::raw(sum),
        }
    }
}

/// One coefficient on all ratings.
///
/// # Errors
/// One rater, one unit, no unit rated twice, unanimous ratings (except [`Coefficient::Raw`],
/// which is 1 then), negative scores for the ratio metric.
pub fn coefficient(ratings: &Ratings, which: Coefficient) -> Result<f64, Undefined> {
    let layout = Layout::new(ratings.categories().len());
    let mut sum = vec![0.0; layout.width()];
    for unit in 0..ratings.units() {
        sum.iter_mut().zip(layout.row(ratings, unit)).for_each(|(s, x)| *s += x);
    }
    value(ratings, &Summed::new(ratings.categories()), &sum, which)
}

fn value(
    ratings: &Ratings,
    summed: &Summed<'_>,
    sum: &[f64],
    which: Coefficient,
) -> Result<f64, Undefined> {
    Undefined::unless_enough("raters", ratings.raters(), 2)?;
    let paired = Summed::paired_units(sum);
    if paired == 0.0 {
        return Err(Undefined::NoPairs);
    }
    if which == Coefficient::AlphaRatio && ratings.categories()[0] < 0.0 {
        return Err(Undefined::BadParameter {
            what: "lowest score",
            value: ratings.categories()[0].to_string(),
            expected: "no negative score on a ratio scale",
        });
    }
    if which != Coefficient::Raw {
        Undefined::unless_enough("units with two ratings", paired as usize, 2)?;
        if summed.unanimous(sum) {
            return Err(Undefined::Unanimous);
        }
    }
    which.of(summed, sum).ok_or(Undefined::Unanimous)
}

/// Several coefficients, each with a percentile interval over clusters of units, raters kept.
///
/// `clusters[i]` names the cluster of row `i` (for samples: their seed, because samples of one seed
/// correlate); `None` resamples units alone. The same draws serve all coefficients. Draws without
/// a value (all ratings alike) are counted in [`Estimate::degenerate`].
///
/// # Errors
/// Clusters that do not match the units, bad resampling parameters. A coefficient that is undefined
/// has its own error in the list.
#[expect(clippy::type_complexity, reason = "a list of named results; a type would only hide it")]
pub fn bootstrap<C: Ord>(
    ratings: &Ratings,
    clusters: Option<&[C]>,
    which: &[Coefficient],
    unit: &str,
    how: &Resampling,
) -> Result<Vec<(Coefficient, Result<Estimate, Undefined>)>, Undefined> {
    how.check()?;
    if let Some(clusters) = clusters {
        Undefined::unless_parallel(ratings.units(), clusters.len())?;
    }
    let layout = Layout::new(ratings.categories().len());
    let mut rows: Vec<f64> = Vec::new();
    let mut row_of: BTreeMap<&C, usize> = BTreeMap::new();
    for u in 0..ratings.units() {
        let row = layout.row(ratings, u);
        let fresh = rows.len() / layout.width();
        let at = match clusters {
            Some(clusters) => *row_of.entry(&clusters[u]).or_insert(fresh),
            None => fresh,
        };
        if at == fresh {
            rows.extend(row);
        } else {
            let kept = &mut rows[at * layout.width()..][..layout.width()];
            kept.iter_mut().zip(row).for_each(|(s, x)| *s += x);
        }
    }
    let table = Sums::new(rows, layout.width())?;
    let summed = Summed::new(ratings.categories());
    let total = table.total();
    let defined: Vec<Coefficient> =
        which.iter().copied().filter(|c| value(ratings, &summed, &total, *c).is_ok()).collect();
    let mut wanted = [None; Coefficient::ALL.len()];
    wanted.iter_mut().zip(&defined).for_each(|(slot, c)| *slot = Some(*c));
    let draws = if defined.is_empty() {
        Vec::new()
    } else {
        table.draw(how, |sum| {
            wanted.map(|c| c.and_then(|c| c.of(&summed, sum)).unwrap_or(f64::NAN))
        })?
    };
    let estimate = |c: Coefficient| {
        let value = value(ratings, &summed, &total, c)?;
        let column = defined.iter().position(|d| *d == c).unwrap_or_default();
        let column: Vec<f64> = draws.iter().map(|d| d[column]).collect();
        Ok(Estimate::from_draws(value, &column, how.level, table.len(), unit))
    };
    Ok(which.iter().map(|c| (*c, estimate(*c))).collect())
}
