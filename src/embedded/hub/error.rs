//! Why a model could not be fetched.

use std::path::PathBuf;

use thiserror::Error;

/// What went wrong, and the way out. No message holds the token or a signed address.
#[derive(Debug, Error)]
pub enum HubError {
    /// A name that cannot stand in a path or an address.
    #[error("`{value}` is no {what}: expected {expected}")]
    BadName {
        /// Repository, revision, file, or a name that the server gave.
        what: &'static str,
        /// The name.
        value: String,
        /// The form that would have been accepted.
        expected: &'static str,
    },
    /// Offline, and not everything is in the cache.
    #[error(
        "{repo}@{revision}: `{file}` is not in the cache ({cache}) and HF_HUB_OFFLINE is set: unset \
         it, or name a folder with path:DIR"
    )]
    Offline {
        /// Repository.
        repo: String,
        /// Revision.
        revision: String,
        /// The first file that is missing.
        file: String,
        /// Where the cache is.
        cache: PathBuf,
    },
    /// No such repository, revision or file.
    #[error("{repo}@{revision}: no {what} there (HTTP {status}): check the name{hint}")]
    NotFound {
        /// Repository.
        repo: String,
        /// Revision.
        revision: String,
        /// What is missing, in words.
        what: String,
        /// The answer.
        status: u16,
        /// More to try.
        hint: &'static str,
    },
    /// A private or gated repository.
    #[error(
        "{repo}: access denied (HTTP {status}): the repository is private or gated, or has another \
         name; accept its terms on its page and set HF_TOKEN"
    )]
    Denied {
        /// Repository.
        repo: String,
        /// The answer.
        status: u16,
    },
    /// An answer that we cannot use.
    #[error("{url}: {reason}")]
    Answer {
        /// Address, without its query.
        url: String,
        /// What came and what was expected.
        reason: String,
    },
    /// The connection failed, again and again.
    #[error(
        "{url}: {reason} (tried {tries} times; what came is kept and the next try goes on from there)"
    )]
    Network {
        /// Address, without its query.
        url: String,
        /// The last failure.
        reason: String,
        /// Tries.
        tries: usize,
    },
    /// The bytes are not those that the hub promised.
    #[error("{file}: sha256 is {have}, expected {want}: the download was removed, try again")]
    Checksum {
        /// File in the repository.
        file: String,
        /// The hub's.
        want: String,
        /// Ours.
        have: String,
    },
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The client could not be set up.
    #[error("no connection to the hub can be made: {0}")]
    Setup(String),
}

impl HubError {
    /// Ties an I/O error to its file.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
