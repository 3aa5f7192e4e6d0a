//! A statement stays a statement, and a question a question: the prompt around it is made for one.

use crate::domain::{Form, RejectReason, primary_language};

/// Marks that end a question, of the scripts that write one at the end.
const MARKS: [char; 6] = ['?', '\u{61f}', '\u{ff1f}', '\u{37e}', '\u{2047}', '\u{2048}'];

/// Whether a text ends as a question, quotes and blanks left aside.
pub fn asks(text: &str) -> bool {
    let end =
        text.trim_end_matches(|c: char| c.is_whitespace() || "\"'\u{201d}\u{bb})".contains(c));
    end.ends_with(MARKS)
}

/// Languages whose questions need no mark at the end, or have one that means something else in
/// other languages (Greek `;`).
pub fn needs_no_mark(language: &str) -> bool {
    matches!(
        primary_language(language).as_str(),
        "th" | "lo" | "km" | "my" | "am" | "hy" | "bo" | "el"
    )
}

/// A question made of a statement, or the other way round. `seed` tells whether its own wording
/// has the mark: some questionnaires print questions without.
pub fn changed_form(text: &str, seed: &str, form: Form, language: &str) -> Option<RejectReason> {
    let changed = |detail: &str| {
        Some(RejectReason::MeaningChanged { guard: "form".into(), detail: detail.into() })
    };
    match (form, asks(seed), asks(text)) {
        (Form::Statement, false, true) => changed("a statement became a question"),
        (Form::Question, true, false) if !needs_no_mark(language) => {
            changed("a question became a statement")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_the_other_form_is_another_meaning() {
        let check = |text: &str, seed: &str, form| changed_form(text, seed, form, "en").is_some();
        let (statement, question) = (Form::Statement, Form::Question);
        assert!(check("Do cats sleep?", "Cats sleep.", statement));
        assert!(check("\u{201c}Do cats sleep?\u{201d}", "Cats sleep.", statement));
        assert!(check("Cats sleep often.", "How often do cats sleep?", question));
        assert!(!check("Cats like to sleep.", "Cats sleep.", statement));
        assert!(!check("Are cats asleep often?", "How often do cats sleep?", question));
        assert!(!check("How often cats sleep", "Frequency of sleep", question));
        assert!(changed_form("\u{e41}\u{e21}\u{e27}", "a?", question, "th").is_none());
    }
}
