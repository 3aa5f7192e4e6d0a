//! How a model is told whose answers are wanted. The arms of `compare`: the culture's name alone
//! (a "culture prompt"), a text about the culture in front, no culture, and people who do not
//! exist. The last is a control: what a model gains by the name of a made-up people is no
//! knowledge of a culture (arXiv 2505.16408).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::EvaluateError;
use crate::domain::prompt::Prompt;
use crate::domain::{Culture, CultureId, Survey};
use crate::text::NgramProfile;

/// Character n-grams of the passage lookup.
const GRAM: usize = 3;

/// What the prompt says of the people who answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// It names the culture: what a tuned model was trained with, and the arm "culture prompt" of
    /// one that was not.
    #[default]
    Named,
    /// It names nobody.
    Blind,
    /// It names a people that does not exist; scored against every culture.
    MadeUp,
    /// It names the culture, after a text about it from the user's file.
    Context,
}

impl Framing {
    /// As printed behind the model's name; empty for [`Framing::Named`].
    pub fn label(self) -> &'static str {
        match self {
            Self::Named => "",
            Self::Blind => "no culture",
            Self::MadeUp => "made-up culture",
            Self::Context => "context",
        }
    }

    /// True where the prompt is the same for every culture, so that it is put once.
    pub fn is_same_for_all(self) -> bool {
        matches!(self, Self::Blind | Self::MadeUp)
    }
}

/// A people that does not exist. Its name follows no people's sounds on purpose.
pub fn made_up_culture() -> Option<Culture> {
    Some(Culture {
        id: CultureId::new("made-up").ok()?,
        name: "Quorvani".into(),
        countries: Vec::new(),
        place: "Quorvania".into(),
        language: "en".into(),
    })
}

/// Passages about cultures, from a file of the user's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contexts {
    /// How tables name the file.
    pub source: String,
    /// Passages by culture, in the order of the file.
    pub passages: BTreeMap<CultureId, Vec<String>>,
    /// Longest context put before a prompt, in characters.
    pub budget: usize,
}

/// One line of a context file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    culture: CultureId,
    text: String,
}

impl Contexts {
    /// Reads a JSONL file of `{"culture": .., "text": ..}`, one passage a line.
    ///
    /// # Errors
    /// File and line of what is not such a line, a culture that the survey does not have, or
    /// cultures without any passage.
    pub fn parse(text: &str, file: &str, survey: &Survey) -> Result<Self, EvaluateError> {
        let bad = |line: usize, reason: String| EvaluateError::Context {
            file: file.to_owned(),
            line,
            reason,
        };
        let mut passages: BTreeMap<CultureId, Vec<String>> = BTreeMap::new();
        for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let l: Line = serde_json::from_str(line).map_err(|e| {
                bad(i + 1, format!("{e}; expected {{\"culture\": \"greek\", \"text\": \"..\"}}"))
            })?;
            if survey.culture(&l.culture).is_none() {
                let known: Vec<&str> = survey.cultures.iter().map(|c| c.id.as_str()).collect();
                return Err(bad(
                    i + 1,
                    format!("no culture `{}`: expected one of {}", l.culture, known.join(", ")),
                ));
            }
            if l.text.trim().is_empty() {
                return Err(bad(i + 1, "an empty text".into()));
            }
            passages.entry(l.culture).or_default().push(l.text.trim().to_owned());
        }
        Ok(Self { source: file.to_owned(), passages, budget: 1200 })
    }

    /// # Errors
    /// A culture in view has no passage: its row would be another arm's.
    pub fn check(&self, cultures: &[&Culture]) -> Result<(), EvaluateError> {
        let missing: Vec<&str> = cultures
            .iter()
            .filter(|c| !self.passages.contains_key(&c.id))
            .map(|c| c.id.as_str())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(EvaluateError::BadPlan(format!(
            "{} has no text about {}: add a line for each, or narrow the cultures",
            self.source,
            missing.join(", ")
        )))
    }

    /// The passages nearest to a question (cosine of character 3-grams), as many as fit, in the
    /// order of the file. Words are never cut: a passage that is longer than the budget alone is
    /// ended after its last whole word.
    pub fn about(&self, culture: &CultureId, question: &str) -> String {
        let Some(all) = self.passages.get(culture) else { return String::new() };
        let asked = NgramProfile::new(question, GRAM);
        let mut ranked: Vec<(usize, f64)> = all
            .iter()
            .enumerate()
            .map(|(i, p)| (i, NgramProfile::new(p, GRAM).cosine(&asked)))
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut chosen: Vec<usize> = Vec::new();
        let mut room = self.budget;
        for (i, _) in ranked {
            let length = all[i].chars().count();
            if length <= room {
                chosen.push(i);
                room -= length;
            } else if chosen.is_empty() {
                return whole_words(&all[i], room);
            }
        }
        chosen.sort_unstable();
        chosen.iter().map(|&i| all[i].as_str()).collect::<Vec<_>>().join("\n")
    }

    /// A prompt with what is known of the culture in front.
    #[must_use]
    pub fn put_before(&self, prompt: Prompt, culture: &Culture, question: &str) -> Prompt {
        let about = self.about(&culture.id, question);
        let head = format!("What is known about {}:\n{about}", culture.place);
        let system =
            if prompt.system.is_empty() { head } else { format!("{head}\n\n{}", prompt.system) };
        Prompt { system, ..prompt }
    }
}

fn whole_words(text: &str, room: usize) -> String {
    let cut: String = text.chars().take(room).collect();
    match cut.rfind(char::is_whitespace) {
        Some(at) => cut[..at].trim_end().to_owned(),
        None => cut,
    }
}

#[cfg(test)]
mod tests;
