//! Words that went missing: what they leave behind, and what the parent still has.

use super::Language;
use super::reading::Reading;
use crate::text::{Change, diff};

const DETERMINERS: &[&str] = &["a", "an", "the", "my", "your", "our", "their", "its", "every"];

/// What can never follow a determiner.
const NEVER_AFTER_DETERMINER: &[&str] = &[
    "of", "in", "on", "at", "to", "for", "with", "by", "from", "is", "are", "was", "were", "be",
    "has", "have", "had", "does", "could", "would", "should", "and", "or", "but", "than", "that",
    "which", "who", "because", "a", "an", "the", "my", "your", "our", "their", "its", ".", ",",
    "?", "!", ";", ":",
];

const PREPOSITIONS: &[&str] =
    &["of", "to", "at", "from", "with", "into", "during", "for", "by", "among", "between"];

const COMPARATIVES: &[&str] = &[
    "more",
    "less",
    "fewer",
    "rather",
    "other",
    "else",
    "better",
    "worse",
    "different",
    "sooner",
    "farther",
    "further",
    "no",
    "higher",
    "lower",
    "greater",
];

/// What is missing in an English sentence, by what it leaves behind.
pub(super) fn gap(text: &Reading, language: Language) -> Option<String> {
    if let Some(p) = text.parts.iter().skip(1).find(|p| p.blanks == 2 && !p.is_mark()) {
        let after_stop = text.parts.iter().any(|q| {
            q.start + q.raw.len() + 2 == p.start
                && matches!(q.folded.as_str(), "." | "?" | "!" | ":" | "\"" | "”")
        });
        if !after_stop && text.parts.iter().filter(|p| p.blanks > 1).count() == 1 {
            return Some(format!("two blanks before `{}`", p.raw));
        }
    }
    let pair = |a: &str, b: &str| Some(format!("`{a} {b}`"));
    for w in text.parts.windows(2) {
        let (a, b) = (&w[0], &w[1]);
        let (x, y) = (a.folded.as_str(), b.folded.as_str());
        if matches!((x, y), ("," | ";" | ":", "," | ";" | "." | "?" | "!") | ("(", ")")) {
            return pair(&a.raw, &b.raw);
        }
        if language != Language::English {
            continue;
        }
        // "a by-product", "the in-laws": a hyphen makes one word of it.
        let hyphened = text.parts.iter().any(|p| p.raw == "-" && p.start == b.start + b.raw.len());
        let letter = a.raw == "A" && a.start > 0;
        if DETERMINERS.contains(&x) && NEVER_AFTER_DETERMINER.contains(&y) && !hyphened && !letter {
            return pair(&a.raw, &b.raw);
        }
        if PREPOSITIONS.contains(&x) && y == "of" {
            return pair(&a.raw, &b.raw);
        }
    }
    if language == Language::English { than_without_comparative(text) } else { None }
}

fn than_without_comparative(text: &Reading) -> Option<String> {
    let at = text.parts.iter().position(|p| p.folded == "than")?;
    let compared = text.parts[..at].iter().any(|p| {
        let w = p.base();
        COMPARATIVES.contains(&w) || (w.len() > 4 && (w.ends_with("er") || w.ends_with("ier")))
    });
    (!compared).then(|| "`than` without a comparative before it".into())
}

/// Content words of `whole` that are gone with nothing in their place. A substitution never
/// deletes, so that this holds for a parent; a paraphrase may leave out the opening phrase of its
/// seed ("On the whole, ..."), so that `but_opening` forgives that.
pub(super) fn gone(text: &Reading, whole: &Reading, but_opening: bool) -> Option<String> {
    let pieces = diff(&whole.words, &text.words);
    if but_opening && whole.words.ends_with(&text.words) {
        let opening = whole.words.len() - text.words.len();
        let comma = whole.parts.iter().position(|p| matches!(p.folded.as_str(), "," | ":"));
        if comma == Some(opening) {
            return None;
        }
    }
    let removed: Vec<&str> = pieces
        .iter()
        .filter(|p| p.change == Change::Removed)
        .map(|p| whole.words[p.old].as_str())
        .collect();
    let added = pieces.iter().any(|p| p.change == Change::Added);
    let content = removed.iter().any(|w| w.chars().count() > 3 || !w.is_ascii());
    (!added && content && !text.words.is_empty())
        .then(|| format!("`{}` is gone", removed.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_shows_by_what_stands_around_it() {
        for bad in [
            "The of the house is red",
            "He sold his car for the.",
            "Dogs are a to man",
            "My is blue",
            "It is the  that barks",
            "A talk to of peace",
            "Cats, , and dogs",
            "Cats sleep than dogs",
            "Look ()",
        ] {
            assert!(gap(&Reading::new(bad), Language::English).is_some(), "{bad}");
        }
        for good in [
            "The by-product of it",
            "She told the in-laws",
            "Vitamin A is good",
            "Cats sleep longer than dogs",
            "Rather sleep than bark",
            "It came out of the blue",
            "Stop.  Then go on.",
            "What is it made of, and by whom?",
            "Other than dogs",
        ] {
            assert_eq!(gap(&Reading::new(good), Language::English), None, "{good}");
        }
        assert!(gap(&Reading::new("die in der Stadt"), Language::Other).is_none());
    }

    #[test]
    fn words_gone_from_the_parent_are_named() {
        let parent = Reading::new("Old dogs like their warm bed");
        let cases = [
            ("Old dogs like their bed", Some("`warm` is gone")),
            ("Old like their warm bed.", Some("`dogs` is gone")),
            ("Old dogs love their warm bed", None),
            ("Old dogs like their warm bed!", None),
            ("Dogs like a bed", None),
        ];
        for (text, expected) in cases {
            assert_eq!(gone(&Reading::new(text), &parent, false).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_paraphrase_may_drop_the_opening_phrase_but_nothing_else() {
        let seed = Reading::new("On the whole, old dogs sleep more");
        assert_eq!(gone(&Reading::new("Old dogs sleep more"), &seed, true), None);
        assert!(gone(&Reading::new("On the whole, dogs sleep more than"), &seed, true).is_none());
        assert!(gone(&Reading::new("On the whole, old dogs more"), &seed, true).is_some());
    }
}
