//! The tokenizer of a model folder as others publish it, with its chat template.

use std::path::{Path, PathBuf};

use tokenizers::Tokenizer;

use super::files::{TokenizerFiles, place};
use super::guard::{Guard, MARK, patch};
use super::template::{ChatTemplate, Speaker, Turn};
use super::{ChatOptions, PLAIN};
use crate::embedded::EmbeddedError;

/// Files that belong to a tokenizer and travel with a tuned model.
const FILES: [&str; 5] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "generation_config.json",
];

/// Tokenizer, template and end tokens of one folder.
#[derive(Debug)]
pub(super) struct FolderTokenizer {
    inner: Tokenizer,
    template: ChatTemplate,
    guard: Guard,
    /// Special and marker-like tokens by id, with their texts.
    markers: std::collections::HashMap<u32, String>,
    unknown: Option<u32>,
    bos: Option<u32>,
    /// What ends a reply; the first is what ends the assistant's turn in the template.
    ends: Vec<u32>,
    /// Name and bytes of each file, as found.
    files: Vec<(&'static str, Vec<u8>)>,
    /// The fallback was used: said in the saved config.
    plain: bool,
}

fn refused(path: PathBuf, reason: String) -> EmbeddedError {
    EmbeddedError::Refused { path, reason }
}

fn tokenizer_error(e: impl std::fmt::Display) -> EmbeddedError {
    EmbeddedError::Tokenizer(e.to_string())
}

impl FolderTokenizer {
    /// Takes a tokenizer that was read from `dirs`, whose model has `vocab_size` tokens.
    ///
    /// # Errors
    /// It does not belong to the model, there is no template, or nothing ends a reply: each with
    /// the way out.
    pub(super) fn new(
        dirs: &[&Path],
        mut json: serde_json::Value,
        files: TokenizerFiles,
        vocab_size: usize,
        options: ChatOptions,
    ) -> Result<Self, EmbeddedError> {
        let at = |name: &str| place(dirs, name).unwrap_or_else(|| PathBuf::from(name));
        let path = at("tokenizer.json");
        patch(&mut json);
        let mut inner: Tokenizer = serde_json::from_value(json).map_err(|e| {
            EmbeddedError::Malformed { path: path.clone(), reason: format!("not a tokenizer: {e}") }
        })?;
        // Prompts are measured against the model's own length, and never padded.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(tokenizer_error)?;
        belongs(&inner, &files, vocab_size).map_err(|why| refused(path.clone(), why))?;
        let TokenizerFiles { names, template, mut ends, bos } = files;
        let plain = template.is_none();
        let template = match template {
            Some(t) => t,
            None if options.plain => PLAIN.to_owned(),
            None => {
                return Err(refused(
                    at("tokenizer_config.json"),
                    "no chat template: a base model does not answer in a chat. Take the instruct \
                     version of the model, or ask for the plain form (`Question: .. Answer:`)"
                        .into(),
                ));
            }
        };
        let added = inner.get_added_tokens_decoder();
        let guard = Guard::new(added.values().map(|t| (t.content.clone(), t.special)));
        let markers = added
            .iter()
            .filter(|(_, t)| guard.holds(&t.content))
            .map(|(id, t)| (*id, t.content.clone()))
            .collect();
        let by_name = |n: &str| names.get(n).and_then(|t| inner.token_to_id(t));
        ends.extend(by_name("eos_token"));
        let unknown = by_name("unk_token");
        let bos = bos.or_else(|| by_name("bos_token"));
        let template = ChatTemplate::new(&template, names.clone(), options.thinking)?;
        let mut found = Vec::new();
        for name in FILES {
            if let Some(path) = place(dirs, name) {
                found.push((name, std::fs::read(&path).map_err(EmbeddedError::io(&path))?));
            }
        }
        let mut it =
            Self { inner, template, guard, markers, unknown, bos, ends, files: found, plain };
        let turn_end = it.turn_end()?;
        it.ends.retain(|e| Some(*e) != turn_end);
        if let Some(e) = turn_end {
            it.ends.insert(0, e);
        }
        it.ends.dedup();
        if it.ends.is_empty() {
            return Err(EmbeddedError::Tokenizer(
                "nothing ends a reply: neither the template nor generation_config.json, \
                 config.json or tokenizer_config.json name an end token"
                    .into(),
            ));
        }
        Ok(it)
    }

    /// The token that closes the assistant's turn in the template.
    fn turn_end(&self) -> Result<Option<u32>, EmbeddedError> {
        let turns = [
            Turn { role: Speaker::User, content: "question" },
            Turn { role: Speaker::Assistant, content: "PROBE" },
        ];
        let Ok(text) = self.template.render(&turns, false, &self.guard) else { return Ok(None) };
        let Some((_, after)) = text.rsplit_once("PROBE") else { return Ok(None) };
        let ids = self.ids(after)?;
        Ok(ids.into_iter().find(|id| self.markers.contains_key(id) || self.ends.contains(id)))
    }

    fn ids(&self, text: &str) -> Result<Vec<u32>, EmbeddedError> {
        Ok(self.inner.encode_fast(text, false).map_err(tokenizer_error)?.get_ids().to_vec())
    }

