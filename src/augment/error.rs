//! What can go wrong while samples are grown or read.

use std::path::PathBuf;

use thiserror::Error;

/// Trouble of this room.
#[derive(Debug, Error)]
pub enum AugmentError {
    /// Settings that no run could follow.
    #[error("augmentation settings: {0}")]
    Settings(String),
    /// A correction or a decision by hand that cannot be.
    #[error("{0}")]
    ByHand(String),
    /// The encoder gave no usable similarity.
    #[error("semantic filter `{model}`: {reason}")]
    Similarity {
        /// Name of the model.
        model: String,
        /// What was expected.
        reason: String,
    },
    /// A file that cannot be read at all. Single bad lines do not lead here.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was expected, and the way out.
        reason: String,
    },
    /// Where samples were being written to said no.
    #[error(transparent)]
    Job(#[from] crate::job::JobError),
}
