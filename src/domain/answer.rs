//! One respondent's answer to one question.

use serde::{Deserialize, Serialize};

/// Why there is no answer, by the World Values Survey's codes (wave 7 codebook, "Missing values").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingKind {
    /// -1
    DontKnow,
    /// -2
    NoAnswer,
    /// -3
    NotApplicable,
    /// -4: the question was not asked in this country.
    NotAsked,
    /// -5: missing for another reason ("other missing; multiple answers").
    Other,
}

impl MissingKind {
    /// All kinds, in the order of their codes.
    pub const ALL: [Self; 5] =
        [Self::DontKnow, Self::NoAnswer, Self::NotApplicable, Self::NotAsked, Self::Other];

    /// The survey's code: -1 to -5.
    pub fn code(self) -> i16 {
        match self {
            Self::DontKnow => -1,
            Self::NoAnswer => -2,
            Self::NotApplicable => -3,
            Self::NotAsked => -4,
            Self::Other => -5,
        }
    }

    /// The kind's name on screens.
    pub fn label(self) -> &'static str {
        match self {
            Self::DontKnow => "don't know",
            Self::NoAnswer => "no answer",
            Self::NotApplicable => "not applicable",
            Self::NotAsked => "not asked",
            Self::Other => "other missing",
        }
    }
}

/// An answer as the survey stores it: a code of the scale, or the kind of its absence.
/// A missing code is a type here, so that no mean can take it for a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerCode {
    /// A code that may stand on a scale (whether it does is the scale's to say).
    Valid(u8),
    /// No answer, and why.
    Missing(MissingKind),
}

impl AnswerCode {
    /// Reads the survey's integer code. Codes below -5 (such as -999) are [`MissingKind::Other`].
    /// `None` for a number above 255, which no scale of the survey has.
    pub fn from_code(code: i64) -> Option<Self> {
        Some(match code {
            -1 => Self::Missing(MissingKind::DontKnow),
            -2 => Self::Missing(MissingKind::NoAnswer),
            -3 => Self::Missing(MissingKind::NotApplicable),
            -4 => Self::Missing(MissingKind::NotAsked),
            c if c < 0 => Self::Missing(MissingKind::Other),
            c => Self::Valid(u8::try_from(c).ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_codes_are_never_numbers() {
        assert_eq!(AnswerCode::from_code(-4), Some(AnswerCode::Missing(MissingKind::NotAsked)));
        assert_eq!(AnswerCode::from_code(-999), Some(AnswerCode::Missing(MissingKind::Other)));
        assert_eq!(AnswerCode::from_code(10), Some(AnswerCode::Valid(10)));
        assert_eq!(AnswerCode::from_code(256), None);
        for kind in MissingKind::ALL {
            assert_eq!(AnswerCode::from_code(kind.code().into()), Some(AnswerCode::Missing(kind)));
        }
    }
}
