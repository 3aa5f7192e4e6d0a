//! From the name of a model to its folder, or to the provider that has it.

use std::path::PathBuf;

use super::{LaunchError, Place};
use crate::embedded::hub;
use crate::evaluate::PlannedModel;
use crate::finetune::{ModelRef, checkpoint};
use crate::job::JobError;
use crate::providers::ModelSource;

/// What a model reference stands for, as a run's input freezes it. `name` is how tables call it.
///
/// # Errors
/// No such model, or one whose checkpoint is not complete.
pub fn model_source(
    place: &Place,
    reference: &ModelRef,
    name: &str,
) -> Result<ModelSource, LaunchError> {
    if let ModelRef::Provider { provider, model } = reference {
        return Ok(ModelSource::Endpoint { provider: provider.clone(), model: model.clone() });
    }
    let folder = model_folder(place, reference)?;
    let dir = std::path::absolute(&folder).map_err(JobError::io(&folder))?;
    Ok(ModelSource::Folder { name: name.to_owned(), dir, adapter: None })
}

/// The folder behind a model reference: `run:ID[@STEP]`, `path:DIR`, `hub:ORG/NAME` that was fetched
/// before, or an alias of the registry.
///
/// # Errors
/// No such model, or one whose checkpoint is not complete.
pub fn model_folder(place: &Place, reference: &ModelRef) -> Result<PathBuf, LaunchError> {
    let unknown = |what: String| {
        LaunchError::Unknown(format!("{what}: `polyculture models list` shows what there is"))
    };
    let folder = match reference {
        ModelRef::Path(dir) => dir.clone(),
        ModelRef::Run { run, step } => {
            let store = place.read()?;
            let models = store.read().models_of_run(run)?;
            let found = models.last().and_then(|m| m.checkpoint.clone());
            let last = PathBuf::from(
                found.ok_or_else(|| unknown(format!("run {run} has no finished model")))?,
            );
            match step {
                None => last,
                Some(n) => last.with_file_name(format!("step-{n}")),
            }
        }
        ModelRef::Alias(alias) => {
            let store = place.read()?;
            let reader = store.read();
            let model = match reader.model_by_alias(alias.as_str())? {
                Some(m) => Some(m),
                None => reader.model(alias)?,
            };
            let found = model.and_then(|m| m.checkpoint);
            PathBuf::from(found.ok_or_else(|| unknown(format!("no model `{alias}`")))?)
        }
        // A download of gigabytes is asked for by itself, and seen.
        ModelRef::Hub { org, name } => hub::fetched_model(&format!("{org}/{name}"), "main")
            .map_err(|e| {
                LaunchError::Unknown(format!(
                    "{reference} is not on this machine ({e}): `polyculture models fetch \
                     {reference}` brings it"
                ))
            })?,
        ModelRef::Provider { .. } => {
            return Err(LaunchError::Unknown(format!(
                "{reference} is in no folder here: expected run:ID, path:DIR, hub:ORG/NAME, or an \
                 alias"
            )));
        }
    };
    if !folder.is_dir() {
        return Err(LaunchError::Unknown(format!(
            "{reference}: its folder {} is gone",
            folder.display()
        )));
    }
    if !matches!(reference, ModelRef::Path(_) | ModelRef::Hub { .. }) {
        checkpoint::verify(&folder)?;
    }
    Ok(folder)
}

/// A model as one arm of an evaluation. The registry knows for which culture it was tuned, if for
/// one: such a model makes two rows, on its own culture and on the foreign ones.
///
/// # Errors
/// A name that is none, or an unreadable workspace.
pub fn planned_model(place: &Place, reference: &str) -> Result<PlannedModel, LaunchError> {
    let parsed: ModelRef = reference.parse()?;
    let store = place.read()?;
    let reader = store.read();
    let record = match &parsed {
        ModelRef::Alias(alias) => match reader.model_by_alias(alias.as_str())? {
            Some(m) => Some(m),
            None => reader.model(alias)?,
        },
        ModelRef::Run { run, .. } => reader.models_of_run(run)?.pop(),
        _ => None,
    };
    let culture = record
        .and_then(|m| m.card["about"]["culture"].as_str().map(str::to_owned))
        .map(crate::domain::CultureId::new)
        .transpose()?;
    Ok(PlannedModel { trained_for: culture, ..PlannedModel::new(reference, reference) })
}
