//! What can be wrong with seeds and survey files.

use std::path::PathBuf;

use thiserror::Error;

use crate::table::TableError;

/// A file that could not be imported at all. What is wrong with single lines stands in the
/// file's report instead, and does not lose the others.
#[derive(Debug, Error)]
pub enum SeedsError {
    /// The file cannot be read as a table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A file that was understood and may not be used as it is.
    #[error("{path} is not imported: {reason}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why, and the way out.
        reason: String,
    },
    /// A file that is none of the kinds that are known.
    #[error(
        "{path} is no file that can be imported: {reason}. Expected one of: WVQ.jsonl (q_id, \
         q_content, option), respondent rows (B_COUNTRY_ALPHA and Q1.. columns), option counts \
         (country, question, code, respondents), a questionnaire (question, language, wording, \
         options)"
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What was seen.
        reason: String,
    },
    /// Sample data inside the binary that cannot be read: a defect of the build.
    #[error("sample data {file}{}: {reason}", line.map(|n| format!(", line {n}")).unwrap_or_default())]
    Sample {
        /// The file's name.
        file: &'static str,
        /// 1-based.
        line: Option<u64>,
        /// What was expected.
        reason: String,
    },
    /// A survey that cannot be made up as asked.
    #[error("synthetic survey: {0}")]
    Synth(String),
}
