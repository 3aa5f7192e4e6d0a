//! Words with their place in the text, by the word boundaries of UAX #29.

use unicode_segmentation::UnicodeSegmentation;

use super::fold;

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// At least one letter or mark of any script: `women`, `don't`, `عمل`, `好`.
    Word,
    /// Digits and what stands between them: `10`, `3.5`.
    Number,
    /// Anything else that is seen: `,`, `?`, `(`, an emoji.
    Mark,
}

/// A stretch of text between two word boundaries, blanks left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token<'a> {
    /// The text as written.
    pub text: &'a str,
    /// First byte in the whole text.
    pub start: usize,
    /// What it is.
    pub kind: TokenKind,
}

impl Token<'_> {
    /// First byte after the token.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// All tokens in order. Scripts without blanks are cut where UAX #29 cuts them: Chinese by
/// character, Thai not at all (there is no dictionary here).
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    text.split_word_bound_indices()
        .filter(|(_, t)| !t.chars().all(char::is_whitespace))
        .map(|(start, text)| Token { text, start, kind: kind(text) })
        .collect()
}

fn kind(token: &str) -> TokenKind {
    if token.chars().any(char::is_alphabetic) {
        TokenKind::Word
    } else if token.chars().any(char::is_numeric) {
        TokenKind::Number
    } else {
        TokenKind::Mark
    }
}

/// Words and numbers as written, marks left out.
pub fn words(text: &str) -> Vec<&str> {
    tokens(text).into_iter().filter(|t| t.kind != TokenKind::Mark).map(|t| t.text).collect()
}

/// Words and numbers folded by [`fold`], for comparing: case, composed forms and the shape of the
/// apostrophe make no difference.
pub fn folded_words(text: &str) -> Vec<String> {
    let folded = fold(text);
    words(&folded).into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_found_in_any_script_with_their_offsets() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("  \t\n", &[]),
            ("Don't stop, 3.5 times!", &["Don't", "stop", "3.5", "times"]),
            ("the boy’s part-time job", &["the", "boy’s", "part", "time", "job"]),
            ("العمل واجب", &["العمل", "واجب"]),
            ("কাজ একটি কর্তব্য", &["কাজ", "একটি", "কর্তব্য"]),
            ("工作是义务", &["工", "作", "是", "义", "务"]),
            ("일은 의무다.", &["일은", "의무다"]),
            ("Η εργασία είναι καθήκον", &["Η", "εργασία", "είναι", "καθήκον"]),
        ];
        for (text, expected) in cases {
            assert_eq!(&words(text), expected, "{text}");
        }
        let found = tokens("a (b)");
        let spans: Vec<_> = found.iter().map(|t| (t.start, t.text)).collect();
        assert_eq!(spans, [(0, "a"), (2, "("), (3, "b"), (4, ")")]);
    }

    #[test]
    fn folding_forgets_case_composition_and_the_shape_of_the_apostrophe() {
        assert_eq!(folded_words("Don’t CAFE\u{301}"), folded_words("don't café"));
    }

    proptest! {
        #[test]
        fn every_token_stands_where_it_says(text in "\\PC{0,60}") {
            let mut last = 0;
            for t in tokens(&text) {
                prop_assert!(t.start >= last);
                prop_assert_eq!(&text[t.start..t.end()], t.text);
                prop_assert!(text[last..t.start].chars().all(char::is_whitespace));
                last = t.end();
            }
            prop_assert!(text[last..].chars().all(char::is_whitespace));
        }
    }
}
