//! Shares of the options of one scale.

use serde::{Deserialize, Serialize};

use super::{DomainError, Scale};

/// Shares by rank (ascending code), non-negative, sum 1. Unit: share of valid answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Distribution(Vec<f64>);

impl TryFrom<Vec<f64>> for Distribution {
    type Error = DomainError;
    fn try_from(p: Vec<f64>) -> Result<Self, DomainError> {
        Self::from_shares(&p)
    }
}

impl From<Distribution> for Vec<f64> {
    fn from(d: Distribution) -> Vec<f64> {
        d.0
    }
}

impl Distribution {
    /// Shares that sum to 1 already (within 1e-6; then normalised exactly).
    ///
    /// # Errors
    /// Fewer than two shares, a negative or non-finite one, another sum.
    pub fn from_shares(p: &[f64]) -> Result<Self, DomainError> {
        let sum: f64 = p.iter().sum();
        if !sum.is_finite() || (sum - 1.0).abs() > 1e-6 {
            return Err(DomainError::BadDistribution(format!("shares sum to {sum}, expected 1")));
        }
        Self::from_weights(p)
    }

    /// Non-negative weights of any positive sum, normalised.
    ///
    /// # Errors
    /// Fewer than two, a negative or non-finite one, or a sum of zero.
    pub fn from_weights(w: &[f64]) -> Result<Self, DomainError> {
        if w.len() < 2 {
            return Err(DomainError::BadDistribution(format!(
                "{} option(s), expected two or more",
                w.len()
            )));
        }
        if let Some(x) = w.iter().find(|x| !x.is_finite() || **x < 0.0) {
            return Err(DomainError::BadDistribution(format!("a share is {x}")));
        }
        let sum: f64 = w.iter().sum();
        if sum <= 0.0 {
            return Err(DomainError::BadDistribution("all shares are zero".into()));
        }
        Ok(Self(w.iter().map(|x| x / sum).collect()))
    }

    /// The same share for each of `k` options; `k` is at least two on every [`Scale`].
    pub fn uniform(scale: &Scale) -> Self {
        let k = scale.len();
        Self(vec![1.0 / k as f64; k])
    }

    /// Equal-weight mean of distributions over the same scale.
    ///
    /// # Errors
    /// None given, or of different lengths.
    pub fn mean<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Result<Self, DomainError> {
        let mut sum: Vec<f64> = Vec::new();
        for d in parts {
            if sum.is_empty() {
                sum.clone_from(&d.0);
            } else if sum.len() == d.0.len() {
                sum.iter_mut().zip(&d.0).for_each(|(s, p)| *s += p);
            } else {
                return Err(DomainError::BadDistribution(format!(
                    "a mean over {} and {} options",
                    sum.len(),
                    d.0.len()
                )));
            }
        }
        Self::from_weights(&sum)
    }

    /// Shares by rank.
    pub fn shares(&self) -> &[f64] {
        &self.0
    }

    /// Number of options.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never true.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ranks that hold the largest share: several where they tie.
    pub fn modes(&self) -> Vec<usize> {
        let top = self.0.iter().copied().fold(f64::MIN, f64::max);
        (0..self.0.len()).filter(|&i| (self.0[i] - top).abs() < 1e-12).collect()
    }

    /// Mean rank (0-based).
    pub fn mean_rank(&self) -> f64 {
        self.0.iter().enumerate().map(|(i, p)| i as f64 * p).sum()
    }

    /// Variance of the rank: the within-group spread of ordinal answers.
    pub fn rank_variance(&self) -> f64 {
        let m = self.mean_rank();
        self.0.iter().enumerate().map(|(i, p)| p * (i as f64 - m).powi(2)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_distribution_is_refused() {
        for bad in [vec![1.0], vec![0.5, 0.6], vec![-0.1, 1.1], vec![f64::NAN, 1.0], vec![]] {
            assert!(Distribution::from_shares(&bad).is_err());
        }
        assert!(Distribution::from_weights(&[0.0, 0.0]).is_err());
    }

    #[test]
    fn ties_are_all_modes() {
        let d = Distribution::from_weights(&[2.0, 1.0, 2.0]).unwrap();
        assert_eq!(d.modes(), vec![0, 2]);
        assert!((d.mean_rank() - 1.0).abs() < 1e-12);
    }
}
