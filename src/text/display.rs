//! The one door that text passes on its way to a terminal.
//!
//! A survey file or a model's reply may hold escape sequences; printed raw they could recolour,
//! rename or rewrite the reader's screen. Here they become visible and harmless. The original
//! bytes stay for export: this is the display copy only.

use std::fmt::Write as _;

use unicode_normalization::char::is_public_assigned;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

use super::clusters::{Kind, clusters, kind};
use super::script::{Script, script_of};
use super::styles::Styles;
use super::width::cluster_width;

/// Cells between two tab stops.
pub const TAB_WIDTH: usize = 4;

/// Marks that may stand on one base. Vocalised Arabic and cantillated Hebrew need four, a kissing
/// couple with skin tones nine code points in all; hundreds are an attack on the row above.
const MAX_MARKS: usize = 8;

/// Code points that one cluster may hold, joined emoji, Hangul jamo and conjuncts included.
const MAX_POINTS: usize = 32;

/// Text for one line: NFC, control characters shown as their pictures (`␛`, `␊`), bidi controls
/// and invisible breaks stripped, tabs expanded to the next stop counted from the start of the
/// text, what Unicode does not know or a reader could not see shown as `<U+E0041>`, and every
/// cluster at least one cell wide.
pub fn display(text: &str) -> String {
    clean(&[(text, 0)], false).0
}

/// The same for text of several lines: line feeds stay (a carriage return before one goes).
pub fn display_lines(text: &str) -> String {
    clean(&[(text, 0)], true).0
}

/// The display copy of pieces that make up one text, and which style each of its bytes has.
pub(super) fn clean(pieces: &[(&str, usize)], keep_lines: bool) -> (String, Styles) {
    let mut out = String::with_capacity(pieces.iter().map(|p| p.0.len()).sum());
    let mut styles = Styles::default();
    if pieces.iter().all(|(text, _)| text.bytes().all(|b| matches!(b, b' '..=b'~'))) {
        for (text, style) in pieces.iter().filter(|p| !p.0.is_empty()) {
            styles.start(out.len(), *style);
            out.push_str(text);
        }
        return (out, styles);
    }
    let mut after_return = false;
    for (text, style) in pieces {
        for c in text.chars() {
            if keep_lines && c == '\n' && after_return {
                out.pop();
            }
            styles.start(out.len(), *style);
            if c == '\t' || (keep_lines && c == '\n') {
                out.push(c);
            } else {
                push_char(c, &mut out);
            }
            after_return = c == '\r';
        }
    }
    let (out, styles) = composed(out, styles);
    settled(&out, &styles)
}

fn push_char(c: char, out: &mut String) {
    if kind(c) != Kind::Other {
        return out.push(c);
    }
    match c {
        // C0 and DEL have pictures of their own.
        '\0'..='\u{1f}' => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
        '\u{7f}' => out.push('\u{2421}'),
        // C1 (0x9b is a one-character escape), line and paragraph separators, byte order marks and
        // the invisible "tag" characters can hide commands or text.
        '\u{80}'..='\u{9f}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}'
        | '\u{fff9}'..='\u{fffb}' => push_code(c, out),
        // Bidi controls reorder what stands beside them, outside the text included. The soft
        // hyphen, zero-width space, word joiner, invisible operators and retired format
        // characters are not seen, but some terminals give them a cell.
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}' => {}
        // One variation selector on a base is spelling; more, or the 240 of the supplement on
        // anything but an ideograph, is a hidden message.
        '\u{fe00}'..='\u{fe0f}' => match out.chars().next_back() {
            Some(last) if !selects_variation(last) => out.push(c),
            _ => push_code(c, out),
        },
        '\u{e0100}'..='\u{e01ef}' => match out.chars().next_back() {
            Some(last) if script_of(last) == Some(Script::Han) => out.push(c),
            _ => push_code(c, out),
        },
        // Terminals guess the width of what Unicode has not assigned, and of private characters.
        c if !is_public_assigned(c) => push_code(c, out),
        c => out.push(c),
    }
}

fn selects_variation(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

fn push_code(c: char, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "<U+{:04X}>", u32::from(c));
}

