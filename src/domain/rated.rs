//! What people have to have said about a sample.

use serde::{Deserialize, Serialize};

use super::{DomainError, StudyId};

/// Samples that people rated well enough: the mean of the scores that stand is at least so high,
/// and at least so many raters gave one.
///
/// What counts: the current scores of people in studies of similarity, on the samples themselves
/// and on those that everybody rates. What does not: control pairs, hidden repeats (one opinion
/// twice), scripts, model judges, ratings taken back or of people who left, skips. The mean is over
/// the scores; a score on two occasions by the same person in two studies counts twice, since names
/// of raters hold in one study only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatedAtLeast {
    /// The mean score, 1 to 5.
    pub score: f64,
    /// Raters who gave a score.
    pub raters: u32,
    /// Only ratings of this study; of all studies where it is `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<StudyId>,
}

// a score is a finite number: `new` takes no other, and JSON has none
impl Eq for RatedAtLeast {}

impl RatedAtLeast {
    /// A condition.
    ///
    /// # Errors
    /// A score outside 1 to 5, or no raters.
    pub fn new(score: f64, raters: u32, study: Option<StudyId>) -> Result<Self, DomainError> {
        let wrong = |what, value, expected| DomainError::OutOfRange { what, value, expected };
        if !(1.0..=5.0).contains(&score) {
            return Err(wrong("the mean score", score.to_string(), "1 to 5"));
        }
        if raters == 0 {
            return Err(wrong("the number of raters", "0".into(), "1 or more"));
        }
        Ok(Self { score, raters, study })
    }

    /// Whether a sample with these scores is rated so: how many scores, their sum, and how many
    /// different raters gave them.
    pub fn holds(&self, scores: u32, sum: u32, raters: u32) -> bool {
        // the mean as a sum: a mean of exactly 4 must not be lost to rounding
        scores > 0
            && raters >= self.raters
            && f64::from(sum) >= self.score * f64::from(scores) - 1e-9
    }
}

impl std::fmt::Display for RatedAtLeast {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let people =
            if self.raters == 1 { "1 person".into() } else { format!("{} people", self.raters) };
        write!(f, "rated at least {} on the mean by at least {people}", self.score)?;
        match &self.study {
            Some(study) => write!(f, " in study {study}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_nothing_or_everything_meets_is_refused() {
        for (score, raters) in [(0.9, 2), (5.1, 2), (f64::NAN, 2), (4.0, 0)] {
            assert!(RatedAtLeast::new(score, raters, None).is_err(), "{score} by {raters}");
        }
        let all = RatedAtLeast::new(4.0, 1, None).unwrap();
        assert_eq!(all.to_string(), "rated at least 4 on the mean by at least 1 person");
    }
}
