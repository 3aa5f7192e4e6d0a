//! What a sample changed in its seed, as one text: words that are gone, words that are new.

use crate::text::{Change, LaidLine, Resolved, diff_words, lay_out_styled};

/// Styles of the pieces.
pub const SAME: usize = 0;
pub const REMOVED: usize = 1;
pub const ADDED: usize = 2;

/// The pieces of the common text, with blanks as they stood. In plain drawing words are marked by
/// signs, since no style tells them apart there.
pub fn pieces(old: &str, new: &str, signs: bool) -> Vec<(String, usize)> {
    let (changes, a, b) = diff_words(old, new);
    let mut out: Vec<(String, usize)> = Vec::new();
    let mut put = |text: &str, style: usize| match out.last_mut() {
        Some(last) if last.1 == style => last.0.push_str(text),
        _ => out.push((text.to_owned(), style)),
    };
    let (mut old_end, mut new_end) = (0, 0);
    let mut last = Change::Same;
    for p in &changes {
        let (token, from, side) = match p.change {
            Change::Removed => (&a[p.old], &mut old_end, old),
            _ => (&b[p.new], &mut new_end, new),
        };
        let mut gap = &side[*from..token.start];
        *from = token.end();
        if p.change == Change::Same {
            old_end = a[p.old].end();
        }
        // A removed word at the very end has its blank on the other side of the mark.
        if gap.is_empty() && p.change != last && p.change != Change::Same && token.start > 0 {
            gap = " ";
        }
        let style = match p.change {
            Change::Same => SAME,
            Change::Removed => REMOVED,
            Change::Added => ADDED,
        };
        // Blanks between two words of one kind belong to them; others are nobody's.
        put(gap, if p.change == last { style } else { SAME });
        put(token.text, style);
        last = p.change;
    }
    if signs {
        for (text, style) in &mut out {
            *text = match *style {
                REMOVED => format!("[-{text}-]"),
                ADDED => format!("{{+{text}+}}"),
                _ => std::mem::take(text),
            };
        }
    }
    out
}

/// Laid out for a pane.
pub fn lines(old: &str, new: &str, signs: bool, cells: usize, mode: Resolved) -> Vec<LaidLine> {
    let pieces = pieces(old, new, signs);
    let pieces: Vec<(&str, usize)> = pieces.iter().map(|(t, s)| (t.as_str(), *s)).collect();
    lay_out_styled(&pieces, cells, mode).lines
}

/// How many words came and went.
pub fn counts(old: &str, new: &str) -> (usize, usize) {
    let (changes, ..) = diff_words(old, new);
    let n = |c: Change| changes.iter().filter(|p| p.change == c).count();
    (n(Change::Removed), n(Change::Added))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> String {
        pieces(old, new, true).into_iter().map(|p| p.0).collect()
    }

    #[test]
    fn nothing_and_all_are_differences_as_well() {
        assert_eq!(shown("", ""), "");
        assert_eq!(shown("", "a b"), "{+a b+}");
        assert_eq!(shown("a b", ""), "[-a b-]");
        assert_eq!(shown("a b", "a b"), "a b");
    }

    #[test]
    fn words_are_marked_and_blanks_stay() {
        assert_eq!(shown("men are leaders", "women are leaders"), "[-men-] {+women+} are leaders");
        assert_eq!(shown("one two", "one two three"), "one two {+three+}");
        assert_eq!(shown("one two three", "one three"), "one [-two-] three");
        assert_eq!(counts("one two", "one four five"), (1, 2));
    }

    #[test]
    fn without_signs_the_new_text_can_be_read_out_of_the_pieces() {
        let new = "سؤال جديد 好的 ok";
        let pieces = pieces("سؤال قديم 好 ok", new, false);
        let kept: String = pieces
            .iter()
            .filter(|p| p.1 != REMOVED)
            .flat_map(|p| p.0.chars())
            .filter(|c| !c.is_whitespace())
            .collect();
        assert_eq!(kept, new.chars().filter(|c| !c.is_whitespace()).collect::<String>());
    }
}
