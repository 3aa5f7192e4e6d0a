//! Slips of the keyboard, as each script has them: a key beside the right one, two letters changed
//! over, one left out, one twice. Korean slips are of a letter inside a syllable; Chinese ones
//! change over or leave out a character. Names with `@`, tags and links are left alone.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use super::change::{Changed, Site, places};
use super::hangul::Syllable;
use super::keyboard::{korean_neighbours, neighbours};
use crate::stats::dice::Dice;
use crate::text::{TokenKind, tokens};

/// Slips tried for a word until one changes it without joining what was apart.
const TRIES: usize = 12;

/// Puts one slip into a share of the words.
pub(super) fn typos(text: &str, strength: f64, site: &Site<'_>) -> Changed {
    let words = words(text);
    let mut order: Vec<usize> = (0..words.len()).collect();
    // Without the strength in it: a stronger change holds the places of a weaker one.
    Dice::new(site.seed, &["typos", site.item]).shuffle(&mut order);
    let mut chosen: Vec<usize> = order.into_iter().take(places(strength, words.len())).collect();
    chosen.sort_unstable();
    let mut out = String::with_capacity(text.len());
    let (mut at, mut edits) = (0, 0);
    for i in chosen {
        let (start, end) = words[i];
        let mut dice = Dice::new(site.seed, &["slip", site.item, &i.to_string()]);
        let after = text[end..].graphemes(true).next().unwrap_or("");
        out.push_str(&text[at..start]);
        match slip(&text[start..end], &out, after, &mut dice) {
            Some(word) => {
                out.push_str(&word);
                edits += 1;
            }
            None => out.push_str(&text[start..end]),
        }
        at = end;
    }
    out.push_str(&text[at..]);
    Changed { text: out, edits }
}

/// Scripts written without blanks, whose word boundaries are between single characters.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

/// Words as byte ranges: those of UAX #29, Chinese characters by two.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    let mut pairs = 0;
    for t in tokens(text).into_iter().filter(|t| t.kind == TokenKind::Word) {
        let before = text[..t.start].rsplit(char::is_whitespace).next().unwrap_or("");
        let chunk = text[t.start - before.len()..].split_whitespace().next().unwrap_or("");
        if chunk.starts_with(['@', '#']) || chunk.contains("://") || chunk.starts_with("www.") {
            continue;
        }
        let han = t.text.chars().all(is_han);
        match out.last_mut() {
            Some(last) if han && pairs == 1 && last.1 == t.start => {
                last.1 = t.end();
                pairs = 2;
            }
            _ => {
                out.push((t.start, t.end()));
                pairs = usize::from(han);
            }
        }
    }
    out
}

/// A slip inside a word; `None` where nothing can slip. `before` and `after` are what stands beside
/// it: a slip that would join with them is not made.
fn slip(word: &str, before: &str, after: &str, dice: &mut Dice) -> Option<String> {
    let clusters: Vec<&str> = word.graphemes(true).collect();
    let movable: Vec<usize> = (0..clusters.len())
        .filter(|i| clusters[*i].chars().next().is_some_and(char::is_alphabetic))
        .collect();
    if movable.is_empty() {
        return None;
    }
    let han = clusters.iter().all(|c| c.chars().all(is_han));
    for _ in 0..TRIES {
        let i = movable[dice.below(movable.len())];
        let mut new: Vec<String> = clusters.iter().map(|c| (*c).to_owned()).collect();
        match dice.below(4) {
            0 => match beside(clusters[i], dice) {
                Some(other) => new[i] = other,
                None => continue,
            },
            1 if movable.contains(&(i + 1)) && same_side(clusters[i], clusters[i + 1]) => {
                new.swap(i, i + 1);
            }
            // A word of two letters without one of them is another word.
            2 if clusters.len() > 3 || (han && clusters.len() > 1) => {
                new.remove(i);
            }
            3 if !han => new.insert(i, clusters[i].to_owned()),
            _ => continue,
        }
        let made: String = new.concat();
        if made != word && stays_apart(before, &new, after) {
            return Some(made);
        }
    }
    None
}

/// True where the new letters stand as they are beside each other and their neighbours: nothing
/// that was two signs becomes one.
fn stays_apart(before: &str, new: &[String], after: &str) -> bool {
    let before = before.graphemes(true).next_back().unwrap_or("");
    let whole = format!("{before}{}{after}", new.concat());
    let expected = [before].into_iter().chain(new.iter().map(String::as_str)).chain([after]);
    whole.graphemes(true).eq(expected.filter(|c| !c.is_empty()))
}

/// Both run in one direction: changed over, they stay where they are read.
fn same_side(a: &str, b: &str) -> bool {
    let right_to_left = |s: &str| {
        s.chars().next().is_some_and(|c| {
            matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
        })
    };
    right_to_left(a) == right_to_left(b)
}

/// What a finger beside the key, or without the accent, would have typed.
fn beside(cluster: &str, dice: &mut Dice) -> Option<String> {
    let mut chars = cluster.chars();
    let (first, rest) = (chars.next()?, chars.as_str());
    if let Some(s) = Syllable::of(first) {
        return Some(format!("{}{rest}", korean(s, dice)?));
    }
    let small = first.to_lowercase().next()?;
    let mut options = neighbours(small);
    if options.is_empty() {
        // An accented letter: the plain one.
        let plain: String = cluster.nfd().filter(|c| !is_combining_mark(*c)).collect();
        let latin_or_greek = plain.chars().all(|c| !neighbours(lower(c)).is_empty());
        if plain != cluster && latin_or_greek && !plain.is_empty() {
            return Some(plain);
        }
        if first == 'ı' {
            options.push('i');
        }
    }
    if options.is_empty() {
        return None;
    }
    let other = options[dice.below(options.len())];
    let other: String =
        if first.is_uppercase() { other.to_uppercase().collect() } else { other.to_string() };
    Some(format!("{other}{rest}"))
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// One letter of a syllable beside its key, or the final left out.
fn korean(s: Syllable, dice: &mut Dice) -> Option<char> {
    let pick = |of: char, dice: &mut Dice| {
        let keys = korean_neighbours(of);
        (!keys.is_empty()).then(|| keys[dice.below(keys.len())])
    };
    let slipped = match dice.below(4) {
        0 => Syllable { initial: pick(s.initial, dice)?, ..s },
        1 => Syllable { vowel: pick(s.vowel, dice)?, ..s },
        2 => Syllable { last: Some(pick(s.last?, dice)?), ..s },
        _ => {
            s.last?;
            Syllable { last: None, ..s }
        }
    };
    slipped.join().filter(|c| Some(*c) != s.join())
}
