//! Direction of a text and the visual order of a line (UAX #9).

use unicode_bidi::{Direction as Found, Level, ParagraphBidiInfo, get_base_direction_full};

/// Which way a text runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Latin, Chinese, Bengali, and where nothing tells.
    #[default]
    LeftToRight,
    /// Arabic, Hebrew.
    RightToLeft,
}

/// The direction of a text by its first strong character (UAX #9, rules P2 and P3), what stands
/// between isolates left out.
pub fn direction(text: &str) -> Direction {
    if text.is_ascii() {
        return Direction::LeftToRight;
    }
    match get_base_direction_full(text) {
        Found::Rtl => Direction::RightToLeft,
        Found::Ltr | Found::Mixed => Direction::LeftToRight,
    }
}

/// The levels of one paragraph.
pub(super) struct Levels {
    bytes: Vec<Level>,
    base: Level,
}

impl Levels {
    /// `None` for a text that is drawn in the order in which it is read.
    pub fn of(paragraph: &str) -> Option<Self> {
        if !paragraph.chars().any(turns) {
            return None;
        }
        let info = ParagraphBidiInfo::new(paragraph, None);
        Some(Self { base: info.paragraph_level, bytes: info.levels })
    }

    /// The level of the character that begins at this byte; the paragraph's beyond its end.
    pub fn at(&self, byte: usize) -> Level {
        self.bytes.get(byte).copied().unwrap_or(self.base)
    }

    /// Whether the paragraph runs from right to left.
    pub fn right_to_left(&self) -> bool {
        self.base.is_rtl()
    }
}

/// Where each thing on a line stands (rule L2): indices into `levels`, from left to right.
pub(super) fn visual_order(levels: &[Level]) -> Vec<usize> {
    ParagraphBidiInfo::reorder_visual(levels)
}

/// Whether a character may run from right to left: the blocks that Unicode keeps for such scripts
/// (UAX #44, `Bidi_Class` of unassigned code points), and Arabic's presentation forms.
fn turns(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}'
        | '\u{fb1d}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}'
        | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_strong_character_decides() {
        use Direction::{LeftToRight, RightToLeft};
        let cases = [
            ("", LeftToRight),
            ("123 ... !", LeftToRight),
            ("hello שלום", LeftToRight),
            ("123 שלום hello", RightToLeft),
            ("\n- القهوة", RightToLeft),
            ("٣ apples", LeftToRight),
            ("\u{2067}שלום\u{2069} hello", LeftToRight),
            ("한국", LeftToRight),
        ];
        for (text, expected) in cases {
            assert_eq!(direction(text), expected, "{text:?}");
        }
    }
}
