//! What can be wrong with a recipe, a training set or a checkpoint.

use std::path::PathBuf;

use thiserror::Error;

use crate::embedded::EmbeddedError;

/// The fine-tuning room's refusals.
#[derive(Debug, Error)]
pub enum FinetuneError {
    /// A recipe that cannot be read, with the place in the file.
    #[error("{file}, line {line}: {reason}")]
    Recipe {
        /// The file, or the preset's name.
        file: String,
        /// 1-based.
        line: usize,
        /// What was expected.
        reason: String,
    },
    /// A model name of no known form.
    #[error(
        "`{0}` names no model: expected run:ID[@STEP], path:DIR, hub:ORG/NAME, provider:NAME/MODEL \
         or an alias of letters, digits, `-`, `_`, `.`"
    )]
    ModelRef(String),
    /// A row of the dataset that cannot be trained on.
    #[error("dataset.jsonl, row {row}: {reason}")]
    Row {
        /// 1-based.
        row: usize,
        /// What is wrong.
        reason: String,
    },
    /// A checkpoint that is not whole.
    #[error("checkpoint {path}: {reason}")]
    Checkpoint {
        /// Its folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The recipe cannot be carried out as it stands.
    #[error("{0}")]
    Plan(String),
    /// The model or its tokenizer.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The file system.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
}

impl FinetuneError {
    /// Ties an I/O error to its file.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
