//! From a reply to a label. Ours reads label words, and counts refusals and replies that are no
//! label as classes of their own; the released one is there for reproduction.

mod default;
mod paper;
mod reading;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use default::DefaultParser;
pub use paper::PaperRules;
pub use reading::fold;

use super::ClassifyError;
use super::task::Task;
use crate::providers::{ChatReply, Finish};

/// Which parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParserName {
    /// Ours.
    Default,
    /// The released one.
    Paper,
}

impl ParserName {
    /// As task files and the command line write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Paper => "paper",
        }
    }
}

impl fmt::Display for ParserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ParserName {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "default" => Ok(Self::Default),
            "paper" => Ok(Self::Paper),
            _ => Err(format!("`{s}` is no parser: expected default or paper")),
        }
    }
}

/// Why a reply is no label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Invalid {
    /// Nothing was said.
    Empty,
    /// No word of any label.
    NoLabel,
    /// Words of several labels, and no answer among them.
    Several,
    /// Cut off before an answer.
    CutOff,
    /// The text does not fit into the model's context: nothing could be asked.
    TooLong,
}

/// What a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// The label with this index.
    Label(usize),
    /// The model would not answer.
    Refusal,
    /// No label.
    Invalid(Invalid),
}

impl Reading {
    /// The label's index.
    pub fn label(self) -> Option<usize> {
        match self {
            Self::Label(i) => Some(i),
            _ => None,
        }
    }
}

/// A parser for one task, and the labels its scores are taken over.
#[derive(Debug, Clone)]
pub struct Parser {
    labels: Vec<String>,
    which: Which,
}

#[derive(Debug, Clone)]
enum Which {
    Default(DefaultParser),
    Paper(PaperRules),
}

impl Parser {
    /// The parser `name` for a task.
    ///
    /// # Errors
    /// The released parser has no rules for this task.
    pub fn of(task: &Task, name: ParserName) -> Result<Self, ClassifyError> {
        Ok(match name {
            ParserName::Default => Self {
                labels: task.labels.iter().map(|l| l.gold.clone()).collect(),
                which: Which::Default(DefaultParser::new(task)),
            },
            ParserName::Paper => {
                let rules = task.paper_rules.ok_or_else(|| {
                    ClassifyError::Plan(format!(
                        "{}: the released parser has no rules for it; use `--parser default`",
                        task.name
                    ))
                })?;
                Self {
                    labels: rules.scored().iter().map(|l| (*l).to_owned()).collect(),
                    which: Which::Paper(rules),
                }
            }
        })
    }

    /// Labels over which macro-F1 is taken.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The index of a gold value among [`Parser::labels`].
    pub fn gold(&self, gold: &str) -> Option<usize> {
        self.labels.iter().position(|l| l == gold)
    }

    /// Reads what a model said.
    pub fn read(&self, said: &str) -> Reading {
        match &self.which {
            Which::Default(p) => p.read(said),
            Which::Paper(rules) => match rules.read(said).and_then(|l| self.gold(l)) {
                Some(i) => Reading::Label(i),
                None if said.is_empty() => Reading::Invalid(Invalid::Empty),
                None => Reading::Invalid(Invalid::NoLabel),
            },
        }
    }

    /// Reads a reply with what its service says about it: a refusal in a field of its own, a
    /// filter that held it back, a reply that was cut off.
    pub fn read_reply(&self, reply: &ChatReply) -> Reading {
        if matches!(self.which, Which::Paper(_)) {
            return self.read(&reply.text);
        }
        if reply.refusal.as_deref().is_some_and(|r| !r.trim().is_empty())
            || reply.finish == Finish::Filtered
        {
            return Reading::Refusal;
        }
        match self.read(&reply.text) {
            Reading::Invalid(Invalid::NoLabel | Invalid::Empty)
                if reply.finish == Finish::Length =>
            {
                Reading::Invalid(Invalid::CutOff)
            }
            other => other,
        }
    }
}
