//! From the name of a model to its folder, or to the provider that has it.

use std::path::{Path, PathBuf};

use super::{LaunchError, Place, awaited};
use crate::embedded::adapter::AdapterConfig;
use crate::embedded::hub;
use crate::evaluate::PlannedModel;
use crate::finetune::{FinetuneError, ModelRef, checkpoint};
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
    if let Some(made) = awaited::source(place, reference, name)? {
        return Ok(made);
    }
    if let Some(ModelRef::Provider { provider, model }) =
        super::registered(place, reference)?.as_ref().and_then(super::remote_of)
    {
        return Ok(ModelSource::Endpoint { provider, model });
    }
    let folder = model_folder(place, reference)?;
    let folder = std::path::absolute(&folder).map_err(JobError::io(&folder))?;
    let (dir, adapter) = match base_of_adapter(&folder)? {
        None => (folder, None),
        Some(base) => (base, Some(folder)),
    };
    Ok(ModelSource::Folder { name: name.to_owned(), dir, adapter })
}

/// The base of a folder that holds an adapter; `None` for a folder that stands for itself.
///
/// # Errors
/// The adapter names no base, or one that is not here.
pub fn base_of_adapter(folder: &Path) -> Result<Option<PathBuf>, LaunchError> {
    if !folder.join("adapter_config.json").exists() || folder.join("config.json").exists() {
        return Ok(None);
    }
    let config = AdapterConfig::load(folder).map_err(FinetuneError::from)?;
    // Our own checkpoints say where the base lay, which a name on the hub does not.
    let known = checkpoint::trainer_state(folder).ok().and_then(|s| s.base).map(|b| b.folder);
    if let Some(dir) = known.filter(|d| d.is_dir()) {
        return Ok(Some(dir));
    }
    let none = |what: String| {
        LaunchError::Unknown(format!(
            "{}: {what}. Set base_model_name_or_path in its adapter_config.json to the folder of \
             the model that it was trained on",
            folder.display()
        ))
    };
    let Some(base) = config.base else { return Err(none("the adapter names no base".into())) };
    let dir = Path::new(&base);
    if dir.is_dir() {
        return Ok(Some(std::path::absolute(dir).map_err(JobError::io(dir))?));
    }
    match format!("hub:{base}").parse() {
        Ok(ModelRef::Hub { org, name }) => Ok(Some(on_hub(&org, &name)?)),
        _ => Err(none(format!("its base {base} is no folder here and no name on the hub"))),
    }
}

/// The folder of a model of the hub that was fetched before. A download of gigabytes is asked for by
/// itself, and seen.
fn on_hub(org: &str, name: &str) -> Result<PathBuf, LaunchError> {
    hub::fetched_model(&format!("{org}/{name}"), "main").map_err(|e| {
        LaunchError::Unknown(format!(
            "hub:{org}/{name} is not on this machine ({e}): `polyculture models fetch \
             hub:{org}/{name}` brings it"
        ))
    })
}

/// The folder behind a model reference: `run:ID[@STEP]`, `path:DIR`, `hub:ORG/NAME`, or an alias of
/// the registry.
///
/// # Errors
/// No such model, or one whose checkpoint is not complete.
pub fn model_folder(place: &Place, reference: &ModelRef) -> Result<PathBuf, LaunchError> {
    let unknown = |what: String| {
        LaunchError::Unknown(format!("{what}: `polyculture models list` shows what there is"))
    };
    let mut trained_here = true;
    let folder = match reference {
        ModelRef::Path(dir) => dir.clone(),
        ModelRef::Run { run, step } => {
            let store = place.read()?;
            let models = store.read().models_of_run(run)?;
            let found = models.last().and_then(|m| m.checkpoint.clone());
            let last = PathBuf::from(found.ok_or_else(|| match awaited::hint(place, run) {
                Some(hint) => LaunchError::Unknown(hint),
                None => unknown(format!("run {run} has no finished model")),
            })?);
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
            if let Some(remote) = model.as_ref().and_then(super::remote_of) {
                return Err(LaunchError::Unknown(format!(
                    "`{alias}` is {remote}: it lies in no folder here"
                )));
            }
            trained_here = model.as_ref().is_none_or(|m| m.run.is_some());
            let found = model.and_then(|m| m.checkpoint);
            PathBuf::from(found.ok_or_else(|| unknown(format!("no model `{alias}`")))?)
        }
        ModelRef::Hub { org, name } => on_hub(org, name)?,
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
    // Only our own checkpoints have manifests.
    if trained_here && !matches!(reference, ModelRef::Path(_) | ModelRef::Hub { .. }) {
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
    let culture = match awaited::about(place, &parsed)? {
        Some(about) => about.culture,
        None => record
            .and_then(|m| m.card["about"]["culture"].as_str().map(str::to_owned))
            .map(crate::domain::CultureId::new)
            .transpose()?,
    };
    Ok(PlannedModel { trained_for: culture, ..PlannedModel::new(reference, reference) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_finds_its_base_or_says_how_to_name_it() {
        let home = tempfile::tempdir().unwrap();
        let [base, adapter, whole] = ["base", "adapter", "whole"].map(|n| home.path().join(n));
        for dir in [&base, &adapter, &whole] {
            std::fs::create_dir(dir).unwrap();
        }
        std::fs::write(whole.join("config.json"), "{}").unwrap();
        assert_eq!(base_of_adapter(&whole).unwrap(), None);
        let write = |base: Option<&str>| {
            let config = serde_json::json!({"peft_type": "LORA", "r": 2, "lora_alpha": 2,
                "target_modules": ["q_proj"], "base_model_name_or_path": base});
            std::fs::write(adapter.join("adapter_config.json"), config.to_string()).unwrap();
        };
        for (named, word) in [(None, "names no base"), (Some("/no/such/folder"), "/no/such/folder")]
        {
            write(named);
            let e = base_of_adapter(&adapter).unwrap_err().to_string();
            assert!(e.contains(word) && e.contains("base_model_name_or_path"), "{e}");
        }
        write(Some(&base.display().to_string()));
        assert_eq!(base_of_adapter(&adapter).unwrap(), Some(base.clone()));
        // A checkpoint of ours says where a base of the hub lay.
        write(Some("org/name"));
        let state = serde_json::json!({"step": 1, "total": 1, "optimizer_step": 1, "loss": null,
            "recipe_sha256": "", "dataset_sha256": "",
            "base": {"reference": "hub:org/name", "folder": base, "sha256": ""}});
        std::fs::write(adapter.join("trainer.json"), state.to_string()).unwrap();
        assert_eq!(base_of_adapter(&adapter).unwrap(), Some(base));
    }
}
