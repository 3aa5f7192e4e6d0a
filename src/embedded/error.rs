//! What can be wrong with a model, its files, or a request to it.

use std::path::PathBuf;

use thiserror::Error;

use super::device::Fault;

/// An embedded model's refusals: each names the file or tensor, and what was expected.
#[derive(Debug, Error)]
pub enum EmbeddedError {
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A file of the model folder does not say what it should.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// The folder holds something we do not load, on purpose.
    #[error("{path}: {reason}")]
    Refused {
        /// The folder or file.
        path: PathBuf,
        /// Why, and the way out.
        reason: String,
    },
    /// Sizes that make no model.
    #[error("model config: {0}")]
    Config(String),
    /// A tensor is missing, extra, of another shape, or holds NaN.
    #[error("tensor `{name}`: {reason}")]
    Tensor {
        /// The tensor's name in the file.
        name: String,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// The tokenizer failed or does not belong to the model.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// A sequence that the model cannot take.
    #[error("{0}")]
    Input(String),
    /// The device that works out products.
    #[error(transparent)]
    Device(#[from] Fault),
}

impl EmbeddedError {
    /// Ties an I/O error to its file.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
