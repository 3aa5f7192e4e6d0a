//! The augmentation job: seed by seed, so that a killed run goes on with the first seed that is not
//! finished. A seed's samples are written together, its end is marked in `seeds.jsonl`.

use std::collections::BTreeSet;

use super::similarity::SimilarityModel;
use super::{AugmentError, Calibration, Settings, Summary, calibrate, run};
use crate::domain::{Question, QuestionId, Sample};
use crate::job::{Attempt, JobError, JsonlWriter, Progress, read_jsonl};
use crate::providers::Augmenter;

/// Makes the provider that the settings name.
pub type MakeAugmenter<'a> = dyn FnMut(&Settings) -> Result<Box<dyn Augmenter>, String> + 'a;

/// Reads `seeds.json`, `settings.json` and, where it is there, `existing.jsonl`; appends samples to
/// `results.jsonl`; writes `calibration.json` first and `summary.json` last.
///
/// # Errors
/// Settings that cannot be followed, a provider that cannot work, a full disk;
/// [`JobError::Stopped`] when asked to stop.
pub fn work(
    attempt: &Attempt,
    progress: &mut dyn Progress,
    make_augmenter: &mut MakeAugmenter<'_>,
    filter: &dyn SimilarityModel,
) -> Result<Summary, JobError> {
    let seeds: Vec<Question> = attempt.read_input("seeds.json")?;
    let settings: Settings = attempt.read_input("settings.json")?;
    settings.check().map_err(failed)?;
    let existing: Vec<Sample> = read_jsonl(&attempt.input("existing.jsonl"))?;
    let augmenter = make_augmenter(&settings).map_err(JobError::Work)?;
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
    // Samples of a seed that was cut short are made again; the same rules give the same ids.
    samples.retain(|s| finished.contains(&s.seed));
    let run_id = attempt.run_dir().file_name().map(|n| n.to_string_lossy().into_owned());
    let mut results = attempt.results()?;
    let mut marks = JsonlWriter::append(attempt.file("seeds.jsonl"))?;
    let total = seeds.len() as u64;
    for (i, seed) in seeds.iter().enumerate() {
        progress.at(i as u64, Some(total), seed.id.as_str());
        if finished.contains(&seed.id) {
            continue;
        }
        if progress.should_stop() {
            return Err(JobError::Stopped);
        }
        let grown = run(
            seed,
            &*augmenter,
            filter,
            calibration.threshold,
            &settings,
            &existing,
            run_id.as_deref(),
        )
        .map_err(failed)?;
        for s in &grown {
            results.write(s)?;
        }
        results.sync()?;
        marks.write(&seed.id)?;
        samples.extend(grown);
    }
    progress.at(total, Some(total), "done");
    let summary = Summary::of(&samples);
    attempt.write_json("summary.json", &summary)?;
    Ok(summary)
}

fn failed(e: AugmentError) -> JobError {
    match e {
        AugmentError::Job(e) => e,
        other => JobError::Work(other.to_string()),
    }
}
