//! Grapheme clusters (UAX #29), with a short way for what most text is made of.
//!
//! The tables of `unicode-segmentation` and `unicode-width` cost a search for each character. The
//! letters and marks below need none: two letters are always two clusters, and a mark always
//! belongs to the letter before it. The tests hold every one of them against the tables.

use unicode_segmentation::UnicodeSegmentation;

/// What is known of a character without a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Begins a cluster, is in normal form C whatever surrounds it, and takes so many cells.
    Letter(u8),
    /// Belongs to what stands before it, and lets a letter behind it begin a cluster.
    Mark,
    /// Ask the tables.
    Other,
}

/// The kind of a character: first its block, then its place there.
#[rustfmt::skip]
pub(super) fn kind(c: char) -> Kind {
    let letter = |yes: bool| if yes { Kind::Letter(1) } else { Kind::Other };
    let wide = |yes: bool| if yes { Kind::Letter(2) } else { Kind::Other };
    match u32::from(c) >> 8 {
        0x00 => letter(matches!(c, ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{ff}')),
        0x01 | 0x02 => Kind::Letter(1),
        // Greek, Cyrillic, Hebrew, Arabic.
        0x03 if c <= '\u{36f}' => Kind::Mark,
        0x03 => letter(matches!(c,
            '\u{388}'..='\u{38a}' | '\u{38c}' | '\u{38e}'..='\u{3a1}' | '\u{3a3}'..='\u{3ff}')),
        0x04 => letter(!matches!(c, '\u{483}'..='\u{489}')),
        0x05 if matches!(c, '\u{591}'..='\u{5bd}') => Kind::Mark,
        0x05 => letter(matches!(c, '\u{500}'..='\u{52f}' | '\u{5d0}'..='\u{5ea}')),
        0x06 if matches!(c, '\u{64b}'..='\u{65f}' | '\u{670}') => Kind::Mark,
        0x06 => letter(matches!(c, '\u{60c}' | '\u{61b}' | '\u{61f}'..='\u{6d5}')),
        // Devanagari, Bengali, Thai.
        0x09 if matches!(c,
            '\u{900}'..='\u{903}' | '\u{93a}'..='\u{93c}' | '\u{93e}'..='\u{94c}'
            | '\u{951}'..='\u{957}' | '\u{962}' | '\u{963}' | '\u{981}'..='\u{983}' | '\u{9bc}'
            | '\u{9be}'..='\u{9c4}' | '\u{9c7}' | '\u{9c8}' | '\u{9cb}' | '\u{9cc}'
            | '\u{9d7}') => Kind::Mark,
        0x09 => letter(matches!(c,
            '\u{904}'..='\u{939}' | '\u{964}'..='\u{96f}' | '\u{985}'..='\u{98c}' | '\u{98f}'
            | '\u{990}' | '\u{993}'..='\u{9a8}' | '\u{9aa}'..='\u{9b0}' | '\u{9b2}'
            | '\u{9b6}'..='\u{9b9}' | '\u{9e6}'..='\u{9f1}')),
        0x0e if matches!(c, '\u{e31}' | '\u{e33}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}') => Kind::Mark,
        0x0e => letter(matches!(c, '\u{e01}'..='\u{e32}' | '\u{e3f}'..='\u{e5b}')),
        // Punctuation, Arabic presentation forms.
        0x20 => letter(matches!(c, '\u{2010}'..='\u{2027}')),
        0xfe => letter(matches!(c, '\u{fe80}'..='\u{fefc}')),
        // Chinese, Japanese, Korean.
        0x30 => wide(matches!(c,
            '\u{3000}'..='\u{3029}' | '\u{3041}'..='\u{3096}' | '\u{309b}'..='\u{30ff}')),
        0x34..=0x4d => wide(c <= '\u{4dbf}'),
        0x4e..=0x9f => Kind::Letter(2),
        0xac..=0xd7 => wide(c <= '\u{d7a3}'),
        0xff => wide(matches!(c, '\u{ff01}'..='\u{ff60}')),
        _ => Kind::Other,
    }
}

/// The clusters of a text with their first bytes.
pub(super) fn clusters(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        let start = at;
        let cluster = match short(rest) {
            Some(bytes) => &rest[..bytes],
            None => rest.graphemes(true).next()?,
        };
        at += cluster.len();
        Some((start, cluster))
    })
}

/// Bytes of the first cluster, where no table is needed to tell.
fn short(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices();
    let (_, first) = chars.next()?;
    if !matches!(kind(first), Kind::Letter(_)) {
        return None;
    }
    for (i, c) in chars {
        match kind(c) {
            Kind::Mark => {}
            Kind::Letter(_) => return Some(i),
            Kind::Other if c.is_ascii() => return Some(i),
            Kind::Other => return None,
        }
    }
    Some(rest.len())
}

#[cfg(test)]
mod tests {
    use super::super::display::tests::hostile;
    use super::*;
    use proptest::prelude::*;
    use unicode_normalization::char::{canonical_combining_class, is_public_assigned};
    use unicode_normalization::{IsNormalized, is_nfc_quick};
    use unicode_width::UnicodeWidthChar;

    fn all() -> impl Iterator<Item = char> {
        '\0'..='\u{ffff}'
    }

    fn count(parts: &[char]) -> usize {
        parts.iter().collect::<String>().graphemes(true).count()
    }

    #[test]
    fn letters_are_what_the_tables_say() {
        let letters = all().filter_map(|c| match kind(c) {
            Kind::Letter(width) => Some((c, width)),
            _ => None,
        });
        for (c, width) in letters {
            assert_eq!(c.width(), Some(usize::from(width)), "{c:?}");
            assert!(is_public_assigned(c) && canonical_combining_class(c) == 0, "{c:?}");
            assert_eq!(is_nfc_quick(std::iter::once(c)), IsNormalized::Yes, "{c:?}");
            for other in ['a', 'क', '한', 'ا', '\n', c] {
                assert_eq!((count(&[c, other]), count(&[other, c])), (2, 2), "{c:?} {other:?}");
            }
        }
    }

    #[test]
    fn marks_are_what_the_tables_say() {
        for c in all().filter(|c| kind(*c) == Kind::Mark) {
            assert!(is_public_assigned(c), "{c:?}");
            for base in ['a', 'क', 'ক', '한', 'ا', '狗'] {
                assert_eq!(count(&[base, c]), 1, "{c:?}");
                assert_eq!(count(&[base, c, base]), 2, "{c:?}");
                assert_eq!(count(&[base, '\u{301}', c, base]), 2, "{c:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_short_way_leads_to_the_same_clusters(text in hostile()) {
            let slow: Vec<(usize, &str)> = text.grapheme_indices(true).collect();
            prop_assert_eq!(clusters(&text).collect::<Vec<_>>(), slow);
        }
    }
}
