//! Models that are not there yet: a run that is waited for will make them.

use super::{LaunchError, Place, Prepared};
use crate::domain::RunId;
use crate::finetune::{Backend, ModelRef, Recipe};
use crate::ingest::AboutModel;
use crate::job::{RunKind, RunSpec};
use crate::providers::ModelSource;

/// The model that an awaited run will make, if the reference means one. `None` where the registry
/// has it already, or nobody waits for its run.
///
/// # Errors
/// It will lie at a service, under a name that only the service knows.
pub(super) fn source(
    place: &Place,
    reference: &ModelRef,
    name: &str,
) -> Result<Option<ModelSource>, LaunchError> {
    let Some(run) = run_of(place, reference)? else { return Ok(None) };
    let run_dir = place.folder().runs().join(run.as_str());
    let recipe = std::fs::read_to_string(run_dir.join("input/recipe.toml")).unwrap_or_default();
    if Recipe::parse(&recipe, "recipe.toml").is_ok_and(|r| r.backend == Backend::Openai) {
        return Err(LaunchError::Unknown(format!(
            "{reference} will lie at a service, whose name for it is known when run {run} has \
             ended: start this then"
        )));
    }
    let step = match reference {
        ModelRef::Run { step, .. } => *step,
        _ => None,
    };
    Ok(Some(ModelSource::Made { name: name.to_owned(), run_dir, step }))
}

/// What the run will tell the registry of it.
pub(super) fn about(
    place: &Place,
    reference: &ModelRef,
) -> Result<Option<AboutModel>, LaunchError> {
    Ok(run_of(place, reference)?.and_then(|run| about_of(place, &run)))
}

fn about_of(place: &Place, run: &RunId) -> Option<AboutModel> {
    let dir = place.folder().runs().join(run.as_str());
    let spec = RunSpec::read(&dir).ok().filter(|s| s.kind == RunKind::Finetune)?;
    let text = std::fs::read(dir.join("input/about.json")).ok()?;
    serde_json::from_slice(&text).ok().filter(|_| spec.id == *run)
}

fn run_of(place: &Place, reference: &ModelRef) -> Result<Option<RunId>, LaunchError> {
    let will_make = |run: &&RunId| match (about_of(place, run), reference) {
        (Some(_), ModelRef::Run { run: meant, .. }) => meant == *run,
        (Some(about), ModelRef::Alias(alias)) => {
            about.alias.as_deref() == Some(alias.as_str()) || alias.as_str() == run.as_str()
        }
        _ => false,
    };
    let Some(run) = place.awaited().iter().find(will_make) else { return Ok(None) };
    // It has ended, and its model is registered as any other.
    let there = !place.read()?.read().models_of_run(run)?.is_empty();
    Ok((!there).then(|| run.clone()))
}

/// The way out for a run whose model is not there, where it will be.
pub(super) fn hint(place: &Place, run: &RunId) -> Option<String> {
    about_of(place, run)?;
    Some(format!("run {run} has not made its model yet; `--after-ok {run}` waits for it"))
}

/// The models of a prepared run that are looked up when it starts, by name.
pub fn awaited_models(prepared: &Prepared) -> Vec<String> {
    let name = |s: ModelSource| match s {
        ModelSource::Made { name, .. } => Some(name),
        _ => None,
    };
    prepared.sources().into_iter().filter_map(name).collect()
}
