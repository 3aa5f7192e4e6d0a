//! What a model folder says about its tokenizer beside `tokenizer.json`: the chat template, special
//! tokens by name, and the tokens at which a reply ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::embedded::EmbeddedError;

/// Special tokens that templates may name.
const NAMES: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"];

/// `tokenizer_config.json` and its neighbours.
#[derive(Debug, Default)]
pub(super) struct TokenizerFiles {
    /// `bos_token`, `eos_token`, ..: their texts.
    pub(super) names: BTreeMap<String, String>,
    /// The chat template, if there is one.
    pub(super) template: Option<String>,
    /// Ids that end a reply, by `generation_config.json`, else `config.json`.
    pub(super) ends: Vec<u32>,
    /// The id that begins a sequence, by `config.json`.
    pub(super) bos: Option<u32>,
}

/// Where a file of that name lies: an adapter's folder goes before its base's.
pub(super) fn place(dirs: &[&Path], name: &str) -> Option<PathBuf> {
    dirs.iter().map(|d| d.join(name)).find(|p| p.exists())
}

/// A JSON file that may be absent.
fn json_of(dirs: &[&Path], name: &str) -> Result<Option<(PathBuf, Value)>, EmbeddedError> {
    let Some(path) = place(dirs, name) else { return Ok(None) };
    let value = json(&path)?;
    Ok(value.map(|v| (path, v)))
}

fn json(path: &Path) -> Result<Option<Value>, EmbeddedError> {
    let text = match std::fs::read_to_string(path) {
        Ok(t) => t,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(EmbeddedError::io(path)(e)),
    };
    serde_json::from_str(&text).map(Some).map_err(|e| EmbeddedError::Malformed {
        path: path.to_owned(),
        reason: format!("not JSON: {e}"),
    })
}

impl TokenizerFiles {
    /// Reads what is there.
    ///
    /// # Errors
    /// A file that is not JSON, or named templates without a `default` one.
    pub(super) fn read(dirs: &[&Path]) -> Result<Self, EmbeddedError> {
        let mut files = Self::default();
        // The config comes last and wins.
        for name in ["special_tokens_map.json", "tokenizer_config.json"] {
            let Some((path, v)) = json_of(dirs, name)? else { continue };
            for key in NAMES {
                let text = v.get(key).and_then(|t| t.get("content").unwrap_or(t).as_str());
                if let Some(t) = text {
                    files.names.insert(key.into(), t.into());
                }
            }
            if let Some(t) = v.get("chat_template") {
                files.template = template_of(t, &path)?;
            }
        }
        // A file of its own is the newer form, and wins in transformers too.
        if let Some(path) = place(dirs, "chat_template.jinja") {
            let text = std::fs::read_to_string(&path).map_err(EmbeddedError::io(&path))?;
            files.template = Some(text);
        }
        let config = json_of(dirs, "config.json")?.map(|f| f.1).unwrap_or_default();
        let generation = json_of(dirs, "generation_config.json")?.map(|f| f.1).unwrap_or_default();
        files.ends = ids(generation.get("eos_token_id"));
        if files.ends.is_empty() {
            files.ends = ids(config.get("eos_token_id"));
        }
        files.bos = ids(config.get("bos_token_id")).first().copied();
        Ok(files)
    }
}

/// One id or a list of them.
fn ids(v: Option<&Value>) -> Vec<u32> {
    let one = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok());
    match v {
        Some(Value::Array(a)) => a.iter().filter_map(one).collect(),
        Some(v) => one(v).into_iter().collect(),
        None => Vec::new(),
    }
}

/// A template is a text, or a list of named ones.
fn template_of(v: &Value, path: &Path) -> Result<Option<String>, EmbeddedError> {
    let list = match v {
        Value::String(s) => return Ok(Some(s.clone())),
        Value::Array(a) => a,
        _ => return Ok(None),
    };
    let mut names = Vec::new();
    for t in list {
        let (name, text) = (t.get("name"), t.get("template"));
        if let (Some(Value::String(name)), Some(Value::String(text))) = (name, text) {
            if name == "default" {
                return Ok(Some(text.clone()));
            }
            names.push(name.clone());
        }
    }
    Err(EmbeddedError::Malformed {
        path: path.to_owned(),
        reason: format!(
            "its chat templates are called {}: expected one called `default`",
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        ),
    })
}
