//! Agreement of a word with its surroundings: capitals, and `a` or `an`.

use crate::text::tokens;

/// The same text with its first letter raised.
pub(super) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Words whose first sound is not what their first letter says; matched as beginnings.
const SOUND_LIKE_CONSONANT: [&str; 7] = ["uni", "use", "usu", "euro", "one", "once", "uti"];
const SOUND_LIKE_VOWEL: [&str; 4] = ["hour", "honest", "honor", "heir"];

/// Whether the word takes `an`.
pub(super) fn takes_an(word: &str) -> bool {
    let word = word.to_lowercase();
    if SOUND_LIKE_VOWEL.iter().any(|w| word.starts_with(w)) {
        return true;
    }
    // `unimportant` and `uninvolved` begin with a vowel sound, unlike `university`.
    if word.starts_with("unim") || word.starts_with("unin") {
        return true;
    }
    word.starts_with(['a', 'e', 'i', 'o', 'u'])
        && !SOUND_LIKE_CONSONANT.iter().any(|w| word.starts_with(w))
}

/// The text with every `a` and `an` before a word set right.
pub(super) fn with_articles(text: &str) -> String {
    let found = tokens(text);
    let mut out = String::with_capacity(text.len() + 2);
    let mut copied = 0;
    for pair in found.windows(2) {
        let (article, next) = (pair[0], pair[1]);
        let right = match (article.text, takes_an(next.text)) {
            ("a" | "an", true) => "an",
            ("a" | "an", false) => "a",
            ("A" | "An", true) => "An",
            ("A" | "An", false) => "A",
            _ => continue,
        };
        if next.text.starts_with(char::is_alphabetic) {
            out.push_str(&text[copied..article.start]);
            out.push_str(right);
            copied = article.end();
        }
    }
    out.push_str(&text[copied..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_follow_the_sound_of_the_next_word() {
        let cases = [
            ("a important goal", "an important goal"),
            ("An university degree", "A university degree"),
            ("a hour", "an hour"),
            ("an one-time offer", "a one-time offer"),
            ("a unimportant detail", "an unimportant detail"),
            ("grade A, an apple", "grade A, an apple"),
            ("banana a", "banana a"),
        ];
        for (text, expected) in cases {
            assert_eq!(with_articles(text), expected, "{text}");
        }
    }
}
