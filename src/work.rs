//! Which job an attempt folder asks for: the body of `polyculture __work ATTEMPT_DIR`. It reads the
//! frozen input, writes the attempt folder, and never opens a database.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use crate::augment::similarity::{Encoded, Lexical, SimilarityModel};
use crate::augment::{self, Proposer, Settings};
use crate::domain::prompt::Prompt;
use crate::domain::{OptionScores, Question};
use crate::embedded::encoder::Encoder;
use crate::embedded::{self, ScoreSettings};
use crate::evaluate::classify;
use crate::evaluate::forgetting;
use crate::evaluate::open_ended;
use crate::evaluate::robustness;
use crate::evaluate::{self, Drawn, Draws, Scorer};
use crate::finetune;
use crate::job::{Attempt, FailureFile, FileProgress, JobError, LastWords, RunKind, RunSpec, say};
use crate::providers::{self, ChatModel, ModelSource, Offline, ReplyPlaces};
use crate::study::judge;

/// Exit code of work that stopped because it was asked to: 128 + SIGTERM.
const STOPPED: u8 = 143;
/// Prompts scored together; neighbours share their prefix.
const PROMPTS_A_PACK: usize = 64;

/// Carries out the job of an attempt folder. What went wrong stands on stderr (which is the run's
/// `out.log`) and in the folder.
pub fn main(dir: &Path) -> ExitCode {
    let last_words = LastWords::reserve(dir);
    match work(dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(JobError::Stopped) => ExitCode::from(STOPPED),
        Err(e) => {
            let message = e.to_string();
            say(&message);
            last_words.tell(FailureFile { message, kind: e.kind() });
            ExitCode::FAILURE
        }
    }
}

fn work(dir: &Path) -> Result<(), JobError> {
    let attempt = Attempt::open(dir)?;
    let spec = RunSpec::read(attempt.run_dir())?;
    let mut progress = FileProgress::new(&attempt);
    let threads = spec.resources.threads.max(1) as usize;
    match spec.kind {
        RunKind::Augment if attempt.input("translate.json").exists() => {
            let source: ModelSource = attempt.read_input("provider.json")?;
            let mut model =
                chat_model(&source, &ReplyPlaces::of(&attempt), threads).map_err(JobError::Work)?;
            augment::translate::work(&attempt, &mut progress, &mut *model).map(drop)
        }
        RunKind::Augment => {
            let filter = filter(&attempt)?;
            let mut make = |settings: &Settings| proposer(&attempt, settings, threads);
            augment::work(&attempt, &mut progress, &mut make, &*filter).map(drop)
        }
        RunKind::Finetune => finetune::work(&attempt, &mut progress).map(drop),
        RunKind::Evaluate if evaluate::locked::task_of(&attempt)? != "survey" => {
            let places = ReplyPlaces::of(&attempt);
            let mut make = |source: &ModelSource| chat_model(source, &places, threads);
            match evaluate::locked::task_of(&attempt)?.as_str() {
                classify::TASK => classify::job::work(&attempt, &mut progress, &mut make).map(drop),
                "win-rate" => open_ended::job::work(&attempt, &mut progress, &mut make).map(drop),
                "gsm8k" | "bbh" => {
                    forgetting::job::work(&attempt, &mut progress, &mut make).map(drop)
                }
                "robustness" => robustness::job::work(&attempt, &mut progress, &mut make).map(drop),
                other => Err(JobError::Work(format!(
                    "plan.json names the task `{other}`, which this polyculture does not know"
                ))),
            }
        }
        RunKind::Evaluate => {
            let sources: BTreeMap<String, ModelSource> = attempt.read_input("models.json")?;
            let draws: Draws = match attempt.input("draws.json") {
                path if path.exists() => attempt.read_input("draws.json")?,
                _ => Draws::of(evaluate::DEFAULT_DRAWS),
            };
            let places = ReplyPlaces::of(&attempt);
            let mut make = |reference: &str| scorer(&sources, reference, threads, &places, draws);
            evaluate::job::work(&attempt, &mut progress, &mut make).map(drop)
        }
        RunKind::Judge => {
            let places = ReplyPlaces::of(&attempt);
            let mut make = |source: &ModelSource| chat_model(source, &places, threads);
            judge::work(&attempt, &mut progress, &mut make).map(drop)
        }
        RunKind::Command => Err(JobError::Work(format!(
            "{} runs a command line, which its shim starts itself: there is no job for it here",
            spec.id
        ))),
    }
}

