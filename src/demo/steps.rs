//! Seeds, augment, study, datasets, fine-tunes, evaluation: one after the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use thiserror::Error;

use super::arms::{Arms, Size, arms, recipe};
use super::report::{DemoReport, SampleCounts};
use crate::augment::{Settings, Summary};
use crate::dataset::{held_out_questions, test_texts};
use crate::domain::{QuestionId, Survey};
use crate::engine::{Client, EngineError};
use crate::evaluate::{Evaluation, Framing, Plan, PlannedModel, markdown, plain};
use crate::finetune::FinetuneError;
use crate::job::{JobError, RunView, StateName};
use crate::launch::{
    BuildError, FinetuneRequest, LaunchError, Place, PlaceError, Prepared, SurveyInput, augment,
    build_dataset, evaluate, finetune, samples, submit,
};

/// Random seed of everything in the demo.
const SEED: u64 = 1;

/// A demo that did not come to its end.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The workspace.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A run that could not be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A dataset.
    #[error(transparent)]
    Dataset(#[from] BuildError),
    /// The recipe.
    #[error(transparent)]
    Recipe(#[from] FinetuneError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Files of a run.
    #[error(transparent)]
    Files(#[from] JobError),
    /// A run that ended otherwise than by success.
    #[error("run {run} ({label}) ended as {state}: `polyculture runs logs {run}` shows why")]
    Run {
        /// The run.
        run: String,
        /// What it was.
        label: String,
        /// Its end.
        state: String,
    },
    /// Anything else, in words.
    #[error("{0}")]
    Step(String),
}

/// Told what the demo does now: (step, done, of).
pub type Watch<'a> = dyn FnMut(&str, u64, u64) + 'a;

/// Makes a fresh workspace in `dir` and goes through the whole loop.
///
/// # Errors
/// A workspace that cannot be made, a run that did not succeed.
pub fn run(dir: &Path, size: Size, watch: &mut Watch<'_>) -> Result<DemoReport, DemoError> {
    let place = Place::init(dir, false)?;
    let engine_was_there = Client::connect()?.is_some();
    let report = run_in(&place, size, watch);
    if !engine_was_there && let Some(mut client) = Client::connect()? {
        // The demo leaves the machine as it found it; the workspace stays.
        client.stop()?;
    }
    report
}

/// The same in a workspace that is there already; the engine stays up.
///
/// # Errors
/// As [`run`].
pub fn run_in(place: &Place, size: Size, watch: &mut Watch<'_>) -> Result<DemoReport, DemoError> {
    let began = Instant::now();
    let mut client = Client::connect_or_start()?;
    let mut report = Demo { place, client: &mut client, size, watch, runs: Vec::new() }.go()?;
    report.seconds = began.elapsed().as_secs_f64();
    Ok(report)
}

struct Demo<'a, 'w> {
    place: &'a Place,
    client: &'a mut Client,
    size: Size,
    watch: &'a mut Watch<'w>,
    runs: Vec<RunView>,
}

impl Demo<'_, '_> {
    fn go(mut self) -> Result<DemoReport, DemoError> {
        let survey = self.survey()?;
        let counts = self.augment()?;
        (self.watch)("rating samples with three scripted raters", 0, 1);
        let ratings = super::study::rate(self.place).map_err(DemoError::Step)?;
        let held = held_out_questions(&survey, self.size.held_out_questions, SEED)
            .map_err(BuildError::from)?;
        let arms = arms(&survey.cultures, &held, self.size);
        self.datasets(&arms)?;
        let models = self.finetune(&arms, survey.cultures.len())?;
        let evaluation = self.evaluate(&survey, &held, models)?;
        Ok(DemoReport {
            seeds: survey.questions.len(),
            cultures: survey.cultures.len(),
            samples: counts,
            ratings,
            table: plain(&evaluation),
            markdown: markdown(&evaluation),
            evaluation: evaluation.rows,
            workspace: self.place.folder().root().to_owned(),
            runs: self.runs,
            seconds: 0.0,
        })
    }

    fn survey(&self) -> Result<Survey, DemoError> {
        let store = self.place.read()?;
        Ok(store.read().survey().map_err(PlaceError::from)?)
    }

    /// Waits for runs in their order; a run that failed ends the demo.
    fn wait(&mut self, step: &str, started: Vec<RunView>) -> Result<Vec<RunView>, DemoError> {
        let total = started.len() as u64;
        let mut out = Vec::new();
        for (i, run) in started.into_iter().enumerate() {
            (self.watch)(step, i as u64, total);
            let ended = self.client.wait(&run.id, &mut |_, _| ())?;
            if ended.state != StateName::Succeeded {
                return Err(DemoError::Run {
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

    fn submit(&mut self, prepared: &Prepared) -> Result<RunView, DemoError> {
        Ok(submit(self.client, self.place, prepared)?)
    }

    fn augment(&mut self) -> Result<SampleCounts, DemoError> {
        let train = Settings { seed: SEED, ..Settings::default() };
        let held = Settings::held_out(4, SEED);
        let mut started = Vec::new();
        for settings in [train, held] {
            let prepared = augment(self.place, &[], &settings)?;
            started.push(self.submit(&prepared)?);
        }
        let ended = self.wait("growing samples (offline rules), training and held-out", started)?;
        let mut counts = SampleCounts::default();
        for run in &ended {
            let s: Summary = read(&self.file(run, "summary.json"))?;
            counts.proposed += s.proposed;
            counts.kept += s.kept;
            counts.rejected += s.rejected;
            counts.failed += s.failed;
        }
        Ok(counts)
    }

    fn file(&self, run: &RunView, name: &str) -> PathBuf {
        let attempt = format!("attempt-{}", run.attempt);
        self.place.folder().runs().join(run.id.as_str()).join(attempt).join(name)
    }

    fn datasets(&mut self, arms: &[Arms]) -> Result<(), DemoError> {
        for (i, arm) in arms.iter().enumerate() {
            (self.watch)("building datasets", i as u64, arms.len() as u64);
            let name = arm.name.parse().map_err(LaunchError::from)?;
            build_dataset(self.place, &name, &arm.spec)?;
        }
        Ok(())
    }

    /// Submits every fine-tune at once: the engine runs as many as there are cores.
    fn finetune(&mut self, arms: &[Arms], cultures: usize) -> Result<Vec<PlannedModel>, DemoError> {
        let mut started = Vec::new();
        let mut planned = Vec::new();
        for arm in arms {
            for seed in 1..=arm.seeds {
                let request = FinetuneRequest {
                    dataset: arm.name.parse().map_err(LaunchError::from)?,
                    recipe: recipe(arm, cultures, seed, self.size)?,
                    alias: Some(format!("{}-seed-{seed}", arm.name)),
                    python: None,
                };
                let prepared = finetune(self.place, &request)?;
                let run = self.submit(&prepared)?;
                planned.push(PlannedModel {
                    reference: format!("run:{}", run.id),
                    arm: arm.label.clone(),
                    seed,
                    trained_for: arm.culture.clone(),
                    framing: Framing::Named,
                    changed: None,
                });
                started.push(run);
            }
        }
        self.wait("fine-tuning tiny models", started)?;
        Ok(planned)
    }

    fn evaluate(
        &mut self,
        survey: &Survey,
        held: &[QuestionId],
        models: Vec<PlannedModel>,
    ) -> Result<Evaluation, DemoError> {
        let (_, held_out_samples) = samples(survey, self.place)?;
        let texts = test_texts(survey, &held_out_samples, held, self.size.paraphrases);
        let trained =
            survey.questions.iter().map(|q| q.id.clone()).filter(|id| !held.contains(id)).collect();
        let plan = Plan::new(models, trained, SEED);
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        let prepared = evaluate(self.place, &SurveyInput::new(plan, texts), threads)?;
        let run = self.submit(&prepared)?;
        let ended = self.wait("scoring every option of every prompt", vec![run])?;
        read(&self.file(&ended[0], "evaluation.json"))
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, DemoError> {
    let text = fs::read(path).map_err(JobError::io(path))?;
    serde_json::from_slice(&text).map_err(|e| {
        DemoError::Files(JobError::Malformed {
            path: path.to_owned(),
            line: Some(e.line() as u64),
            reason: e.to_string(),
        })
    })
}
