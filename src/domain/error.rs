//! What can be wrong with a value at the door of the domain.

use thiserror::Error;

/// A value that the domain refuses, with what was expected instead.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum DomainError {
    /// An identifier that is empty or holds characters an id may not hold.
    #[error("`{value}` is not a {what}: expected {expected}")]
    BadId {
        /// Which kind of id was wanted.
        what: &'static str,
        /// What was given.
        value: String,
        /// The form that would have been accepted.
        expected: &'static str,
    },
    /// A scale that no answer could be read on.
    #[error("scale of {question}: {reason}")]
    BadScale {
        /// The question, or the file line, that the scale belongs to.
        question: String,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// Shares that do not make a distribution.
    #[error("not a distribution: {0}")]
    BadDistribution(String),
    /// A number outside its range.
    #[error("{what} is {value}: expected {expected}")]
    OutOfRange {
        /// The quantity.
        what: &'static str,
        /// The value given.
        value: String,
        /// The range that would have been accepted.
        expected: &'static str,
    },
    /// A word that names none of the known choices.
    #[error("`{value}` is no {what}: expected one of {expected}")]
    UnknownWord {
        /// What was being chosen.
        what: &'static str,
        /// The word given.
        value: String,
        /// The choices, comma separated.
        expected: String,
    },
}
