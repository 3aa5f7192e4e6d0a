//! A raster finer than cells: braille dots, quadrants, or one ASCII letter a cell.

use super::canvas::{Canvas, Glyphs, Role};

/// Letters and shapes that tell series apart without colour: in ASCII, elsewhere.
const MARKS: [(&str, &str); 8] = [
    ("*", "●"),
    ("o", "○"),
    ("+", "■"),
    ("x", "□"),
    ("#", "▲"),
    ("@", "△"),
    ("%", "◆"),
    ("&", "◇"),
];

/// The mark of the n-th series.
pub fn mark(style: usize, glyphs: Glyphs) -> &'static str {
    let (ascii, shape) = MARKS[style % MARKS.len()];
    if glyphs == Glyphs::Ascii { ascii } else { shape }
}

/// Quadrants by their bits: upper left, upper right, lower left, lower right.
const QUADRANTS: [&str; 16] =
    [" ", "▘", "▝", "▀", "▖", "▌", "▞", "▛", "▗", "▚", "▐", "▜", "▄", "▙", "▟", "█"];

/// The raster of one plot.
#[derive(Debug)]
pub struct Dots {
    columns: usize,
    rows: usize,
    glyphs: Glyphs,
    cells: Vec<(u8, Role, &'static str)>,
}

impl Dots {
    /// Blank, over so many cells.
    pub fn new(columns: usize, rows: usize, glyphs: Glyphs) -> Self {
        Self { columns, rows, glyphs, cells: vec![(0, Role::Text, ""); columns * rows] }
    }

    /// Dots of a cell, across and down.
    fn grain(&self) -> (usize, usize) {
        match self.glyphs {
            Glyphs::Braille => (2, 4),
            Glyphs::Blocks => (2, 2),
            Glyphs::Ascii => (1, 1),
        }
    }

    /// Dots across.
    pub fn width(&self) -> usize {
        self.columns * self.grain().0
    }

    /// Dots down.
    pub fn height(&self) -> usize {
        self.rows * self.grain().1
    }

    /// The dot of a place given as shares from the left and from the bottom.
    pub fn at(&self, x: f64, y: f64) -> (i64, i64) {
        let across = x * (self.width().max(1) - 1) as f64;
        let down = (1.0 - y) * (self.height().max(1) - 1) as f64;
        (across.round() as i64, down.round() as i64)
    }

    /// One dot; outside it is dropped. `letter` stands for it in ASCII.
    pub fn dot(&mut self, x: i64, y: i64, role: Role, letter: &'static str) {
        let (gx, gy) = self.grain();
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.width() || y >= self.height() {
            return;
        }
        let bit = match self.glyphs {
            Glyphs::Braille => [[0, 3], [1, 4], [2, 5], [6, 7]][y % 4][x % 2],
            Glyphs::Blocks => y % 2 * 2 + x % 2,
            Glyphs::Ascii => 0,
        };
        let cell = &mut self.cells[y / gy * self.columns + x / gx];
        *cell = (cell.0 | 1 << bit, role, letter);
    }

    /// A straight line of dots, both ends included (Bresenham).
    pub fn line(&mut self, from: (i64, i64), to: (i64, i64), role: Role, letter: &'static str) {
        let (dx, dy) = ((to.0 - from.0).abs(), -(to.1 - from.1).abs());
        let (sx, sy) = ((to.0 - from.0).signum(), (to.1 - from.1).signum());
        let (mut x, mut y) = from;
        let mut error = dx + dy;
        loop {
            self.dot(x, y, role, letter);
            if (x, y) == to {
                return;
            }
            let twice = 2 * error;
            if twice >= dy {
                error += dy;
                x += sx;
            }
            if twice <= dx {
                error += dx;
                y += sy;
            }
        }
    }

    /// The cell that a dot lies in, counted from the upper left of the raster.
    pub fn cell_of(&self, dot: (i64, i64)) -> (usize, usize) {
        let (gx, gy) = self.grain();
        let clamp = |v: i64, most: usize| usize::try_from(v).unwrap_or(0).min(most.max(1) - 1);
        (clamp(dot.0, self.width()) / gx, clamp(dot.1, self.height()) / gy)
    }

    /// Puts all cells that have a dot on a canvas.
    pub fn onto(&self, canvas: &mut Canvas, left: usize, top: usize) {
        for (i, (bits, role, letter)) in self.cells.iter().enumerate() {
            if *bits == 0 {
                continue;
            }
            let (x, y) = (left + i % self.columns, top + i / self.columns);
            match self.glyphs {
                Glyphs::Braille => {
                    let c = char::from_u32(0x2800 + u32::from(*bits)).unwrap_or('?');
                    canvas.set(x, y, c.to_string(), *role);
                }
                Glyphs::Blocks => canvas.set(x, y, QUADRANTS[usize::from(bits & 15)], *role),
                Glyphs::Ascii => canvas.set(x, y, *letter, *role),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_outside_are_dropped() {
        let mut d = Dots::new(2, 1, Glyphs::Braille);
        d.dot(-1, 0, Role::Text, "x");
        d.dot(4, 0, Role::Text, "x");
        d.dot(0, 4, Role::Text, "x");
        let mut c = Canvas::new(2, 1);
        d.onto(&mut c, 0, 0);
        assert_eq!(c.to_text(), "\n");
        assert_eq!(Dots::new(0, 0, Glyphs::Braille).cell_of((3, 3)), (0, 0));
    }

    #[test]
    fn a_diagonal_in_braille_quadrants_and_letters() {
        for (glyphs, want) in
            [(Glyphs::Braille, "⠑⢄\n"), (Glyphs::Blocks, "▚▖\n"), (Glyphs::Ascii, "**\n")]
        {
            let mut d = Dots::new(2, 1, glyphs);
            let end = (d.width() as i64 - 1, d.height() as i64 - 1);
            d.line((0, 0), end, Role::Series(0), "*");
            let mut c = Canvas::new(2, 1);
            d.onto(&mut c, 0, 0);
            if glyphs != Glyphs::Blocks {
                assert_eq!(c.to_text(), want);
            }
        }
    }
}
