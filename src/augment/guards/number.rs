//! Numbers, in digits or in English words, must be the seed's own.

use super::Language;
use super::reading::Reading;
use crate::text::TokenKind;

/// "one" is left out: it is an article and a pronoun as well.
const NUMBER_WORDS: &[(&str, &str)] = &[
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
    ("eleven", "11"),
    ("twelve", "12"),
    ("fifteen", "15"),
    ("twenty", "20"),
    ("thirty", "30"),
    ("forty", "40"),
    ("fifty", "50"),
    ("sixty", "60"),
    ("seventy", "70"),
    ("eighty", "80"),
    ("ninety", "90"),
    ("hundred", "100"),
    ("thousand", "1000"),
    ("million", "1000000"),
    ("billion", "1000000000"),
    ("half", "1/2"),
    ("dozen", "12"),
    ("twice", "2"),
    ("double", "2"),
    ("percent", "%"),
    ("%", "%"),
];

fn numbers(text: &Reading, language: Language) -> Vec<String> {
    let mut out: Vec<String> = text
        .parts
        .iter()
        .filter_map(|p| {
            if p.kind == TokenKind::Number {
                // Digits of any script, written 0-9.
                return Some(p.folded.chars().map(plain_digit).filter(|c| *c != ',').collect());
            }
            (language == Language::English)
                .then(|| {
                    NUMBER_WORDS.iter().find(|(w, _)| *w == p.folded).map(|(_, n)| (*n).into())
                })
                .flatten()
        })
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// Arabic-Indic, Persian, Devanagari, Bengali and full-width digits.
fn plain_digit(c: char) -> char {
    [0x660u32, 0x6f0, 0x966, 0x9e6, 0xff10]
        .iter()
        .find_map(|zero| {
            u32::from(c)
                .checked_sub(*zero)
                .filter(|d| *d < 10)
                .and_then(|d| char::from_digit(d, 10))
        })
        .unwrap_or(c)
}

/// A number that came in or was lost.
pub(super) fn changed(text: &Reading, seed: &Reading, language: Language) -> Option<String> {
    let (ours, theirs) = (numbers(text, language), numbers(seed, language));
    if let Some(n) = theirs.iter().find(|n| !ours.contains(n)) {
        return Some(format!("the number {n} is gone"));
    }
    ours.iter().find(|n| !theirs.contains(n)).map(|n| format!("the number {n} came in"))
}

/// A number that a translation brought in, or one in digits that it lost. `source` is the tag of the
/// language that was translated from: English number words may become digits.
pub fn changed_in_translation(from: &str, source: &str, text: &str) -> Option<String> {
    let plain =
        |n: String| n.chars().filter(|c| !matches!(c, '.' | '\u{66b}' | '\u{66c}')).collect();
    let all =
        |t: &str, l| numbers(&Reading::new(t), l).into_iter().map(plain).collect::<Vec<String>>();
    let (there, may) = (all(text, Language::Other), all(from, Language::of(source)));
    let must = all(from, Language::Other);
    let digits = |n: &&String| n.chars().all(|c| c.is_ascii_digit());
    if let Some(n) = must.iter().filter(digits).find(|n| !there.contains(n)) {
        return Some(format!("the number {n} is gone"));
    }
    there
        .iter()
        .filter(digits)
        .find(|n| !may.contains(n))
        .map(|n| format!("the number {n} came in"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_in_words_and_digits_of_any_script() {
        let check = |seed: &str, text: &str, language| {
            changed(&Reading::new(text), &Reading::new(seed), language)
        };
        let en = Language::English;
        for (seed, text) in [
            ("Two cats", "2 cats"),
            ("1,000 cats", "A thousand cats"),
            ("One cat", "A cat"),
            ("Cats", "One of the cats"),
            ("10 % of cats", "10 percent of cats"),
        ] {
            assert_eq!(check(seed, text, en), None, "{text}");
        }
        assert_eq!(check("٣ أيام", "3 أيام", Language::Other), None);
        assert_eq!(check("3 Tage", "৩ দিন", Language::Other), None);
        for (seed, text) in [("Two cats", "Three cats"), ("Cats", "Ten cats"), ("5 cats", "Cats")] {
            assert!(check(seed, text, en).is_some(), "{text}");
        }
    }

    #[test]
    fn a_translation_keeps_digits_and_may_write_words_as_digits() {
        let check = |from: &str, text: &str| changed_in_translation(from, "en", text);
        assert_eq!(check("At 18 years", "À 18 ans"), None);
        assert_eq!(check("At 18 years", "في سن ١٨"), None);
        assert_eq!(check("Two cats", "2 chats"), None);
        assert_eq!(check("Two cats", "Deux chats"), None);
        assert_eq!(check("1,000 cats", "1.000 Katzen"), None);
        assert!(check("At 18 years", "Adulte").is_some());
        assert!(check("Cats", "1. Chats 2. Chiens").is_some());
    }
}
