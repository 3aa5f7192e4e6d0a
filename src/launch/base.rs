//! The model that a fine-tune begins from, and what the run will take.

use super::{LaunchError, Place, model_folder};
use crate::domain::{Example, Survey};
use crate::embedded::{ChatTokenizer, DecoderConfig};
use crate::finetune::{
    Estimate, FinetuneError, FrozenBase, ModelChoice, Recipe, StepTokens, TrainingSet,
    machine_memory, refuse_adapter,
};
use crate::job::JobError;

/// Where the recipe's model lies; `None` for one from scratch.
pub(super) fn frozen_base(
    place: &Place,
    recipe: &Recipe,
) -> Result<Option<FrozenBase>, LaunchError> {
    let reference = match &recipe.model {
        ModelChoice::Tiny(_) => return Ok(None),
        ModelChoice::Named(reference) => reference,
        ModelChoice::Asked(_) => {
            return Err(LaunchError::Unknown(format!(
                "the recipe `{}` tunes a model that you name: --base path:DIR or --base \
                 hub:ORG/NAME",
                recipe.name
            )));
        }
    };
    let folder = model_folder(place, reference)?;
    let folder = std::path::absolute(&folder).map_err(JobError::io(&folder))?;
    refuse_adapter(&folder)?;
    Ok(Some(FrozenBase { reference: reference.to_string(), folder }))
}

/// What the run will take; refused where this machine cannot hold it.
pub(super) fn estimate_for(
    recipe: &Recipe,
    base: Option<&FrozenBase>,
    rows: &[Example],
    survey: &Survey,
) -> Result<Estimate, LaunchError> {
    let set = TrainingSet::new(rows, survey, &recipe.prompts, recipe.target)?;
    let estimate = match (base, &recipe.model) {
        (Some(b), _) => {
            let config = DecoderConfig::load(&b.folder).map_err(FinetuneError::from)?;
            let tokenizer =
                ChatTokenizer::load(&b.folder, config.vocab_size).map_err(FinetuneError::from)?;
            let tokens = StepTokens::measure(&set, recipe, &tokenizer)?;
            Estimate::on_this_machine(&config, recipe, set.len(), tokens)?
        }
        (None, ModelChoice::Tiny(t)) => {
            let config = t.config(t.vocab_size)?;
            Estimate::new(&config, recipe, set.len(), StepTokens::guess(&set, recipe), None)?
        }
        (None, _) => return Err(FinetuneError::Plan("no model to train".into()).into()),
    };
    estimate.check(machine_memory(), recipe)?;
    Ok(estimate)
}
