//! Words with their synonyms: JSON where the reply has it, else `word: one, two` lines.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{Body, body, json, tidy, unreadable};
use crate::domain::FailReason;
use crate::providers::ChatReply;

/// A word of the sentence and what may stand in its place, in the order of the reply.
pub type Synonyms = Vec<(String, Vec<String>)>;

/// Words of one reply that are read.
const WORDS: usize = 64;
/// Synonyms of one word that are read.
const EACH: usize = 16;

/// The synonyms of a reply; words without one are left out. Of a reply that was cut, the complete
/// words count.
///
/// # Errors
/// Refused, empty, or nothing in it that is a word with synonyms.
pub fn read_synonyms(reply: &ChatReply) -> Result<Synonyms, FailReason> {
    let Body { text, cut } = body(reply)?;
    let mut found = Synonyms::new();
    for v in json::values(text) {
        collect(&v, &mut found, 0);
    }
    if found.is_empty() {
        torn(text, &mut found);
    }
    if found.is_empty() && !text.trim_start().starts_with(['{', '[']) {
        lines(text, cut, &mut found);
    }
    for (_, synonyms) in &mut found {
        synonyms.truncate(EACH);
    }
    found.truncate(WORDS);
    if !found.is_empty() {
        return Ok(found);
    }
    if super::is_refusal(text) {
        return Err(super::refused(text));
    }
    Err(if cut { FailReason::CutOff } else { unreadable("no word with synonyms was found") })
}

fn push(found: &mut Synonyms, word: &str, synonyms: impl IntoIterator<Item = String>) {
    let word = tidy::bare(word);
    let all: Vec<String> = synonyms
        .into_iter()
        .filter_map(|s| tidy::item(&s)?.ok())
        .filter(|s| s.to_lowercase() != word.to_lowercase())
        .collect();
    if !word.is_empty() && !all.is_empty() {
        found.push((word.to_owned(), all));
    }
}

fn texts(v: &Value) -> Vec<String> {
    match v {
        Value::String(s) => s.split([',', ';', '\u{60c}', '\u{3001}']).map(str::to_owned).collect(),
        Value::Array(all) => all.iter().filter_map(|x| x.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

fn collect(v: &Value, found: &mut Synonyms, depth: usize) {
    match v {
        Value::Array(all) => all.iter().for_each(|x| collect(x, found, depth + 1)),
        Value::Object(map) => {
            // {"word": "big", "synonyms": ["large"]}
            let word =
                ["word", "original", "from", "term"].iter().find_map(|k| map.get(*k)?.as_str());
            let list = ["synonyms", "synonym", "alternatives", "replacements", "to"]
                .iter()
                .find_map(|k| map.get(*k));
            if let (Some(word), Some(list)) = (word, list) {
                return push(found, word, texts(list));
            }
            for (key, x) in map {
                match x {
                    Value::Array(all) if all.iter().any(Value::is_string) => {
                        push(found, key, texts(x));
                    }
                    Value::String(_) => push(found, key, texts(x)),
                    Value::Object(_) | Value::Array(_) if depth < 3 => collect(x, found, depth + 1),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// Complete `"word": [..]` parts of JSON that breaks off.
fn torn(text: &str, found: &mut Synonyms) {
    static PART: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#""([^"\\]{1,80})"\s*:\s*(\[[^\[\]{}]{0,2000}\])"#).ok());
    let Some(part) = PART.as_ref() else { return };
    for c in part.captures_iter(text).take(WORDS) {
        if let (Some(word), Some(list)) = (c.get(1), c.get(2))
            && let Ok(v) = serde_json::from_str::<Value>(list.as_str())
        {
            push(found, word.as_str(), texts(&v));
        }
    }
}

/// `big: large, sizeable`, one word a line, numbered or bulleted or not.
fn lines(text: &str, cut: bool, found: &mut Synonyms) {
    static LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"^\s*(?:[-*\u{2022}+]\s+|\(?\p{Nd}{1,3}[.):]\s*)?[*_]*([^:=\u{2192}\u{ff1a}]{1,80}?)[*_]*\s*(?::|\u{ff1a}|=>?|->|\u{2192})\s*[*_]*\s*(\S.{0,400})$",
        )
        .ok()
    });
    let Some(line) = LINE.as_ref() else { return };
    let all: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let whole = if cut { all.len().saturating_sub(1) } else { all.len() };
    for c in all[..whole].iter().filter_map(|l| line.captures(l)).take(WORDS) {
        if let (Some(word), Some(list)) = (c.get(1), c.get(2)) {
            let bare = list.as_str().trim_matches(['[', ']', ' ']);
            push(found, word.as_str(), texts(&Value::String(bare.to_owned())));
        }
    }
}
