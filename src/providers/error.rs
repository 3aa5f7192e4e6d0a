//! What can be wrong with a provider as a whole. A single text that could not be made is no error:
//! it is a proposal that failed, with its reason, so that the counts add up.

use thiserror::Error;

use crate::job::JobError;

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
    /// The user's configuration does not define it, or defines it wrongly.
    #[error("{0}")]
    Config(String),
    /// The key of a provider cannot be had: said before anything is sent.
    #[error("provider `{provider}` has no key: {detail}")]
    NoKey {
        /// Its name.
        provider: String,
        /// Where it was looked for, and the way out.
        detail: String,
    },
    /// The service turned us away: every further request would end in the same way.
    #[error("provider `{provider}`: {detail}")]
    Refused {
        /// Its name.
        provider: String,
        /// HTTP status, the service's own words, and the way out.
        detail: String,
    },
    /// The service cannot be reached, or answers nothing that is of use.
    #[error("provider `{provider}`: {detail}")]
    Unreachable {
        /// Its name.
        provider: String,
        /// What was tried and what came of it.
        detail: String,
    },
    /// A limit of the run is reached. What was answered is stored and will not be paid for again.
    #[error("the limit of this run is reached: {0}")]
    Budget(String),
    /// The reply store cannot be written or read.
    #[error("{path}: {detail}")]
    Replies {
        /// The file.
        path: String,
        /// The reason.
        detail: String,
    },
}

impl ProviderError {
    /// The failure of a run for this reason, told with `words`. A service that has answered this run
    /// and went away, or is overloaded, may be back later; one that has not answered this attempt
    /// may have answered an earlier one, which the engine knows, and is else more likely a wrong
    /// address. Whatever else is wrong stays wrong.
    pub fn of_run(&self, words: String, has_answered: bool) -> JobError {
        match self {
            Self::Unreachable { .. } if has_answered => JobError::Transient(words),
            Self::Unreachable { .. } => JobError::Away(words),
            _ => JobError::Work(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::FailureKind;

    #[test]
    fn only_a_service_that_has_answered_may_be_back_later() {
        let away = ProviderError::Unreachable { provider: "p".into(), detail: "gone".into() };
        let refused = ProviderError::Refused { provider: "p".into(), detail: "401".into() };
        for (error, answered, kind) in [
            (&away, true, FailureKind::Transient),
            (&away, false, FailureKind::Away),
            (&refused, true, FailureKind::Lasting),
        ] {
            assert_eq!(error.of_run("words".into(), answered).kind(), kind, "{error} {answered}");
        }
    }
}
