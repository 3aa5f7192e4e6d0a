//! Cells that text takes on a terminal: a sum over grapheme clusters, by one function.

use std::borrow::Cow;

use unicode_normalization::char::is_public_assigned;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::clusters::{Kind, clusters, kind};

/// Cells of one grapheme cluster: 0, 1 or 2. A cluster is drawn as one glyph, so that a family
/// emoji of seven code points takes 2 cells, not 8.
pub fn cluster_width(cluster: &str) -> usize {
    let mut chars = cluster.chars();
    if let (Some(c), None) = (chars.next(), chars.next())
        && let Kind::Letter(cells) = kind(c)
    {
        return usize::from(cells);
    }
    cluster.width().min(2)
}

/// Cells of a text without line breaks.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.bytes().filter(|b| !b.is_ascii_control()).count();
    }
    clusters(text).map(|(_, cluster)| cluster_width(cluster)).sum()
}

/// Whether terminals disagree on the cells of this cluster, so that the cursor must be placed anew
/// behind it. True for everything beyond one character and marks that all agree to draw in place:
/// conjuncts and vowel signs of Indic scripts, Thai and Lao clusters, emoji (joined, with a
/// variation selector, or younger than Unicode 9), jamo, what Unicode has not assigned.
///
/// Not covered: the "ambiguous" class of UAX #11 (Greek, Cyrillic, box drawing), which a terminal
/// draws wide only where it was set to; pane borders would break there too.
pub fn ambiguous_width(cluster: &str) -> bool {
    let mut chars = cluster.chars();
    let Some(first) = chars.next() else { return false };
    if first.is_ascii() && cluster.len() == 1 {
        return false;
    }
    let emoji = matches!(first, '\u{1f000}'..='\u{1faff}' | '\u{2300}'..='\u{2bff}')
        && first.width() == Some(2);
    let composed = matches!(first, '\u{900}'..='\u{109f}' | '\u{1780}'..='\u{17ff}');
    let mut marks = 0;
    for mark in chars {
        marks += 1;
        if mark.width() != Some(0)
            || matches!(mark, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1160}'..='\u{11ff}')
            || matches!(mark, '\u{20e3}' | '\u{d7b0}'..='\u{d7ff}')
        {
            return true;
        }
    }
    emoji || (composed && marks > 0) || !is_public_assigned(first)
}

/// The text in at most `cells` cells, cut between clusters; a cut is shown by `…` (1 cell).
pub fn truncate(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let Some(room) = cells.checked_sub(1) else { return Cow::Borrowed("") };
    let mut used = 0;
    let mut end = 0;
    for (start, cluster) in clusters(text) {
        used += cluster_width(cluster);
        if used > room {
            break;
        }
        end = start + cluster.len();
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

/// The text in exactly `cells` cells: cut like [`truncate`], or filled with blanks on the right.
pub fn pad(text: &str, cells: usize) -> String {
    let cut = truncate(text, cells);
    let missing = cells.saturating_sub(width(&cut));
    let mut out = cut.into_owned();
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cluster_takes_the_cells_that_it_is_drawn_in() {
        let cases =
            [("", 0), ("abc", 3), ("好", 2), ("한국", 4), ("e\u{301}", 1), ("👨‍👩‍👧", 2), ("שלום", 4)];
        for (text, cells) in cases {
            assert_eq!(width(text), cells, "{text}");
        }
    }

    #[test]
    fn clusters_on_which_terminals_disagree_are_known() {
        for c in
            ["", "a", " ", "é", "e\u{301}", "好", "한", "ا", "ﻻ\u{64e}", "שָ", "ж", "ক", "…", "─"]
        {
            assert!(!ambiguous_width(c), "{c}");
        }
        let unsure = [
            "কি",
            "ক্ষি",
            "กำ",
            "ก้",
            "👍",
            "👍🏽",
            "👨‍👩‍👧",
            "❤\u{fe0f}",
            "⌚",
            "1\u{fe0f}\u{20e3}",
            "🇬🇷",
            "\u{1112}\u{1161}",
            "\u{378}",
        ];
        for c in unsure {
            assert!(ambiguous_width(c), "{c}");
        }
    }

    #[test]
    fn a_cut_never_splits_a_cluster_nor_passes_the_edge() {
        assert_eq!(truncate("abc", 3), "abc");
        assert_eq!(truncate("abcd", 3), "ab…");
        assert_eq!(truncate("好好好", 4), "好…");
        assert_eq!(truncate("abc", 0), "");
        assert_eq!(pad("好好好", 4), "好… ");
        assert_eq!(pad("ab", 4), "ab  ");
    }

    proptest! {
        #[test]
        fn a_padded_text_is_as_wide_as_asked(text in "\\PC{0,30}", cells in 0usize..40) {
            let text = crate::text::display(&text);
            prop_assert_eq!(width(&pad(&text, cells)), cells);
            prop_assert!(width(&truncate(&text, cells)) <= cells);
        }
    }
}
