//! A survey question: the seed that everything grows from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{DomainError, QuestionId, Scale};

/// Topic of a seed, by the seven groups of the paper (section 3.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Topic(pub String);

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How a seed is asked: "Do you agree with ..." is put before a statement only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A declarative sentence; the prompt adds "Do you agree with".
    Statement,
    /// A question already; kept as it is.
    Question,
}

impl FromStr for Form {
    type Err = DomainError;
    fn from_str(s: &str) -> Result<Self, DomainError> {
        match s {
            "statement" => Ok(Self::Statement),
            "question" => Ok(Self::Question),
            _ => Err(DomainError::UnknownWord {
                what: "form",
                value: s.into(),
                expected: "statement, question".into(),
            }),
        }
    }
}

/// A seed: a survey question with wording and scale, in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The survey's id, `Q27`.
    pub id: QuestionId,
    /// One of the topics, lower case.
    pub topic: Topic,
    /// BCP 47 tag of the wording, `en`.
    #[serde(default = "english")]
    pub language: String,
    /// The wording: one sentence. Prompts put the final mark themselves, so a statement may come
    /// with its full stop (ours do) or without; questions end in `?`.
    pub text: String,
    /// Statement or question.
    pub form: Form,
    /// The answers.
    pub scale: Scale,
    /// Countries whose questionnaire is known not to have asked this; counts say so as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

fn english() -> String {
    "en".into()
}
