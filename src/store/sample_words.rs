//! The SQL function behind the text filter: SQLite's own LIKE knows the case of ASCII letters only.

use std::cell::RefCell;

use memchr::memmem::Finder;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;

use crate::text::fold;

/// Gives a connection `holds_word(WORD, TEXT, ..)`: whether one of the texts holds the word, which
/// is folded already.
pub(super) fn register(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    conn.create_scalar_function("holds_word", -1, flags, holds_word)
}

fn holds_word(ctx: &Context<'_>) -> rusqlite::Result<bool> {
    type Boxed = Box<dyn std::error::Error + Send + Sync>;
    let word =
        ctx.get_or_create_aux(0, |v| -> Result<Word, Boxed> { Ok(Word::new(v.as_str()?)) })?;
    let held = (1..ctx.len()).any(|i| match ctx.get_raw(i) {
        ValueRef::Text(text) => word.is_in(text),
        _ => false,
    });
    Ok(held)
}

/// A folded word, prepared for many texts.
struct Word {
    finder: Finder<'static>,
    ascii: bool,
}

impl Word {
    fn new(folded: &str) -> Self {
        let folded = one_sigma(folded.to_owned());
        Self { finder: Finder::new(&folded).into_owned(), ascii: folded.is_ascii() }
    }

    /// Folding is the dear part: it is left out for plain texts, for those that hold the word as it
    /// stands, and for plain words in texts of which nothing folds into plain letters.
    fn is_in(&self, text: &[u8]) -> bool {
        if self.ascii {
            let found = self.is_in_lower(text);
            let marks = text.iter().any(|b| matches!(b, 0xCC | 0xCD));
            if (found && !marks) || !text.iter().copied().any(may_become_ascii) {
                return found;
            }
        } else if text.is_ascii() {
            return false;
        } else if self.finder.find(text).is_some() {
            return true;
        }
        std::str::from_utf8(text)
            .is_ok_and(|text| self.finder.find(one_sigma(fold(text)).as_bytes()).is_some())
    }
}

impl Word {
    /// Whether a plain word stands in a text in whatever case of plain letters.
    fn is_in_lower(&self, text: &[u8]) -> bool {
        LOWER.with_borrow_mut(|low| {
            low.clear();
            low.extend(text.iter().map(u8::to_ascii_lowercase));
            self.finder.find(low).is_some()
        })
    }
}

thread_local! {
    /// A text in small letters: one for all rows.
    static LOWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Whether a character that begins with this byte of UTF-8 may fold into, or join with, a plain
/// letter: the dotted capital I, apostrophes and quotes, combining marks, the Kelvin sign.
fn may_become_ascii(byte: u8) -> bool {
    matches!(byte, 0xC4 | 0xCA | 0xCC | 0xCD | 0xE1 | 0xE2)
}

/// A word in capitals does not tell which small sigma stands at its end.
fn one_sigma(folded: String) -> String {
    if folded.contains('ς') { folded.replace('ς', "σ") } else { folded }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plain_word_is_found_exactly_where_folding_finds_it(
            word in "[a-z0-9';`<]{1,3}",
            text in "([a-cA-CkKsSiI'’ʼ;\u{37e}\u{1fef}<\u{338}\u{301}\u{212a}\u{130}ſßéΩα工কا—]){0,12}",
        ) {
            let folded = one_sigma(fold(&text)).contains(&fold(&word));
            prop_assert_eq!(Word::new(&fold(&word)).is_in(text.as_bytes()), folded);
        }
    }

    #[test]
    fn a_word_is_found_in_every_case_and_spelling_and_not_where_it_is_not() {
        let holds = |word: &str, text: &str| Word::new(&fold(word)).is_in(text.as_bytes());
        assert!(!holds("ärger", "arger") && !holds("x", "") && !holds("ab", "a b"));
        assert!(holds("DUTY", "a Duty") && holds("it’s", "It's") && holds("It's", "it’s so"));
        assert!(holds("ΓΕΊΤΟΝΑΣ", "Κάθε γείτονας") && holds("γείτονας", "ΓΕΊΤΟΝΑΣ"));
        assert!(holds("ΚΑΘΉΚΟΝ", "το καθήκον") && holds("straße", "Große STRAßE"));
        assert!(
            holds("k", "300 \u{212A}") && holds("it's", "ob it\u{2bc}s") && holds("i", "\u{130}")
        );
        assert!(
            !holds("e", "e\u{301}") && !holds("DUTY", "καθήκον 工作") && holds("q27", "কাজ Q27")
        );
        assert!(holds("e\u{301}t\u{e9}", "ÉTÉ") && holds("কাজ", "কাজ একটি") && holds("", "x"));
    }
}
