//! The SQL function behind the text filter: SQLite's own LIKE knows the case of ASCII letters only.

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

    /// Folding is the dear part: it is left out for plain texts, and for those that hold the word
    /// as it stands.
    fn is_in(&self, text: &[u8]) -> bool {
        if text.is_ascii() {
            return self.ascii && self.finder.find(&text.to_ascii_lowercase()).is_some();
        }
        if self.finder.find(text).is_some() {
            return true;
        }
        std::str::from_utf8(text)
            .is_ok_and(|text| self.finder.find(one_sigma(fold(text)).as_bytes()).is_some())
    }
}

/// A word in capitals does not tell which small sigma stands at its end.
fn one_sigma(folded: String) -> String {
    if folded.contains('ς') { folded.replace('ς', "σ") } else { folded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_every_case_and_spelling_and_not_where_it_is_not() {
        let holds = |word: &str, text: &str| Word::new(&fold(word)).is_in(text.as_bytes());
        assert!(!holds("ärger", "arger") && !holds("x", "") && !holds("ab", "a b"));
        assert!(holds("DUTY", "a Duty") && holds("it’s", "It's") && holds("It's", "it’s so"));
        assert!(holds("ΓΕΊΤΟΝΑΣ", "Κάθε γείτονας") && holds("γείτονας", "ΓΕΊΤΟΝΑΣ"));
        assert!(holds("ΚΑΘΉΚΟΝ", "το καθήκον") && holds("straße", "Große STRAßE"));
        assert!(holds("e\u{301}t\u{e9}", "ÉTÉ") && holds("কাজ", "কাজ একটি") && holds("", "x"));
    }
}
