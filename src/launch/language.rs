//! Runs over language models: growing samples, and translating.

use super::calls::{PreparedCalls, Speaker};
use super::runs::{augment, existing_samples, new_run};
use super::{LaunchError, Place, Prepared};
use crate::augment::translate::{self, TranslateSettings};
use crate::augment::{self as augmenting, Settings};
use crate::domain::{Question, QuestionId, Stage};
use crate::job::RunKind;

/// Prepares growing samples with a language model.
///
/// # Errors
/// As [`augment`]; the model cannot be asked, or a prompt cannot be used.
pub fn augment_with(
    place: &Place,
    seeds: &[QuestionId],
    settings: &Settings,
    speaker: &Speaker,
) -> Result<PreparedCalls, LaunchError> {
    let prepared = augment(place, seeds, settings)?;
    let chosen = chosen_seeds(place, seeds)?;
    let existing = existing_samples(place)?;
    let price = speaker.price()?;
    let estimate =
        augmenting::plan(&chosen, &existing, settings, &speaker.prompts, price.as_ref())?;
    let prepared = speaker.equip(prepared, &["paraphrase", "synonyms"])?;
    Ok(PreparedCalls { prepared, estimate })
}

/// Prepares translating seeds and samples. Texts that have a kept translation are left out.
///
/// # Errors
/// Settings that no run could follow, nothing to translate, a model that cannot be asked.
pub fn translate(
    place: &Place,
    seeds: &[QuestionId],
    settings: &TranslateSettings,
    speaker: &Speaker,
) -> Result<PreparedCalls, LaunchError> {
    settings.check()?;
    let chosen = chosen_seeds(place, seeds)?;
    let existing = existing_samples(place)?;
    let units = translate::units(&chosen, &existing, settings);
    if units.is_empty() {
        return Err(LaunchError::Unknown(format!(
            "nothing to translate into {}: every text has a kept translation, or is in that \
             language already (`polyculture samples list --stage translation` shows them)",
            settings.targets.join(", ")
        )));
    }
    let price = speaker.price()?;
    let estimate = translate::plan(&units, settings, &speaker.prompts, price.as_ref())?;
    let there: Vec<_> = existing.into_iter().filter(|s| s.stage == Stage::Translation).collect();
    let label = format!("{} texts into {}", units.len(), settings.targets.join(", "));
    let prepared = Prepared::new(new_run(place, RunKind::Augment, label))
        .json("translate.json", settings)?
        .rows("units.jsonl", &units)?
        .rows("existing.jsonl", &there)?;
    Ok(PreparedCalls { prepared: speaker.equip(prepared, &["translate"])?, estimate })
}

/// The seeds named, or all.
fn chosen_seeds(place: &Place, seeds: &[QuestionId]) -> Result<Vec<Question>, LaunchError> {
    let survey = place.read()?.read().survey()?;
    if seeds.is_empty() {
        return Ok(survey.questions);
    }
    let unknown =
        |id| LaunchError::Unknown(format!("no seed {id}: `polyculture seeds list` shows the ids"));
    seeds.iter().map(|id| survey.question(id).cloned().ok_or_else(|| unknown(id))).collect()
}
