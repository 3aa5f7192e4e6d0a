//! Rows that moved up or down are moved by the terminal, not drawn again: a list that scrolls by a
//! row then costs the new row and what stands beside the list.

use ratatui::buffer::Cell;

/// By how many rows lists move: a key, a turn of the wheel.
const STEPS: [i32; 4] = [1, -1, 3, -3];
/// Below so many cells that need not be drawn, the sequences and the doubt are not worth it.
const WORTH: i32 = 200;

/// Every so many columns are looked at first.
const SAMPLED: usize = 7;
/// And then, where rows moved: what was not looked at is drawn again where it differs.
const LOOKED_AT: usize = 2;

/// Rows `top..bottom` move up by `by` rows (down where it is negative).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scroll {
    pub top: usize,
    pub bottom: usize,
    pub by: i32,
}

impl Scroll {
    /// The scroll that leaves the fewest cells to draw, if one is worth it. Both screens have rows
    /// of `width` cells.
    pub(super) fn between(shown: &[Cell], next: &[Cell], width: usize) -> Option<Self> {
        // A page of other rows is told from rows that moved by a few columns, and so is by how far.
        let rough = Self::by_columns(shown, next, width, SAMPLED, &STEPS)?;
        Self::by_columns(shown, next, width, LOOKED_AT, &[rough.by])
    }

    /// The same by every so many columns and for these steps.
    fn by_columns(
        shown: &[Cell],
        next: &[Cell],
        width: usize,
        every: usize,
        steps: &[i32],
    ) -> Option<Self> {
        let sampled = if every == SAMPLED { 2 } else { 1 };
        let worth = WORTH / every as i32 / sampled;
        let height = shown.len() / width.max(1);
        let row = |y: usize| (y * width)..((y + 1) * width);
        let same = |a: &[Cell], b: &[Cell]| {
            a.iter().zip(b).step_by(every).filter(|(a, b)| a == b).count() as i32
        };
        let stay: Vec<i32> = (0..height).map(|y| same(&next[row(y)], &shown[row(y)])).collect();
        let mut best: Option<(i32, Self)> = None;
        for by in steps.iter().copied() {
            // The run of rows with the largest sum of gains.
            let (mut sum, mut from) = (0, 0);
            for y in 0..height {
                let source = i32::try_from(y).unwrap_or(0) + by;
                let Some(source) = usize::try_from(source).ok().filter(|s| *s < height) else {
                    (sum, from) = (0, y + 1);
                    continue;
                };
                let gain = same(&next[row(y)], &shown[row(source)]) - stay[y];
                if sum <= 0 {
                    (sum, from) = (0, y);
                }
                sum += gain;
                if sum >= worth && best.is_none_or(|(most, _)| sum > most) {
                    // The rows that move in and those that move out are part of the region.
                    let n = by.unsigned_abs() as usize;
                    let (top, bottom) = if by > 0 { (from, y + 1 + n) } else { (from - n, y + 1) };
                    best = Some((sum, Self { top, bottom, by }));
                }
            }
        }
        best.map(|(_, scroll)| scroll)
    }

    /// Does to the cells what the terminal does.
    pub(super) fn apply(self, cells: &mut [Cell], width: usize) {
        let region = &mut cells[self.top * width..self.bottom * width];
        let n = (self.by.unsigned_abs() as usize * width).min(region.len());
        let blank = if self.by > 0 {
            region.rotate_left(n);
            let kept = region.len() - n;
            &mut region[kept..]
        } else {
            region.rotate_right(n);
            &mut region[..n]
        };
        blank.fill(Cell::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(rows: &[&str], width: usize) -> Vec<Cell> {
        let mut all = Vec::new();
        for row in rows {
            let mut line = vec![Cell::default(); width];
            for (cell, c) in line.iter_mut().zip(row.chars()) {
                cell.set_char(c);
            }
            all.extend(line);
        }
        all
    }

    fn list(first: usize, rows: usize) -> Vec<Cell> {
        let lines: Vec<String> = (first..first + rows)
            .map(|i| char::from(b'A' + u8::try_from(i % 26).unwrap()).to_string().repeat(60))
            .collect();
        let mut all = vec!["head"];
        all.extend(lines.iter().map(String::as_str));
        all.push("foot");
        cells(&all, 60)
    }

    #[test]
    fn what_did_not_move_is_not_scrolled() {
        assert_eq!(Scroll::between(&list(0, 20), &list(0, 20), 60), None);
        assert_eq!(Scroll::between(&list(0, 20), &list(9, 20), 60), None);
        assert_eq!(Scroll::between(&list(0, 3), &list(1, 3), 60), None, "too little to gain");
        assert_eq!(Scroll::between(&[], &[], 0), None);
    }

    #[test]
    fn a_list_that_moved_is_found_between_its_head_and_its_foot() {
        for (from, to, by) in [(5, 6, 1), (6, 5, -1), (5, 8, 3), (8, 5, -3)] {
            let (mut before, after) = (list(from, 20), list(to, 20));
            let scroll = Scroll::between(&before, &after, 60).unwrap();
            assert_eq!(scroll, Scroll { top: 1, bottom: 21, by });
            scroll.apply(&mut before, 60);
            let rows = |cells: &[Cell]| cells.chunks(60).map(<[Cell]>::to_vec).collect::<Vec<_>>();
            let left = rows(&before).iter().zip(rows(&after)).filter(|(a, b)| **a != *b).count();
            assert_eq!(left, by.unsigned_abs() as usize, "only the rows that came in");
        }
    }
}
