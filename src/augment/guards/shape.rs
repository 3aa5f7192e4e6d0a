//! Faults that show on the surface: how a sentence begins, ends, and what is paired in it.
//! These hold in any language, except where a list of words is asked for.

use super::Language;
use super::reading::Reading;

/// A small letter at the start, where the seed begins with a capital one.
pub(super) fn lower_case_start(text: &Reading, seed: &Reading) -> Option<String> {
    let first = |r: &Reading| r.text.chars().find(|c| c.is_alphanumeric());
    let starts_small = first(text).is_some_and(char::is_lowercase);
    let seed_has_capital = first(seed).is_some_and(char::is_uppercase);
    (starts_small && seed_has_capital)
        .then(|| format!("begins with `{}`", text.parts.first().map_or("", |p| p.raw.as_str())))
}

/// A quotation mark or bracket without its partner. Apostrophes are not counted.
pub(super) fn unbalanced(text: &Reading) -> Option<String> {
    let mut open: Vec<char> = Vec::new();
    let mut straight = 0usize;
    for c in text.text.chars() {
        match c {
            // German opens low and closes with what English opens with.
            '“' if open.last() == Some(&'„') => {
                open.pop();
            }
            '(' | '[' | '{' | '«' | '「' | '『' | '（' | '„' | '“' => open.push(c),
            ')' | ']' | '}' | '»' | '」' | '』' | '）' => match open.pop() {
                Some(o) if closes(o, c) => {}
                _ => return Some(format!("`{c}` closes nothing")),
            },
            '"' => straight += 1,
            '”' => match open.pop() {
                Some('“' | '„') => {}
                _ => return Some("`”` closes nothing".into()),
            },
            _ => {}
        }
    }
    if let Some(c) = open.last() {
        return Some(format!("`{c}` is never closed"));
    }
    (straight % 2 == 1).then(|| "an odd number of `\"`".into())
}

fn closes(open: char, close: char) -> bool {
    matches!(
        (open, close),
        ('(', ')')
            | ('[', ']')
            | ('{', '}')
            | ('«', '»')
            | ('「', '」')
            | ('『', '』')
            | ('（', '）')
    )
}

/// The same word twice in a row, where the seed has not got it so. Only for languages that do not
/// build words or stress by saying one twice.
pub(super) fn doubled_word(text: &Reading, seed: &Reading, language: Language) -> Option<String> {
    if !language.never_doubles() {
        return None;
    }
    text.parts.windows(2).find_map(|w| {
        let (a, b) = (&w[0], &w[1]);
        let allowed = ["had", "that", "very", "is", "do", "bye"];
        let twice = a.is_word() && a.folded == b.folded && b.blanks > 0;
        (twice
            && !allowed.contains(&a.folded.as_str())
            && !seed.has_phrase(&[&a.folded, &b.folded]))
        .then(|| format!("`{} {}`", a.raw, b.raw))
    })
}

/// Words that promise another one, so that no English sentence ends with them.
const OPEN_ENDED: &[&str] = &[
    "a", "an", "the", "my", "your", "our", "their", "its", "and", "or", "but", "because", "than",
    "if", "whether", "although", "unless", "every", "very",
];

/// A text that stops before it is done.
pub(super) fn unfinished(text: &Reading, language: Language) -> Option<String> {
    let last = text.parts.last()?;
    if matches!(last.folded.as_str(), "," | ";" | ":" | "-" | "–" | "—" | "(" | "…" | "،" | "、")
    {
        return Some(format!("ends with `{}`", last.raw));
    }
    if text.text.trim_end().ends_with("..") {
        return Some("ends with dots".into());
    }
    if language != Language::English {
        return None;
    }
    let word = text.parts.iter().rev().find(|p| !p.is_mark())?;
    OPEN_ENDED.contains(&word.folded.as_str()).then(|| format!("ends with the word `{}`", word.raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn r(text: &str) -> Reading {
        Reading::new(text)
    }

    #[test]
    fn a_small_first_letter_is_a_fault_only_where_the_seed_has_a_capital() {
        assert!(lower_case_start(&r("dogs sleep"), &r("Cats sleep")).is_some());
        assert!(lower_case_start(&r("\"dogs\" sleep"), &r("Cats sleep")).is_some());
        for (text, seed) in [
            ("Dogs sleep", "Cats sleep"),
            ("dogs sleep", "cats sleep"),
            ("الكلاب تنام", "القطط تنام"),
            ("狗在睡", "猫在睡"),
            ("3 dogs", "Cats sleep"),
        ] {
            assert_eq!(lower_case_start(&r(text), &r(seed)), None, "{text}");
        }
    }

    #[test]
    fn pairs_must_close_in_order() {
        for good in
            ["(a [b] c)", "\"a\" b", "„so“", "“so”", "it's the dogs' bed", "«ναι»", "（好）", ""]
        {
            assert_eq!(unbalanced(&r(good)), None, "{good}");
        }
        for bad in ["(a", "a)", "(a]", "\"a", "“a", "a”", "«a", "[(])"] {
            assert!(unbalanced(&r(bad)).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_word_said_twice_is_a_fault_unless_the_language_or_the_seed_does_so() {
        let seed = r("Cats sleep");
        assert!(doubled_word(&r("The the cat sleeps"), &seed, Language::English).is_some());
        assert!(
            doubled_word(&r("A cat that that dog had had"), &seed, Language::English).is_none()
        );
        assert!(doubled_word(&r("Sleep, sleep"), &seed, Language::English).is_none());
        assert!(
            doubled_word(&r("So so cats"), &r("They are so so tired"), Language::English).is_none()
        );
        assert!(doubled_word(&r("常 常 睡"), &seed, Language::Other).is_none());
    }

    #[test]
    fn a_text_that_promises_more_is_unfinished() {
        for bad in ["Cats, and the", "Cats sleep,", "Cats sleep because.", "Cats...", "Cats -"] {
            assert!(unfinished(&r(bad), Language::English).is_some(), "{bad}");
        }
        for good in ["Cats sleep", "What are cats afraid of?", "Cats sleep!", "Is it theirs?"] {
            assert_eq!(unfinished(&r(good), Language::English), None, "{good}");
        }
        assert_eq!(unfinished(&r("Ich mag die"), Language::Other), None);
    }
}
