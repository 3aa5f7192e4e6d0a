//! What units and what raters contribute to scores, with intervals over clusters of units.

use rayon::prelude::*;

use super::Ratings;
use super::crossed::{Components, Crossed, components};
use crate::stats::bootstrap::Resampling;
use crate::stats::stream::Stream;
use crate::stats::{Estimate, Undefined};

/// Most draws: each fits anew.
const MOST_DRAWS: usize = 2_000;
/// Most additions of all draws together.
const MOST_WORK: usize = 1_000_000_000;

/// How far one rater lies from the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaning {
    /// Column of the matrix.
    pub rater: usize,
    /// Ratings given.
    pub ratings: usize,
    /// Points above (lenient) or below (severe) the mean rater, on the same units.
    pub points: Estimate,
}

/// The crossed model of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// Variances.
    pub components: Components,
    /// ICC(2,1).
    pub icc_single: Result<Estimate, Undefined>,
    /// ICC(2,k), k the harmonic mean of ratings a unit.
    pub icc_mean: Result<Estimate, Undefined>,
    /// Shares of units, raters and rest in the variance of scores.
    pub shares: [Result<Estimate, Undefined>; 3],
    /// Each rater's leaning, in the order of columns.
    pub leanings: Vec<Leaning>,
}

/// Fits the crossed model and draws clusters of units (`clusters[i]` of row `i`, from 0), raters
/// kept.
///
/// # Errors
/// As [`components`], and clusters that do not match.
pub fn effects(
    ratings: &Ratings,
    clusters: &[usize],
    unit: &str,
    how: &Resampling,
) -> Result<Effects, Undefined> {
    how.check()?;
    Undefined::unless_parallel(ratings.units(), clusters.len())?;
    let found = components(ratings)?;
    let crossed = Crossed::of(ratings);
    let groups = clusters.iter().max().map_or(0, |most| most + 1);
    let leanings = crossed.leanings(&vec![1.0; ratings.units()], &found);
    let draws = how.draws.min(MOST_DRAWS).min((MOST_WORK / crossed.work().max(1)).max(100));
    let nan = |x: Result<f64, Undefined>| x.unwrap_or(f64::NAN);
    // by draw: two ICCs, three shares, then the raters
    let drawn: Vec<Vec<f64>> = (0..draws)
        .into_par_iter()
        .map(|draw| {
            let mut stream = Stream::of(how.seed, draw);
            let mut times = vec![0.0; groups];
            (0..groups).for_each(|_| times[stream.below(groups)] += 1.0);
            let times: Vec<f64> = clusters.iter().map(|c| times[*c]).collect();
            let Some(of) = crossed.fit(&times) else {
                return vec![f64::NAN; 5 + leanings.len()];
            };
            let mut row = vec![nan(of.icc_single()), nan(of.icc_mean())];
            row.extend(of.shares().unwrap_or([f64::NAN; 3]));
            row.extend(crossed.leanings(&times, &of).into_iter().map(|x| x.unwrap_or(f64::NAN)));
            row
        })
        .collect();
    let estimate = |value: f64, at: usize| {
        let column: Vec<f64> = drawn.iter().map(|d| d[at]).collect();
        Estimate::from_draws(value, &column, how.level, groups, unit)
    };
    let shares = found.shares();
    Ok(Effects {
        components: found,
        icc_single: found.icc_single().map(|v| estimate(v, 0)),
        icc_mean: found.icc_mean().map(|v| estimate(v, 1)),
        shares: std::array::from_fn(|i| {
            shares.map(|s| estimate(s[i], 2 + i)).ok_or(Undefined::NoVariance)
        }),
        leanings: (leanings.iter().enumerate())
            .filter_map(|(rater, points)| {
                Some(Leaning {
                    rater,
                    ratings: (0..ratings.units())
                        .filter(|u| ratings.score(*u, rater).is_some())
                        .count(),
                    points: estimate((*points)?, 5 + rater),
                })
            })
            .collect(),
    })
}
