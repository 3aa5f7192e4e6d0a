//! Building a dataset into the workspace: rows, card and manifest in a folder, and its line in the
//! database. Quick enough to need no run.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Place, PlaceError};
use crate::dataset::{self, Dataset, DatasetError, DatasetSpec, RatedCount, Refused, Sources};
use crate::domain::{
    DatasetId, Decision, DomainError, Example, RatedAtLeast, Sample, SampleId, Survey,
    same_language,
};
use crate::job::{JobError, read_jsonl, write_atomically};
use crate::store::{DatasetRecord, SampleFilter, StoreError};

/// A dataset that could not be built or read.
#[derive(Debug, Error)]
pub enum BuildError {
    /// What it should hold cannot be, or was refused by the audit.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The workspace.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Its database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its files.
    #[error(transparent)]
    Files(#[from] JobError),
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] DomainError),
    /// No dataset of that name.
    #[error("no dataset `{0}` in this workspace: `polyculture dataset list` shows what there is")]
    Unknown(DatasetId),
}

/// `manifest.json` of a dataset's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetManifest {
    /// What was asked for.
    pub spec: DatasetSpec,
    /// Rows of `train.jsonl`.
    pub rows: u64,
    /// Cultures and questions without a label.
    pub refused: Vec<Refused>,
    /// Weights behind the counts, as printed beside figures.
    pub weighting: Vec<String>,
    /// What ratings left of the samples, where they were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rated: Option<RatedCount>,
    /// Of `train.jsonl`, in hexadecimal.
    pub sha256: String,
}

/// Training samples and held-out test samples of a workspace, kept apart; translations are left
/// out.
pub fn samples(survey: &Survey, place: &Place) -> Result<(Vec<Sample>, Vec<Sample>), BuildError> {
    let (mut training, mut held_out) = samples_of_all_languages(survey, place)?;
    let own = |s: &Sample| {
        survey.question(&s.seed).is_none_or(|q| same_language(&q.language, &s.language))
    };
    training.retain(own);
    held_out.retain(own);
    Ok((training, held_out))
}

fn samples_of_all_languages(
    survey: &Survey,
    place: &Place,
) -> Result<(Vec<Sample>, Vec<Sample>), BuildError> {
    let all = place.read()?.read().all_samples(&SampleFilter::default())?;
    let (held_out, training): (Vec<Sample>, Vec<Sample>) = all
        .into_iter()
        .filter(|s| s.decision == Decision::Kept)
        .partition(|s| s.provenance.held_out);
    let separation = dataset::separate(&survey.questions, &training, &held_out);
    Ok((training, separation.kept))
}

/// Builds, audits and stores a dataset under `name`.
///
/// # Errors
/// See [`BuildError`]; the audit's refusal lists the rows.
pub fn build_dataset(
    place: &Place,
    name: &DatasetId,
    spec: &DatasetSpec,
) -> Result<Dataset, BuildError> {
    let (built, survey) = dataset_of(place, spec)?;
    store_dataset(place, name, &built, &survey)?;
    Ok(built)
}

/// Builds and audits a dataset, and stores nothing; with the survey that it was built from.
///
/// # Errors
/// As [`build_dataset`].
pub fn dataset_of(place: &Place, spec: &DatasetSpec) -> Result<(Dataset, Survey), BuildError> {
    let survey = place.read()?.read().survey()?;
    let (training, held_out) = samples_of_all_languages(&survey, place)?;
    let said = spec.rated.as_ref().map(|r| scores(place, r)).transpose()?.unwrap_or_default();
    let sources = Sources { survey: &survey, samples: &training, held_out: &held_out, said: &said };
    Ok((dataset::build(spec, &sources)?, survey))
}

