//! Where a paragraph may be broken, and where it is (UAX #14 in substance).

use std::ops::Range;

use unicode_linebreak::linebreaks;

use super::layout::Unit;

/// Bytes before which a line may begin, ascending, by the line breaking classes of Unicode.
pub(super) fn opportunities(paragraph: &str) -> impl Iterator<Item = usize> {
    linebreaks(paragraph).map(|(byte, _)| byte)
}

/// Thai, Lao, Khmer and Burmese write no blanks between words, and telling words apart takes a
/// dictionary: their lines break between clusters, never before a vowel that follows its consonant
/// in writing, nor behind one that precedes it.
pub(super) fn breaks_between(before: &str, after: &str) -> bool {
    let (Some(last), Some(base), Some(next)) =
        (before.chars().next_back(), before.chars().next(), after.chars().next())
    else {
        return false;
    };
    let dictionary = |c: char| {
        matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
            && !c.is_numeric()
    };
    let follows = matches!(
        next,
        '\u{e2f}'
            | '\u{e30}'
            | '\u{e32}'
            | '\u{e33}'
            | '\u{e45}'
            | '\u{e46}'
            | '\u{e5a}'
            | '\u{e5b}'
            | '\u{eaf}'
            | '\u{eb0}'
            | '\u{eb2}'
            | '\u{eb3}'
            | '\u{ec6}'
            | '\u{104a}'
            | '\u{104b}'
            | '\u{17d4}'..='\u{17da}'
    );
    let precedes = matches!(base, '\u{e40}'..='\u{e44}' | '\u{ec0}'..='\u{ec4}');
    let stacks = matches!(last, '\u{1039}' | '\u{17d2}');
    dictionary(base) && dictionary(next) && !follows && !precedes && !stacks
}

/// The units of each line, in order and without gaps. A line's blanks at its end count as nothing;
/// a word longer than a line is broken between its units. In no cells there is one line.
pub(super) fn wrap(units: &[Unit], cells: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    if cells == 0 {
        lines.push(0..units.len());
        return lines;
    }
    let mut start = 0;
    let mut used = 0;
    let mut chance = None;
    for (i, unit) in units.iter().enumerate() {
        if unit.may_begin && i > start {
            chance = Some(i);
        }
        if unit.blank {
            used += unit.width();
            continue;
        }
        while i > start && used + unit.width() > cells {
            let end = chance.take().unwrap_or(i);
            lines.push(start..end);
            start = end;
            used = units[start..i].iter().map(Unit::width).sum();
        }
        used += unit.width();
    }
    lines.push(start..units.len());
    lines
}
