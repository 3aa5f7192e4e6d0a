//! Do raters agree beyond chance? Alpha, AC1 and AC2, ICC, kappas, raw agreement; and the crossed
//! model of units and raters.
//! Alpha, AC2 and raw agreement belong together in print: ratings that cluster at one end of the
//! scale depress alpha. Unanimous data, one rater or one unit have no coefficient, never 1.0.

mod coefficient;
mod crossed;
mod effects;
mod icc;
mod kappa;
mod ratings;
mod summary;
#[cfg(test)]
mod tests;

pub use coefficient::{Coefficient, bootstrap, coefficient};
pub use crossed::{Components, components};
pub use effects::{Effects, Leaning, effects};
pub use icc::{Icc, icc};
pub use kappa::{KappaWeights, PairwiseKappa, cohen_kappa, pairwise_kappa, quadratic_kappa};
pub use ratings::{Keyed, MAX_CATEGORIES, Ratings};
