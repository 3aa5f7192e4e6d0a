//! Everything a report says, read out of the database once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use thiserror::Error;

use crate::domain::StudyType;
use crate::store::{
    DatasetRecord, EvaluationFilter, EvaluationRow, ModelRecord, Reader, SampleFilter, StoreError,
};
use crate::study::{self, AgreementReport, StudyError, StudyStatus};

/// Draws behind the intervals of agreement in a report.
const DRAWS: usize = 10_000;

/// A report that cannot be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A study's figures.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// The long table.
    #[error("CSV: {0}")]
    Csv(String),
}

/// Samples by fate and by origin.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SamplePart {
    /// Proposals: kept, rejected and failed add up to it.
    pub proposed: u64,
    /// By fate.
    pub by_decision: BTreeMap<String, u64>,
    /// Rejected and failed, by reason.
    pub by_reason: BTreeMap<String, u64>,
    /// Kept, by stage.
    pub by_stage: BTreeMap<String, u64>,
    /// Kept, by language.
    pub by_language: BTreeMap<String, u64>,
    /// Kept, by provider and the version of its rules or prompts.
    pub by_provider: BTreeMap<String, u64>,
    /// Kept ones that are held out for testing.
    pub held_out: u64,
}

/// A study and its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StudyPart {
    /// What raters are asked.
    pub study_type: StudyType,
    /// How far it is.
    pub status: StudyStatus,
    /// Its figures, people and judges as the study's own rules say; `None` without a rating.
    pub agreement: Option<AgreementReport>,
    /// Why there are none.
    pub undefined: Option<String>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// One evaluation with its figures over all questions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvaluationPart {
    /// The run, or a name.
    pub id: String,
    /// What was evaluated.
    pub task: String,
    /// Of the plan, locked before scoring.
    pub plan_sha256: String,
    /// When.
    pub created: Timestamp,
    /// Figures over all questions.
    pub rows: Vec<EvaluationRow>,
}

/// A workspace on one page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkspaceReport {
    /// When it was read.
    pub created: Timestamp,
    /// Of the program.
    pub version: String,
    /// Seeds.
    pub seeds: usize,
    /// Cultures, with the number of seeds each has answers to.
    pub cultures: Vec<(String, usize)>,
    /// Weights behind the counts.
    pub weighting: Vec<String>,
    /// Samples.
    pub samples: SamplePart,
    /// Studies.
    pub studies: Vec<StudyPart>,
    /// Datasets.
    pub datasets: Vec<DatasetRecord>,
    /// Models.
    pub models: Vec<ModelRecord>,
    /// Evaluations, oldest first.
    pub evaluations: Vec<EvaluationPart>,
}

/// Reads a workspace.
///
/// # Errors
/// The database cannot be read.
pub fn gather(reader: Reader<'_>) -> Result<WorkspaceReport, ReportError> {
    let survey = reader.survey()?;
    let mut weighting: Vec<String> =
        survey.counts.values().map(|c| c.weighting.label().to_owned()).collect();
    weighting.sort();
    weighting.dedup();
    let cultures = survey
        .cultures
        .iter()
        .map(|c| {
            let answered = survey.questions.iter().filter(|q| survey.usable(c, q).is_ok()).count();
            (c.id.to_string(), answered)
        })
        .collect();
    let mut evaluations = Vec::new();
    for e in reader.evaluations()? {
        let filter = EvaluationFilter { by_question: Some(false), ..EvaluationFilter::default() };
        evaluations.push(EvaluationPart {
            rows: reader.evaluation_rows(&e.id, &filter)?,
            id: e.id,
            task: e.task,
            plan_sha256: e.plan_sha256,
            created: e.created,
        });
    }
    Ok(WorkspaceReport {
        created: Timestamp::now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seeds: survey.questions.len(),
        cultures,
        weighting,
        samples: samples(reader)?,
        studies: studies(reader)?,
        datasets: reader.datasets()?,
        models: reader.models()?,
        evaluations,
    })
}

fn samples(reader: Reader<'_>) -> Result<SamplePart, ReportError> {
    let mut out = SamplePart::default();
    for c in reader.sample_counts(&SampleFilter::default())? {
        out.proposed += c.n;
        *out.by_decision.entry(c.decision.as_str().to_owned()).or_default() += c.n;
        if !c.reason.is_empty() {
            *out.by_reason.entry(c.reason).or_default() += c.n;
        }
    }
    for s in reader.all_samples(&SampleFilter::default())? {
        if s.decision != crate::domain::Decision::Kept {
            continue;
        }
        let p = &s.provenance;
        *out.by_stage.entry(s.stage.as_str().to_owned()).or_default() += 1;
        *out.by_language.entry(s.language.clone()).or_default() += 1;
        *out.by_provider.entry(format!("{} {}", p.provider, p.version)).or_default() += 1;
        out.held_out += u64::from(p.held_out);
    }
    Ok(out)
}

fn studies(reader: Reader<'_>) -> Result<Vec<StudyPart>, ReportError> {
    let mut out = Vec::new();
    for record in reader.studies()? {
        let results = study::results(reader, &record.id, DRAWS, record.seed)?;
        out.push(StudyPart {
            study_type: record.study_type,
            status: study::status(reader, &record.id)?,
            agreement: results.agreement,
            undefined: results.undefined,
            notes: results.notes,
        });
    }
    Ok(out)
}