/// NFC, cluster by cluster, so that every byte keeps its style. Characters that compose always
/// stand in one cluster.
fn composed(text: String, styles: Styles) -> (String, Styles) {
    // What is known to be normal is looked up as a blank, which costs nothing.
    let rest = text.chars().map(|c| if matches!(kind(c), Kind::Letter(_)) { ' ' } else { c });
    if is_nfc_quick(rest) == IsNormalized::Yes {
        return (text, styles);
    }
    let mut out = String::with_capacity(text.len());
    let mut kept = Styles::default();
    let mut reader = styles.reader();
    for (start, cluster) in clusters(&text) {
        kept.start(out.len(), reader.at(start));
        out.extend(cluster.nfc());
    }
    (out, kept)
}

/// Tabs become blanks, heaps of marks are cut, and nothing is left that has no width of its own.
fn settled(text: &str, styles: &Styles) -> (String, Styles) {
    let mut out = String::with_capacity(text.len());
    let mut kept = Styles::default();
    let mut reader = styles.reader();
    let tabs = text.contains('\t');
    let mut column = 0;
    let mut bare = true;
    for (start, cluster) in clusters(text) {
        let at = out.len();
        let style = reader.at(start);
        match cluster {
            "\t" => {
                let blanks = TAB_WIDTH - column % TAB_WIDTH;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            "\n" => {
                out.push('\n');
                column = 0;
            }
            _ => {
                push_cluster(cluster, bare, &mut out);
                if tabs {
                    column += out[at..].graphemes(true).map(cluster_width).sum::<usize>();
                }
            }
        }
        // Marks join whatever stands before them but control and format characters.
        bare = matches!(cluster, "\t" | "\n") || cluster_width(cluster) == 0;
        if out.len() > at {
            kept.start(at, style);
        }
    }
    (out, kept)
}

/// `bare`: nothing stands before the cluster that a mark could settle on.
fn push_cluster(cluster: &str, bare: bool, out: &mut String) {
    if cluster.len() == 1 {
        return out.push_str(cluster);
    }
    if bare {
        if cluster.chars().all(|c| matches!(c, '\u{200c}' | '\u{200d}')) {
            return;
        }
        // A mark without a base would settle on the neighbour's: the dotted circle carries it.
        let carried = format!("\u{25cc}{cluster}");
        if carried.graphemes(true).count() == 1 {
            return push_capped(&carried, out);
        }
    }
    let seen = cluster_width(cluster) > 0 && !cluster.ends_with(takes_what_follows);
    if seen {
        return push_capped(cluster, out);
    }
    let points = cluster.chars().count();
    cluster.chars().take(MAX_MARKS).for_each(|c| push_code(c, out));
    push_count(points.saturating_sub(MAX_MARKS), out);
}

/// Signs that belong to the character behind them (Grapheme_Cluster_Break=Prepend, Unicode 16).
fn takes_what_follows(c: char) -> bool {
    matches!(c,
        '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
        | '\u{d4e}' | '\u{110bd}' | '\u{110cd}' | '\u{111c2}' | '\u{111c3}' | '\u{113d1}'
        | '\u{1193f}' | '\u{11941}' | '\u{11a3a}' | '\u{11a84}'..='\u{11a89}' | '\u{11d46}'
        | '\u{11f02}')
}

fn push_capped(cluster: &str, out: &mut String) {
    // Every code point is a byte at least.
    if cluster.len() <= MAX_MARKS {
        return out.push_str(cluster);
    }
    let points = cluster.chars().count();
    let keep = kept_points(cluster, points);
    let end = cluster.char_indices().nth(keep).map_or(cluster.len(), |(i, _)| i);
    out.push_str(&cluster[..end]);
    push_count(points - keep, out);
}

/// How many code points were cut.
fn push_count(points: usize, out: &mut String) {
    if points > 0 {
        let _ = write!(out, "<+{points}>");
    }
}

fn kept_points(cluster: &str, points: usize) -> usize {
    let mut marks = 0;
    let mut based = false;
    let heap = cluster.chars().position(|c| {
        let wide = c.width().is_some_and(|w| w > 0);
        based |= wide;
        marks = if wide || !based { 0 } else { marks + 1 };
        marks > MAX_MARKS
    });
    match heap.unwrap_or(points) {
        // One less than allowed: a cluster of prefixes (U+0600) would swallow the `<` that follows.
        keep if keep > MAX_POINTS => MAX_POINTS - 1,
        keep => keep,
    }
}

#[cfg(test)]
#[path = "display_tests.rs"]
pub(in crate::text) mod tests;
