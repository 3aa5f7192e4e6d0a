//! What a judge is asked, and the frozen description of a judging run.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::domain::{RaterId, StudyId};
use crate::providers::prompts::{self, PromptFile};
use crate::providers::{ChatRequest, ModelSource, Sampling};
use crate::store::{Item, ItemKind, JudgeRecord, Shown};
use crate::study::setup::hex;
use crate::study::{Guideline, StudyError};

/// The embedded prompt whose placeholders all prompts of judges have.
const SIMILARITY: &str = "similarity";

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

/// SHA-256 of a prompt's text, in hexadecimal.
pub fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

impl JudgeSpec {
    /// The prompt, read back; its checksum must be the one that was frozen.
    ///
    /// # Errors
    /// Another text, or no prompt.
    pub fn prompt_file(&self) -> Result<PromptFile, StudyError> {
        let sha256 = checksum(&self.prompt);
        if sha256 != self.prompt_sha256 {
            return Err(StudyError::BadSetting {
                what: "the prompt of judge.json",
                value: sha256,
                expected: "the text that was frozen with it",
            });
        }
        judge_prompt_from(&self.prompt, Path::new("judge.json"))
    }

    /// The judge as the study keeps it.
    ///
    /// # Errors
    /// As [`JudgeSpec::prompt_file`].
    pub fn record(&self) -> Result<JudgeRecord, StudyError> {
        Ok(JudgeRecord {
            rater: self.rater.clone(),
            model: self.model.clone(),
            prompt: self.prompt_file()?.tag(),
            prompt_sha256: self.prompt_sha256.clone(),
            guideline: self.guideline.reference(),
            created: jiff::Timestamp::now(),
        })
    }
}

/// The prompt of judges by its name, the user's own where there is one. Any prompt with the
/// placeholders of `similarity` can be one.
///
/// # Errors
/// No such prompt; the names there are; a file of the user that is wrong.
pub fn judge_prompt(name: &str) -> Result<PromptFile, StudyError> {
    let found = prompts::load(name)?;
    // a prompt for something else is refused here and not when the first item is rendered
    let path = Path::new(&found.name).with_extension("toml");
    Ok(prompts::parse_like(&found.source, &path, SIMILARITY)?)
}

/// A prompt of judges from a file.
///
/// # Errors
/// The line at which it is wrong.
pub fn judge_prompt_from(source: &str, file: &Path) -> Result<PromptFile, StudyError> {
    Ok(prompts::parse_like(source, file, SIMILARITY)?)
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
    let rules: Vec<String> = guideline.rules.iter().map(|r| format!("- {r}")).collect();
    let scale: Vec<String> =
        guideline.anchors.iter().map(|a| format!("{} = {}", a.score, a.text)).collect();
    let ask = |shown: Shown| {
        let (first, second) = match shown {
            Shown::SeedFirst => (&item.seed_text, &item.sample_text),
            Shown::SampleFirst => (&item.sample_text, &item.seed_text),
        };
        let messages = prompt.render(json!({
            "question": guideline.question, "rules": rules.join("\n"), "scale": scale.join("\n"),
            "first": first, "second": second, "language": item.language,
        }))?;
        let draw = u32::from(item.kind == ItemKind::Repeat);
        Ok::<_, StudyError>((
            shown,
            ChatRequest { draw, ..ChatRequest::new(messages, Sampling::greedy(MAX_TOKENS)) },
        ))
    };
    Ok([ask(Shown::SeedFirst)?, ask(Shown::SampleFirst)?])
}
