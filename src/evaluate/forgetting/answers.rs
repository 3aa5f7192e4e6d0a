//! Answers of BBH replies: as the usual harness cuts them out, and as a reader would.

use std::sync::LazyLock;

use regex::Regex;

use super::numbers::{canonical, last_number};

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

static PHRASE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern("the answer is (.*)."));
static SAID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // The place after it is looked for, so that a second thought is not part of the first.
    pattern(r"(?i)\b(?:final )?answer(?: is|\s*:)\s*:?\s*")
});
static OPTION: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"\(([A-Z])\)"));
static LETTER: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"^(?:[Oo]ption\s+)?([A-Z])(?:[).:]|\s|$)"));

/// What stands between the first `the answer is ` and the last character of its line: the filter
/// `get-answer` of lm-evaluation-harness.
pub fn harness_answer(reply: &str) -> Option<&str> {
    PHRASE.as_ref()?.captures(reply)?.get(1).map(|m| m.as_str())
}

/// True where the harness would count the reply: equal, character by character.
pub fn harness_match(reply: &str, gold: &str) -> bool {
    harness_answer(reply) == Some(gold)
}

/// True where a reader would: the last thing that is called the answer, or else the last line; an
/// option by its letter, a number by its value, words without regard to case, emphasis and the
/// final mark. `None` where there is nothing to read.
pub fn read_match(reply: &str, gold: &str) -> Option<bool> {
    let said = SAID.as_ref()?.find_iter(reply).last();
    let said = said.map_or_else(
        || reply.lines().rev().find(|l| !l.trim().is_empty()),
        |m| reply[m.end()..].lines().next(),
    )?;
    let said = bare(said);
    if said.is_empty() {
        return None;
    }
    let gold_text = bare(gold);
    if let Some(letter) = OPTION.as_ref()?.captures(gold).and_then(|c| c.get(1)) {
        let found = OPTION
            .as_ref()?
            .captures(said)
            .or_else(|| LETTER.as_ref()?.captures(said))
            .and_then(|c| c.get(1))?;
        return Some(found.as_str() == letter.as_str());
    }
    if let (Some(want), true) = (canonical(gold), is_number(gold)) {
        return last_number(said).map(|n| n == want);
    }
    let clause = said.split(['.', ',', ';', '(']).next().unwrap_or(said);
    let same = |a: &str| crate::text::fold(bare(a)) == crate::text::fold(gold_text);
    Some(same(said) || same(clause))
}

fn is_number(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "-.,".contains(c))
}

/// Without emphasis, quotes and the final mark.
fn bare(text: &str) -> &str {
    text.trim()
        .trim_matches(['*', '_', '`', '"', '“', '”'])
        .trim_end_matches(['.', '。', '।'])
        .trim_matches(['*', '_', '`', '"', '“', '”'])
        .trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_matched_as_the_harness_and_as_a_reader_does() {
        for (reply, gold, harness, reader) in [
            ("It moves. So the answer is (B).", "(B)", true, Some(true)),
            ("So the answer is B.", "(B)", false, Some(true)),
            ("So the answer is **(B)** walk.", "(B)", false, Some(true)),
            ("So the answer is (A).", "(B)", false, Some(false)),
            ("So the answer is valid.", "valid", true, Some(true)),
            ("So the answer is Valid.", "valid", false, Some(true)),
            ("The final answer: invalid", "valid", false, Some(false)),
            ("So the answer is -24.", "-24", true, Some(true)),
            ("So the answer is 1,024.", "1024", false, Some(true)),
            ("So the answer is ] ) }.", "] ) }", true, Some(true)),
            ("So the answer is ant bee cow.", "ant bee cow", true, Some(true)),
            ("Let me think.\nYes", "Yes", false, Some(true)),
            ("the answer is No. Wait, the answer is Yes.", "Yes", false, Some(true)),
            ("", "Yes", false, None),
            ("So the answer is unclear.", "(C)", false, None),
            ("The answer is: Yes, because it rains.", "Yes", false, Some(true)),
        ] {
            assert_eq!(harness_match(reply, gold), harness, "{reply}");
            assert_eq!(read_match(reply, gold), reader, "{reply}");
        }
        assert!([&PHRASE, &SAID, &OPTION, &LETTER].iter().all(|p| p.is_some()));
    }
}
