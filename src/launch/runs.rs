//! One function a kind of run: check, freeze the input, hand over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::base::frozen_base;
use super::dataset::open_dataset;
use super::{LaunchError, Place, Prepared, model_source};
use crate::augment::Settings;
use crate::domain::{DatasetId, QuestionId, Sample, Survey, TestText};
use crate::engine::Client;
use crate::evaluate::{Contexts, DEFAULT_DRAWS, Draws, Plan};
use crate::finetune::backend::{Request, backend};
use crate::finetune::{Backend, FrozenBase, MemoryNeed, ModelChoice, ModelRef, Recipe};
use crate::ingest::AboutModel;
use crate::job::{JobError, NewRun, RunKind, RunView};
use crate::providers::ModelSource;
use crate::store::{DecisionKind, SampleFilter};

/// Hands a prepared run to the engine.
///
/// # Errors
/// The run's folder cannot be made, or the engine refuses.
pub fn submit(
    client: &mut Client,
    place: &Place,
    prepared: &Prepared,
) -> Result<RunView, LaunchError> {
    super::fit::check_fit(place, prepared)?;
    let runs = place.folder().runs();
    let prepared = super::endpoints::ready(place, prepared)?;
    Ok(client.add(prepared.run.clone(), &runs, |input| prepared.write_input(input))?.run)
}

/// A run of the workspace, before its input.
pub(super) fn new_run(place: &Place, kind: RunKind, label: impl Into<String>) -> NewRun {
    NewRun {
        label: Some(label.into()),
        // A script that may be run twice names its request; the same name is never run twice.
        request_id: std::env::var("POLYCULTURE_REQUEST_ID").ok(),
        ..NewRun::new(kind, place.folder().root())
    }
}

/// Prepares growing samples from seeds (all of the workspace when none are named).
///
/// # Errors
/// Settings that no run could follow, unknown seeds, an unreadable workspace.
pub fn augment(
    place: &Place,
    seeds: &[QuestionId],
    settings: &Settings,
) -> Result<Prepared, LaunchError> {
    settings.check()?;
    let store = place.read()?;
    let survey = store.read().survey()?;
    if survey.questions.is_empty() {
        return Err(LaunchError::Unknown(
            "this workspace has no seeds: `polyculture seeds import FILE`".into(),
        ));
    }
    let mut chosen = Vec::new();
    for id in seeds {
        let q = survey.question(id).ok_or_else(|| {
            LaunchError::Unknown(format!("no seed {id}: `polyculture seeds list` shows the ids"))
        })?;
        chosen.push(q.clone());
    }
    if seeds.is_empty() {
        chosen.clone_from(&survey.questions);
    }
    let existing = existing_samples(place)?;
    let what = if settings.is_held_out() { "held-out paraphrases" } else { "samples" };
    let run = new_run(place, RunKind::Augment, format!("{what} of {} seeds", chosen.len()));
    Ok(Prepared::new(run)
        .json("seeds.json", &chosen)?
        .json("all-seeds.json", &survey.questions)?
        .json("settings.json", settings)?
        .rows("existing.jsonl", &existing)?)
}

/// Kept samples of the workspace, in every language.
pub(super) fn existing_samples(place: &Place) -> Result<Vec<Sample>, LaunchError> {
    let kept = SampleFilter { decision: Some(DecisionKind::Kept), ..SampleFilter::default() };
    Ok(place.read()?.read().all_samples(&kept)?)
}

/// Seconds that a checkpoint of a large model may take between TERM and KILL.
const TORCH_GRACE_S: u32 = 120;

/// What a fine-tune is asked to do.
#[derive(Debug, Clone)]
pub struct FinetuneRequest {
    /// The dataset.
    pub dataset: DatasetId,
    /// The recipe, overrides included.
    pub recipe: Recipe,
    /// Alias of the model.
    pub alias: Option<String>,
    /// The Python of the backend `torch`; found where none is named.
    pub python: Option<PathBuf>,
}

