//! A text that a model is asked at evaluation, and which split it belongs to.

use serde::{Deserialize, Serialize};

use super::{DomainError, QuestionId};

/// What a test text measures (science: "Definitions", held-out paraphrase and question).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// The wording that was trained on: memory, not generalisation.
    SeedWording,
    /// Another wording of a question that was trained on, from template families, rules and
    /// lexicon entries that training never saw. With a small model: paraphrase recall.
    HeldOutParaphrase,
    /// A question that was never trained on: generalisation.
    HeldOutQuestion,
}

impl Split {
    /// All splits, in the order of printed tables.
    pub const ALL: [Self; 3] = [Self::SeedWording, Self::HeldOutParaphrase, Self::HeldOutQuestion];

    /// `seed-wording`, `held-out-paraphrase`, `held-out-question`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SeedWording => "seed-wording",
            Self::HeldOutParaphrase => "held-out-paraphrase",
            Self::HeldOutQuestion => "held-out-question",
        }
    }
}

impl std::str::FromStr for Split {
    type Err = DomainError;
    fn from_str(s: &str) -> Result<Self, DomainError> {
        Self::ALL.into_iter().find(|x| x.as_str() == s).ok_or_else(|| DomainError::UnknownWord {
            what: "split",
            value: s.into(),
            expected: Self::ALL.map(Self::as_str).join(", "),
        })
    }
}

/// One line of `texts.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestText {
    /// The sample's id, or the question's id for a seed's own wording.
    pub text_id: String,
    /// The question whose scale and answers belong to the text.
    pub question: QuestionId,
    /// Template family, `seed` for the seed's own wording.
    pub family: String,
    /// What it measures.
    pub split: Split,
    /// The sentence.
    pub text: String,
}
