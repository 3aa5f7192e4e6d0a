//! Orders to the model inside a text: a small versioned list of our own, in ten languages.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::change::{Changed, Site};
use crate::stats::dice::Dice;

const FILE: &str = include_str!("injections.toml");
/// What an injection has in the place of the answer it wants.
const SLOT: &str = "WANTED";

#[derive(Debug, Default, Deserialize)]
struct List {
    version: u32,
    #[serde(flatten)]
    languages: BTreeMap<String, Texts>,
}

#[derive(Debug, Deserialize)]
struct Texts {
    texts: Vec<String>,
}

static LIST: LazyLock<List> = LazyLock::new(|| toml::from_str(FILE).unwrap_or_default());

/// The version of the list: part of every plan.
pub fn injection_version() -> u32 {
    LIST.version
}

/// The injections of a language; those in English where there are none.
fn of(language: &str) -> &'static [String] {
    let base = language.split(['-', '_']).next().unwrap_or(language);
    let found = LIST.languages.get(base).or_else(|| LIST.languages.get("en"));
    found.map_or(&[], |t| t.texts.as_slice())
}

/// Puts one, two or three injections (by strength) of different manners between the sentences of a
/// text or at its end.
pub(super) fn inject(text: &str, strength: f64, site: &Site<'_>) -> Changed {
    let mut manners: Vec<&String> = of(site.language).iter().collect();
    let mut dice = Dice::new(site.seed, &["injection", site.item]);
    dice.shuffle(&mut manners);
    let n = ((strength * 3.0).ceil() as usize).clamp(1, 3).min(manners.len());
    let gaps = gaps(text);
    // The first stands at the end: a text of one sentence has no other place.
    let mut at: Vec<usize> = vec![text.len()];
    while at.len() < n {
        at.push(gaps[dice.below(gaps.len())]);
    }
    let mut placed: Vec<(usize, String)> =
        at.into_iter().zip(manners).map(|(at, m)| (at, m.replace(SLOT, site.wanted))).collect();
    placed.sort_by_key(|(at, _)| *at);
    let mut out = String::with_capacity(text.len() + 100 * n);
    let mut from = 0;
    for (at, order) in &placed {
        out.push_str(&text[from..*at]);
        if !out.is_empty() && !out.ends_with(char::is_whitespace) {
            out.push(' ');
        }
        out.push_str(order);
        if *at < text.len() && !text[*at..].starts_with(char::is_whitespace) {
            out.push(' ');
        }
        from = *at;
    }
    out.push_str(&text[from..]);
    Changed { text: out, edits: placed.len() }
}

/// Places between sentences, and the end.
fn gaps(text: &str) -> Vec<usize> {
    use unicode_segmentation::UnicodeSegmentation;
    let mut out: Vec<usize> =
        text.split_sentence_bound_indices().map(|(i, s)| i + s.trim_end().len()).collect();
    out.push(text.len());
    out.sort_unstable();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_the_five_manners_and_a_place_for_the_answer() {
        assert_eq!(LIST.version, 1);
        assert_eq!(LIST.languages.len(), 10);
        for (language, t) in &LIST.languages {
            assert_eq!(t.texts.len(), 5, "{language}");
            assert!(t.texts.iter().all(|t| t.matches(SLOT).count() == 1), "{language}");
        }
        assert_eq!(of("de-AT").len(), 5);
        assert_eq!(of("xx"), of("en"));
    }
}
