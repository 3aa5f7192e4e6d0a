//! The bootstrap of items, done on the confusion matrix.
//!
//! Items are independent and macro-F1 depends on them only through the matrix, so drawing items
//! with replacement is drawing a multinomial table: time does not grow with the number of items.
//! Where texts repeat, items are not independent: resample texts instead.

use rayon::prelude::*;

use super::Confusion;
use super::binomial::binomial;
use super::confusion::macro_f1;
use crate::stats::bootstrap::Resampling;
use crate::stats::stream::Stream;
use crate::stats::{Estimate, Undefined};

/// Macro-F1 with its interval.
///
/// # Errors
/// No items, or bad resampling parameters.
pub fn resample(matrix: &Confusion, how: &Resampling) -> Result<Estimate, Undefined> {
    how.check()?;
    let value = matrix.macro_f1()?;
    let items = matrix.items();
    // Empty cells stay empty: only the others are drawn, each given what the ones before it left.
    let filled: Vec<(usize, u64)> =
        matrix.cells().iter().copied().enumerate().filter(|(_, count)| *count > 0).collect();
    let draws: Vec<f64> = (0..how.draws)
        .into_par_iter()
        .map_init(
            || vec![0; matrix.cells().len()],
            |table, draw| {
                let mut stream = Stream::of(how.seed, draw);
                let (mut to_draw, mut mass) = (items, items);
                for &(cell, count) in &filled {
                    table[cell] = binomial(&mut stream, to_draw, count as f64 / mass as f64);
                    to_draw -= table[cell];
                    mass -= count;
                }
                macro_f1(table, matrix.labels())
            },
        )
        .collect();
    Ok(Estimate::from_draws(value, &draws, how.level, items as usize, "item"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::bootstrap::statistic;

    fn pairs() -> Vec<(usize, Option<usize>)> {
        (0..400usize)
            .map(|i| {
                let gold = usize::from(i % 5 < 2) + usize::from(i % 17 == 0);
                let said = match i * 7919 % 100 {
                    0..70 => Some(gold),
                    70..90 => Some((gold + 1) % 3),
                    _ => None,
                };
                (gold, said)
            })
            .collect()
    }

    #[test]
    fn the_interval_is_that_of_resampling_items_one_by_one() {
        let pairs = pairs();
        let matrix = Confusion::from_pairs(3, pairs.iter().copied()).unwrap();
        let how = Resampling { draws: 4000, ..Resampling::default() };
        let fast = resample(&matrix, &how).unwrap();
        let slow = statistic(pairs.len(), "item", &how, |picked| {
            Confusion::from_pairs(3, picked.iter().map(|&i| pairs[i])).ok()?.macro_f1().ok()
        })
        .unwrap();
        let (a, b) = (fast.interval.unwrap(), slow.interval.unwrap());
        let width = b.hi - b.lo;
        assert!((fast.value - slow.value).abs() < 1e-12);
        assert!((a.lo - b.lo).abs() < 0.06 * width && (a.hi - b.hi).abs() < 0.06 * width);
        assert_eq!(fast, resample(&matrix, &how).unwrap());
    }

    #[test]
    fn without_items_there_is_nothing_to_resample() {
        assert!(resample(&Confusion::new(2).unwrap(), &Resampling::default()).is_err());
        let sure = Confusion::from_pairs(2, [(0, Some(0)), (1, Some(1))]).unwrap();
        assert!(resample(&sure, &Resampling { draws: 0, ..Resampling::default() }).is_err());
    }
}
