//! Finding by a few letters: palettes, lists, filters.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use super::clusters::clusters as clusters_of;
use super::digits::digit_value;

/// How well a candidate answers a pattern, and by which letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FuzzyMatch {
    /// Higher is better; only to be compared between candidates of one pattern.
    pub score: i32,
    /// Bytes of the candidate that were found: whole clusters, ascending, apart from each other.
    pub ranges: Vec<Range<usize>>,
}

impl FuzzyMatch {
    /// The candidate in pieces for [`lay_line_styled`](super::lay_line_styled): what was found in
    /// one style, the rest in another.
    pub fn pieces<'a>(
        &self,
        candidate: &'a str,
        rest: usize,
        found: usize,
    ) -> Vec<(&'a str, usize)> {
        let mut out = Vec::with_capacity(2 * self.ranges.len() + 1);
        let mut at = 0;
        for range in &self.ranges {
            out.push((&candidate[at..range.start], rest));
            out.push((&candidate[range.clone()], found));
            at = range.end;
        }
        out.push((&candidate[at..], rest));
        out.retain(|p| !p.0.is_empty());
        out
    }
}

const MATCH: i32 = 16;
/// A letter right behind the one found before it.
const RUN: i32 = 12;
/// A letter at the beginning of a word.
const WORD_START: i32 = 10;
/// The first letter of the candidate, beyond its being a word's.
const START: i32 = 4;
/// Each letter that is jumped over inside a word of the pattern.
const JUMP: i32 = -1;
/// Letters of a candidate that are looked at: a match far down a paragraph is none to a reader.
const LONGEST: usize = 2_000;

/// One letter of a folded text, and the cluster that it comes from.
struct Letter {
    folded: char,
    cluster: usize,
    starts_word: bool,
}

