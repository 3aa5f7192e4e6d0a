//! From what a frozen input names to a model that answers.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::local::{LocalFolder, LocalOptions};
use super::replies::Recorded;
use super::{ChatModel, ProviderError};
use crate::config::UserConfig;
use crate::embedded::generate::GenerateSettings;
use crate::job::Attempt;

/// Where a model's answers come from, as `input/models.json` and the like freeze it. A provider is
/// named, never defined: base URL and key come from the user's own configuration when the job runs
/// (architecture: "Trust").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ModelSource {
    /// A folder in Hugging Face layout, run by the embedded decoder.
    Folder {
        /// How tables and provenance call it.
        name: String,
        /// The folder.
        dir: PathBuf,
        /// An adapter in PEFT's layout on top of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        adapter: Option<PathBuf>,
    },
    /// A model of a provider of the user's configuration.
    Endpoint {
        /// The provider.
        provider: String,
        /// What it calls the model.
        model: String,
    },
}

/// Where raw replies are written, and where those that were paid for before lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyPlaces {
    /// Appended to: `replies.jsonl` of this attempt. `None` keeps nothing (a provider's test).
    pub write: Option<PathBuf>,
    /// Read first: earlier attempts of the run, and `input/replies/` (finished runs of the same
    /// model).
    pub read: Vec<PathBuf>,
    /// `input/budget.json`: what the run may spend; see [`Budget`](super::budget::Budget). A
    /// missing file sets no limit.
    pub budget: Option<PathBuf>,
}

impl ReplyPlaces {
    /// The places of a job.
    pub fn of(attempt: &Attempt) -> Self {
        let write = attempt.file("replies.jsonl");
        let mut read = vec![write.clone()];
        read.extend(attempt.earlier().iter().map(|a| a.file("replies.jsonl")));
        if let Ok(entries) = std::fs::read_dir(attempt.input("replies")) {
            let mut more: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
            more.sort();
            read.extend(more);
        }
        let budget = Some(attempt.input(super::budget::Budget::NAME));
        Self { write: Some(write), read, budget }
    }
}

/// Opens a model. `threads` is for embedded ones.
///
/// # Errors
/// No such provider, no key, a folder that holds no model we can run.
pub fn open(
    source: &ModelSource,
    places: &ReplyPlaces,
    threads: usize,
) -> Result<Box<dyn ChatModel>, ProviderError> {
    match source {
        ModelSource::Folder { name, dir, adapter } => {
            let options = LocalOptions {
                generate: GenerateSettings { threads, ..GenerateSettings::default() },
                ..LocalOptions::default()
            };
            let folder = LocalFolder::open(name, dir, adapter.as_deref(), options)?;
            Ok(Box::new(Recorded::new(folder, places)?))
        }
        ModelSource::Endpoint { provider, model } => {
            let config = UserConfig::load().map_err(|e| ProviderError::Config(e.to_string()))?;
            Ok(Box::new(super::openai::open(&config, provider, model, places)?))
        }
    }
}
