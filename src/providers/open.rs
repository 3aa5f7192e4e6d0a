//! From what a frozen input names to a model that answers.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::local::{LocalFolder, LocalOptions};
use super::replies::Recorded;
use super::{ChatModel, ProviderError};
use crate::config::UserConfig;
use crate::embedded::tokenizer::ChatOptions;
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
    /// The model of a run that had not ended when this was frozen: looked up when the job starts.
    Made {
        /// How tables and provenance call it.
        name: String,
        /// `runs/RUN` of the run that makes it.
        run_dir: PathBuf,
        /// A step's checkpoint; the last one without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<u64>,
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
            local(name, dir, adapter.as_deref(), LocalOptions::on(threads), places)
        }
        ModelSource::Made { name, run_dir, .. } => Err(ProviderError::NotHere {
            provider: name.clone(),
            detail: format!("run {} has not made it yet", run_dir.display()),
        }),
        ModelSource::Endpoint { provider, model } => {
            let config = UserConfig::load().map_err(|e| ProviderError::Config(e.to_string()))?;
            open_named(&config, provider, model, places, threads)
        }
    }
}

/// A model of a provider of the user's configuration.
fn open_named(
    config: &UserConfig,
    provider: &str,
    model: &str,
    places: &ReplyPlaces,
    threads: usize,
) -> Result<Box<dyn ChatModel>, ProviderError> {
    let Some(settings) = config.local.get(provider) else {
        return Ok(Box::new(super::openai::open(config, provider, model, places)?));
    };
    let dir = settings.folder(model).map_err(ProviderError::Config)?;
    let mut options = LocalOptions::on(threads);
    options.chat = ChatOptions { plain: settings.plain, thinking: settings.thinking };
    if let Some(lanes) = settings.lanes {
        options.generate.lanes = lanes;
    }
    if let Some(gb) = settings.memory_gb {
        options.generate.memory = (gb * f64::from(1 << 30)) as usize;
    }
    let name = if model.is_empty() { provider.to_owned() } else { format!("{provider}/{model}") };
    local(&name, &dir, settings.adapter.as_deref(), options, places)
}

fn local(
    name: &str,
    dir: &Path,
    adapter: Option<&Path>,
    options: LocalOptions,
    places: &ReplyPlaces,
) -> Result<Box<dyn ChatModel>, ProviderError> {
    let folder = LocalFolder::open(name, dir, adapter, options)?;
    Ok(Box::new(Recorded::new(folder, places)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_of_folders_is_opened_by_the_name_of_a_model() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("small");
        std::fs::create_dir_all(&model).unwrap();
        crate::providers::local::testing::write_folder(
            &model,
            crate::embedded::tokenizer::testing::Shape::Headers,
        );
        let file = dir.path().join("config.toml");
        let text = format!(
            "[providers.mine]\nkind = \"local\"\npath = \"{}\"\nlanes = 2\n",
            dir.path().display()
        );
        std::fs::write(&file, text).unwrap();
        let config = UserConfig::read(&file).unwrap();
        let places = ReplyPlaces::default();
        let m = open_named(&config, "mine", "small", &places, 1).unwrap();
        assert_eq!(m.name(), "local:mine/small");
        let e = open_named(&config, "mine", "../x", &places, 1).err().unwrap().to_string();
        assert!(e.contains("../x"), "{e}");
        let e = open_named(&config, "yours", "x", &places, 1).err().unwrap().to_string();
        assert!(e.contains("mine"), "{e}");
    }
}
