//! What a model says to a prompt with listed options.

use serde::{Deserialize, Serialize};

use super::{Distribution, DomainError};

/// Probabilities of the complete answers to one prompt, by rank of the scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptionScores {
    /// Natural log-probability of each complete answer, its end token included, by rank.
    pub log_probs: Vec<f64>,
}

impl OptionScores {
    /// Probability mass on the listed options: 0 to 1. What is missing went to other texts.
    pub fn listed_mass(&self) -> f64 {
        self.log_probs.iter().map(|l| l.exp()).sum::<f64>().min(1.0)
    }

    /// False where every listed option has probability zero (or was never chosen): the model gave
    /// no answer, and uniform shares would be made up. Files write impossible answers as e^-10000.
    pub fn has_answer(&self) -> bool {
        self.log_probs.iter().any(|l| *l > -9e3)
    }

    /// Shares of the listed options, renormalised over them.
    ///
    /// # Errors
    /// Every option has probability zero, or a log-probability is NaN.
    pub fn distribution(&self) -> Result<Distribution, DomainError> {
        let top = self.log_probs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let w: Vec<f64> = self.log_probs.iter().map(|l| (l - top).exp()).collect();
        Distribution::from_weights(&w)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_says_something_else_is_seen_by_its_listed_mass() {
        let s = OptionScores { log_probs: vec![-20.0, -21.0] };
        assert!(s.listed_mass() < 1e-8);
        assert!(
            (s.distribution().unwrap().shares()[0] - 1.0 / (1.0 + (-1f64).exp())).abs() < 1e-12
        );
        assert!(OptionScores { log_probs: vec![f64::NAN, 0.0] }.distribution().is_err());
    }
}
