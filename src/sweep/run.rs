//! The sweep itself: datasets, models of every arm and training seed, one evaluation.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::arms::{SweepArm, SweepSpec, arms};
use crate::dataset::{DatasetError, held_out_questions, test_texts};
use crate::domain::{DatasetId, DomainError, QuestionId, Survey};
use crate::engine::{Client, EngineError};
use crate::evaluate::{Evaluation, Framing, Plan, PlannedModel};
use crate::finetune::{FinetuneError, Recipe};
use crate::job::{JobError, MARK, RunView, SlurmAsk, StateName};
use crate::launch::{
    BuildError, FinetuneRequest, LaunchError, Place, PlaceError, SurveyInput, array_name, as_array,
    build_dataset, evaluate, finetune, on_slurm, samples, submit,
};
use crate::store::StoreError;

/// How often an engine that is away is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// A sweep that did not come to its end. What is done stays done: say the command again.
#[derive(Debug, Error)]
pub enum SweepError {
    /// The workspace.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Its database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A dataset that cannot be built.
    #[error("arm `{arm}`: {source}")]
    Dataset {
        /// The arm.
        arm: String,
        /// Why.
        source: BuildError,
    },
    /// The split.
    #[error(transparent)]
    Split(#[from] DatasetError),
    /// A name.
    #[error(transparent)]
    Name(#[from] DomainError),
    /// The recipe.
    #[error(transparent)]
    Recipe(#[from] FinetuneError),
    /// A run that could not be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A run that ended otherwise than by success.
    #[error(
        "run {run} ({label}) ended as {state}: `polyculture runs logs {run}` shows why, `polyculture runs retry {run}` tries again, and the same sweep command goes on from there"
    )]
    Run {
        /// The run.
        run: String,
        /// What it was.
        label: String,
        /// Its end.
        state: String,
    },
    /// Files of a run.
    #[error(transparent)]
    Files(#[from] JobError),
    /// Nothing to compare with.
    #[error("{0}")]
    Nothing(String),
}

/// Told what the sweep does now: (step, done, of).
pub type Watch<'a> = dyn FnMut(&str, u64, u64) + 'a;

/// What a sweep ends in.
#[derive(Debug, Clone, Serialize)]
pub struct SweepReport {
    /// Its name: the same for the same spec on the same texts.
    pub name: String,
    /// What was asked for.
    pub spec: SweepSpec,
    /// Arms in the order of the table, as printed.
    pub arms: Vec<String>,
    /// Rows and pairs; the unit is the question, training seeds are nested.
    pub evaluation: Evaluation,
    /// The runs behind it.
    pub runs: Vec<RunView>,
}

/// Goes through the sweep, or on with it. With `slurm` its runs are jobs: all fine-tunes one array.
///
/// # Errors
/// See [`SweepError`].
pub fn run(
    place: &Place,
    spec: &SweepSpec,
    slurm: Option<&SlurmAsk>,
    watch: &mut Watch<'_>,
) -> Result<SweepReport, SweepError> {
    let Laid { survey, held, texts, name, arms } = lay_out(place, spec)?;
    let mut client = Client::connect_or_start()?;
    let mut sweep =
        Sweep { place, spec, slurm, name: &name, client: &mut client, watch, runs: Vec::new() };
    let datasets = sweep.datasets(&arms)?;
    let models = sweep.models(&arms, &datasets)?;
    let evaluation = sweep.evaluate(&survey, &held, texts, &arms, models)?;
    let runs = sweep.runs;
    let labels = arms.into_iter().map(|a| a.label).collect();
    Ok(SweepReport { name, spec: spec.clone(), arms: labels, evaluation, runs })
}

/// A sweep laid out on the workspace as it is now.
pub(super) struct Laid {
    survey: Survey,
    held: Vec<QuestionId>,
    texts: Vec<crate::domain::TestText>,
    /// Its name.
    pub(super) name: String,
    /// Its arms.
    pub(super) arms: Vec<SweepArm>,
}

pub(super) fn lay_out(place: &Place, spec: &SweepSpec) -> Result<Laid, SweepError> {
    let survey = place.read()?.read().survey()?;
    let held = held_out_questions(&survey, spec.held_out_questions, spec.seed)?;
    let (training, held_out) = samples(&survey, place)
        .map_err(|source| SweepError::Dataset { arm: "all".into(), source })?;
    let texts = test_texts(&survey, &held_out, &held, spec.paraphrases);
    let name = name_of(spec, &survey, &training, &texts);
    let arms = arms(spec, &held);
    Ok(Laid { survey, held, texts, name, arms })
}

/// The same name for the same spec on the same survey and texts, another one otherwise: a sweep
/// over other samples must not find the runs of this one.
fn name_of(
    spec: &SweepSpec,
    survey: &Survey,
    training: &[crate::domain::Sample],
    texts: &[crate::domain::TestText],
) -> String {
    let mut hash = Sha256::new();
    hash.update(serde_json::to_vec(spec).unwrap_or_default());
    hash.update(serde_json::to_vec(survey).unwrap_or_default());
    for s in training {
        hash.update(s.id.as_str());
    }
    for t in texts {
        hash.update(&t.text_id);
    }
    let digest = hash.finalize();
    let short: String = digest.iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!("{}-{short}", spec.kind.word())
}

/// Waits for a run's end. From inside a run no engine is started, and one that is restarted or
/// upgraded is away for a moment: then it is waited for.
fn wait_through(client: &mut Client, run: &RunView) -> Result<RunView, EngineError> {
    let inside = std::env::var_os(MARK).is_some();
    loop {
        match client.wait(&run.id, &mut |_, _| ()) {
            Err(EngineError::Io { .. } | EngineError::Unreachable { .. }) if inside => {
                thread::sleep(LOOK);
            }
            other => return other,
        }
    }
}

struct Sweep<'a, 'w> {
    place: &'a Place,
    spec: &'a SweepSpec,
    slurm: Option<&'a SlurmAsk>,
    name: &'a str,
    client: &'a mut Client,
    watch: &'a mut Watch<'w>,
    runs: Vec<RunView>,
}

impl Sweep<'_, '_> {
    fn datasets(&mut self, arms: &[SweepArm]) -> Result<Vec<DatasetId>, SweepError> {
        let mut out = Vec::new();
        for (i, arm) in arms.iter().enumerate() {
            (self.watch)("building datasets", i as u64, arms.len() as u64);
            let id: DatasetId = format!("{}-{}", self.name, arm.name).parse()?;
            let mut spec = arm.dataset.clone();
            id.as_str().clone_into(&mut spec.name);
            build_dataset(self.place, &id, &spec)
                .map_err(|source| SweepError::Dataset { arm: arm.label.clone(), source })?;
            out.push(id);
        }
        Ok(out)
    }

    /// All fine-tunes are handed over at once: the engine runs as many as there is room for.
    fn models(
        &mut self,
        arms: &[SweepArm],
        datasets: &[DatasetId],
    ) -> Result<Vec<PlannedModel>, SweepError> {
        let mut all = Vec::new();
        let mut arm_of = Vec::new();
        for (arm, dataset) in arms.iter().zip(datasets) {
            for seed in 1..=self.spec.seeds {
                let mut recipe = Recipe::parse(&self.spec.recipe, "the sweep's recipe")?;
                recipe.seed = seed;
                let alias = format!("{dataset}-seed-{seed}");
                let request = FinetuneRequest {
                    dataset: dataset.clone(),
                    recipe,
                    alias: Some(alias.clone()),
                    python: None,
                };
                let mut prepared = finetune(self.place, &request)?;
                prepared.run.request_id = Some(format!("sweep/{alias}"));
                if let Some(ask) = self.slurm {
                    on_slurm(&mut prepared.run, ask)?;
                }
                arm_of.push((arm.label.clone(), seed));
                all.push(prepared);
            }
        }
        if self.slurm.is_some() {
            as_array(&mut all, &array_name(self.name), None);
        }
        let mut started = Vec::new();
        let mut planned = Vec::new();
        for (prepared, (arm, seed)) in all.iter().zip(arm_of) {
            let run = submit(self.client, self.place, prepared)?;
            planned.push(PlannedModel {
                reference: format!("run:{}", run.id),
                arm,
                seed,
                trained_for: None,
                framing: Framing::Named,
                changed: None,
            });
            started.push(run);
        }
        self.wait("fine-tuning", started)?;
        Ok(planned)
    }

    fn evaluate(
        &mut self,
        survey: &Survey,
        held: &[QuestionId],
        texts: Vec<crate::domain::TestText>,
        arms: &[SweepArm],
        models: Vec<PlannedModel>,
    ) -> Result<Evaluation, SweepError> {
        let trained =
            survey.questions.iter().map(|q| q.id.clone()).filter(|id| !held.contains(id)).collect();
        let last = arms.last().ok_or_else(|| SweepError::Nothing("the sweep has no arm".into()))?;
        let plan = Plan {
            cultures: self.spec.cultures.clone(),
            against: Some(last.label.clone()),
            ..Plan::new(models, trained, self.spec.seed)
        };
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        let mut prepared = evaluate(self.place, &SurveyInput::new(plan, texts), threads)?;
        prepared.run.label = Some(format!("sweep {}", self.name));
        prepared.run.request_id = Some(format!("sweep/{}/evaluate", self.name));
        if let Some(ask) = self.slurm {
            on_slurm(&mut prepared.run, ask)?;
        }
        let run = submit(self.client, self.place, &prepared)?;
        let ended = self.wait("scoring", vec![run])?;
        let run = ended.first().ok_or_else(|| SweepError::Nothing("no evaluation".into()))?;
        let path = self.file(run, "evaluation.json");
        let bytes = fs::read(&path).map_err(JobError::io(&path))?;
        serde_json::from_slice(&bytes).map_err(|e| {
            SweepError::Files(JobError::Malformed {
                path,
                line: Some(e.line() as u64),
                reason: e.to_string(),
            })
        })
    }

    fn file(&self, run: &RunView, name: &str) -> PathBuf {
        let attempt = format!("attempt-{}", run.attempt);
        self.place.folder().runs().join(run.id.as_str()).join(attempt).join(name)
    }

    fn wait(&mut self, step: &str, started: Vec<RunView>) -> Result<Vec<RunView>, SweepError> {
        let total = started.len() as u64;
        let mut out = Vec::new();
        for (i, run) in started.into_iter().enumerate() {
            (self.watch)(step, i as u64, total);
            let ended = wait_through(self.client, &run)?;
            if ended.state != StateName::Succeeded {
                return Err(SweepError::Run {
                    run: ended.id.to_string(),
                    label: ended.label.clone().unwrap_or_default(),
                    state: ended.state.word().to_owned(),
                });
            }
            out.push(ended);
        }
        (self.watch)(step, total, total);
        self.runs.extend(out.iter().cloned());
        Ok(out)
    }
}
