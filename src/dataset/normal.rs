//! When two texts count as the same: letters and digits only, case and width folded.

use unicode_normalization::UnicodeNormalization;

use crate::text::token_edits;

/// The text as lower-case words of letters, marks and digits with single blanks between: quotes,
/// stops and spacing do not make another text. NFKC, so that full-width forms are the same too.
pub fn normal_text(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    // An apostrophe inside a word joins: "don't" and "don’t" and "dont" are one word.
    let joined: String = folded.chars().filter(|c| !matches!(c, '\'' | '’' | '`')).collect();
    joined
        .split(|c: char| !(c.is_alphanumeric() || is_mark(c)))
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Combining marks stay with their letter (Bengali vowel signs are marks, not letters).
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Words to insert, delete or exchange to turn one normalised text into the other.
pub fn word_edits(a: &str, b: &str) -> usize {
    token_edits(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn punctuation_case_and_spacing_make_no_other_text() {
        for (a, b) in [
            ("People who don’t work turn lazy", "people who don't  work, turn lazy."),
            ("“Work” is a duty!", "work is a duty"),
            ("ＷＯＲＫ", "work"),
        ] {
            assert_eq!(normal_text(a), normal_text(b));
        }
        assert_ne!(normal_text("work is a duty"), normal_text("work is no duty"));
        assert_eq!(normal_text("আমি কাজ"), "আমি কাজ");
    }

    #[test]
    fn word_edits_count_words() {
        assert_eq!(word_edits("a b c", "a b c"), 0);
        assert_eq!(word_edits("a b c", "a x c d"), 2);
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(s in "\\PC{0,40}") {
            let once = normal_text(&s);
            prop_assert_eq!(normal_text(&once), once);
        }
    }
}
