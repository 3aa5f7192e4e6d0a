//! What a task asks about a text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The eight kinds of the paper (CultureLLM, section 4.1), and `values` for CValues, which is
/// multiple choice and stands apart from their means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Would it offend?
    Offensive,
    /// Is it hate against a group?
    Hate,
    /// For or against?
    Stance,
    /// Does it poison a conversation?
    Toxicity,
    /// Does it threaten?
    Threat,
    /// Does it treat a group as lesser or all alike?
    Bias,
    /// Does it abuse the person it speaks to?
    Abusive,
    /// Unasked-for advertising?
    Spam,
    /// Which of two replies is the more responsible one? Not one of the eight.
    Values,
}

impl Kind {
    /// All, in the order of printed tables; the eight come first.
    pub const ALL: [Self; 9] = [
        Self::Offensive,
        Self::Hate,
        Self::Stance,
        Self::Toxicity,
        Self::Threat,
        Self::Bias,
        Self::Abusive,
        Self::Spam,
        Self::Values,
    ];

    /// As task files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offensive => "offensive",
            Self::Hate => "hate",
            Self::Stance => "stance",
            Self::Toxicity => "toxicity",
            Self::Threat => "threat",
            Self::Bias => "bias",
            Self::Abusive => "abusive",
            Self::Spam => "spam",
            Self::Values => "values",
        }
    }

    /// True where texts of this kind may abuse somebody: faces hide them until they are asked for.
    pub fn may_abuse(self) -> bool {
        !matches!(self, Self::Stance | Self::Spam | Self::Values)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|k| k.as_str() == s).ok_or_else(|| {
            format!(
                "`{s}` is no kind of task: expected one of {}",
                Self::ALL.map(Self::as_str).join(", ")
            )
        })
    }
}
