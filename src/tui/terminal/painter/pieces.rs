//! Rows whose widths are sure are painted in the order that takes the fewest bytes.

use super::super::pen::Pen;
use super::super::trust::{Trust, trust};
use super::{Painter, Sink};

/// Changed cells of a row in one colour.
#[derive(Debug, Clone, Copy)]
struct Piece {
    y: u16,
    start: u16,
    end: u16,
    pen: Pen,
    /// Nothing but blanks.
    blank: bool,
}

impl<S: Sink> Painter<S> {
    /// Whether no cluster of a row is of a script on whose widths terminals disagree: its pieces may
    /// then be drawn in any order.
    pub(super) fn is_sure(&self, y: u16) -> bool {
        let (from, to) = (self.index(0, y), self.index(self.size.width - 1, y));
        !self.style.re_anchor
            || self.shown[from..=to]
                .iter()
                .all(|c| matches!(trust(c.symbol()), Trust::Sure | Trust::Soft))
    }

    /// Paints rows by place or by colour, whichever takes fewer bytes: where rows have many columns
    /// of few colours, going to a place is shorter than setting a colour.
    pub(super) fn paint_sure(&mut self, rows: &[u16]) {
        // These rows have no runs of uncertain width; what is noted is of another row.
        self.runs.clear();
        let start = (self.frame.len(), self.pen, self.at, self.drift);
        let pieces = self.pieces(rows);
        for piece in &pieces {
            self.paint_piece(*piece);
        }
        let by_place = self.frame.len();
        let colours = {
            let mut seen: Vec<Pen> = Vec::new();
            pieces.iter().for_each(|p| {
                if !seen.contains(&p.pen) {
                    seen.push(p.pen);
                }
            });
            seen
        };
        if pieces.len() >= 2 * colours.len().max(2) {
            let first = self.frame.split_off(start.0);
            let after = (self.pen, self.at, self.drift);
            (self.pen, self.at, self.drift) = (start.1, start.2, start.3);
            for pen in colours {
                for piece in pieces.iter().filter(|p| p.pen == pen) {
                    self.paint_piece(*piece);
                }
            }
            if self.frame.len() >= by_place {
                self.frame.truncate(start.0);
                self.frame.extend_from_slice(&first);
                (self.pen, self.at, self.drift) = after;
            }
        }
        for y in rows {
            let (from, to) = (self.index(0, *y), self.index(self.size.width - 1, *y));
            self.changed[from..=to].fill(false);
        }
    }

    /// What changed in these rows, cut where the colour changes. A blank goes with what stands
    /// beside it where it looks the same.
    fn pieces(&self, rows: &[u16]) -> Vec<Piece> {
        let mut all: Vec<Piece> = Vec::new();
        for y in rows.iter().copied() {
            let mut open: Option<Piece> = None;
            let mut x = 0;
            while x < self.size.width {
                let (at, cells) = (self.index(x, y), self.cells(x, y));
                if self.changed[at] {
                    let pen = Pen::of(&self.shown[at], self.style.depth);
                    let blank = self.shown[at].symbol() == " ";
                    let end = x + cells;
                    match &mut open {
                        Some(p) if p.pen == pen || blank && p.pen.blank_is_as_with(pen) => {
                            (p.end, p.blank) = (end, p.blank && blank);
                        }
                        // Blanks take the colour of what follows, where that does not show.
                        Some(p) if p.blank && p.pen.blank_is_as_with(pen) => {
                            (p.end, p.pen, p.blank) = (end, pen, blank);
                        }
                        _ => all.extend(open.replace(Piece { y, start: x, end, pen, blank })),
                    }
                } else {
                    all.extend(open.take());
                }
                x += cells;
            }
            all.extend(open);
        }
        all
    }

    fn paint_piece(&mut self, piece: Piece) {
        let mut pen = self.pen;
        if !piece.blank || !pen.blank_is_as_with(piece.pen) {
            pen.change(piece.pen, self.out());
            self.pen = pen;
        }
        let mut x = piece.start;
        while x < piece.end {
            x += self.paint(x, piece.y);
        }
    }
}
