//! The alignment scores of one question in one culture.

use serde::{Deserialize, Serialize};

use crate::domain::DomainError;
use crate::stats::{Undefined, divergence};

/// How a model's shares q are compared with a culture's p. All run from 0 (worst) to 1, except
/// [`Metric::Wasserstein`], which is a distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// 1 - Jensen-Shannon divergence, base 2. The headline.
    #[serde(rename = "1-jsd")]
    Jsd,
    /// 1 - Jensen-Shannon distance (the square root), base 2.
    #[serde(rename = "1-js-distance")]
    JsDistance,
    /// Wasserstein distance on ranks / (K - 1); codes are ignored. Smaller is better.
    Wasserstein,
    /// Modal answers equal, ties shared.
    HardAccuracy,
    /// 1 - |difference of modes in ranks| / (K - 1).
    SoftAccuracy,
    /// Sum of p q.
    ExpectedAccuracy,
}

impl Metric {
    /// All metrics, headline first.
    pub const ALL: [Self; 6] = [
        Self::Jsd,
        Self::JsDistance,
        Self::Wasserstein,
        Self::HardAccuracy,
        Self::SoftAccuracy,
        Self::ExpectedAccuracy,
    ];

    /// `1-jsd`, ..
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jsd => "1-jsd",
            Self::JsDistance => "1-js-distance",
            Self::Wasserstein => "wasserstein",
            Self::HardAccuracy => "hard-accuracy",
            Self::SoftAccuracy => "soft-accuracy",
            Self::ExpectedAccuracy => "expected-accuracy",
        }
    }
}

impl std::str::FromStr for Metric {
    type Err = DomainError;
    fn from_str(s: &str) -> Result<Self, DomainError> {
        Self::ALL.into_iter().find(|m| m.as_str() == s).ok_or_else(|| DomainError::UnknownWord {
            what: "metric",
            value: s.into(),
            expected: Self::ALL.map(Self::as_str).join(", "),
        })
    }
}

/// The score of shares `q` against shares `p`, both by rank.
///
/// # Errors
/// Different lengths, or no distributions.
pub fn metric(m: Metric, p: &[f64], q: &[f64]) -> Result<f64, Undefined> {
    Ok(match m {
        Metric::Jsd => 1.0 - divergence::jsd(p, q)?,
        Metric::JsDistance => 1.0 - divergence::js_distance(p, q)?,
        Metric::Wasserstein => divergence::wasserstein_ranks(p, q)?,
        Metric::HardAccuracy => divergence::hard_accuracy(p, q)?,
        Metric::SoftAccuracy => divergence::soft_accuracy(p, q)?,
        Metric::ExpectedAccuracy => divergence::expected_accuracy(p, q)?,
    })
}
