//! Do raters agree beyond chance? Alpha, AC1 and AC2, ICC, quadratic kappa, raw agreement.
//! Alpha, AC2 and raw agreement belong together in print: ratings that cluster at one end of the
//! scale depress alpha. Unanimous data, one rater or one unit have no coefficient, never 1.0.

mod coefficient;
mod icc;
mod kappa;
mod ratings;
mod summary;
#[cfg(test)]
mod tests;

pub use coefficient::{Coefficient, bootstrap, coefficient};
pub use icc::{Icc, icc};
pub use kappa::quadratic_kappa;
pub use ratings::{Keyed, MAX_CATEGORIES, Ratings};
