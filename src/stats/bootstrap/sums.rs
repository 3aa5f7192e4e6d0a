//! The fast path: a statistic that needs only the sums of a few numbers per cluster.
//!
//! Alpha of 500 items needs 25 numbers an item, not the ratings; a mean needs one. A draw adds up
//! rows of a small table, so that 10,000 draws take milliseconds.

use rayon::prelude::*;

use super::Resampling;
use crate::stats::stream::Stream;
use crate::stats::{Estimate, Undefined};

/// A table with one row of `width` addends per cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    rows: Vec<f64>,
    width: usize,
}

impl Sums {
    /// `rows` row by row, each of `width` numbers.
    ///
    /// # Errors
    /// No rows, a width of zero, or a length that is no multiple of the width.
    pub fn new(rows: Vec<f64>, width: usize) -> Result<Self, Undefined> {
        if width == 0 || !rows.len().is_multiple_of(width) {
            return Err(Undefined::LengthMismatch { left: rows.len(), right: width });
        }
        Undefined::unless_enough("units", rows.len() / width, 1)?;
        Ok(Self { rows, width })
    }

    /// Number of clusters.
    pub fn len(&self) -> usize {
        self.rows.len() / self.width
    }

    /// Never true.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn add_row(&self, row: usize, into: &mut [f64]) {
        let from = &self.rows[row * self.width..][..self.width];
        into.iter_mut().zip(from).for_each(|(s, x)| *s += x);
    }

    /// Sums over all clusters.
    pub fn total(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.width];
        (0..self.len()).for_each(|row| self.add_row(row, &mut sum));
        sum
    }

    /// Draws as many clusters as there are, with replacement, `how.draws` times, and hands each
    /// draw's sums to `of`, which writes `K` results (NaN: degenerate). Returned draw by draw.
    ///
    /// # Errors
    /// No draws, or a level outside (0, 1).
    pub fn draw<const K: usize>(
        &self,
        how: &Resampling,
        of: impl Fn(&[f64]) -> [f64; K] + Sync,
    ) -> Result<Vec<[f64; K]>, Undefined> {
        how.check()?;
        let n = self.len();
        Ok((0..how.draws)
            .into_par_iter()
            .map_init(
                || vec![0.0; self.width],
                |sum, draw| {
                    let mut stream = Stream::of(how.seed, draw);
                    sum.fill(0.0);
                    (0..n).for_each(|_| self.add_row(stream.below(n), sum));
                    of(sum)
                },
            )
            .collect())
    }

    /// One statistic with its interval; `None` marks sums on which it is undefined.
    ///
    /// # Errors
    /// Undefined on all of the data or in every draw, or bad parameters.
    pub fn estimate(
        &self,
        unit: &str,
        how: &Resampling,
        of: impl Fn(&[f64]) -> Option<f64> + Sync,
    ) -> Result<Estimate, Undefined> {
        let value = of(&self.total()).ok_or(Undefined::NoVariance)?;
        let draws = self.draw(how, |sum| [of(sum).unwrap_or(f64::NAN)])?;
        if draws.iter().all(|d| d[0].is_nan()) {
            return Err(Undefined::AllDrawsDegenerate { draws: how.draws });
        }
        Ok(Estimate::from_draws(value, draws.as_flattened(), how.level, self.len(), unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_not_one_is_refused() {
        assert!(Sums::new(vec![], 2).is_err());
        assert!(Sums::new(vec![1.0; 5], 2).is_err());
        assert!(Sums::new(vec![1.0], 0).is_err());
    }

    #[test]
    fn sums_add_whole_rows() {
        let s = Sums::new(vec![1.0, 10.0, 2.0, 20.0, 3.0, 30.0], 2).unwrap();
        assert_eq!((s.len(), s.total()), (3, vec![6.0, 60.0]));
        let how = Resampling { draws: 100, ..Resampling::default() };
        let draws = s.draw(&how, |sum| [sum[0], sum[1]]).unwrap();
        assert!(draws.iter().all(|d| d[1] == 10.0 * d[0] && (3.0..=9.0).contains(&d[0])));
        let e = s.estimate("item", &how, |sum| Some(sum[1] / sum[0])).unwrap();
        assert_eq!(e.interval.map(|i| (i.lo, i.hi)), Some((10.0, 10.0)));
        assert!(s.estimate("item", &how, |_| None).is_err());
    }
}
