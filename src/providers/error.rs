//! What can be wrong with a provider as a whole. A single text that could not be made is no error:
//! it is a proposal that failed, with its reason, so that the counts add up.

use thiserror::Error;

/// A provider that cannot work, or was asked for something it does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProviderError {
    /// Rule data that cannot be used.
    #[error("rules `{file}`: {detail}")]
    Rules {
        /// The rule file.
        file: String,
        /// What stands there, what was expected, and the way out.
        detail: String,
    },
    /// A template family that the provider does not have.
    #[error("no template family `{name}`: expected one of {expected}")]
    UnknownFamily {
        /// The name given.
        name: String,
        /// The families there are, comma separated.
        expected: String,
    },
    /// A provider that cannot be used from here.
    #[error("provider `{provider}`: {detail}")]
    NotHere {
        /// Its name.
        provider: String,
        /// What is missing, and the way out.
        detail: String,
    },
}
