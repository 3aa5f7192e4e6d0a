//! Which words of a sentence are worth a synonym, and which synonyms are worth a try.

use crate::domain::primary_language;
use crate::text::{TokenKind, fold, script_of, tokens};

/// Words that are asked about at once.
const MOST: usize = 12;
/// Longest synonym, in words.
const LONGEST: usize = 4;

/// English words that have no synonym in a survey item, or must not get one: pronouns, articles,
/// prepositions, auxiliaries, and the words of strength, number and negation.
const KEPT: &str = " a about above after again against all almost also always am among an and any \
    anybody anyone anything are as at be because been before being below between both but by can \
    cannot could did do does doing done down during each either enough even ever every everybody \
    everyone everything few fewer for from had has have having he her here hers herself him himself \
    his how i if in into is it its itself just least less many may me might mine more most much must \
    my myself neither never no nobody none nor not nothing of off often on once one only or other \
    others our ours out over own rather same seldom shall she should since so some somebody someone \
    something sometimes still such than that the their theirs them themselves then there these they \
    this those through to too two under until up upon us very was we were what when where whether \
    which while who whom whose why will with within without would yes yet you your yours yourself ";

/// Nouns, adjectives, adverbs and verbs, as far as a list of the other words tells; empty for
/// languages without such a list, where the model chooses.
pub(super) fn worth_asking(text: &str, language: &str) -> Vec<String> {
    if primary_language(language) != "en" {
        return Vec::new();
    }
    let mut out: Vec<String> = Vec::new();
    for (i, t) in tokens(text).iter().enumerate() {
        let lower = t.text.to_lowercase();
        // A capital inside the sentence is a name.
        let name = i > 0 && t.text.starts_with(char::is_uppercase);
        let short = t.text.chars().count() < 3 || t.text.contains(['\'', '\u{2019}']);
        if t.kind == TokenKind::Word
            && !name
            && !short
            && !KEPT.contains(&format!(" {lower} "))
            && !out.contains(&lower)
        {
            out.push(lower);
        }
    }
    out.truncate(MOST);
    out
}

/// The words as they stand in the text, where they stand there whole.
pub(super) fn as_in_text(text: &str, words: &str) -> Option<String> {
    let folded = fold(words);
    let wanted: Vec<&str> = tokens(&folded).iter().map(|t| t.text).collect();
    let there = tokens(text);
    let at = there.windows(wanted.len().max(1)).find(|w| {
        !wanted.is_empty() && w.iter().zip(&wanted).all(|(t, word)| fold(t.text) == *word)
    })?;
    Some(text[at.first()?.start..at.last()?.end()].to_owned())
}

/// One to four words in a script of the text, without marks or digits in them.
pub(super) fn may_stand_in(synonym: &str, text: &str) -> bool {
    let parts = tokens(synonym);
    let of_words =
        parts.iter().all(|t| t.kind == TokenKind::Word || matches!(t.text, "-" | "\u{2010}"));
    let scripts: Vec<_> = text.chars().filter_map(script_of).collect();
    let same_script = synonym.chars().filter_map(script_of).all(|s| scripts.contains(&s));
    let words = parts.iter().filter(|t| t.kind == TokenKind::Word).count();
    // Scripts without blanks are cut by character: a phrase of eight characters is short there.
    let limit = if synonym.contains(' ') || synonym.is_ascii() { LONGEST } else { 2 * LONGEST };
    let digits = synonym.chars().any(char::is_numeric);
    of_words && !digits && same_script && (1..=limit).contains(&words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_words_are_asked_about_and_names_and_small_words_are_not() {
        assert_eq!(
            worth_asking("Most men in Greece should never fear a good life's work, men.", "en-GB"),
            ["men", "fear", "good", "work"]
        );
        assert!(worth_asking("Η ζωή είναι ωραία.", "el").is_empty());
    }

    #[test]
    fn words_are_found_whole_and_synonyms_fit_the_text() {
        assert_eq!(as_in_text("Women work hard.", "women").as_deref(), Some("Women"));
        assert_eq!(as_in_text("Women work hard.", "men"), None);
        assert_eq!(
            as_in_text("A part-time job", "PART-TIME job").as_deref(),
            Some("part-time job")
        );
        assert_eq!(as_in_text("x", ""), None);
        let fits = |s: &str| may_stand_in(s, "Women work hard.");
        assert!(fits("toil") && fits("put in long hours") && fits("part-time"));
        assert!(
            !fits("работа")
                && !fits("work, labour")
                && !fits("1st")
                && !fits("one two three four five")
        );
        assert!(!fits(""));
    }
}
