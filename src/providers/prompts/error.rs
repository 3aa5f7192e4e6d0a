//! What can be wrong with a prompt.

use std::path::PathBuf;

use thiserror::Error;

/// A prompt that is not there, or cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PromptError {
    /// No file of that name, of the user or of ours.
    #[error("no prompt `{name}`: expected one of {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The prompts there are.
        known: String,
    },
    /// The file system said no.
    #[error("{path}: {detail}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        detail: String,
    },
    /// A file that does not say what a prompt must.
    #[error("{file}, line {line}: {detail}")]
    Bad {
        /// The file, or `prompt NAME of this build`.
        file: String,
        /// 1-based line.
        line: usize,
        /// What stands there, what was expected, and the way out.
        detail: String,
    },
}
