//! What can go wrong in a study, with the way out.

use std::path::PathBuf;

use thiserror::Error;

use crate::domain::{DomainError, StudyId};
use crate::providers::prompts::PromptError;
use crate::store::StoreError;
use crate::table::TableError;

/// Trouble with a study or a file of ratings.
#[derive(Debug, Error)]
pub enum StudyError {
    /// Nothing to choose from.
    #[error(
        "no sample can enter the study ({found} given, of them {unusable} not kept, without text \
         or without a seed in their language); run `polyculture augment` first, or choose another \
         filter"
    )]
    NoSamples {
        /// Samples given.
        found: usize,
        /// Those that cannot be used.
        unusable: usize,
    },
    /// A setting out of its range.
    #[error("{what} is {value}: expected {expected}")]
    BadSetting {
        /// Which.
        what: &'static str,
        /// What was given.
        value: String,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// An item with fewer possible raters than it needs.
    #[error(
        "{items} item(s) in {language} need {needed} raters each, {eligible} declare that \
         language; add raters who do, or make the study with a smaller k"
    )]
    TooFewRaters {
        /// BCP 47 tag.
        language: String,
        /// Items concerned.
        items: usize,
        /// Raters an item needs.
        needed: u32,
        /// Raters who may have it.
        eligible: usize,
    },
    /// Ratings were asked of a study without a plan.
    #[error("study {study} has no plan yet; run `polyculture study plan {study}` first")]
    NotPlanned {
        /// The study.
        study: StudyId,
    },
    /// Bad lines while none was to be accepted.
    #[error("{path}: {bad} of {rows} rows are bad, nothing was taken (strict); {first}")]
    Strict {
        /// The file.
        path: PathBuf,
        /// Bad rows.
        bad: usize,
        /// All rows.
        rows: usize,
        /// The first few, by line.
        first: String,
    },
    /// A table without a usable row.
    #[error("{path}: no usable rating in {rows} rows; {first}")]
    NoRatings {
        /// The file.
        path: PathBuf,
        /// Rows.
        rows: usize,
        /// The first few bad ones.
        first: String,
    },
    /// A prompt that cannot be used.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The file cannot be read as a table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A name of the wrong form.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// An export could not be written.
    #[error("the export could not be written: {0}")]
    Write(#[from] std::io::Error),
}
