//! What is done to a text, how strongly, and what came of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::injection::inject;
use super::lookalike::look_alike;
use super::typos::typos;

/// A way to change a text while its meaning, and so its label, stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Slips of the keyboard; strength = share of words with one.
    Typos,
    /// Letters of another script that look the same; strength = share of such letters.
    LookAlike,
    /// Orders to the model inside the text; strength = one, two or three of them.
    Injection,
    /// Said in other words by a model; strength = how far it may go.
    Paraphrase,
}

impl ChangeKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Typos, Self::LookAlike, Self::Injection, Self::Paraphrase];

    /// As on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Typos => "typos",
            Self::LookAlike => "look-alike",
            Self::Injection => "injection",
            Self::Paraphrase => "paraphrase",
        }
    }
}

/// A kind with its strength, 0 (nothing) to 1: `typos:0.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Change {
    kind: ChangeKind,
    thousandths: u16,
}

impl Change {
    /// A change; its strength is kept to three places.
    ///
    /// # Errors
    /// A strength outside 0 to 1.
    pub fn new(kind: ChangeKind, strength: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&strength) {
            return Ok(Self { kind, thousandths: (strength * 1000.0).round() as u16 });
        }
        Err(format!("the strength of {} is {strength}: expected 0 to 1", kind.word()))
    }

    /// The kind.
    pub fn kind(self) -> ChangeKind {
        self.kind
    }

    /// 0 to 1.
    pub fn strength(self) -> f64 {
        f64::from(self.thousandths) / 1000.0
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.kind.word(), self.strength()))
    }
}

impl FromStr for Change {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let (name, strength) = s.split_once(':').unwrap_or((s, "0.2"));
        let kind = ChangeKind::ALL.into_iter().find(|k| k.word() == name).ok_or_else(|| {
            let known: Vec<&str> = ChangeKind::ALL.iter().map(|k| k.word()).collect();
            format!(
                "no change `{name}`: expected {}, with a strength as in typos:0.2",
                known.join(", ")
            )
        })?;
        let strength = strength
            .parse()
            .map_err(|_| format!("`{strength}` is no strength: expected a number from 0 to 1"))?;
        Self::new(kind, strength)
    }
}

impl TryFrom<String> for Change {
    type Error = String;
    fn try_from(s: String) -> Result<Self, String> {
        s.parse()
    }
}

impl From<Change> for String {
    fn from(c: Change) -> Self {
        c.to_string()
    }
}

/// What a change is applied to.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// Seed of the whole run.
    pub seed: u64,
    /// The item's name: with the seed it decides every place and every letter.
    pub item: &'a str,
    /// BCP 47 tag of the text; injections are in this language where there is one.
    pub language: &'a str,
    /// What an injection wants to hear: a label word, an option.
    pub wanted: &'a str,
}

/// A changed text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The text; the original where nothing could be changed.
    pub text: String,
    /// Places that were changed.
    pub edits: usize,
}

/// Applies a change, the same for the same site, text and strength. Strength 0 gives the text
/// back, byte for byte; a greater strength changes the places of a smaller one and more. `None` for
/// paraphrases, which a model makes.
pub fn apply(text: &str, change: Change, site: &Site<'_>) -> Option<Changed> {
    if change.thousandths == 0 && change.kind != ChangeKind::Paraphrase {
        return Some(Changed { text: text.to_owned(), edits: 0 });
    }
    match change.kind {
        ChangeKind::Typos => Some(typos(text, change.strength(), site)),
        ChangeKind::LookAlike => Some(look_alike(text, change.strength(), site)),
        ChangeKind::Injection => Some(inject(text, change.strength(), site)),
        ChangeKind::Paraphrase => None,
    }
}

/// So many of `n` places: at least one where there is one.
pub(super) fn places(strength: f64, n: usize) -> usize {
    ((strength * n as f64).round() as usize).clamp(usize::from(n > 0), n)
}
