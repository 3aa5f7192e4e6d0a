//! Numbers with their intervals: divergences, agreement, correlation, tests, bootstrap, F1.
//! Plain slices in, `Result<_, Undefined>` out: a number that does not exist is never 0 or 1.
//! Knows no question and no culture. Random things take a seed and do not depend on threads.

pub mod agreement;
pub mod altest;
pub mod bootstrap;
pub mod classification;
pub mod correlation;
pub mod dice;
pub mod divergence;
pub mod isotonic;
pub mod normal;
pub mod proportion;
pub mod significance;
pub mod student;

mod estimate;
mod special;
mod stream;
mod undefined;

pub use estimate::{Estimate, Interval};
pub use undefined::Undefined;
