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
    let blank_before = |text: &str, at: usize| text[..at].ends_with(char::is_whitespace);
    let mut out: Vec<(String, usize)> = Vec::new();
    for block in changes.chunk_by(|x, y| x.change == y.change) {
        let (Some(first), Some(last)) = (block.first(), block.last()) else { continue };
        let (text, from, to, style) = match first.change {
            Change::Removed => (old, a[first.old].start, a[last.old].end(), REMOVED),
            Change::Added => (new, b[first.new].start, b[last.new].end(), ADDED),
            Change::Same => (new, b[first.new].start, b[last.new].end(), SAME),
        };
        // A blank stands between two blocks where either text has one there.
        let blank = match first.change {
            Change::Same => blank_before(new, from) || blank_before(old, a[first.old].start),
            Change::Removed => blank_before(old, from),
            // A word and what took its place are told apart even where nothing stood between.
            Change::Added => blank_before(new, from) || out.last().is_some_and(|l| l.1 == REMOVED),
        };
        if blank && !out.is_empty() {
            out.push((" ".to_owned(), SAME));
        }
        out.push((text[from..to].to_owned(), style));
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
        assert_eq!(shown("a job, her lot.", "a job."), "a job[-, her lot-].");
        assert_eq!(shown("好的书", "好书"), "好[-的-]书");
        assert_eq!(shown("If a cat", "A dog"), "[-If a cat-] {+A dog+}");
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
