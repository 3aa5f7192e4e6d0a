//! A whole model folder from the hub: config, tokenizer, template, and the weights, in one file or
//! in parts.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Hub, HubError, OnProgress};

/// What stands beside the weights; the config must be there.
const BESIDE: [(&str, bool); 7] = [
    ("config.json", true),
    ("generation_config.json", false),
    ("tokenizer.json", false),
    ("tokenizer_config.json", false),
    ("special_tokens_map.json", false),
    ("chat_template.jinja", false),
    (INDEX, false),
];
const INDEX: &str = "model.safetensors.index.json";

/// Fetches a model of the hub and answers with its folder. Pickled weights are never fetched.
///
/// # Errors
/// As [`super::fetch`]; a list of parts that cannot be read.
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
/// As [`super::fetch`]: it is not there, or not whole.
pub fn fetched_model(repo: &str, revision: &str) -> Result<PathBuf, HubError> {
    let hub = Hub { offline: true, ..Hub::from_env()? };
    hub.fetch_model(repo, revision, &mut |_| {})
}

impl Hub {
    /// As [`fetch_model`], with these settings.
    ///
    /// # Errors
    /// As there.
    pub fn fetch_model(
        &self,
        repo: &str,
        revision: &str,
        progress: &mut OnProgress<'_>,
    ) -> Result<PathBuf, HubError> {
        let folder = self.fetch(repo, revision, &BESIDE, progress)?;
        let index = folder.join(INDEX);
        let weights = if index.exists() {
            let bad =
                |reason: String| HubError::Answer { url: index.display().to_string(), reason };
            let text = std::fs::read_to_string(&index).map_err(|e| bad(e.to_string()))?;
            parts(&text).map_err(bad)?
        } else {
            BTreeSet::from(["model.safetensors".to_owned()])
        };
        let files: Vec<(&str, bool)> = weights.iter().map(|w| (w.as_str(), true)).collect();
        self.fetch(repo, revision, &files, progress)
    }
}

/// The files that a list of parts names.
fn parts(index: &str) -> Result<BTreeSet<String>, String> {
    let index: serde_json::Value =
        serde_json::from_str(index).map_err(|e| format!("not JSON: {e}"))?;
    let map = index["weight_map"].as_object().ok_or("expected a `weight_map`")?;
    let files: BTreeSet<String> =
        map.values().filter_map(|v| v.as_str().map(str::to_owned)).collect();
    if let Some(other) = files.iter().find(|f| !f.ends_with(".safetensors")) {
        return Err(format!("`{other}`: expected safetensors files only"));
    }
    if files.is_empty() {
        return Err("it names no files".into());
    }
    Ok(files)
}
