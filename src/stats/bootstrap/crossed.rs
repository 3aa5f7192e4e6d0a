//! Values of units crossed with raters: both are samples, so both are drawn.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Resampling;
use crate::stats::stream::Stream;
use crate::stats::{Estimate, Undefined};

/// Mean over all values, with clusters of units and raters resampled at once, each with replacement
/// and independently: a value counts as often as its cluster times its rater was drawn (the
/// pigeonhole bootstrap, Owen 2007; a little too wide rather than too narrow). With one rater, what
/// raters add cannot be seen, and clusters alone are drawn. The estimate's n counts clusters.
///
/// # Errors
/// Sides of different lengths, no values, one that is not finite, bad parameters.
pub fn crossed_mean<C: Ord, R: Ord>(
    values: &[f64],
    clusters: &[C],
    raters: &[R],
    unit: &str,
    how: &Resampling,
) -> Result<Estimate, Undefined> {
    how.check()?;
    Undefined::unless_parallel(values.len(), clusters.len())?;
    Undefined::unless_parallel(values.len(), raters.len())?;
    Undefined::unless_enough("units", values.len(), 1)?;
    Undefined::unless_finite(values)?;
    let (rows, columns) = (numbered(clusters), numbered(raters));
    let mut cells: BTreeMap<(usize, usize), [f64; 2]> = BTreeMap::new();
    for ((v, c), r) in values.iter().zip(clusters).zip(raters) {
        let [sum, count] = cells.entry((rows[c], columns[r])).or_default();
        *sum += v;
        *count += 1.0;
    }
    let cells: Vec<((usize, usize), [f64; 2])> = cells.into_iter().collect();
    let (seeds, people) = (rows.len(), columns.len());
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let draws: Vec<f64> = (0..how.draws)
        .into_par_iter()
        .map(|draw| {
            let mut stream = Stream::of(how.seed, draw);
            let by_row = times(&mut stream, seeds);
            let by_column = times(&mut stream, people);
            let (mut sum, mut count) = (0.0, 0.0);
            for ((r, c), [s, n]) in &cells {
                let weight = by_row[*r] * by_column[*c];
                sum += weight * s;
                count += weight * n;
            }
            // with gaps a draw may hold no rated unit at all
            if count > 0.0 { sum / count } else { f64::NAN }
        })
        .collect();
    Ok(Estimate::from_draws(mean, &draws, how.level, seeds, unit))
}

fn numbered<K: Ord>(names: &[K]) -> BTreeMap<&K, usize> {
    let mut of: BTreeMap<&K, usize> = names.iter().map(|n| (n, 0)).collect();
    of.values_mut().zip(0..).for_each(|(at, number)| *at = number);
    of
}

/// How often each of `n` is drawn in `n` draws.
fn times(stream: &mut Stream, n: usize) -> Vec<f64> {
    let mut times = vec![0.0; n];
    (0..n).for_each(|_| times[stream.below(n)] += 1.0);
    times
}

#[cfg(test)]
mod tests {
    use super::super::clustered_mean;
    use super::*;

    fn width(e: &Estimate) -> f64 {
        e.interval.map(|i| i.hi - i.lo).unwrap()
    }

    /// Ratings of 40 seeds by 6 raters, who differ in severity by `apart` points.
    fn table(apart: f64) -> (Vec<f64>, Vec<usize>, Vec<usize>) {
        let cells = (0..240usize).map(|i| (i / 6, i % 6));
        let value = |(s, r): (usize, usize)| (s * 7 % 5) as f64 + apart * (r as f64 - 2.5);
        (
            cells.clone().map(value).collect(),
            cells.clone().map(|c| c.0).collect(),
            cells.map(|c| c.1).collect(),
        )
    }

    #[test]
    fn raters_who_differ_widen_the_interval_and_alike_ones_do_not() {
        let how = Resampling { draws: 2_000, ..Resampling::default() };
        let both = |apart: f64| {
            let (v, seeds, raters) = table(apart);
            let one = clustered_mean(&v, &seeds, "seed", &how).unwrap();
            let two = crossed_mean(&v, &seeds, &raters, "seed", &how).unwrap();
            assert!((one.value - two.value).abs() < 1e-12);
            assert_eq!((two.n, two.unit.as_str()), (40, "seed"));
            (width(&one), width(&two))
        };
        let (one, two) = both(0.0);
        assert!((two / one - 1.0).abs() < 0.1, "{one} {two}");
        let (one, two) = both(0.5);
        assert!(two > 1.3 * one, "{one} {two}");
    }

    /// Both are drawn: the variance of the mean is about s2_seeds / 40 + s2_raters / 6.
    #[test]
    fn the_width_is_that_of_two_independent_samples() {
        let (v, seeds, raters) = table(0.5);
        let how = Resampling { draws: 4_000, ..Resampling::default() };
        let e = crossed_mean(&v, &seeds, &raters, "seed", &how).unwrap();
        let spread: f64 = 2.0 / 40.0 + 0.25 * (35.0 / 12.0) / 6.0;
        let want = 2.0 * 1.96 * spread.sqrt();
        assert!((width(&e) / want - 1.0).abs() < 0.1, "{} {want}", width(&e));
    }

    #[test]
    fn the_order_of_values_and_the_names_change_nothing_and_bad_input_is_refused() {
        let (v, seeds, raters) = table(0.5);
        let how = Resampling { draws: 100, ..Resampling::default() };
        let e = crossed_mean(&v, &seeds, &raters, "seed", &how).unwrap();
        let back = |x: &[usize]| -> Vec<usize> { x.iter().rev().copied().collect() };
        let turned: Vec<f64> = v.iter().rev().copied().collect();
        let again = crossed_mean(&turned, &back(&seeds), &back(&raters), "seed", &how).unwrap();
        assert!((width(&e) - width(&again)).abs() < 1e-12);
        assert!(crossed_mean(&v, &seeds[1..], &raters, "seed", &how).is_err());
        assert!(crossed_mean(&v, &seeds, &raters[1..], "seed", &how).is_err());
        assert!(crossed_mean::<u8, u8>(&[], &[], &[], "seed", &how).is_err());
        assert!(crossed_mean(&[f64::NAN], &[0], &[0], "seed", &how).is_err());
        let one = crossed_mean(&[4.0, 2.0], &[0, 0], &[0, 1], "seed", &how).unwrap();
        assert_eq!((one.value, one.interval), (3.0, None), "one seed leaves nothing to draw");
    }
}
