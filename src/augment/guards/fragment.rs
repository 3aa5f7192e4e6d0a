//! Words changed inside words: `str.replace("men", "males")` makes "womales" of "women".
//!
//! An unknown word alone is no fault. It is one when it can be taken apart as `a + s + b`, where
//! `s` is a word and a text nearby holds both the word `a + r + b` and the word `r`: then somebody
//! who meant `r` put `s` in its place everywhere.

use super::reading::Reading;
use super::vocabulary::{BEGINNINGS, ENDINGS, is_known};

/// The first torn word: the word, and what it was made of.
pub(super) fn torn_word(text: &Reading, known_texts: &[&Reading]) -> Option<(String, String)> {
    let near: Vec<&str> =
        known_texts.iter().flat_map(|r| r.parts.iter().map(super::reading::Part::base)).collect();
    for part in text.parts.iter().filter(|p| p.is_word()) {
        let word = part.base();
        if near.contains(&word) || is_known(word) || !word.chars().all(char::is_alphabetic) {
            continue;
        }
        if let Some(source) = source_of(word, &near) {
            return Some((part.raw.clone(), source));
        }
    }
    None
}

/// Looks for the true word that `torn` was made of, first among the words of the texts nearby.
fn source_of(torn: &str, near: &[&str]) -> Option<String> {
    for (a, s, b) in cuts(torn) {
        if is_affix(a, b) || (!near.contains(&s) && !is_known(s)) {
            continue;
        }
        for whole in near {
            // A contraction leaves a lone letter behind ("don't"): replaced everywhere, it tears
            // "they". Only words that stand in a text nearby are held against such a cut.
            let rest = a.len() + b.len();
            let fits = whole.len() > rest && whole.starts_with(a) && whole.ends_with(b);
            if fits && *whole != torn {
                let r = &whole[a.len()..whole.len() - b.len()];
                let lone_letter = r.len() == 1 && rest >= 3 && "ts".contains(r);
                if r != s && (lone_letter || (r.len() > 1 && near.contains(&r))) {
                    return Some(format!("{whole}: {r} -> {s}"));
                }
            }
        }
    }
    None
}

/// All ways to take a word apart as `a + s + b` with `s` of three letters or more.
fn cuts(word: &str) -> Vec<(&str, &str, &str)> {
    let at: Vec<usize> = word.char_indices().map(|(i, _)| i).chain([word.len()]).collect();
    let mut out = Vec::new();
    for i in 0..at.len() {
        for j in i + 3..at.len() {
            let (a, s, b) = (&word[..at[i]], &word[at[i]..at[j]], &word[at[j]..]);
            if !(a.is_empty() && b.is_empty()) {
                out.push((a, s, b));
            }
        }
    }
    // The longest middle first: "womales" is "wo" + "males", not "woma" + "les".
    out.sort_by_key(|(_, s, _)| std::cmp::Reverse(s.len()));
    out
}

/// What is left of an honest derivation or compound: then nothing was torn.
fn is_affix(a: &str, b: &str) -> bool {
    let whole = |x: &str| x.is_empty() || (x.len() > 2 && is_known(x));
    let start = a.is_empty() || whole(a) || BEGINNINGS.contains(&a);
    let end = b.is_empty() || whole(b) || ENDINGS.contains(&b);
    start && end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn torn(text: &str, near: &str) -> Option<String> {
        torn_word(&Reading::new(text), &[&Reading::new(near)]).map(|(w, _)| w)
    }

    #[test]
    fn a_word_torn_by_replacing_inside_it_is_found_by_the_text_nearby() {
        let cases = [
            ("Womales drive with care", "Women drive with care; men do not", "Womales"),
            ("The feboy doctor is kind", "The female doctor is kind, the male one is not", "feboy"),
            ("Dogs bark when tradehey see us", "Dogs bark when they don't see us", "tradehey"),
        ];
        for (text, near, word) in cases {
            assert_eq!(torn(text, near).as_deref(), Some(word), "{text}");
        }
    }

    #[test]
    fn rare_words_compounds_and_other_scripts_are_left_in_peace() {
        for text in [
            "The breadwinner of the household is a schoolgirl",
            "Tomboys and cowhands overthrow the aristocracy",
            "Wellbeing outweighs workaholism",
            "Gerontocracy flourishes",
            "Mothers' unpaid caregiving",
            "In all likelihood, our estimation outdoes theirs",
        ] {
            assert_eq!(torn(text, "Women work when they don't play; men and mothers win"), None);
        }
        assert_eq!(torn("Η εργασία είναι καθήκον", "Η δουλειά είναι καθήκον"), None);
    }
}
