//! Which files make a decoder's folder: config, tokenizer, and weights in one file or several.

use std::path::PathBuf;

use serde_json::Value;

use super::{Hub, HubError, OnProgress};

/// Files that any model may have; those marked `true` it must.
const FILES: [(&str, bool); 8] = [
    ("config.json", true),
    ("tokenizer.json", true),
    ("tokenizer_config.json", false),
    ("special_tokens_map.json", false),
    ("generation_config.json", false),
    ("chat_template.jinja", false),
    ("model.safetensors.index.json", false),
    ("model.safetensors", false),
];

impl Hub {
    /// Fetches what the decoder needs of a model (`ORG/NAME`) and answers with its folder. A
    /// repository without safetensors comes without weights: reading it says what is wrong.
    ///
    /// # Errors
    /// See [`super::fetch`].
    pub fn fetch_model(
        &self,
        repo: &str,
        revision: &str,
        progress: &mut OnProgress<'_>,
    ) -> Result<PathBuf, HubError> {
        // Small files first: what is no model of ours is refused before its weights come.
        let (small, weights) = FILES.split_at(FILES.len() - 1);
        let folder = self.fetch(repo, revision, small, progress)?;
        let index = std::fs::read(folder.join("model.safetensors.index.json")).ok();
        let Some(index) = index else { return self.fetch(repo, revision, weights, progress) };
        let mut shards = shards(&index);
        shards.sort();
        shards.dedup();
        let files: Vec<(&str, bool)> = shards.iter().map(|s| (s.as_str(), true)).collect();
        if files.is_empty() {
            return Ok(folder);
        }
        self.fetch(repo, revision, &files, progress)
    }
}

/// Files that an index names; names that could leave the cache are refused by the fetch.
fn shards(index: &[u8]) -> Vec<String> {
    let index: Value = serde_json::from_slice(index).unwrap_or_default();
    let map = index.get("weight_map").and_then(Value::as_object);
    map.into_iter().flat_map(|m| m.values()).filter_map(|v| v.as_str().map(str::to_owned)).collect()
}
