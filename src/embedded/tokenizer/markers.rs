//! Role markers of our own tiny models, written by hand: the chat template that is saved with them
//! says the same, and they are spoken to thousands of times a second.

use std::collections::HashMap;
use std::path::Path;

use tokenizers::{PreTokenizerWrapper, Tokenizer};

use super::template::{Speaker, Turn};
use crate::embedded::EmbeddedError;

pub(super) const PAD: &str = "<pad>";
pub(super) const UNK: &str = "<unk>";
pub(super) const BOS: &str = "<s>";
pub(super) const EOS: &str = "</s>";
pub(super) const SYSTEM: &str = "<|system|>";
pub(super) const USER: &str = "<|user|>";
pub(super) const ASSISTANT: &str = "<|assistant|>";

pub(super) const TEMPLATE: &str = "{{ bos_token }}{% for m in messages %}{% if m['content'] %}\
    {{ '<|' + m['role'] + '|>' + m['content'] }}\
    {% if m['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endif %}{% endfor %}\
    {% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/// A tokenizer with our role markers.
#[derive(Debug, Clone)]
pub(super) struct Markers {
    inner: Tokenizer,
    bos: u32,
    eos: u32,
    pad: u32,
    unk: u32,
    system: u32,
    user: u32,
    assistant: u32,
    /// White space always ends a piece of text and is not kept: words can be encoded one by one.
    by_word: bool,
}

impl Markers {
    /// Takes a tokenizer that has our role markers.
    ///
    /// # Errors
    /// One of them is missing: by name.
    pub(super) fn new(inner: Tokenizer) -> Result<Self, EmbeddedError> {
        let id = |t: &str| {
            inner.token_to_id(t).ok_or_else(|| {
                EmbeddedError::Tokenizer(format!("no token `{t}`: expected our role markers"))
            })
        };
        let by_word = match inner.get_pre_tokenizer() {
            Some(PreTokenizerWrapper::Sequence(s)) => {
                matches!(s.as_ref().first(), Some(PreTokenizerWrapper::Whitespace(_)))
            }
            p => matches!(p, Some(PreTokenizerWrapper::Whitespace(_))),
        };
        Ok(Self {
            by_word,
            bos: id(BOS)?,
            eos: id(EOS)?,
            pad: id(PAD)?,
            unk: id(UNK)?,
            system: id(SYSTEM)?,
            user: id(USER)?,
            assistant: id(ASSISTANT)?,
            inner,
        })
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` (with the chat template).
    ///
    /// # Errors
    /// The disk is full.
    pub(super) fn save(&self, dir: &Path) -> Result<(), EmbeddedError> {
        let path = dir.join("tokenizer.json");
        let text = self
            .inner
            .to_string(true)
            .map_err(|e| EmbeddedError::Tokenizer(format!("cannot be written: {e}")))?;
        std::fs::write(&path, text).map_err(EmbeddedError::io(&path))?;
        let path = dir.join("tokenizer_config.json");
        let config = serde_json::json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": BOS,
            "eos_token": EOS,
            "pad_token": PAD,
            "unk_token": UNK,
            "add_bos_token": false,
            "clean_up_tokenization_spaces": false,
            "chat_template": TEMPLATE,
        });
        std::fs::write(&path, format!("{config:#}")).map_err(EmbeddedError::io(&path))
    }

    /// Tokens, special ones included.
    pub(super) fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// `<s>`, `</s>` and `<pad>`, for `config.json`.
    pub(super) fn special_ids(&self) -> (u32, u32, u32) {
        (self.bos, self.eos, self.pad)
    }

    /// Plain text to tokens. Role markers inside the text are text: a paraphrase cannot speak as
    /// the assistant.
    ///
    /// # Errors
    /// The tokenizer failed.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, EmbeddedError> {
        let text = text.replace("<|", "< |").replace(BOS, "< s>").replace(EOS, "< /s>");
        let e = self
            .inner
            .encode_fast(text, false)
            .map_err(|e| EmbeddedError::Tokenizer(e.to_string()))?;
        Ok(e.get_ids().to_vec())
    }

    /// Role marker, text; the assistant's turns are closed. `words` remembers what was met.
    ///
    /// # Errors
    /// The tokenizer failed.
    pub(super) fn chat(
        &self,
        turns: &[Turn<'_>],
        words: &mut HashMap<String, Vec<u32>>,
    ) -> Result<Vec<u32>, EmbeddedError> {
        let mut out = Vec::with_capacity(64);
        out.push(self.bos);
        for t in turns.iter().filter(|t| !t.content.is_empty()) {
            out.push(match t.role {
                Speaker::System => self.system,
                Speaker::User => self.user,
                Speaker::Assistant => self.assistant,
            });
            self.encode_words(t.content, words, &mut out)?;
            if t.role == Speaker::Assistant {
                out.push(self.eos);
            }
        }
        out.push(self.assistant);
        Ok(out)
    }

    /// A complete answer with its end token.
    ///
    /// # Errors
    /// It cannot be written with this vocabulary.
    pub(super) fn answer(
        &self,
        answer: &str,
        words: &mut HashMap<String, Vec<u32>>,
    ) -> Result<Vec<u32>, EmbeddedError> {
        let mut out = Vec::with_capacity(4);
        self.encode_words(answer, words, &mut out)?;
        if out.is_empty() || out.contains(&self.unk) {
            return Err(EmbeddedError::Tokenizer(format!(
                "the answer `{answer}` cannot be written with this vocabulary"
            )));
        }
        out.push(self.eos);
        Ok(out)
    }

    /// Tokens back to text: words stand apart, since white space is not kept.
    ///
    /// # Errors
    /// The tokenizer failed.
    pub(super) fn decode(&self, ids: &[u32]) -> Result<String, EmbeddedError> {
        self.inner.decode(ids, true).map_err(|e| EmbeddedError::Tokenizer(e.to_string()))
    }

    fn encode_words(
        &self,
        text: &str,
        words: &mut HashMap<String, Vec<u32>>,
        out: &mut Vec<u32>,
    ) -> Result<(), EmbeddedError> {
        if !self.by_word {
            out.extend(self.encode(text)?);
            return Ok(());
        }
        for word in text.split_whitespace() {
            if let Some(ids) = words.get(word) {
                out.extend_from_slice(ids);
                continue;
            }
            let ids = self.encode(word)?;
            out.extend_from_slice(&ids);
            words.insert(word.to_owned(), ids);
        }
        Ok(())
    }
}
