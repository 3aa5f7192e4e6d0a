//! The alignment scores of one question in one culture.

use serde::{Deserialize, Serialize};

use crate::domain::{DomainError, Scale, ScaleKind};
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
    /// 1 - JSD without the middle ("hard to say") on both sides: the sensitivity row. The same as
    /// [`Metric::Jsd`] on scales without one.
    #[serde(rename = "1-jsd-without-middle")]
    JsdWithoutMiddle,
}

impl Metric {
    /// All metrics, headline first.
    pub const ALL: [Self; 7] = [
        Self::Jsd,
        Self::JsDistance,
        Self::Wasserstein,
        Self::HardAccuracy,
        Self::SoftAccuracy,
        Self::ExpectedAccuracy,
        Self::JsdWithoutMiddle,
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
            Self::JsdWithoutMiddle => "1-jsd-without-middle",
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

/// The score of shares `q` against shares `p`, both by rank of `scale`. `None` where the metric has
/// no meaning: distances of ranks on nominal scales, and a side that is all middle without it.
///
/// # Errors
/// Different lengths, or no distributions.
pub fn metric(m: Metric, scale: &Scale, p: &[f64], q: &[f64]) -> Result<Option<f64>, Undefined> {
    let ordinal = scale.kind() == ScaleKind::Ordinal;
    Ok(Some(match m {
        Metric::Jsd => 1.0 - divergence::jsd(p, q)?,
        Metric::JsDistance => 1.0 - divergence::js_distance(p, q)?,
        Metric::Wasserstein if ordinal => divergence::wasserstein_ranks(p, q)?,
        Metric::SoftAccuracy if ordinal => divergence::soft_accuracy(p, q)?,
        Metric::Wasserstein | Metric::SoftAccuracy => return Ok(None),
        Metric::HardAccuracy => divergence::hard_accuracy(p, q)?,
        Metric::ExpectedAccuracy => divergence::expected_accuracy(p, q)?,
        Metric::JsdWithoutMiddle => {
            let Some(middle) = scale.middle().and_then(|code| scale.rank(code)) else {
                return metric(Metric::Jsd, scale, p, q);
            };
            let (Some(p), Some(q)) = (without(p, middle), without(q, middle)) else {
                return Ok(None);
            };
            1.0 - divergence::jsd(&p, &q)?
        }
    }))
}

/// The shares of the other ranks; `None` where there are none, or one option is left.
fn without(p: &[f64], rank: usize) -> Option<Vec<f64>> {
    let kept: Vec<f64> =
        p.iter().enumerate().filter(|(r, _)| *r != rank).map(|(_, x)| *x).collect();
    let sum: f64 = kept.iter().sum();
    (sum > 1e-12 && kept.len() > 1).then(|| kept.iter().map(|x| x / sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Direction, ScaleOption};

    fn scale(kind: ScaleKind, middle: Option<u8>) -> Scale {
        let options =
            (0..3).map(|code| ScaleOption { code, label: format!("option {code}") }).collect();
        let s = Scale::new(options, kind, Direction::HigherIsMore).unwrap();
        match middle {
            Some(m) => s.with_middle(m).unwrap(),
            None => s,
        }
    }

    #[test]
    fn names_have_no_distance_of_ranks() {
        let (p, q) = ([0.5, 0.5, 0.0], [0.0, 0.5, 0.5]);
        for (m, ordinal) in [(Metric::Wasserstein, Some(0.5)), (Metric::SoftAccuracy, Some(0.5))] {
            assert_eq!(metric(m, &scale(ScaleKind::Ordinal, None), &p, &q).unwrap(), ordinal);
            assert_eq!(metric(m, &scale(ScaleKind::Nominal, None), &p, &q).unwrap(), None);
        }
    }

    #[test]
    fn without_the_middle_the_rest_is_compared() {
        // Half and half beside a middle of any size is half and half; by hand.
        let s = scale(ScaleKind::Ordinal, Some(1));
        let m = |p: &[f64], q: &[f64]| metric(Metric::JsdWithoutMiddle, &s, p, q).unwrap();
        assert_eq!(m(&[0.1, 0.8, 0.1], &[0.4, 0.2, 0.4]), Some(1.0));
        assert_eq!(m(&[0.2, 0.8, 0.0], &[0.0, 0.2, 0.8]), Some(0.0));
        assert_eq!(m(&[0.0, 1.0, 0.0], &[0.4, 0.2, 0.4]), None);
        let without = scale(ScaleKind::Ordinal, None);
        let (p, q) = ([0.1, 0.8, 0.1], [0.4, 0.2, 0.4]);
        assert_eq!(
            metric(Metric::JsdWithoutMiddle, &without, &p, &q).unwrap(),
            metric(Metric::Jsd, &without, &p, &q).unwrap()
        );
    }
}
