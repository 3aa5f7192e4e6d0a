//! What a judge is asked, and the frozen description of a judging run.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::{RaterId, StudyId};
use crate::providers::{ChatRequest, ModelSource, PromptFile, Sampling};
use crate::store::{Item, ItemKind, JudgeRecord, Shown};
use crate::study::{Guideline, StudyError};

const SIMILARITY: &str = include_str!("similarity.toml");

/// Tokens of a reply. Enough for a model that reasons first; a score alone takes five.
const MAX_TOKENS: u32 = 1024;

/// `judge.json`: what a judging run was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgeSpec {
    /// The study.
    pub study: StudyId,
    /// The rater's name.
    pub rater: RaterId,
    /// How the model is called in tables.
    pub model: String,
    /// Where its answers come from.
    pub source: ModelSource,
    /// The guideline.
    pub guideline: Guideline,
    /// The prompt's file as it was.
    pub prompt: String,
    /// Its checksum.
    pub prompt_sha256: String,
}

impl JudgeSpec {
    /// The prompt, read back; its checksum must be the one that was frozen.
    ///
    /// # Errors
    /// Another text, or no prompt.
    pub fn prompt_file(&self) -> Result<PromptFile, StudyError> {
        let prompt = PromptFile::parse(&self.prompt, "judge.json")?;
        if prompt.sha256 != self.prompt_sha256 {
            return Err(StudyError::BadSetting {
                what: "the prompt of judge.json",
                value: prompt.sha256,
                expected: "the text that was frozen with it",
            });
        }
        Ok(prompt)
    }

    /// The judge as the study keeps it.
    ///
    /// # Errors
    /// As [`JudgeSpec::prompt_file`].
    pub fn record(&self) -> Result<JudgeRecord, StudyError> {
        Ok(JudgeRecord {
            rater: self.rater.clone(),
            model: self.model.clone(),
            prompt: self.prompt_file()?.reference(),
            prompt_sha256: self.prompt_sha256.clone(),
            guideline: self.guideline.reference(),
            created: jiff::Timestamp::now(),
        })
    }
}

/// Names of the prompts that come with the program.
pub fn judge_prompts() -> [&'static str; 1] {
    ["similarity"]
}

/// A prompt by its name.
///
/// # Errors
/// No such prompt; the names there are.
pub fn judge_prompt(name: &str) -> Result<PromptFile, StudyError> {
    match name {
        "similarity" => Ok(PromptFile::parse(SIMILARITY, "similarity.toml")?),
        _ => Err(StudyError::BadSetting {
            what: "the prompt",
            value: name.to_owned(),
            expected: "similarity, or a TOML file with name, version, system and user",
        }),
    }
}

/// The two requests of an item, seed first and sample first. A hidden repeat is a draw of its own:
/// the same texts would only bring back the reply of the first time.
///
/// # Errors
/// The prompt asks for something that no item has.
pub fn requests_of(
    item: &Item,
    guideline: &Guideline,
    prompt: &PromptFile,
) -> Result<[(Shown, ChatRequest); 2], StudyError> {
    let ask = |shown: Shown| {
        let (first, second) = match shown {
            Shown::SeedFirst => (&item.seed_text, &item.sample_text),
            Shown::SampleFirst => (&item.sample_text, &item.seed_text),
        };
        let messages = prompt.render(&json!({
            "guideline": guideline, "first": first, "second": second, "language": item.language,
        }))?;
        let draw = u32::from(item.kind == ItemKind::Repeat);
        Ok::<_, StudyError>((
            shown,
            ChatRequest { draw, ..ChatRequest::new(messages, Sampling::greedy(MAX_TOKENS)) },
        ))
    };
    Ok([ask(Shown::SeedFirst)?, ask(Shown::SampleFirst)?])
}
