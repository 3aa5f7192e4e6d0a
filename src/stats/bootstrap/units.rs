//! Resampling of independent units: means, paired differences, any statistic.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Resampling, Sums};
use crate::stats::stream::Stream;
use crate::stats::{Estimate, Undefined};

/// Mean of one value per unit, with its interval.
///
/// # Errors
/// No values, or one that is not finite.
pub fn mean(values: &[f64], unit: &str, how: &Resampling) -> Result<Estimate, Undefined> {
    Undefined::unless_enough("units", values.len(), 1)?;
    Undefined::unless_finite(values)?;
    let n = values.len() as f64;
    Sums::new(values.to_vec(), 1)?.estimate(unit, how, |sum| Some(sum[0] / n))
}

/// Mean of `a - b` over units that both sides share, with its interval.
///
/// # Errors
/// Sides of different lengths, no values, or one that is not finite.
pub fn paired_difference(
    a: &[f64],
    b: &[f64],
    unit: &str,
    how: &Resampling,
) -> Result<Estimate, Undefined> {
    Undefined::unless_parallel(a.len(), b.len())?;
    let differences: Vec<f64> = a.iter().zip(b).map(|(x, y)| x - y).collect();
    mean(&differences, unit, how)
}

/// Mean over all values, where values of one cluster hang together and are resampled together.
/// `clusters[i]` names the cluster of `values[i]`; the estimate's n counts clusters.
///
/// # Errors
/// As [`mean`], or sides of different lengths.
pub fn clustered_mean<C: Ord>(
    values: &[f64],
    clusters: &[C],
    unit: &str,
    how: &Resampling,
) -> Result<Estimate, Undefined> {
    Undefined::unless_parallel(values.len(), clusters.len())?;
    Undefined::unless_enough("units", values.len(), 1)?;
    Undefined::unless_finite(values)?;
    let mut of: BTreeMap<&C, [f64; 2]> = BTreeMap::new();
    for (v, c) in values.iter().zip(clusters) {
        let [sum, count] = of.entry(c).or_default();
        *sum += v;
        *count += 1.0;
    }
    // Clusters differ in size, so the number of values varies between draws: a ratio of sums.
    let rows: Vec<f64> = of.into_values().flatten().collect();
    Sums::new(rows, 2)?.estimate(unit, how, |s| Some(s[0] / s[1]))
}

