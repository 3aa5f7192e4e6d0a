//! Why a number does not exist.

use thiserror::Error;

/// The reason why a statistic has no value for this input: the error of this room.
///
/// Bad input (lengths that differ, a NaN) and honest absence (one rater, unanimous data) are both
/// here, because a caller does the same with both: show the reason in the place of the number.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Undefined {
    /// Two inputs that must be parallel are not.
    #[error("{left} and {right} values: expected as many on both sides")]
    LengthMismatch {
        /// Values on the left side.
        left: usize,
        /// Values on the right side.
        right: usize,
    },
    /// Shares that make no distribution.
    #[error("not a distribution: {0}")]
    NotADistribution(String),
    /// NaN or an infinity among the values.
    #[error("value number {index} is {value}: expected a finite number")]
    NotFinite {
        /// Position, from 0.
        index: usize,
        /// What stands there, as text (NaN does not equal itself).
        value: String,
    },
    /// Too little to compute from.
    #[error("{have} {unit}: expected {need} or more")]
    TooFew {
        /// What is counted: units, raters, values.
        unit: &'static str,
        /// How many there are.
        have: usize,
        /// How many it takes.
        need: usize,
    },
    /// Every rating is the same: agreement beyond chance has no meaning. Never reported as 1.
    #[error("all ratings are the same: agreement beyond chance is undefined")]
    Unanimous,
    /// No unit has two ratings, so nothing can be compared.
    #[error("no unit was rated by two raters")]
    NoPairs,
    /// Every value is the same: a correlation or a variance ratio divides by zero.
    #[error("all values are the same: nothing varies")]
    NoVariance,
    /// One rater rated one unit twice.
    #[error("unit {unit} was rated twice by rater {rater}: keep one rating")]
    RatedTwice {
        /// Unit, as text.
        unit: String,
        /// Rater, as text.
        rater: String,
    },
    /// A rating that is not on the declared scale.
    #[error("score {score} is not on the scale ({scale})")]
    OffScale {
        /// The score, as text.
        score: String,
        /// The scale's values, as text.
        scale: String,
    },
    /// More different scores than a coincidence table should hold.
    #[error("{have} different scores: expected {most} or fewer; round or bin them first")]
    TooManyCategories {
        /// Different scores seen.
        have: usize,
        /// The most accepted.
        most: usize,
    },
    /// A parameter outside its range.
    #[error("{what} is {value}: expected {expected}")]
    BadParameter {
        /// The parameter.
        what: &'static str,
        /// The value given, as text.
        value: String,
        /// The range that would have been accepted.
        expected: &'static str,
    },
    /// Every bootstrap draw was degenerate.
    #[error("all {draws} bootstrap draws were degenerate")]
    AllDrawsDegenerate {
        /// Draws tried.
        draws: usize,
    },
}

impl Undefined {
    /// Refuses NaN and infinities.
    pub(crate) fn unless_finite(values: &[f64]) -> Result<(), Self> {
        match values.iter().position(|v| !v.is_finite()) {
            Some(index) => Err(Self::NotFinite { index, value: values[index].to_string() }),
            None => Ok(()),
        }
    }

    /// Refuses two sides of different lengths.
    pub(crate) fn unless_parallel(left: usize, right: usize) -> Result<(), Self> {
        if left == right { Ok(()) } else { Err(Self::LengthMismatch { left, right }) }
    }

    /// Refuses fewer than `need`.
    pub(crate) fn unless_enough(unit: &'static str, have: usize, need: usize) -> Result<(), Self> {
        if have >= need { Ok(()) } else { Err(Self::TooFew { unit, have, need }) }
    }
}
