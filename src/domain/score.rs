//! Numbers that are checked once, at the door.

use serde::{Deserialize, Serialize};

use super::DomainError;

/// A rating: 1 (different meaning) to 5 (same meaning).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Score(u8);

impl Score {
    /// # Errors
    /// The number is not 1 to 5. A 0-5 scale (SemEval STS) is never rescaled silently.
    pub fn new(n: u8) -> Result<Self, DomainError> {
        if (1..=5).contains(&n) {
            Ok(Self(n))
        } else {
            Err(DomainError::OutOfRange {
                what: "a score",
                value: n.to_string(),
                expected: "1 to 5",
            })
        }
    }

    /// 1 to 5.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Score {
    type Error = DomainError;
    fn try_from(n: u8) -> Result<Self, DomainError> {
        Self::new(n)
    }
}

impl From<Score> for u8 {
    fn from(s: Score) -> u8 {
        s.0
    }
}

/// Similarity of two texts: -1 to 1 (a cosine), 1 = the same. Always finite.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Similarity(f64);

impl Similarity {
    /// Rounding just outside the range (1.0000001) is clamped.
    ///
    /// # Errors
    /// The number is not finite or lies outside -1 to 1.
    pub fn new(x: f64) -> Result<Self, DomainError> {
        if x.is_finite() && x.abs() <= 1.0 + 1e-5 {
            Ok(Self(x.clamp(-1.0, 1.0)))
        } else {
            Err(DomainError::OutOfRange {
                what: "a similarity",
                value: x.to_string(),
                expected: "-1 to 1",
            })
        }
    }

    /// -1 to 1.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Similarity {
    type Error = DomainError;
    fn try_from(x: f64) -> Result<Self, DomainError> {
        Self::new(x)
    }
}

impl From<Similarity> for f64 {
    fn from(s: Similarity) -> f64 {
        s.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_is_closed_to_nonsense() {
        assert!(Score::new(0).is_err() && Score::new(6).is_err() && Score::new(5).is_ok());
        assert!(Similarity::new(f64::NAN).is_err() && Similarity::new(1.2).is_err());
        assert_eq!(Similarity::new(1.000_000_1).unwrap().get(), 1.0);
    }
}