/// Prepares training a model on a dataset of the workspace.
///
/// # Errors
/// No such dataset, or its files changed; no such base, or one that this machine cannot hold.
pub fn finetune(place: &Place, request: &FinetuneRequest) -> Result<Prepared, LaunchError> {
    let dataset = open_dataset(place, &request.dataset)?;
    let survey = place.read()?.read().survey()?;
    let culture = match &dataset.manifest.spec.arm {
        crate::dataset::Arm::Culture { culture } => Some(culture.clone()),
        _ => None,
    };
    let about = AboutModel {
        dataset: request.dataset.clone(),
        recipe: request.recipe.name.clone(),
        culture,
        alias: request.alias.clone(),
        seed: request.recipe.seed,
    };
    let base = frozen_base(place, &request.recipe)?;
    let label = request.alias.clone().unwrap_or_else(|| {
        let from = match &request.recipe.model {
            ModelChoice::Named(reference) => reference.to_string(),
            _ => "tiny".into(),
        };
        format!("{from} on {}", request.dataset)
    });
    let asked = Request {
        recipe: &request.recipe,
        base: base.as_ref(),
        rows: &dataset.examples,
        survey: &survey,
        python: request.python.as_deref(),
    };
    let trains = backend(request.recipe.backend);
    let estimate = trains.estimate(&asked)?;
    let files = trains.freeze(&asked)?;
    let mut run = new_run(place, RunKind::Finetune, label);
    run.resources.threads = u32::try_from(request.recipe.resources.threads).unwrap_or(1).max(1);
    let gpus = request.recipe.resources.gpus;
    let needed = estimate.map_or(0, |e| MemoryNeed::new(&e, &request.recipe).machine >> 20);
    run.resources.memory_mib = Some(request.recipe.resources.memory_mb.max(needed));
    run.resources.gpus = gpus;
    let limit = request.recipe.resources.time_limit.as_deref();
    let limit = limit.and_then(|t| t.parse::<jiff::SignedDuration>().ok());
    run.terms.time_limit_s = limit.map(|d| d.as_secs().max(1).unsigned_abs());
    if request.recipe.backend == Backend::Torch {
        run.grace_s = run.grace_s.max(TORCH_GRACE_S);
    }
    let survey = Survey { counts: BTreeMap::new(), paper_means: BTreeMap::new(), ..survey };
    let mut prepared = match &base {
        None => Prepared::new(run),
        Some(b) => Prepared::new(run).json(FrozenBase::FILE, b)?,
    };
    for (name, bytes) in files {
        prepared = prepared.file(name, bytes);
    }
    if let Some(e) = &estimate {
        prepared = prepared.json("estimate.json", e)?;
    }
    Ok(prepared
        .file("recipe.toml", request.recipe.to_toml()?.into_bytes())
        .rows("dataset.jsonl", &dataset.examples)?
        .json("survey.json", &survey)?
        .json("about.json", &about)?)
}

/// What a survey evaluation is asked to do.
#[derive(Debug, Clone)]
pub struct SurveyInput {
    /// The plan, not locked yet.
    pub plan: Plan,
    /// The texts that are put.
    pub texts: Vec<TestText>,
    /// How answers are drawn from models that give no log-probabilities.
    pub draws: Draws,
    /// Texts about cultures, for the arm "context".
    pub contexts: Option<Contexts>,
}

impl SurveyInput {
    /// A plan and its texts.
    pub fn new(plan: Plan, texts: Vec<TestText>) -> Self {
        let draws = Draws::of(plan.draws_per_prompt.unwrap_or(DEFAULT_DRAWS));
        Self { plan, texts, draws, contexts: None }
    }
}

/// Prepares scoring models against the survey. The plan is locked here.
///
/// # Errors
/// A plan that cannot be carried out, or a model that is not there.
pub fn evaluate(place: &Place, input: &SurveyInput, threads: u32) -> Result<Prepared, LaunchError> {
    let SurveyInput { plan, texts, draws, contexts } = input;
    let contexts = match contexts {
        Some(c) => Some(serde_json::to_vec_pretty(c).map_err(|e| JobError::Work(e.to_string()))?),
        None => None,
    };
    let plan = match &contexts {
        Some(bytes) => &plan.clone().with_input("contexts.json", bytes),
        None => plan,
    };
    let locked = plan.lock()?;
    let survey = place.read()?.read().survey()?;
    let mut sources: BTreeMap<String, ModelSource> = BTreeMap::new();
    for m in &plan.models {
        if !sources.contains_key(&m.reference) {
            let source = model_source(place, &m.reference.parse::<ModelRef>()?, &m.reference)?;
            sources.insert(m.reference.clone(), source);
        }
    }
    let mut run = new_run(
        place,
        RunKind::Evaluate,
        format!("survey alignment of {} models", plan.models.len()),
    );
    run.resources.threads = threads;
    let prepared = match contexts {
        Some(bytes) => Prepared::new(run).file("contexts.json", bytes),
        None => Prepared::new(run),
    };
    Ok(prepared
        .json("draws.json", draws)?
        .file("plan.json", locked.text.into_bytes())
        .file("plan.sha256", locked.sha256.into_bytes())
        .json("survey.json", &survey)?
        .rows("texts.jsonl", texts)?
        .json("models.json", &sources)?)
}

/// Prepares any command line.
pub fn command(place: &Place, argv: Vec<String>, label: Option<String>, cwd: &Path) -> Prepared {
    let label = label.unwrap_or_else(|| argv.join(" "));
    let run = NewRun { argv, cwd: cwd.to_owned(), ..new_run(place, RunKind::Command, label) };
    Prepared::new(run)
}
