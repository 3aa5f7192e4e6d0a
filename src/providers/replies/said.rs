//! What a model said, found again in the files of a run.

use std::fs;
use std::path::PathBuf;

use super::{ReplyKey, StoredReply, find};
use crate::job::Attempt;
use crate::providers::ProviderError;

/// The reply files of a run: those that it was given, then those of its attempts, oldest first.
pub fn stores_of(attempts: &[Attempt]) -> Vec<PathBuf> {
    let Some(last) = attempts.last() else { return Vec::new() };
    let given = fs::read_dir(last.input("replies")).into_iter().flatten().flatten();
    let mut out: Vec<PathBuf> = given.map(|e| e.path()).collect();
    out.sort();
    out.extend(attempts.iter().map(|a| a.file("replies.jsonl")));
    out
}

/// What a model said, out of the envelope of its service or of an embedded model. `None` where
/// there is no such reply.
///
/// # Errors
/// A file that cannot be read.
pub fn reply_text(stores: &[PathBuf], key: &str) -> Result<Option<String>, ProviderError> {
    let Ok(key) = key.parse::<ReplyKey>() else { return Ok(None) };
    Ok(find(stores, &key)?.as_ref().map(said))
}

/// What a model said in a reply, out of the envelope of its service or of an embedded model.
pub fn said(reply: &StoredReply) -> String {
    let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap_or_default();
    let text = body["choices"][0]["message"]["content"].as_str().or(body["text"].as_str());
    text.map_or(reply.body.clone(), str::to_owned)
}
