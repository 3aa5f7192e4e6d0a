//! The colours and attributes that the terminal draws in now, changed with as few bytes as can be.
//!
//! Written here and not by crossterm: under `NO_COLOR` crossterm swallows bold and reversed too,
//! and selections vanish.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

use super::colour::{ColourDepth, reduce};

/// What the terminal draws in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Pen {
    /// After a reset.
    pub(super) const PLAIN: Self =
        Self { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

    /// What a cell asks for, as far as this terminal has it.
    pub(super) fn of(cell: &Cell, depth: ColourDepth) -> Self {
        Self { fg: reduce(cell.fg, depth), bg: reduce(cell.bg, depth), modifier: cell.modifier }
    }

    /// Whether a blank drawn with it looks like an erased cell of a fresh screen.
    pub(super) fn blank_is_plain(self) -> bool {
        self.blank_is_as_with(Self::PLAIN)
    }

    /// Whether a blank looks the same drawn with the other: the colour of letters and their weight
    /// do not show in it.
    pub(super) fn blank_is_as_with(self, other: Self) -> bool {
        let seen = Modifier::REVERSED
            | Modifier::UNDERLINED
            | Modifier::CROSSED_OUT
            | Modifier::SLOW_BLINK
            | Modifier::RAPID_BLINK;
        self.bg == other.bg && !(self.modifier | other.modifier).intersects(seen)
    }

    /// Writes the change from this pen to `to`.
    pub(super) fn change(&mut self, to: Self, out: &mut Vec<u8>) {
        if *self == to {
            return;
        }
        if to == Self::PLAIN {
            out.extend_from_slice(b"\x1b[m");
            *self = to;
            return;
        }
        let mut codes = Codes { out, first: true };
        let gone = self.modifier - to.modifier;
        let mut new = to.modifier - self.modifier;
        // One code ends both bold and faint: what stays of the two is said again.
        if gone.intersects(Modifier::BOLD | Modifier::DIM) {
            codes.put(22);
            new |= to.modifier & (Modifier::BOLD | Modifier::DIM);
        }
        if gone.intersects(Modifier::SLOW_BLINK | Modifier::RAPID_BLINK) {
            codes.put(25);
            new |= to.modifier & (Modifier::SLOW_BLINK | Modifier::RAPID_BLINK);
        }
        for (flag, _, end) in SIMPLE {
            if gone.contains(flag) && end != 22 && end != 25 {
                codes.put(end);
            }
        }
        for (flag, start, _) in SIMPLE {
            if new.contains(flag) {
                codes.put(start);
            }
        }
        if self.fg != to.fg {
            codes.colour(to.fg, 30);
        }
        if self.bg != to.bg {
            codes.colour(to.bg, 40);
        }
        codes.end();
        *self = to;
    }
}

/// Attribute, the code that starts it, the code that ends it.
const SIMPLE: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

struct Codes<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl Codes<'_> {
    fn put(&mut self, code: u8) {
        self.out.extend_from_slice(if self.first { b"\x1b[" } else { b";" });
        self.first = false;
        number(u16::from(code), self.out);
    }

    fn colour(&mut self, colour: Color, base: u8) {
        match colour {
            Color::Reset => self.put(base + 9),
            Color::Black => self.put(base),
            Color::Red => self.put(base + 1),
            Color::Green => self.put(base + 2),
            Color::Yellow => self.put(base + 3),
            Color::Blue => self.put(base + 4),
            Color::Magenta => self.put(base + 5),
            Color::Cyan => self.put(base + 6),
            Color::Gray => self.put(base + 7),
            Color::DarkGray => self.put(base + 60),
            Color::LightRed => self.put(base + 61),
            Color::LightGreen => self.put(base + 62),
            Color::LightYellow => self.put(base + 63),
            Color::LightBlue => self.put(base + 64),
            Color::LightMagenta => self.put(base + 65),
            Color::LightCyan => self.put(base + 66),
            Color::White => self.put(base + 67),
            Color::Indexed(n @ 0..=7) => self.put(base + n),
            Color::Indexed(n @ 8..=15) => self.put(base + 52 + n),
            Color::Indexed(n) => [base + 8, 5, n].into_iter().for_each(|c| self.put(c)),
            Color::Rgb(r, g, b) => {
                [base + 8, 2, r, g, b].into_iter().for_each(|c| self.put(c));
            }
        }
    }

    fn end(self) {
        if !self.first {
            self.out.push(b'm');
        }
    }
}

/// Writes a number in decimal.
pub(super) fn number(n: u16, out: &mut Vec<u8>) {
    if n >= 10 {
        number(n / 10, out);
    }
    out.push(b'0' + u8::try_from(n % 10).unwrap_or(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pen(fg: Color, bg: Color, modifier: Modifier) -> Pen {
        Pen { fg, bg, modifier }
    }

    fn change(from: Pen, to: Pen) -> String {
        let (mut pen, mut out) = (from, Vec::new());
        pen.change(to, &mut out);
        assert_eq!(pen, to);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_what_differs_is_written() {
        let bold = pen(Color::Reset, Color::Reset, Modifier::BOLD);
        let red = pen(Color::Red, Color::Reset, Modifier::BOLD);
        let both = pen(Color::Red, Color::Reset, Modifier::BOLD | Modifier::DIM);
        let busy = pen(
            Color::Rgb(1, 20, 255),
            Color::Indexed(200),
            Modifier::REVERSED | Modifier::ITALIC | Modifier::UNDERLINED,
        );
        let cases = [
            (Pen::PLAIN, Pen::PLAIN, ""),
            (Pen::PLAIN, bold, "\x1b[1m"),
            (bold, red, "\x1b[31m"),
            (red, Pen::PLAIN, "\x1b[m"),
            (both, red, "\x1b[22;1m"),
            (Pen::PLAIN, busy, "\x1b[3;4;7;38;2;1;20;255;48;5;200m"),
            (busy, bold, "\x1b[23;24;27;1;39;49m"),
            (Pen::PLAIN, pen(Color::Indexed(9), Color::White, Modifier::empty()), "\x1b[91;107m"),
        ];
        for (from, to, bytes) in cases {
            assert_eq!(change(from, to), bytes, "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn a_blank_shows_its_background_and_lines_only() {
        let red = pen(Color::Red, Color::Reset, Modifier::BOLD);
        assert!(red.blank_is_as_with(Pen::PLAIN));
        assert!(!red.blank_is_as_with(pen(Color::Red, Color::Blue, Modifier::BOLD)));
        let lined = pen(Color::Red, Color::Reset, Modifier::UNDERLINED);
        assert!(!red.blank_is_as_with(lined) && !lined.blank_is_as_with(red));
    }

    #[test]
    fn without_colours_bold_and_reversed_still_show() {
        let mut cell = Cell::default();
        cell.fg = Color::Red;
        cell.modifier = Modifier::REVERSED | Modifier::BOLD;
        assert_eq!(change(Pen::PLAIN, Pen::of(&cell, ColourDepth::Mono)), "\x1b[1;7m");
    }
}
