//! Percentile bootstrap over units or clusters (Efron and Tibshirani 1993, chapter 13).
//! What is resampled is the unit that a claim is about (questions, seeds), not every number.
//! Draw `i` of a seed is the same whatever the number of threads.

mod crossed;
mod nested;
mod seeded;
mod sums;
mod units;

pub use crossed::crossed_mean;
pub use nested::nested_statistic;
pub use seeded::{Seeded, nested_difference, nested_mean};
pub use sums::Sums;
pub use units::{clustered_mean, mean, paired_difference, statistic};

use super::Undefined;
use super::stream::Stream;

/// How to resample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling {
    /// Number of draws; 10,000 unless there is a reason.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// Confidence level of the interval, between 0 and 1.
    pub level: f64,
}

impl Default for Resampling {
    fn default() -> Self {
        Self { draws: 10_000, seed: 0, level: 0.95 }
    }
}

impl Resampling {
    /// The default with another seed.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    pub(crate) fn check(&self) -> Result<(), Undefined> {
        Undefined::unless_enough("bootstrap draws", self.draws, 1)?;
        if self.level > 0.0 && self.level < 1.0 {
            return Ok(());
        }
        Err(Undefined::BadParameter {
            what: "level",
            value: self.level.to_string(),
            expected: "a number between 0 and 1, such as 0.95",
        })
    }
}

/// The units that draw number `draw` takes out of `n`: every interval of this room rests on these
/// picks, so that another program can repeat the same draws.
pub fn picks(seed: u64, draw: usize, n: usize) -> Vec<usize> {
    let mut picked = vec![0; n];
    Stream::of(seed, draw).pick(&mut picked);
    picked
}
