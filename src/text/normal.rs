//! Normal forms: one spelling for what reads the same.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Unicode normal form C. Borrowed when the text has it already.
pub fn nfc(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfc().collect()),
    }
}

/// For comparing only, never for showing: NFC, lower case, straight quotes and apostrophes, every
/// run of blanks one space, none at the ends.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        for c in word.chars() {
            match c {
                '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{02bc}' => out.push('\''),
                '\u{201c}' | '\u{201d}' | '\u{201e}' => out.push('"'),
                c => out.extend(c.to_lowercase()),
            }
        }
    }
    match nfc(&out) {
        Cow::Borrowed(_) => out,
        Cow::Owned(normal) => normal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn composed_and_decomposed_letters_become_the_same_text() {
        assert_eq!(nfc("e\u{301}"), "é");
        assert!(matches!(nfc("é"), Cow::Borrowed(_)));
        assert_eq!(nfc("\u{1112}\u{1161}\u{11ab}"), "한");
    }

    #[test]
    fn folding_makes_one_of_spellings_that_read_the_same() {
        assert_eq!(fold("  “It’s”\n fine "), "\"it's\" fine");
    }

    proptest! {
        #[test]
        fn both_forms_are_stable(text in "\\PC{0,40}") {
            let once = nfc(&text).into_owned();
            prop_assert_eq!(nfc(&once).into_owned(), once.clone());
            let folded = fold(&text);
            prop_assert!(!folded.starts_with(' ') && !folded.contains("  "));
        }
    }
}
