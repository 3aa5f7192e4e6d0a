//! Model folders from the hub, into the hub's own cache layout, so that other tools share them.
//! Downloads resume where they broke off, checksums are kept, and what is cached needs no network.
//! The token comes from `HF_TOKEN`, goes to the endpoint only, and is never printed.

mod cache;
mod download;
mod error;
mod model;
mod settings;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use error::HubError;
pub use settings::{Hub, Token};

/// How far one file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file's name in the repository.
    pub file: &'a str,
    /// Bytes on disk, those of an earlier try included.
    pub done: u64,
    /// Bytes of the whole file, where the server said so.
    pub total: Option<u64>,
}

/// Called after each piece that was written.
pub type OnProgress<'a> = dyn FnMut(Progress<'_>) + Send + 'a;

/// Fetches files of a model repository (`ORG/NAME`) at a revision (a branch, tag or commit) and
/// answers with the folder that holds them. A file marked `false` may be absent there.
///
/// A branch that was fetched once stays as it is: results must not change because somebody
/// pushed. Name a commit to move on, or delete `refs/REVISION` in the cache.
///
/// Settings come from the environment: `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT`,
/// `HF_HUB_OFFLINE`, `HF_TOKEN`.
///
/// # Errors
/// A name that could leave the cache, no such repository or file, no network, a wrong checksum, a
/// full disk: each with the way out.
pub fn fetch(
    repo: &str,
    revision: &str,
    files: &[(&str, bool)],
    progress: &mut OnProgress<'_>,
) -> Result<PathBuf, HubError> {
    Hub::from_env()?.fetch(repo, revision, files, progress)
}

/// Fetches what the decoder needs of a model: config, tokenizer, weights in one file or several.
///
/// # Errors
/// See [`fetch`].
pub fn fetch_model(
    repo: &str,
    revision: &str,
    progress: &mut OnProgress<'_>,
) -> Result<PathBuf, HubError> {
    Hub::from_env()?.fetch_model(repo, revision, progress)
}

/// The folder of a model that was fetched before; asks nobody.
///
/// # Errors
/// As [`fetch`]: it is not there, or not whole.
pub fn fetched_model(repo: &str, revision: &str) -> Result<PathBuf, HubError> {
    let hub = Hub { offline: true, ..Hub::from_env()? };
    hub.fetch_model(repo, revision, &mut |_| {})
}