    /// A conversation up to where the model's answer begins.
    ///
    /// # Errors
    /// The template's refusal.
    pub(super) fn chat(&self, turns: &[Turn<'_>]) -> Result<Vec<u32>, EmbeddedError> {
        self.encode(turns, true)
    }

    /// Text to tokens of a conversation; with a check where what is said holds a marker's text.
    pub(super) fn encode(&self, turns: &[Turn<'_>], next: bool) -> Result<Vec<u32>, EmbeddedError> {
        let text = self.template.render(turns, next, &self.guard)?;
        if !turns.iter().any(|t| self.guard.speaks(t.content)) {
            return self.ids(&text);
        }
        let e = self.inner.encode(text.as_str(), false).map_err(tokenizer_error)?;
        let forged = e.get_ids().iter().zip(e.get_offsets()).any(|(id, (a, b))| {
            self.markers.contains_key(id) && text.get(*a..*b).is_some_and(|t| t.contains(MARK))
        });
        if !forged {
            return Ok(e.get_ids().to_vec());
        }
        // A vocabulary that writes the marker's text as the marker: a space tells them apart.
        let spaced = self.guard.spaced();
        self.ids(&self.template.render(turns, next, &spaced)?)
    }

    /// The tokens of a complete answer after a prompt, its end token last.
    ///
    /// # Errors
    /// The vocabulary cannot write it.
    pub(super) fn answer(&self, answer: &str) -> Result<Vec<u32>, EmbeddedError> {
        let user = Turn { role: Speaker::User, content: "question" };
        let said = Turn { role: Speaker::Assistant, content: answer };
        let before = self.template.render(&[user], true, &self.guard)?;
        let prompt = self.ids(&before)?;
        // As the template writes it, where that continues the prompt (Llama 2 puts a space
        // before); else right behind the prompt (templates that open a reasoning block there).
        let whole = self.template.render(&[user, said], false, &self.guard).ok();
        let tail = whole
            .filter(|t| t.starts_with(&before))
            .map(|t| self.ids(&t))
            .transpose()?
            .and_then(|ids| ids.strip_prefix(&prompt[..]).map(<[u32]>::to_vec));
        let mut tail = match tail {
            Some(t) => t,
            None => {
                let ids = self.ids(&format!("{before}{}", self.guard.wrap(&said)))?;
                ids.strip_prefix(&prompt[..]).map(<[u32]>::to_vec).ok_or_else(|| {
                    tokenizer_error(format!("the answer `{answer}` melts into the prompt"))
                })?
            }
        };
        let end = |id: &u32| self.ends.contains(id) || self.markers.contains_key(id);
        let length = tail.iter().position(end).unwrap_or(tail.len());
        tail.truncate(length);
        if tail.is_empty() || self.unknown.is_some_and(|u| tail.contains(&u)) {
            return Err(tokenizer_error(format!(
                "the answer `{answer}` cannot be written with this vocabulary"
            )));
        }
        tail.push(self.ends[0]);
        Ok(tail)
    }

    /// Tokens back to text, without special tokens.
    ///
    /// # Errors
    /// The tokenizer failed.
    pub(super) fn decode(&self, ids: &[u32]) -> Result<String, EmbeddedError> {
        self.inner.decode(ids, true).map_err(tokenizer_error)
    }

    /// Plain text to tokens, without any marker.
    pub(super) fn plain_text(&self, text: &str) -> Result<Vec<u32>, EmbeddedError> {
        self.ids(&self.guard.wrap(&Turn { role: Speaker::User, content: text }))
    }

    pub(super) fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    pub(super) fn ends(&self) -> &[u32] {
        &self.ends
    }

    pub(super) fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// Writes the files as they were found; with the plain form, its template stands in them.
    ///
    /// # Errors
    /// The disk is full.
    pub(super) fn save(&self, dir: &Path) -> Result<(), EmbeddedError> {
        for (name, bytes) in &self.files {
            let path = dir.join(name);
            std::fs::write(&path, bytes).map_err(EmbeddedError::io(&path))?;
        }
        if self.plain {
            let path = dir.join("chat_template.jinja");
            std::fs::write(&path, PLAIN).map_err(EmbeddedError::io(&path))?;
        }
        Ok(())
    }
}

/// Ids inside the model's vocabulary, and a vocabulary of about the model's size. Models round
/// theirs up, so a tokenizer may be smaller; one of less than half the size is another model's.
fn belongs(t: &Tokenizer, files: &TokenizerFiles, vocab_size: usize) -> Result<(), String> {
    let vocab = t.get_vocab(true);
    if let Some((text, id)) = vocab.iter().max_by_key(|v| v.1)
        && *id as usize >= vocab_size
    {
        return Err(format!(
            "token {id} (`{text}`) is outside of the model's vocabulary of {vocab_size}: this \
             tokenizer does not belong to the model"
        ));
    }
    if vocab.len() * 2 < vocab_size {
        return Err(format!(
            "{} tokens, and the model has {vocab_size}: this tokenizer does not belong to the model",
            vocab.len()
        ));
    }
    for id in files.ends.iter().chain(&files.bos) {
        if t.id_to_token(*id).is_none() {
            return Err(format!(
                "the config names token {id} as the begin or end of a text, and the tokenizer has \
                 none of that id: it does not belong to the model"
            ));
        }
    }
    Ok(())
}