/// Whether the letters of every blank-separated word of the pattern stand in the candidate in this
/// order, not necessarily side by side; case, accents, vowel points and the script of digits make
/// no difference. The words may come in any order. An empty pattern is found everywhere.
pub fn fuzzy(pattern: &str, candidate: &str) -> Option<FuzzyMatch> {
    let words: Vec<Vec<char>> = pattern
        .split_whitespace()
        .map(|w| {
            let mut letters = Vec::with_capacity(w.len());
            w.chars().for_each(|c| fold(c, |folded| letters.push(folded)));
            letters
        })
        .filter(|w: &Vec<char>| !w.is_empty())
        .collect();
    if words.is_empty() {
        return Some(FuzzyMatch::default());
    }
    let (letters, clusters) = letters_of(candidate);
    let mut score = 0;
    let mut found = vec![false; clusters.len()];
    for word in &words {
        let (points, places) = best(word, &letters)?;
        score += points;
        places.into_iter().for_each(|i| found[letters[i].cluster] = true);
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (cluster, _) in clusters.into_iter().zip(found).filter(|(_, found)| *found) {
        match ranges.last_mut() {
            Some(last) if last.end == cluster.start => last.end = cluster.end,
            _ => ranges.push(cluster),
        }
    }
    // Of two that answer equally well, the shorter one is meant.
    let length = i32::try_from(letters.len() / 8).unwrap_or(i32::MAX);
    Some(FuzzyMatch { score: score - length.min(MATCH), ranges })
}

fn letters_of(candidate: &str) -> (Vec<Letter>, Vec<Range<usize>>) {
    let mut letters = Vec::new();
    let mut clusters = Vec::new();
    let mut before = ' ';
    for (start, cluster) in clusters_of(candidate) {
        for c in cluster.chars() {
            let starts_word = begins_word(before, c);
            before = c;
            let mut first = starts_word;
            fold(c, |folded| {
                let starts_word = std::mem::take(&mut first);
                letters.push(Letter { folded, cluster: clusters.len(), starts_word });
            });
        }
        clusters.push(start..start + cluster.len());
        if letters.len() > LONGEST {
            break;
        }
    }
    (letters, clusters)
}

fn begins_word(before: char, c: char) -> bool {
    c.is_alphanumeric()
        && (!before.is_alphanumeric()
            || (before.is_lowercase() && c.is_uppercase())
            || (c.is_numeric() && !before.is_numeric()))
}

/// The letters that a character counts as: decomposed, without marks, in lower case.
fn fold(c: char, mut put: impl FnMut(char)) {
    if c.is_ascii() {
        return put(c.to_ascii_lowercase());
    }
    let counts = |c: &char| canonical_combining_class(*c) == 0 && !invisible(*c);
    for c in std::iter::once(c).nfd().filter(counts).flat_map(char::to_lowercase).filter(counts) {
        put(match c {
            'ς' => 'σ',
            'ı' => 'i',
            'ø' => 'o',
            'ł' => 'l',
            'đ' => 'd',
            // Farsi and Arabic write the same letters with different code points.
            'ی' | 'ى' => 'ي',
            'ک' => 'ك',
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' => '\'',
            '\u{201c}' | '\u{201d}' | '\u{201e}' => '"',
            '\u{2010}'..='\u{2015}' => '-',
            c => digit_value(c).map_or(c, |d| char::from(b'0' + d)),
        });
    }
}

fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{640}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// The best way to read `word` as a subsequence of the letters: its points and the places.
fn best(word: &[char], letters: &[Letter]) -> Option<(i32, Vec<usize>)> {
    // Most candidates of a long list end here.
    let mut rest = word.iter().peekable();
    letters.iter().for_each(|l| _ = rest.next_if(|c| **c == l.folded));
    if rest.peek().is_some() {
        return None;
    }
    const NEVER: i32 = i32::MIN / 2;
    let n = letters.len();
    // points[j]: the best reading of the word so far whose last letter stands at j.
    let mut points = vec![NEVER; n];
    let mut came_from = vec![usize::MAX; n * word.len()];
    for (i, wanted) in word.iter().enumerate() {
        let mut now = vec![NEVER; n];
        // The best of all readings that end before j, with the jump from there to j paid.
        let (mut reach, mut reach_from) = (NEVER, usize::MAX);
        for (j, letter) in letters.iter().enumerate() {
            if i > 0 && j > 1 {
                reach = reach.saturating_add(JUMP).max(NEVER);
                let fresh = points[j - 2] + JUMP;
                if fresh >= reach {
                    (reach, reach_from) = (fresh, j - 2);
                }
            }
            if letter.folded != *wanted {
                continue;
            }
            let own = MATCH
                + if letter.starts_word { WORD_START } else { 0 }
                + if j == 0 { START } else { 0 };
            let run = j.checked_sub(1).map_or(NEVER, |p| points[p]) + RUN;
            let (before, from) = match i {
                0 => (0, usize::MAX),
                _ if run >= reach => (run, j.wrapping_sub(1)),
                _ => (reach, reach_from),
            };
            if before > NEVER / 2 {
                now[j] = before + own;
                came_from[i * n + j] = from;
            }
        }
        points = now;
    }
    let (mut at, top) = points.iter().copied().enumerate().rev().max_by_key(|p| p.1)?;
    if top <= NEVER / 2 {
        return None;
    }
    let mut places = vec![at];
    for i in (1..word.len()).rev() {
        at = came_from[i * n + at];
        places.push(at);
    }
    places.reverse();
    Some((top, places))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unicode_segmentation::UnicodeSegmentation;

    fn shown(pattern: &str, candidate: &str) -> Option<String> {
        let found = fuzzy(pattern, candidate)?;
        let pieces = found.pieces(candidate, 0, 1);
        Some(
            pieces
                .iter()
                .map(|(t, s)| if *s == 1 { format!("[{t}]") } else { (*t).to_owned() })
                .collect(),
        )
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for (pattern, candidate) in
            [("x", ""), ("ab", "ba"), ("open z", "open file"), ("aa", "a"), ("ß", "s")]
        {
            assert_eq!(fuzzy(pattern, candidate), None, "{pattern} in {candidate}");
        }
    }

    #[test]
    fn letters_are_found_where_a_reader_would_point() {
        let cases = [
            ("", "anything", "anything"),
            ("of", "open file", "[o]pen [f]ile"),
            ("run", "return, run", "return, [run]"),
            ("file open", "open file", "[open] [file]"),
            ("q27", "Question Q27", "Question [Q27]"),
            ("fb", "fooBar fab", "[f]oo[B]ar fab"),
            ("cafe", "Grand Café", "Grand [Café]"),
            ("σοφος", "ΣΟΦΌΣ", "[ΣΟΦΌΣ]"),
            ("محمد", "كتاب مُحَمَّد", "كتاب [مُحَمَّد]"),
            ("کتابی", "كتابي", "[كتابي]"),
            ("하", "안녕 한국", "안녕 [한]국"),
            ("কাজ", "একটি কাজ", "একটি [কাজ]"),
            ("27", "سؤال ٢٧", "سؤال [٢٧]"),
            ("好狗", "好的狗", "[好]的[狗]"),
        ];
        for (pattern, candidate, expected) in cases {
            assert_eq!(
                shown(pattern, candidate).as_deref(),
                Some(expected),
                "{pattern} in {candidate}"
            );
        }
    }

    #[test]
    fn better_answers_have_more_points() {
        let order = [
            (
                "seed",
                ["seeds", "select seeds", "go to seeds of this topic", "she was seen indoors"],
            ),
            ("ev", ["evaluate", "open evaluation", "never", "leave"]),
        ];
        for (pattern, candidates) in order {
            let scores: Vec<i32> = candidates
                .iter()
                .map(|c| fuzzy(pattern, c).map_or(i32::MIN, |m| m.score))
                .collect();
            assert!(scores.windows(2).all(|w| w[0] > w[1]), "{pattern}: {scores:?}");
        }
    }

    #[test]
    fn a_paragraph_of_a_million_letters_is_not_searched_to_its_end() {
        let text = "ab ".repeat(400_000);
        assert_eq!(fuzzy("z", &text), None);
        assert!(fuzzy("abab", &text).is_some());
    }

    proptest! {
        #[test]
        fn found_ranges_are_whole_clusters_in_order(pattern in "[a-cé ]{0,4}", candidate in "[a-eé\u{301}한 ]{0,20}") {
            let Some(found) = fuzzy(&pattern, &candidate) else { return Ok(()) };
            let mut last = 0;
            for r in &found.ranges {
                prop_assert!(r.start < r.end && (last == 0 || r.start > last));
                let bounds: Vec<usize> = candidate.grapheme_indices(true).map(|g| g.0).chain([candidate.len()]).collect();
                prop_assert!(bounds.contains(&r.start) && bounds.contains(&r.end));
                last = r.end;
            }
            let whole: String = found.pieces(&candidate, 0, 1).iter().map(|p| p.0).collect();
            prop_assert_eq!(whole, candidate);
        }

        #[test]
        fn every_text_finds_itself(text in "\\PC{1,20}") {
            prop_assert!(fuzzy(&text, &text).is_some());
        }
    }
}
