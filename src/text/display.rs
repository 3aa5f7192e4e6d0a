//! The one door that text passes on its way to a terminal.
//!
//! A survey file or a model's reply may hold escape sequences; printed raw they could recolour,
//! rename or rewrite the reader's screen. Here they become visible and harmless. The original
//! bytes stay for export: this is the display copy only.

use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation;

use super::nfc;
use super::width::cluster_width;

/// Cells between two tab stops.
pub const TAB_WIDTH: usize = 4;

/// Text for one line: NFC, control characters shown as their pictures (`␛`, `␊`), bidi controls
/// stripped, tabs expanded to the next stop counted from the start of the text.
pub fn display(text: &str) -> String {
    clean(text, false)
}

/// The same for text of several lines: line feeds stay (a carriage return before one goes).
pub fn display_lines(text: &str) -> String {
    clean(text, true)
}

fn clean(text: &str, keep_lines: bool) -> String {
    let text = nfc(text);
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for cluster in text.graphemes(true) {
        match cluster {
            "\t" => {
                let blanks = TAB_WIDTH - column % TAB_WIDTH;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            "\n" | "\r\n" if keep_lines => {
                out.push('\n');
                column = 0;
            }
            _ => {
                let start = out.len();
                cluster.chars().for_each(|c| push_char(c, &mut out));
                column += out[start..].graphemes(true).map(cluster_width).sum::<usize>();
            }
        }
    }
    out
}

fn push_char(c: char, out: &mut String) {
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
        | '\u{fff9}'..='\u{fffb}' => {
            // Writing to a String cannot fail.
            let _ = write!(out, "<U+{:04X}>", u32::from(c));
        }
        // Bidi controls reorder what stands beside them, outside the text included.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
        }
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_that_commands_a_terminal_gets_through() {
        let cases = [
            ("\u{1b}[31mred\u{1b}[0m", "␛[31mred␛[0m"),
            ("\u{1b}]0;title\u{7}", "␛]0;title␇"),
            ("\u{9b}2J", "<U+009B>2J"),
            ("one\ntwo\r\nthree\rfour", "one␊two␍␊three␍four"),
            ("back\u{8}space\u{7f}", "back␈space␡"),
            ("abc\u{202e}fed\u{2066}", "abcfed"),
            ("a\u{2028}b", "a<U+2028>b"),
            ("hid\u{e0041}den", "hid<U+E0041>den"),
            ("cafe\u{301}", "café"),
        ];
        for (raw, shown) in cases {
            assert_eq!(display(raw), shown, "{raw:?}");
        }
    }

    #[test]
    fn tabs_reach_the_next_stop_counted_in_cells() {
        assert_eq!(display("a\tb"), "a   b");
        assert_eq!(display("\t|"), "    |");
        assert_eq!(display("好\t|"), "好  |");
        assert_eq!(display_lines("ab\n\t|"), "ab\n    |");
    }

    #[test]
    fn joiners_that_scripts_need_stay() {
        let bengali = "ক\u{9cd}\u{200d}ষ";
        assert_eq!(display(bengali), bengali);
    }

    proptest! {
        #[test]
        fn no_control_character_survives(text in any::<String>()) {
            prop_assert!(!display(&text).chars().any(char::is_control));
            prop_assert!(!display_lines(&text).chars().any(|c| c.is_control() && c != '\n'));
            prop_assert_eq!(display(&display(&text)), display(&text));
        }
    }
}
