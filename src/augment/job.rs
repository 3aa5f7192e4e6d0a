//! The augmentation job. A killed run goes on with what is not finished: a seed's samples are
//! written together, its end is marked in `seeds.jsonl`, and replies of language models come out of
//! the reply store a second time.

use std::collections::BTreeSet;

use super::calls::Asking;
use super::growth::Judge;
use super::ledger::Ledger;
use super::similarity::SimilarityModel;
use super::waves::{Prompts, Waves};
use super::{AugmentError, Calibration, Settings, Summary, calibrate, run};
use crate::domain::{Question, QuestionId, Sample};
use crate::job::{Attempt, JobError, Progress, read_jsonl};
use crate::providers::prompts::Library;
use crate::providers::{Augmenter, ChatModel};

/// Who proposes.
pub enum Proposer {
    /// Rules: an answer at once.
    Rules(Box<dyn Augmenter>),
    /// A language model: many calls in flight.
    Model(Box<dyn ChatModel>),
}

/// Makes the proposer that the settings name.
pub type MakeProposer<'a> = dyn FnMut(&Settings) -> Result<Proposer, String> + 'a;

/// Reads `seeds.json`, `settings.json` and, where they are there, `existing.jsonl` and `prompts/`;
/// appends samples to `results.jsonl`; writes `calibration.json` first and `summary.json` last.
///
/// # Errors
/// Settings that cannot be followed, a provider that cannot work, a full disk;
/// [`JobError::Stopped`] when asked to stop.
pub fn work(
    attempt: &Attempt,
    progress: &mut dyn Progress,
    make: &mut MakeProposer<'_>,
    filter: &dyn SimilarityModel,
) -> Result<Summary, JobError> {
    let seeds: Vec<Question> = attempt.read_input("seeds.json")?;
    let settings: Settings = attempt.read_input("settings.json")?;
    settings.check().map_err(failed)?;
    let existing: Vec<Sample> = read_jsonl(&attempt.input("existing.jsonl"))?;
    let mut proposer = make(&settings).map_err(JobError::Work)?;
    let reference: Vec<Question> = match attempt.input("all-seeds.json") {
        path if path.exists() => attempt.read_input("all-seeds.json")?,
        _ => seeds.clone(),
    };
    let calibration: Calibration =
        calibrate(&reference, filter, settings.false_accept, settings.threshold).map_err(failed)?;
    attempt.write_json("calibration.json", &calibration)?;

    let mut samples: Vec<Sample> = Vec::new();
    let mut finished: BTreeSet<QuestionId> = BTreeSet::new();
    for earlier in attempt.earlier().into_iter().rev().chain(std::iter::once(attempt.clone())) {
        finished.extend(read_jsonl::<QuestionId>(&earlier.file("seeds.jsonl"))?);
        samples.extend(read_jsonl::<Sample>(&earlier.file("results.jsonl"))?);
    }
    // Samples of a seed that was cut short are made again; the same replies give the same ids.
    samples.retain(|s| finished.contains(&s.seed));
    let mut ledger = Ledger::open(attempt, &samples)?;
    let run_id = attempt.run_dir().file_name().map(|n| n.to_string_lossy().into_owned());
    let name = match &proposer {
        Proposer::Rules(augmenter) => augmenter.name(),
        Proposer::Model(model) => model.name(),
    };
    let judge = Judge {
        filter,
        threshold: calibration.threshold,
        settings: &settings,
        existing: &existing,
        run: run_id.as_deref(),
        provider: &name,
    };
    match &mut proposer {
        Proposer::Rules(augmenter) => {
            let total = seeds.len() as u64;
            for (i, seed) in seeds.iter().enumerate() {
                progress.at(i as u64, Some(total), seed.id.as_str());
                if finished.contains(&seed.id) {
                    continue;
                }
                if progress.should_stop() {
                    ledger.sync()?;
                    return Err(JobError::Stopped);
                }
                let grown = run::grow(seed, &**augmenter, judge).map_err(failed)?;
                ledger.finished(&seed.id, &grown)?;
            }
            progress.at(total, Some(total), "done");
        }
        Proposer::Model(model) => {
            let library = Library::of_folder(attempt.input("prompts"));
            let prompts =
                Prompts::load(&library, &settings).map_err(|e| JobError::Work(e.to_string()))?;
            let open: Vec<&Question> = seeds.iter().filter(|q| !finished.contains(&q.id)).collect();
            let asking = Asking { model: &mut **model, ledger: &mut ledger, progress };
            let mut waves = Waves { asking, prompts: &prompts, judge };
            waves.grow(&open)?;
        }
    }
    let summary = ledger.close()?;
    attempt.write_json("summary.json", &summary)?;
    Ok(summary)
}

pub(super) fn failed(e: AugmentError) -> JobError {
    match e {
        AugmentError::Job(e) => e,
        other => JobError::Work(other.to_string()),
    }
}
