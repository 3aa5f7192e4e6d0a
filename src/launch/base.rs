//! The model that a fine-tune begins from.

use super::{LaunchError, Place, model_folder};
use crate::finetune::{Backend, FrozenBase, ModelChoice, ModelRef, Recipe, refuse_adapter};
use crate::job::JobError;

/// Where the recipe's model lies; `None` for one from scratch.
pub(super) fn frozen_base(
    place: &Place,
    recipe: &Recipe,
) -> Result<Option<FrozenBase>, LaunchError> {
    let reference = match &recipe.model {
        ModelChoice::Tiny(_) => return Ok(None),
        // It lies at the service.
        ModelChoice::Named(ModelRef::Provider { .. }) if recipe.backend == Backend::Openai => {
            return Ok(None);
        }
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
