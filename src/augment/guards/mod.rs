//! Quality guards: what a proposal must not be, each with the reason it is turned down for.
//!
//! Broken sentences and changed meanings are judged against the seed and, where it is known, the
//! parent text; near-duplicates against the texts kept before ([`Siblings`]). The guards are rules
//! over words: they see faults of form, and no fault of sense that leaves the form whole (a wrong
//! synonym in a sound sentence). `docs/guards.md` measures what that is worth.

mod article;
mod deleted;
mod form;
mod fragment;
mod names;
mod near;
mod number;
mod phrase;
mod polarity;
mod reading;
mod roles;
mod shape;
mod vocabulary;

pub use form::{asks, changed_form, needs_no_mark};
pub use near::Siblings;
pub use number::changed_in_translation;
pub use reading::Reading;

use crate::domain::RejectReason;
use polarity::Turn;

/// What the guards know about a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// All guards.
    English,
    /// Form, numbers; names by capital letters; no doubled words.
    Capitals,
    /// The same, but capitals mark every noun.
    German,
    /// Form and numbers only.
    Other,
}

impl Language {
    /// From a BCP 47 tag: `en-GB` is English.
    pub fn of(tag: &str) -> Self {
        match tag.split(['-', '_']).next().unwrap_or(tag).to_ascii_lowercase().as_str() {
            "en" => Self::English,
            "es" | "pt" | "fr" | "it" | "nl" | "el" => Self::Capitals,
            "de" => Self::German,
            _ => Self::Other,
        }
    }

    /// Saying a word twice is a slip, not grammar.
    fn never_doubles(self) -> bool {
        self != Self::Other
    }

    fn capitals_are_names(self) -> bool {
        matches!(self, Self::English | Self::Capitals)
    }
}

/// The guards of one seed.
#[derive(Debug, Clone)]
pub struct Guards {
    language: Language,
    seed: Reading,
}

impl Guards {
    /// `language` is the BCP 47 tag of seed and samples.
    pub fn new(seed: &str, language: &str) -> Self {
        Self { language: Language::of(language), seed: Reading::new(seed) }
    }

    /// The seed, read.
    pub fn seed(&self) -> &Reading {
        &self.seed
    }

    /// The first reason to turn a text down, or `None`. `parent` is the text it was made from,
    /// `relatives` are other texts of the same seed (kept or not): words torn in one stand whole
    /// in another.
    pub fn check(
        &self,
        text: &Reading,
        parent: Option<&Reading>,
        relatives: &[&Reading],
    ) -> Option<RejectReason> {
        self.broken(text, parent, relatives).or_else(|| self.meaning(text, parent))
    }

    /// A broken sentence.
    fn broken(
        &self,
        text: &Reading,
        parent: Option<&Reading>,
        relatives: &[&Reading],
    ) -> Option<RejectReason> {
        let broken = |guard: &str, detail| RejectReason::Broken { guard: guard.into(), detail };
        let (seed, language) = (&self.seed, self.language);
        if text.words().is_empty() {
            return Some(broken("unfinished", "there is no word in it".into()));
        }
        let near: Vec<&Reading> =
            std::iter::once(seed).chain(parent).chain(relatives.iter().copied()).collect();
        if let Some((word, source)) = fragment::torn_word(text, &near) {
            return Some(broken("word-fragment", format!("`{word}` (from {source})")));
        }
        let gone = parent.and_then(|p| deleted::gone(text, p, false));
        if let Some(d) = gone
            .or_else(|| deleted::gone(text, seed, true))
            .or_else(|| deleted::gap(text, language))
        {
            return Some(broken("deleted-word", d));
        }
        if let Some(d) = shape::unbalanced(text) {
            return Some(broken("quotes", d));
        }
        if language == Language::English {
            if let Some(d) = phrase::no_auxiliary(text) {
                return Some(broken("auxiliary", d));
            }
            if let Some(d) = article::article_clash(text) {
                return Some(broken("article", d));
            }
            if let Some(d) = article::number_clash(text) {
                return Some(broken("agreement", d));
            }
            if let Some(d) = phrase::broken_phrase(text) {
                return Some(broken("fixed-phrase", d));
            }
        }
        if let Some(d) = shape::doubled_word(text, seed, language) {
            return Some(broken("doubled-word", d));
        }
        if let Some(d) = shape::unfinished(text, language) {
            return Some(broken("unfinished", d));
        }
        shape::lower_case_start(text, seed).map(|d| broken("lower-case-start", d))
    }

    /// Another meaning than the seed's. The parent passed these guards before, so that a turn
    /// against it is a turn against the seed, but seen more sharply.
    fn meaning(&self, text: &Reading, parent: Option<&Reading>) -> Option<RejectReason> {
        let changed =
            |guard: &str, detail| RejectReason::MeaningChanged { guard: guard.into(), detail };
        let (seed, language) = (&self.seed, self.language);
        if let Some(d) = number::changed(text, seed, language) {
            return Some(changed("number", d));
        }
        if let Some(d) = names::changed(text, seed, language) {
            return Some(changed("named-place", d));
        }
        if language != Language::English {
            return None;
        }
        let turn = parent
            .and_then(|p| polarity::turned(text, p))
            .or_else(|| polarity::turned(text, seed))?;
        Some(match turn {
            Turn::Negation(d) => changed("negation", d),
            Turn::Antonym(d) => changed("antonym", d),
            Turn::Roles(d) => changed("roles", d),
        })
    }
}

#[cfg(test)]
mod tests;