/// A model that answers in words.
fn chat_model(
    source: &ModelSource,
    places: &ReplyPlaces,
    threads: usize,
) -> Result<Box<dyn ChatModel>, String> {
    let source = made(source)?;
    providers::open(&source, places, threads).map_err(|e| e.to_string())
}

/// Where a model lies that another run was to make before this one started.
fn made(source: &ModelSource) -> Result<Cow<'_, ModelSource>, String> {
    let ModelSource::Made { name, run_dir, step } = source else {
        return Ok(Cow::Borrowed(source));
    };
    let found = finetune::made_by(run_dir, *step).map_err(|e| e.to_string())?;
    let name = name.clone();
    Ok(Cow::Owned(ModelSource::Folder { name, dir: found.dir, adapter: found.adapter }))
}

/// Rules, or the model that `provider.json` names.
fn proposer(attempt: &Attempt, settings: &Settings, threads: usize) -> Result<Proposer, String> {
    if settings.provider == "offline" {
        return Ok(Proposer::Rules(Box::new(Offline::new().map_err(|e| e.to_string())?)));
    }
    let source: ModelSource = attempt.read_input("provider.json").map_err(|e| e.to_string())?;
    let places = ReplyPlaces::of(attempt);
    Ok(Proposer::Model(chat_model(&source, &places, threads)?))
}

/// The semantic filter that the settings name. Words are weighed over all seeds of the workspace,
/// whatever the run grows from.
fn filter(attempt: &Attempt) -> Result<Box<dyn SimilarityModel>, JobError> {
    let settings: Settings = attempt.read_input("settings.json")?;
    match settings.encoder {
        None => {
            let seeds: Vec<Question> = attempt.read_input("all-seeds.json")?;
            Ok(Box::new(Lexical::new(seeds.iter().map(|q| q.text.as_str()))))
        }
        Some(folder) => encoder(&folder).map_err(JobError::Work),
    }
}

/// A sentence encoder from a folder (references were resolved when the run was started).
///
/// # Errors
/// What is wrong with the folder, by name.
pub fn encoder(folder: &str) -> Result<Box<dyn SimilarityModel>, String> {
    let model = Encoder::load(Path::new(folder)).map_err(|e| e.to_string())?;
    let embed = move |texts: &[&str]| model.embed(texts).map_err(|e| e.to_string());
    Ok(Box::new(Encoded::new(folder, Box::new(embed))))
}

/// The embedded decoder behind the evaluation's trait.
struct Embedded {
    scorer: embedded::Scorer,
    settings: ScoreSettings,
}

impl Scorer for Embedded {
    fn score(&mut self, prompts: &[Prompt]) -> Result<Vec<OptionScores>, String> {
        self.scorer.score(prompts, self.settings).map_err(|e| e.to_string())
    }
}

fn scorer(
    sources: &BTreeMap<String, ModelSource>,
    reference: &str,
    threads: usize,
    places: &ReplyPlaces,
    draws: Draws,
) -> Result<Box<dyn Scorer>, String> {
    let source = sources.get(reference).ok_or_else(|| "it is not in models.json".to_owned())?;
    let source = made(source)?;
    let ModelSource::Folder { dir, adapter, .. } = &*source else {
        let model = providers::open(&source, places, threads).map_err(|e| e.to_string())?;
        return Ok(Box::new(Drawn::new(model, draws)));
    };
    let scorer = embedded::Scorer::open(
        dir,
        adapter.as_deref(),
        embedded::tokenizer::ChatOptions::default(),
    )
    .map_err(|e| e.to_string())?;
    let settings = ScoreSettings { threads, prompts_a_pack: PROMPTS_A_PACK };
    Ok(Box::new(Embedded { scorer, settings }))
}
