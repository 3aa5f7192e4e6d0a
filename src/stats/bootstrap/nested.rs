//! Any statistic of units and training seeds, where a mean is not enough (ratios, correlations).

use rayon::prelude::*;

use super::Resampling;
use crate::stats::stream::Stream;
use crate::stats::{Estimate, Undefined};

/// Resamples units once for all arms, and inside each draw the training seeds of each arm alone
/// (`seeds[arm]` of them), as [`super::nested_difference`] does. `of` gets the units drawn (with
/// repetition) and for each arm a weight per training seed, summing to 1; first all units with
/// equal weights for the value itself. It answers `None` where the statistic is undefined.
///
/// # Errors
/// No units, an arm without seeds, a statistic undefined on all of the data or in every draw.
pub fn nested_statistic(
    units: usize,
    seeds: &[usize],
    unit: &str,
    how: &Resampling,
    of: impl Fn(&[usize], &[Vec<f64>]) -> Option<f64> + Sync,
) -> Result<Estimate, Undefined> {
    how.check()?;
    Undefined::unless_enough("units", units, 1)?;
    for &s in seeds {
        Undefined::unless_enough("training seeds", s, 1)?;
    }
    let all: Vec<usize> = (0..units).collect();
    let equal: Vec<Vec<f64>> = seeds.iter().map(|&s| vec![1.0 / s as f64; s]).collect();
    let value = of(&all, &equal).ok_or(Undefined::NoVariance)?;
    let draws: Vec<f64> = (0..how.draws)
        .into_par_iter()
        .map_init(
            || (vec![0; units], equal.clone()),
            |(picked, weights), draw| {
                let mut stream = Stream::of(how.seed, draw);
                for i in picked.iter_mut() {
                    *i = stream.below(units);
                }
                for w in weights.iter_mut() {
                    let s = w.len();
                    w.fill(0.0);
                    for _ in 0..s {
                        w[stream.below(s)] += 1.0 / s as f64;
                    }
                }
                of(picked, weights).unwrap_or(f64::NAN)
            },
        )
        .collect();
    if draws.iter().all(|d| d.is_nan()) {
        return Err(Undefined::AllDrawsDegenerate { draws: how.draws });
    }
    Ok(Estimate::from_draws(value, &draws, how.level, units, unit))
}

#[cfg(test)]
mod tests {
    use super::super::{Seeded, nested_mean};
    use super::*;

    #[test]
    fn a_mean_by_the_general_way_is_the_nested_mean() {
        let rows: Vec<Vec<f64>> =
            (0..20).map(|u| (0..3).map(|s| f64::from(u * 7 % 11 + s)).collect()).collect();
        let how = Resampling { draws: 300, ..Resampling::default() };
        let fast = nested_mean(&Seeded::from_rows(&rows).unwrap(), "question", &how).unwrap();
        let general = nested_statistic(20, &[3], "question", &how, |picked, w| {
            let sum: f64 = picked
                .iter()
                .map(|&u| rows[u].iter().zip(&w[0]).map(|(x, w)| x * w).sum::<f64>())
                .sum();
            Some(sum / picked.len() as f64)
        })
        .unwrap();
        let (a, b) = (fast.interval.unwrap(), general.interval.unwrap());
        assert!((fast.value - general.value).abs() < 1e-9);
        assert!((a.lo - b.lo).abs() < 1e-9 && (a.hi - b.hi).abs() < 1e-9);
        assert!(nested_statistic(0, &[1], "q", &how, |_, _| Some(0.0)).is_err());
        assert!(nested_statistic(2, &[0], "q", &how, |_, _| Some(0.0)).is_err());
        assert!(nested_statistic(2, &[1], "q", &how, |_, _| None).is_err());
    }
}
