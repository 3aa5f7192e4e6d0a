//! `results.jsonl` of an evaluation: the scores of one text by one model, a line.

use serde::{Deserialize, Serialize};

use crate::domain::prompt::Variant;
use crate::domain::{CultureId, OptionScores, QuestionId};

/// The scores of one text by one model: all cultures, all prompt variants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultLine {
    /// The model: [`super::PlannedModel::key`].
    pub model: String,
    /// How it was scored: `log-probabilities`, `20 answers drawn`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// The question.
    pub question: QuestionId,
    /// The text.
    pub text_id: String,
    /// Prompt variants, in the order of every [`TextScores::scores`].
    pub variants: Vec<Variant>,
    /// One entry a culture.
    pub cultures: Vec<TextScores>,
}

/// The scores of one text asked of one culture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextScores {
    /// The culture the prompt named.
    pub culture: CultureId,
    /// By variant: log-probabilities of the complete answers by rank.
    pub scores: Vec<OptionScores>,
}

impl ResultLine {
    /// Keeps six significant digits: a log-probability is not known better in single precision,
    /// and the files stay a third of the size. JSON has no infinity, so an impossible answer is
    /// written as e^-10000.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        for l in self.cultures.iter_mut().flat_map(|c| &mut c.scores).flat_map(|s| &mut s.log_probs)
        {
            *l = format!("{:.6e}", l.max(-1e4)).parse().unwrap_or(*l);
        }
        self
    }
}
