//! One training or test example: a text, a culture, and the answer that is wanted.

use serde::{Deserialize, Serialize};

use super::{CultureId, Distribution, DomainError, QuestionId};

/// How a distribution of answers becomes a target (science: "label policies").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelPolicy {
    /// The option shares themselves (soft labels). The default.
    Distribution,
    /// The most frequent option; ties go to the lowest code and are said.
    Mode,
    /// The mean of the codes of valid answers, rounded half up.
    RoundedMean,
    /// The weighted median code.
    Median,
    /// The released rule, for reproduction only: see science, "Label policy `paper`".
    Paper,
}

impl LabelPolicy {
    /// All policies.
    pub const ALL: [Self; 5] =
        [Self::Distribution, Self::Mode, Self::RoundedMean, Self::Median, Self::Paper];

    /// `distribution`, `mode`, `rounded-mean`, `median`, `paper`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Distribution => "distribution",
            Self::Mode => "mode",
            Self::RoundedMean => "rounded-mean",
            Self::Median => "median",
            Self::Paper => "paper",
        }
    }
}

impl std::str::FromStr for LabelPolicy {
    type Err = DomainError;
    fn from_str(s: &str) -> Result<Self, DomainError> {
        Self::ALL.into_iter().find(|p| p.as_str() == s).ok_or_else(|| DomainError::UnknownWord {
            what: "label policy",
            value: s.into(),
            expected: Self::ALL.map(Self::as_str).join(", "),
        })
    }
}

/// What the model should answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// One option's code.
    Hard(u8),
    /// Shares by rank of the question's scale.
    Soft(Distribution),
}

/// One row of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// `None` for culture-blind rows.
    pub culture: Option<CultureId>,
    /// The question whose scale and answers these are.
    pub question: QuestionId,
    /// The sentence that is asked: the seed's wording or a sample's.
    pub text: String,
    /// The sample's id, or the question's id for a seed's own wording.
    pub text_id: String,
    /// Template family of the text, `seed` for the seed's own wording.
    pub family: String,
    /// What the model should answer.
    pub target: Target,
    /// Respondents behind the target (effective n), 0 where unknown.
    pub effective_n: f64,
}
