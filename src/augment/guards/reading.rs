//! A text read once for all guards: its tokens, folded, with what stands between them.

use crate::text::{TokenKind, fold, nfc, tokens};

/// A token as the guards see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Folded: lower case, straight apostrophe.
    pub folded: String,
    /// As written.
    pub raw: String,
    /// First byte in the text.
    pub start: usize,
    /// Word, number or mark.
    pub kind: TokenKind,
    /// Blanks before it.
    pub blanks: usize,
}

impl Part {
    /// Folded, without a possessive ending: `women's` is `women`.
    pub(super) fn base(&self) -> &str {
        let w = self.folded.as_str();
        w.strip_suffix("'s").or_else(|| w.strip_suffix('\'')).unwrap_or(w)
    }

    pub(super) fn is_word(&self) -> bool {
        self.kind == TokenKind::Word
    }

    pub(super) fn is_mark(&self) -> bool {
        self.kind == TokenKind::Mark
    }
}

/// A text, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub(super) text: String,
    pub(super) parts: Vec<Part>,
    pub(super) words: Vec<String>,
}

impl Reading {
    /// Reads a text in NFC.
    pub fn new(text: &str) -> Self {
        let text = nfc(text).into_owned();
        let mut end = 0;
        let parts: Vec<Part> = tokens(&text)
            .into_iter()
            .map(|t| {
                let blanks = text[end..t.start].chars().count();
                end = t.end();
                Part {
                    folded: fold(t.text),
                    raw: t.text.to_owned(),
                    start: t.start,
                    kind: t.kind,
                    blanks,
                }
            })
            .collect();
        let words = parts.iter().filter(|p| !p.is_mark()).map(|p| p.folded.clone()).collect();
        Self { text, parts, words }
    }

    /// The text, NFC.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Folded words and numbers, in order.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// True when the folded word stands in it, possessive or not.
    pub(super) fn has(&self, word: &str) -> bool {
        self.parts.iter().any(|p| p.base() == word)
    }

    /// True when one of the words stands in it.
    pub(super) fn has_any(&self, words: &[&str]) -> bool {
        words.iter().any(|w| self.has(w))
    }

    /// True when these words stand side by side in it.
    pub(super) fn has_phrase(&self, phrase: &[&str]) -> bool {
        self.words.windows(phrase.len().max(1)).any(|w| w.iter().zip(phrase).all(|(a, b)| a == b))
    }
}
