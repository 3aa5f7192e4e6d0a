//! What a judge is asked, and the frozen description of a judging run.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::domain::{RaterId, StudyId, StudyType};
use crate::providers::prompts::{self, PromptFile};
use crate::providers::{ChatRequest, ModelSource, Sampling};
use crate::store::{Item, ItemKind, JudgeRecord, Shown};
use crate::study::setup::hex;
use crate::study::{Guideline, StudyError};

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
    /// What the study asks; runs from before there were types are of similarity.
    #[serde(default)]
    pub study_type: StudyType,
    /// The guideline where none is in an item's language.
    pub guideline: Guideline,
    /// The guideline in force for each language of the items, by BCP 47 tag.
    #[serde(default)]
    pub guidelines: BTreeMap<String, Guideline>,
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
        judge_prompt_from(self.study_type, &self.prompt, Path::new("judge.json"))
    }

    /// The guideline for an item's language.
    pub fn guideline_in(&self, language: &str) -> &Guideline {
        self.guidelines.get(language).unwrap_or(&self.guideline)
    }

    /// `name@version` of every guideline in use.
    fn guidelines_used(&self) -> String {
        let mut all: Vec<String> = self.guidelines.values().map(Guideline::reference).collect();
        if all.is_empty() {
            all.push(self.guideline.reference());
        }
        all.sort();
        all.dedup();
        all.join(", ")
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
            guideline: self.guidelines_used(),
            created: jiff::Timestamp::now(),
        })
    }
}

/// The prompt of judges by its name, the user's own where there is one. Any prompt with the
/// placeholders of the one named as the type can be one.
///
/// # Errors
/// No such prompt; the names there are; a file of the user that is wrong.
pub fn judge_prompt(study_type: StudyType, name: &str) -> Result<PromptFile, StudyError> {
    let found = prompts::load(name)?;
    // a prompt for something else is refused here and not when the first item is rendered
    let path = Path::new(&found.name).with_extension("toml");
    Ok(prompts::parse_like(&found.source, &path, study_type.as_str())?)
}

/// A prompt of judges from a file.
///
/// # Errors
/// The line at which it is wrong.
pub fn judge_prompt_from(
    study_type: StudyType,
    source: &str,
    file: &Path,
) -> Result<PromptFile, StudyError> {
    Ok(prompts::parse_like(source, file, study_type.as_str())?)
}

/// The orders in which a type of study is asked: both of a pair, one of a single answer.
pub fn orders_of(study_type: StudyType) -> &'static [Shown] {
    if study_type.is_pair() { &[Shown::SeedFirst, Shown::SampleFirst] } else { &[Shown::SeedFirst] }
}

/// A score as the item has it: of a preference with the second answer shown first, 1 and 3 trade
/// places.
pub(super) fn canonical(study_type: StudyType, shown: Shown, score: u8) -> u8 {
    match (study_type, shown) {
        (StudyType::Preference, Shown::SampleFirst) => 4u8.saturating_sub(score),
        _ => score,
    }
}

/// The requests of an item, one an order. A hidden repeat is a draw of its own: the same texts would
/// only bring back the reply of the first time.
///
/// # Errors
/// The prompt asks for something that no item has.
pub fn requests_of(
    item: &Item,
    spec: &JudgeSpec,
    prompt: &PromptFile,
) -> Result<Vec<(Shown, ChatRequest)>, StudyError> {
    let guideline = spec.guideline_in(&item.language);
    let rules: Vec<String> = guideline.rules.iter().map(|r| format!("- {r}")).collect();
    let scale: Vec<String> =
        guideline.anchors.iter().map(|a| format!("{} = {}", a.score, a.text)).collect();
    orders_of(spec.study_type)
        .iter()
        .map(|shown| {
            let (first, second) = match shown {
                Shown::SeedFirst => (&item.seed_text, &item.sample_text),
                Shown::SampleFirst => (&item.sample_text, &item.seed_text),
            };
            let messages = prompt.render(json!({
                "question": guideline.question, "rules": rules.join("\n"), "scale": scale.join("\n"),
                "first": first, "second": second, "answer": item.sample_text,
                "asked": item.context.as_deref().unwrap_or_default(), "language": item.language,
                "culture": item.culture.as_ref().map(ToString::to_string).unwrap_or_default(),
            }))?;
            let draw = u32::from(item.kind == ItemKind::Repeat);
            let greedy = Sampling::greedy(MAX_TOKENS);
            Ok((*shown, ChatRequest { draw, ..ChatRequest::new(messages, greedy) }))
        })
        .collect()
}
