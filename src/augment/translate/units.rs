//! What is to be translated.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::augment::AugmentError;
use crate::augment::plan::add;
use crate::domain::{Decision, Form, Question, QuestionId, Sample, SampleId, Stage, same_language};
use crate::providers::budget::Price;
use crate::providers::estimate::{Estimate, estimate};
use crate::providers::language::{Manner, Translations};
use crate::providers::prompts::{Library, PromptError};

/// Which texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The seeds' own wording.
    Seeds,
    /// Kept samples, held-out ones included (they stay held out).
    Samples,
    /// Both.
    Both,
}

/// Settings of a translation run, frozen in its input as `translate.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslateSettings {
    /// The model, as the user named it; `input/provider.json` says where it is.
    pub provider: String,
    /// Target languages (BCP 47).
    pub targets: Vec<String>,
    /// Which texts.
    pub what: What,
    /// How replies are drawn.
    pub manner: Manner,
    /// Translations of one seed that differ by this many tokens or fewer are near-duplicates.
    pub near_duplicate_edits: usize,
    /// Random seed.
    pub seed: u64,
}

impl TranslateSettings {
    /// Temperature 0, near-duplicates at two tokens.
    pub fn new(provider: impl Into<String>, targets: Vec<String>, what: What) -> Self {
        let manner = Manner { temperature: 0.0, structured: false, ..Manner::default() };
        let provider = provider.into();
        Self { provider, targets, what, manner, near_duplicate_edits: 2, seed: 1 }
    }

    /// # Errors
    /// No target, one that is no language tag, or numbers that no run could follow.
    pub fn check(&self) -> Result<(), AugmentError> {
        let bad = |what: String| Err(AugmentError::Settings(what));
        if self.targets.is_empty() {
            return bad("no target language: expected tags such as ar,bn".into());
        }
        for t in &self.targets {
            let parts: Vec<&str> = t.split('-').collect();
            let primary = parts[0].len();
            let plain =
                parts.iter().all(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_alphanumeric()));
            let letters = parts[0].chars().all(|c| c.is_ascii_alphabetic());
            if !plain || !letters || !(2..=3).contains(&primary) {
                return bad(format!("`{t}` is no language tag: expected one such as ar or pt-BR"));
            }
        }
        self.manner.check().map_err(AugmentError::Settings)
    }
}

/// One text and the language it is wanted in: a line of `units.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The language wanted (BCP 47).
    pub target: String,
    /// The seed.
    pub seed: QuestionId,
    /// The sample; `None` for the seed's own wording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SampleId>,
    /// What is translated.
    pub text: String,
    /// Statement or question.
    pub form: Form,
    /// Its language (BCP 47).
    pub source: String,
    /// Template family of the sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// True for test paraphrases.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_out: bool,
}

/// Everything that is to be translated, seed by seed, its wording first. Texts that are in the
/// target language already, or have a kept translation, are left out.
pub fn units(seeds: &[Question], samples: &[Sample], settings: &TranslateSettings) -> Vec<Unit> {
    let of_translation =
        |s: &Sample| (s.seed.clone(), s.language.clone(), s.provenance.parent.clone());
    let done: BTreeSet<_> = samples
        .iter()
        .filter(|s| s.stage == Stage::Translation && s.decision == Decision::Kept)
        .map(of_translation)
        .collect();
    let mut out = Vec::new();
    for target in &settings.targets {
        for q in seeds.iter().filter(|q| !same_language(&q.language, target)) {
            let unit = |text: &str, parent: Option<&Sample>| Unit {
                target: target.clone(),
                seed: q.id.clone(),
                parent: parent.map(|s| s.id.clone()),
                text: text.to_owned(),
                form: q.form,
                source: q.language.clone(),
                family: parent.and_then(|s| s.provenance.family.clone()),
                held_out: parent.is_some_and(|s| s.provenance.held_out),
            };
            if settings.what != What::Samples {
                out.push(unit(&q.text, None));
            }
            if settings.what != What::Seeds {
                let kept = samples.iter().filter(|s| {
                    s.seed == q.id
                        && s.decision == Decision::Kept
                        && s.stage != Stage::Translation
                        && same_language(&s.language, &q.language)
                });
                out.extend(kept.map(|s| unit(&s.text, Some(s))));
            }
        }
    }
    out.retain(|u| !done.contains(&(u.seed.clone(), u.target.clone(), u.parent.clone())));
    out
}

/// Calls, tokens and cost of these translations, at most.
///
/// # Errors
/// A prompt that cannot be used.
pub fn plan(
    units: &[Unit],
    settings: &TranslateSettings,
    library: &Library,
    price: Option<&Price>,
) -> Result<Estimate, AugmentError> {
    let wrong = |e: PromptError| AugmentError::Settings(e.to_string());
    let prompt = library.load("translate").map_err(wrong)?;
    let translations = Translations::new(prompt, settings.manner);
    let mut sum = Estimate::default();
    for u in units {
        let request = translations
            .request(&u.text, u.form, &u.source, &u.target, settings.seed)
            .map_err(wrong)?;
        add(&mut sum, &estimate([&request], price));
    }
    Ok(sum)
}
