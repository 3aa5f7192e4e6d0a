//! What a chart is on a terminal before anybody chose colours: a grid of cells with roles.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use crate::text::{cluster_width, display, truncate, width};

/// What the marks of a chart are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    /// 2 x 4 dots a cell.
    #[default]
    Braille,
    /// 2 x 2 quadrants a cell, for fonts without braille.
    Blocks,
    /// ASCII alone, for screen readers and poor links: no box drawing, no braille.
    Ascii,
}

/// What a cell means; the theme of a screen turns it into a colour.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Role {
    /// Words and numbers.
    #[default]
    Text,
    /// The title.
    Title,
    /// Words that matter less.
    Muted,
    /// Axes and their numbers.
    Axis,
    /// The n-th colour of the theme's series.
    Series(usize),
    /// The same, for what stands behind (raw values beside smoothed ones).
    FaintSeries(usize),
    /// A cell of a heat table, from 0 (low) to 1 (high): a background.
    Heat(f32),
    /// The same on a scale with a middle: 0.5 is neutral.
    Diverging(f32),
    /// What is well.
    Good,
    /// What wants a look.
    Warn,
    /// What is wrong, such as a loss that is no number.
    Bad,
    /// A threshold, a chosen checkpoint.
    Mark,
}

/// One cell. A wide cluster is followed by a cell with an empty text.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// One grapheme cluster, safe to print; empty in the second half of a wide one.
    pub text: Cow<'static, str>,
    /// What it means.
    pub role: Role,
}

impl Default for Cell {
    fn default() -> Self {
        Self { text: Cow::Borrowed(" "), role: Role::Text }
    }
}

/// A drawn chart: `height` rows of `width` cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Canvas {
    /// Rows from the top.
    pub cells: Vec<Vec<Cell>>,
    /// Cells in a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Canvas {
    /// Blank.
    pub fn new(width: u16, height: u16) -> Self {
        let row = vec![Cell::default(); usize::from(width)];
        Self { cells: vec![row; usize::from(height)], width, height }
    }

    /// Puts one glyph of one cell that is known to be safe; outside of the canvas it is dropped.
    pub fn set(&mut self, x: usize, y: usize, glyph: impl Into<Cow<'static, str>>, role: Role) {
        if let Some(cell) = self.cells.get_mut(y).and_then(|r| r.get_mut(x)) {
            *cell = Cell { text: glyph.into(), role };
        }
    }

    /// Writes text of any script from a cell on, in the order given, in at most `room` cells: it
    /// passes [`display`] and is cut with `…`, never wrapped. Returns the cells that it took.
    pub fn put(&mut self, x: usize, y: usize, text: &str, room: usize, role: Role) -> usize {
        let Some(row) = self.cells.get_mut(y) else { return 0 };
        let room = room.min(row.len().saturating_sub(x));
        let shown = display(text);
        let shown = truncate(&shown, room);
        let mut used = 0usize;
        for cluster in shown.graphemes(true) {
            let cells = cluster_width(cluster);
            // A cluster without a width of its own stays with the one before it.
            if cells == 0 {
                if let Some(before) = used.checked_sub(1).and_then(|u| row.get_mut(x + u)) {
                    before.text.to_mut().push_str(cluster);
                }
                continue;
            }
            row[x + used] = Cell { text: Cow::Owned(cluster.to_owned()), role };
            if cells == 2 {
                row[x + used + 1] = Cell { text: Cow::Borrowed(""), role };
            }
            used += cells;
        }
        used
    }

    /// The same, ending before cell `end`.
    pub fn put_right(&mut self, end: usize, y: usize, text: &str, room: usize, role: Role) {
        let shown = display(text);
        let shown = truncate(&shown, room.min(end));
        self.put(end - width(&shown), y, &shown, room, role);
    }

    /// The cells as lines of text without trailing blanks: what `--plain` prints.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for row in &self.cells {
            let line: String = row.iter().map(|c| c.text.as_ref()).collect();
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_cut_at_the_edge_and_outside_is_dropped() {
        let mut c = Canvas::new(5, 2);
        assert_eq!(c.put(3, 0, "abcdef", 9, Role::Text), 2);
        assert_eq!(c.put(9, 0, "x", 9, Role::Text), 0);
        assert_eq!(c.put(0, 7, "x", 9, Role::Text), 0);
        c.set(9, 9, "x", Role::Text);
        c.put_right(5, 1, "12", 9, Role::Axis);
        assert_eq!(c.to_text(), "   a…\n   12\n");
    }

    #[test]
    fn an_escape_sequence_in_a_label_is_made_visible() {
        let mut c = Canvas::new(12, 1);
        c.put(0, 0, "\u{1b}[31mred", 12, Role::Text);
        assert_eq!(c.to_text(), "␛[31mred\n");
    }

    proptest! {
        #[test]
        fn every_row_keeps_its_width(text in any::<String>(), x in 0usize..12, room in 0usize..12) {
            let mut c = Canvas::new(10, 1);
            c.put(x, 0, &text, room, Role::Text);
            c.put_right(x, 0, &text, room, Role::Text);
            prop_assert_eq!(c.cells[0].len(), 10);
        }
    }
}