/// Any statistic of a resampled list of units. It gets the indexes drawn (with repetition), first
/// all units once for the value itself, and answers `None` where it is undefined.
///
/// # Errors
/// No units, or a statistic undefined on all of the data.
pub fn statistic(
    n: usize,
    unit: &str,
    how: &Resampling,
    of: impl Fn(&[usize]) -> Option<f64> + Sync,
) -> Result<Estimate, Undefined> {
    how.check()?;
    Undefined::unless_enough("units", n, 1)?;
    let all: Vec<usize> = (0..n).collect();
    let value = of(&all).ok_or(Undefined::NoVariance)?;
    let draws: Vec<f64> = (0..how.draws)
        .into_par_iter()
        .map_init(
            || vec![0; n],
            |picked, draw| {
                let mut stream = Stream::of(how.seed, draw);
                stream.pick(picked);
                of(picked).unwrap_or(f64::NAN)
            },
        )
        .collect();
    if draws.iter().all(|d| d.is_nan()) {
        return Err(Undefined::AllDrawsDegenerate { draws: how.draws });
    }
    Ok(Estimate::from_draws(value, &draws, how.level, n, unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::normal;

    fn in_pool<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
    }

    fn ramp(n: usize) -> Vec<f64> {
        (0..n).map(|i| (i * 7919 % 101) as f64 / 101.0).collect()
    }

    #[test]
    fn the_interval_does_not_depend_on_the_number_of_threads() {
        let x = ramp(50);
        let run = || mean(&x, "question", &Resampling::seeded(5)).unwrap();
        let one = in_pool(1, run);
        assert_eq!(one, in_pool(3, run));
        assert_eq!(one, run());
        assert_ne!(one, mean(&x, "question", &Resampling::seeded(6)).unwrap());
    }

    #[test]
    fn a_mean_has_about_the_interval_of_the_normal_theory() {
        let x = ramp(400);
        let e = mean(&x, "question", &Resampling::default()).unwrap();
        let (n, m) = (400.0, e.value);
        let se = (x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / n / n).sqrt();
        let half = normal::quantile(0.975) * se;
        let i = e.interval.unwrap();
        assert!((i.lo - (m - half)).abs() < 0.05 * half && (i.hi - (m + half)).abs() < 0.05 * half);
        assert_eq!((e.n, e.draws, e.degenerate), (400, 10_000, 0));
    }

    #[test]
    fn the_fast_path_and_the_general_one_draw_the_same() {
        let x = ramp(37);
        let how = Resampling { draws: 500, ..Resampling::default() };
        let fast = mean(&x, "question", &how).unwrap();
        let slow = statistic(37, "question", &how, |picked| {
            Some(picked.iter().map(|&i| x[i]).sum::<f64>() / 37.0)
        })
        .unwrap();
        let (a, b) = (fast.interval.unwrap(), slow.interval.unwrap());
        assert!((a.lo - b.lo).abs() < 1e-12 && (a.hi - b.hi).abs() < 1e-12);
    }

    #[test]
    fn values_that_move_together_widen_the_interval() {
        let x: Vec<f64> = (0..20).flat_map(|c| vec![f64::from(c % 5); 10]).collect();
        let clusters: Vec<usize> = (0..20).flat_map(|c| vec![c; 10]).collect();
        let how = Resampling { draws: 2000, ..Resampling::default() };
        let width = |e: &Estimate| e.interval.map(|i| i.hi - i.lo).unwrap();
        let blind = mean(&x, "item", &how).unwrap();
        let seeing = clustered_mean(&x, &clusters, "seed", &how).unwrap();
        assert_eq!(seeing.n, 20);
        assert!((blind.value - seeing.value).abs() < 1e-12);
        assert!(width(&seeing) > 2.5 * width(&blind));
    }

    #[test]
    fn a_paired_difference_of_equals_is_zero() {
        let x = ramp(12);
        let e = paired_difference(&x, &x, "question", &Resampling::default()).unwrap();
        assert_eq!(e.value, 0.0);
        assert!(e.interval.unwrap().contains(0.0));
        assert!(paired_difference(&x, &x[1..], "q", &Resampling::default()).is_err());
    }

    #[test]
    fn degenerate_draws_are_counted() {
        let how = Resampling { draws: 1000, ..Resampling::default() };
        // Undefined where all three draws are the same unit: 1 of 9 draws.
        let e = statistic(3, "item", &how, |p| {
            (p.iter().any(|i| *i != p[0])).then(|| p.iter().sum::<usize>() as f64)
        })
        .unwrap();
        assert!((60..170).contains(&e.degenerate), "{}", e.degenerate);
        assert_eq!(e.draws + e.degenerate, 1000);
        assert!(matches!(
            statistic(3, "item", &how, |p| (p == [0, 1, 2]).then_some(1.0).filter(|_| false)),
            Err(Undefined::NoVariance)
        ));
    }

    #[test]
    fn nothing_to_resample_is_said() {
        let how = Resampling::default();
        assert!(matches!(mean(&[], "q", &how), Err(Undefined::TooFew { .. })));
        assert!(matches!(mean(&[1.0, f64::NAN], "q", &how), Err(Undefined::NotFinite { .. })));
        assert!(mean(&[1.0], "q", &how).unwrap().interval.is_none());
        for bad in [Resampling { draws: 0, ..how }, Resampling { level: 1.5, ..how }] {
            assert!(mean(&[1.0, 2.0], "q", &bad).is_err());
            assert!(statistic(2, "q", &bad, |_| Some(0.0)).is_err());
        }
    }
}