/// What people said so far, where the spec asks for it. Held-out samples are never asked: they are
/// what must not leak, whatever people say of them.
fn scores(
    place: &Place,
    wanted: &RatedAtLeast,
) -> Result<BTreeMap<SampleId, dataset::Scores>, BuildError> {
    let store = place.read()?;
    if let Some(study) = &wanted.study {
        store.read().need_study(study)?;
    }
    let said = store.read().people_said(wanted.study.as_ref(), &SampleFilter::default())?;
    let scores = said
        .into_iter()
        .map(|(id, s)| (id, dataset::Scores { n: s.ratings, sum: s.sum, raters: s.raters }));
    Ok(scores.collect())
}

fn store_dataset(
    place: &Place,
    name: &DatasetId,
    built: &Dataset,
    survey: &Survey,
) -> Result<(), BuildError> {
    let mut rows = Vec::new();
    for e in &built.examples {
        serde_json::to_writer(&mut rows, e).map_err(|e| JobError::Work(e.to_string()))?;
        rows.push(b'\n');
    }
    let sha256 = hex(&Sha256::digest(&rows));
    let manifest = DatasetManifest {
        spec: built.spec.clone(),
        rows: built.examples.len() as u64,
        refused: built.refused.clone(),
        weighting: built.weighting.iter().map(|w| w.label().to_owned()).collect(),
        rated: built.rated,
        sha256: sha256.clone(),
    };
    let dir = folder(place, name);
    // The line in the database goes first: it refuses a name that is taken by other rows.
    place.write()?.write(|tx| {
        tx.put_dataset(&DatasetRecord {
            name: name.clone(),
            created: Timestamp::now(),
            policy: built.spec.policy,
            manifest: json!(manifest),
            path: format!("datasets/{name}"),
            sha256: sha256.clone(),
        })
    })?;
    fs::create_dir_all(&dir).map_err(JobError::io(&dir))?;
    write_atomically(&dir.join("train.jsonl"), &rows)?;
    write_atomically(&dir.join("card.md"), dataset::card(built, survey, None).as_bytes())?;
    let text = serde_json::to_vec_pretty(&manifest).map_err(|e| JobError::Work(e.to_string()))?;
    write_atomically(&dir.join("manifest.json"), &text)?;
    Ok(())
}

fn folder(place: &Place, name: &DatasetId) -> PathBuf {
    place.folder().datasets().join(name.as_str())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A stored dataset: its folder, manifest and rows.
#[derive(Debug)]
pub struct StoredDataset {
    /// The folder.
    pub dir: PathBuf,
    /// Its manifest.
    pub manifest: DatasetManifest,
    /// Its rows.
    pub examples: Vec<Example>,
}

impl StoredDataset {
    /// As a built dataset again, for its card: what was noted cell by cell is worked out anew.
    pub fn as_dataset(&self, survey: &Survey) -> Dataset {
        let rows = dataset::rows_of(&self.examples, &self.manifest.spec.name);
        Dataset {
            spec: self.manifest.spec.clone(),
            examples: self.examples.clone(),
            refused: self.manifest.refused.clone(),
            notes: Vec::new(),
            weighting: survey.counts.values().map(|c| c.weighting).collect(),
            rated: self.manifest.rated,
            audit: dataset::audit(&rows, Some(survey), &[]),
        }
    }
}

/// Reads a dataset of the workspace.
///
/// # Errors
/// No dataset of that name, or its files are gone or changed.
pub fn open_dataset(place: &Place, name: &DatasetId) -> Result<StoredDataset, BuildError> {
    let record =
        place.read()?.read().dataset(name)?.ok_or_else(|| BuildError::Unknown(name.clone()))?;
    let dir = folder(place, name);
    let path = dir.join("train.jsonl");
    let bytes = fs::read(&path).map_err(JobError::io(&path))?;
    if hex(&Sha256::digest(&bytes)) != record.sha256 {
        return Err(BuildError::Files(JobError::Malformed {
            path,
            line: None,
            reason: "the rows are not the ones that were built (their checksum differs): build the dataset again under another name".into(),
        }));
    }
    let manifest = serde_json::from_value(record.manifest)
        .map_err(|e| JobError::Work(format!("manifest of {name}: {e}")))?;
    Ok(StoredDataset { examples: read_jsonl(&path)?, dir, manifest })
}
