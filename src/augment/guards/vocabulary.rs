//! Which letter sequences are words: a short list of our own, and simple inflection.

use std::collections::HashSet;
use std::sync::LazyLock;

static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("vocabulary.txt")
        .lines()
        .filter(|l| !l.starts_with('#'))
        .flat_map(str::split_whitespace)
        .collect()
});

/// Endings of English inflection and derivation, longest first.
pub(super) const ENDINGS: &[&str] = &[
    "fulness", "iveness", "ability", "ations", "ership", "ments", "nesses", "ation", "ement",
    "ingly", "fully", "ities", "ously", "ician", "iness", "ness", "ment", "ings", "ions", "ists",
    "isms", "ance", "ence", "able", "ible", "less", "like", "ship", "hood", "ward", "wise", "ized",
    "ised", "izes", "ises", "ally", "ical", "ity", "ing", "ion", "ist", "ism", "ful", "ous", "ive",
    "ize", "ise", "est", "ers", "ors", "ier", "ied", "ies", "ily", "ed", "er", "or", "ly", "es",
    "al", "ic", "en", "s", "d", "r", "y", "n",
];

/// Beginnings that make new words of known ones.
pub(super) const BEGINNINGS: &[&str] = &[
    "counter", "hetero", "inter", "multi", "super", "trans", "under", "over", "self", "semi",
    "anti", "fore", "down", "post", "auto", "non", "mis", "dis", "pre", "pro", "out", "sub", "mid",
    "bi", "co", "de", "en", "em", "ex", "il", "im", "in", "ir", "re", "un", "up",
];

/// True for a word of the list, as it stands.
pub(super) fn is_listed(word: &str) -> bool {
    WORDS.contains(word)
}

/// True for a listed word, or one that inflection or a common beginning makes of it.
pub(super) fn is_known(word: &str) -> bool {
    if is_listed(word) || has_known_stem(word) {
        return true;
    }
    BEGINNINGS.iter().any(|b| {
        word.strip_prefix(b).is_some_and(|rest| {
            rest.chars().count() >= 3 && (is_listed(rest) || has_known_stem(rest))
        })
    })
}

fn has_known_stem(word: &str) -> bool {
    ENDINGS.iter().any(|ending| {
        word.strip_suffix(ending).is_some_and(|stem| {
            let letters = stem.chars().count();
            letters >= 3
                && (is_listed(stem)
                    || is_listed(&format!("{stem}e"))
                    || is_listed(&format!("{stem}y"))
                    || undoubled(stem).is_some_and(is_listed))
        })
    })
}

/// `stopp` -> `stop`.
fn undoubled(stem: &str) -> Option<&str> {
    let mut last = stem.chars().rev();
    let (a, b) = (last.next()?, last.next()?);
    (a == b).then(|| &stem[..stem.len() - a.len_utf8()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflected_words_are_known_and_torn_ones_are_not() {
        for word in ["women", "stopped", "happier", "unfairness", "cities", "making", "lazily"] {
            assert!(is_known(word), "{word}");
        }
        for word in ["feboy", "womales", "tradehey", "chilborn", "xyzzy"] {
            assert!(!is_known(word), "{word}");
        }
    }
}
