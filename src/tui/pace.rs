//! Keys first: while they repeat, a list is drawn at once, and what stands beside it waits until
//! they rest. What is not of the row under the cursor is never shown as if it were.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

/// Milliseconds without a key after which a single key's row is told of in full: shorter than the
/// pause between two taps, longer than the pause between two repeats of a held key.
const REST: u64 = 70;
/// Keys that follow each other faster than this many milliseconds belong together.
const TOGETHER: u64 = 200;

/// How the cursor moves now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// It stands: everything is drawn.
    #[default]
    Rest,
    /// One key moved it: panes beside the list still show the row before, and say so.
    Moved,
    /// Keys repeat: panes beside the list are empty, and say why.
    Repeats,
}

impl Pace {
    /// After one more move.
    #[must_use]
    pub fn moved(self) -> Self {
        if self == Self::Rest { Self::Moved } else { Self::Repeats }
    }

    /// What a pane that waits says of itself.
    pub fn words(self) -> &'static str {
        match self {
            Self::Rest => "",
            Self::Moved => "the row before ..",
            Self::Repeats => "when the keys rest ..",
        }
    }
}

/// After how many milliseconds without a further key the keys rest, the last two moves having been
/// `gap` milliseconds apart. Whoever types fast gets more, so that what they pass is not drawn.
pub fn rests_after(gap: Option<u64>) -> u64 {
    match gap {
        Some(ms) if ms < TOGETHER => (ms * 3 / 2).clamp(REST, TOGETHER),
        _ => REST,
    }
}

/// Panes as they were drawn last, at rest.
#[derive(Debug, Default)]
pub struct Kept(Vec<(Rect, Vec<Cell>)>);

impl Kept {
    /// Forgets all: a frame at rest draws every pane anew.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Keeps an area of a frame.
    pub fn keep(&mut self, area: Rect, buffer: &Buffer) {
        let cells = area.rows().flat_map(|r| {
            let from = buffer.index_of(r.x, r.y);
            buffer.content[from..from + usize::from(r.width)].iter().cloned()
        });
        let cells = if area.is_empty() { Vec::new() } else { cells.collect() };
        self.0.push((area, cells));
    }

    /// Draws an area as it was; false when it was not drawn before.
    pub fn put(&self, area: Rect, buffer: &mut Buffer) -> bool {
        let Some((_, cells)) = self.0.iter().find(|k| k.0 == area && !k.1.is_empty()) else {
            return false;
        };
        for (row, cells) in area.rows().zip(cells.chunks(usize::from(area.width))) {
            let from = buffer.index_of(row.x, row.y);
            buffer.content[from..from + cells.len()].clone_from_slice(cells);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_rests_soon_and_fast_keys_rest_when_the_next_one_is_overdue() {
        assert_eq!(rests_after(None), REST);
        assert_eq!(rests_after(Some(1_000)), REST);
        assert_eq!(rests_after(Some(33)), REST);
        assert_eq!(rests_after(Some(100)), 150, "the next of ten keys a second comes before");
        assert_eq!(rests_after(Some(199)), TOGETHER);
    }

    #[test]
    fn an_area_comes_back_as_it_was_and_no_other_does() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 9, 3));
        buffer.set_string(2, 1, "kept", ratatui::style::Style::new());
        let before = buffer.clone();
        let (area, mut kept) = (Rect::new(1, 1, 6, 2), Kept::default());
        kept.keep(area, &buffer);
        kept.keep(Rect::new(9, 9, 0, 0), &buffer);
        buffer.reset();
        assert!(!kept.put(Rect::new(1, 1, 6, 1), &mut buffer));
        assert!(!kept.put(Rect::new(9, 9, 0, 0), &mut buffer));
        assert!(kept.put(area, &mut buffer));
        assert_eq!(buffer, before);
        kept.clear();
        assert!(!kept.put(area, &mut buffer));
    }
}
