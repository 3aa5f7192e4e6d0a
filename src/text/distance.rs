//! How far two texts are apart, by words and by letters.

use super::token::folded_words;
use super::{NgramProfile, fold};

/// Words to insert, delete or exchange to get from one text to the other (Levenshtein over folded
/// words; marks and case do not count).
pub fn token_edits(a: &str, b: &str) -> usize {
    edits_between(&folded_words(a), &folded_words(b))
}

/// The same over words that were folded before, for comparing one text with many.
pub fn edits_between(a: &[String], b: &[String]) -> usize {
    strsim::generic_levenshtein(&a.to_vec(), &b.to_vec())
}

/// Likeness of wording, 0 to 1: the mean of the Sorensen-Dice coefficient of letter pairs
/// (`strsim`) and the cosine of character trigrams. Says nothing about meaning.
pub fn similarity(a: &str, b: &str) -> f64 {
    let (a, b) = (fold(a), fold(b));
    if a == b {
        return 1.0;
    }
    let trigrams = NgramProfile::new(&a, 3).cosine(&NgramProfile::new(&b, 3));
    f64::midpoint(strsim::sorensen_dice(&a, &b), trigrams).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn edits_count_words_not_letters() {
        let cases = [
            ("", "", 0),
            ("Dogs sleep.", "dogs sleep", 0),
            ("dogs sleep", "cats sleep", 1),
            ("dogs sleep", "old dogs never sleep", 2),
            ("工作是义务", "工作是责任", 2),
        ];
        for (a, b, expected) in cases {
            assert_eq!(token_edits(a, b), expected, "{a} / {b}");
        }
    }

    #[test]
    fn wording_that_is_shared_brings_texts_together() {
        let near = similarity("The bus is late again", "The bus was late again");
        let far = similarity("The bus is late again", "Bread costs too much");
        assert!(near > 0.75 && far < 0.2, "{near} {far}");
        assert_eq!(similarity("Same.", "same."), 1.0);
    }

    proptest! {
        #[test]
        fn likeness_is_symmetric_and_stays_between_0_and_1(a in "\\PC{0,30}", b in "\\PC{0,30}") {
            let s = similarity(&a, &b);
            prop_assert!((0.0..=1.0).contains(&s));
            prop_assert!((s - similarity(&b, &a)).abs() < 1e-12);
            prop_assert_eq!(token_edits(&a, &b), token_edits(&b, &a));
        }
    }
}
