//! What can stop an evaluation.

use thiserror::Error;

use crate::domain::DomainError;
use crate::job::JobError;
use crate::stats::Undefined;

/// An evaluation that cannot be planned, scored or summed up.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// A plan that cannot be carried out: what is wrong and the way out.
    #[error("the plan cannot be carried out: {0}")]
    BadPlan(String),
    /// A file of items that cannot be used.
    #[error("{}{}: {reason}", path.display(), line.map(|n| format!(", line {n}")).unwrap_or_default())]
    BadFile {
        /// The file.
        path: std::path::PathBuf,
        /// 1-based line, where there is one.
        line: Option<u64>,
        /// What was expected.
        reason: String,
    },
    /// A prompt that cannot be used.
    #[error(transparent)]
    Prompt(#[from] crate::providers::prompts::PromptError),
    /// A context file that cannot be used.
    #[error("{file}, line {line}: {reason}")]
    Context {
        /// The file.
        file: String,
        /// 1-based.
        line: usize,
        /// What was expected.
        reason: String,
    },
    /// The plan in the folder, or a file tied to it, is not the one that was locked.
    #[error(
        "{file} has the checksum {found}, locked was {locked}: a plan is not changed after it is locked; start another evaluation"
    )]
    PlanChanged {
        /// `plan.json`, `survey.json` or `texts.jsonl`.
        file: String,
        /// Of the file.
        found: String,
        /// Of the lock.
        locked: String,
    },
    /// A model that cannot be loaded or scored.
    #[error("model {model}: {reason}")]
    Model {
        /// Its reference.
        model: String,
        /// Why.
        reason: String,
    },
    /// A number that does not exist.
    #[error("{what}: {source}")]
    Undefined {
        /// Which figure.
        what: String,
        /// Why.
        source: Undefined,
    },
    /// Scores that make no distribution (NaN).
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// The attempt's files.
    #[error(transparent)]
    Job(#[from] JobError),
}

impl From<EvaluateError> for JobError {
    fn from(e: EvaluateError) -> Self {
        match e {
            EvaluateError::Job(e) => e,
            other => Self::Work(other.to_string()),
        }
    }
}
