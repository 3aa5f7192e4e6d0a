//! Our side of ratatui: collects a frame and sends it whole.
//!
//! A frame is one buffer and one [`Sink::send`]: begin of the synchronized update, what differs,
//! the cursor, end. Nothing here asks the terminal anything. The painter keeps a copy of what the
//! terminal shows, because after a cluster on whose width terminals disagree the cells beside it
//! must be drawn again, changed or not.

mod pieces;

use std::io;

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Cell, CellWidth};
use ratatui::layout::{Position, Size};

use super::colour::ColourDepth;
use super::pen::{Pen, number};
use super::scroll::Scroll;
use super::trust::{Trust, trust, widest};

/// Frames up to this size do not allocate.
const FRAME_BYTES: usize = 64 * 1024;
/// From this many plain blanks in a row on, erasing is shorter than writing them.
const BLANKS_TO_ERASE: u16 = 8;

/// Below so many changed cells nobody looks whether rows moved.
const CELLS_TO_SCROLL: usize = 200;

/// Where frames go: one call, one frame.
pub(super) trait Sink {
    /// Sends all bytes, with one `write(2)` where the kernel takes them at once.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// How to paint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Wrap each frame in a synchronized update.
    pub synchronized: bool,
    /// The colours that there are.
    pub depth: ColourDepth,
    /// Set the cursor anew after clusters of uncertain width.
    pub re_anchor: bool,
}

/// How sure we are where the terminal's cursor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Drift {
    None,
    Soft,
    Doubt,
}

/// A ratatui backend over a sink.
#[derive(Debug)]
pub(super) struct Painter<S> {
    sink: S,
    style: Style,
    frame: Vec<u8>,
    size: Size,
    shown: Vec<Cell>,
    /// What the screen is to become, while a frame asks whether rows moved. Kept for its memory.
    next: Vec<Cell>,
    changed: Vec<bool>,
    runs: Vec<(u16, u16)>,
    pen: Pen,
    /// Where the terminal's cursor stands, if known.
    at: Option<Position>,
    drift: Drift,
    cursor: Option<Position>,
    cursor_wanted: bool,
    cursor_shown: Option<bool>,
    sent: usize,
}

impl<S: Sink> Painter<S> {
    /// For a terminal of this size whose screen is blank.
    pub(super) fn new(sink: S, size: Size, style: Style) -> Self {
        let mut painter = Self {
            sink,
            style,
            frame: Vec::with_capacity(FRAME_BYTES),
            size,
            shown: Vec::new(),
            next: Vec::new(),
            changed: Vec::new(),
            runs: Vec::new(),
            pen: Pen::PLAIN,
            at: None,
            drift: Drift::None,
            cursor: None,
            cursor_wanted: false,
            cursor_shown: None,
            sent: 0,
        };
        painter.forget();
        painter
    }

    /// The bytes of the last flush: 0 when nothing changed.
    pub(super) fn sent(&self) -> usize {
        self.sent
    }

    /// Columns and rows.
    pub(super) fn cells_of_screen(&self) -> Size {
        self.size
    }

    /// Takes a new way to paint; the caller then clears.
    pub(super) fn set_style(&mut self, style: Style) {
        self.style = style;
    }

    /// Takes a new size; ratatui's next resize clears and repaints.
    pub(super) fn set_size(&mut self, size: Size) {
        self.size = size;
        self.forget();
    }

    /// The terminal was someone else's meanwhile: nothing of its state is known any more.
    pub(super) fn forget(&mut self) {
        let cells = usize::from(self.size.width) * usize::from(self.size.height);
        self.shown.clear();
        self.shown.resize(cells, Cell::default());
        self.changed.clear();
        self.changed.resize(cells, false);
        self.frame.clear();
        self.pen = Pen::PLAIN;
        self.at = None;
        self.drift = Drift::None;
        self.cursor_shown = None;
    }

    #[cfg(test)]
    pub(super) fn sink(&self) -> &S {
        &self.sink
    }

    fn out(&mut self) -> &mut Vec<u8> {
        if self.frame.is_empty() && self.style.synchronized {
            self.frame.extend_from_slice(b"\x1b[?2026h");
        }
        &mut self.frame
    }

    fn index(&self, x: u16, y: u16) -> usize {
        usize::from(y) * usize::from(self.size.width) + usize::from(x)
    }

    /// The cells that the cluster at this place takes, inside the row.
    fn cells(&self, x: u16, y: u16) -> u16 {
        let wide = self.shown[self.index(x, y)].cell_width().max(1);
        wide.min(self.size.width - x)
    }

    fn store(&mut self, x: u16, y: u16, cell: &Cell) {
        let at = self.index(x, y);
        let before = self.cells(x, y);
        self.shown[at].clone_from(cell);
        if !drawable(self.shown[at].symbol()) {
            self.shown[at].set_symbol(" ");
        }
        let now = self.cells(x, y);
        // What the old cluster covered is blank unless told otherwise, and terminals differ on
        // whether they blank it themselves.
        let mut end = x + before.max(now);
        let mut covered = x + 1;
        while covered < end {
            // Of a wide cluster that is half overwritten the other half goes too.
            end = end.max(covered + self.cells(covered, y));
            let behind = self.index(covered, y);
            self.shown[behind].reset();
            self.changed[behind] = true;
            covered += 1;
        }
    }

    /// Takes changes in the order of rows and columns, and writes them.
    fn paint_rows(&mut self, changes: &[(u16, u16, &Cell)]) {
        let mut row: Vec<(u16, &Cell)> = Vec::with_capacity(usize::from(self.size.width));
        let mut sure = Vec::new();
        for of_row in changes.chunk_by(|a, b| a.1 == b.1) {
            row.clear();
            row.extend(of_row.iter().map(|(x, _, cell)| (*x, *cell)));
            let Some(y) = of_row.first().map(|c| c.1) else { continue };
            self.take_row(y, &row);
            if self.is_sure(y) {
                sure.push(y);
            } else {
                self.paint_row(y);
            }
        }
        self.paint_sure(&sure);
    }

    /// What is to be drawn for the screen to show these cells.
    fn differences<'a>(&self, next: &'a [Cell]) -> Vec<(u16, u16, &'a Cell)> {
        let mut found = Vec::new();
        for y in 0..self.size.height {
            let mut x = 0;
            while x < self.size.width {
                let at = self.index(x, y);
                let cells = next[at].cell_width().max(1);
                let covered = usize::from(cells.min(self.size.width - x));
                if next[at..at + covered] != self.shown[at..at + covered] {
                    found.push((x, y, &next[at]));
                }
                x += cells;
            }
        }
        found
    }

    /// Lets the terminal move rows. What moves in is blank.
    fn scroll(&mut self, scroll: Scroll) {
        let (top, bottom) = (scroll.top as u16, scroll.bottom as u16);
        // New rows take the background of the pen.
        let mut pen = self.pen;
        if !pen.blank_is_plain() {
            pen.change(Pen::PLAIN, self.out());
            self.pen = pen;
        }
        let out = self.out();
        out.extend_from_slice(b"\x1b[");
        number(top + 1, out);
        out.push(b';');
        number(bottom, out);
        out.extend_from_slice(b"r\x1b[");
        number(scroll.by.unsigned_abs() as u16, out);
        out.push(if scroll.by > 0 { b'S' } else { b'T' });
        out.extend_from_slice(b"\x1b[r");
        // Setting the region moves the cursor.
        self.at = None;
        self.drift = Drift::None;
        scroll.apply(&mut self.shown, usize::from(self.size.width));
    }

    /// Takes the changes of one row, from left to right.
    fn take_row(&mut self, y: u16, changes: &[(u16, &Cell)]) {
        for (x, _) in changes {
            let at = self.index(*x, y);
            self.changed[at] = true;
        }
        // Once for what stood there, which a terminal may have drawn wider than we count.
        self.spread(y);
        for (x, cell) in changes {
            self.store(*x, y, cell);
        }
        self.spread(y);
    }

    /// Writes what changed in a row, from left to right.
    fn paint_row(&mut self, y: u16) {
        let mut x = 0;
        while x < self.size.width {
            let at = self.index(x, y);
            if self.changed[at] {
                x += self.paint(x, y);
            } else {
                x += self.cells(x, y);
            }
        }
        let (from, to) = (self.index(0, y), self.index(self.size.width - 1, y));
        self.changed[from..=to].fill(false);
    }

    /// Finds the runs of uncertain width in a row. One that changed is drawn again whole, and so is
    /// what the widest reading of it would have overwritten.
    fn spread(&mut self, y: u16) {
        self.runs.clear();
        if !self.style.re_anchor {
            return;
        }
        let mut x = 0;
        while x < self.size.width {
            let kind = trust(self.shown[self.index(x, y)].symbol());
            if matches!(kind, Trust::Sure | Trust::Soft) {
                x += self.cells(x, y);
                continue;
            }
            let start = x;
            let (mut doubtful, mut changed, mut excess) = (false, false, 0);
            loop {
                let at = self.index(x, y);
                let kind = trust(self.shown[at].symbol());
                if x > start && !kind.continues() {
                    break;
                }
                let cells = self.cells(x, y);
                doubtful |= kind.doubtful();
                changed |= self.changed[at];
                if kind.doubtful() {
                    excess += widest(self.shown[at].symbol()).saturating_sub(cells);
                }
                x += cells;
                if kind == Trust::Emoji || x >= self.size.width {
                    break;
                }
            }
            if doubtful {
                self.runs.push((start, x));
                if changed {
                    let end = x.saturating_add(excess).min(self.size.width);
                    let (from, to) = (self.index(start, y), self.index(end - 1, y));
                    self.changed[from..=to].fill(true);
                }
            }
        }
    }

    /// Paints one cluster, or many blanks; tells how many cells that were.
    fn paint(&mut self, x: u16, y: u16) -> u16 {
        let at = self.index(x, y);
        let cells = self.cells(x, y);
        let pen = Pen::of(&self.shown[at], self.style.depth);
        let kind = trust(self.shown[at].symbol());
        let run = self.runs.iter().find(|(start, _)| *start == x).map(|(_, end)| end - x);
        let anchored = match self.drift {
            Drift::None => true,
            Drift::Soft => run.is_none() && !is_box(self.shown[at].symbol()),
            Drift::Doubt => run.is_none() && kind.continues(),
        };
        if anchored {
            self.cross_gap(x, y);
        }
        if !anchored || self.at != Some(Position { x, y }) {
            self.move_to(x, y);
        }
        let blanks = self.plain_blanks(x, y, pen);
        let blank = blanks >= BLANKS_TO_ERASE || self.shown[at].symbol() == " ";
        let mut now = self.pen;
        if !blank || !now.blank_is_as_with(pen) {
            now.change(pen, self.out());
            self.pen = now;
        }
        if blanks >= BLANKS_TO_ERASE {
            self.erase(blanks);
            return blanks;
        }
        if let Some(run) = run {
            // A terminal that draws the run narrower would leave the old cells standing.
            self.erase(run);
        }
        let wide = self.shown[at].cell_width().max(1);
        if wide > cells {
            // Half a cluster at the edge: the terminal would wrap or drop it.
            let blank = usize::from(cells);
            self.out().extend(std::iter::repeat_n(b' ', blank));
        } else {
            self.out();
            self.frame.extend_from_slice(self.shown[at].symbol().as_bytes());
        }
        let end = x + cells;
        // In the last column the cursor waits to wrap, and terminals differ on where it stands.
        // An emoji joins no run: what follows is placed.
        let known = end < self.size.width && (kind != Trust::Emoji || !self.style.re_anchor);
        self.at = known.then_some(Position { x: end, y });
        self.drift = match kind {
            Trust::Sure | Trust::Run => self.drift,
            Trust::Soft => self.drift.max(Drift::Soft),
            Trust::Doubt | Trust::Emoji => Drift::Doubt,
        };
        if !self.style.re_anchor {
            self.drift = Drift::None;
        }
        cells
    }

    /// Writes the few blanks between the cursor and this place where that is shorter than a move.
    fn cross_gap(&mut self, x: u16, y: u16) {
        let Some(from) = self.at.filter(|p| p.y == y && p.x < x && x - p.x <= 3) else { return };
        let same = |x: u16| {
            let cell = &self.shown[self.index(x, y)];
            cell.symbol() == " " && Pen::of(cell, self.style.depth).blank_is_as_with(self.pen)
        };
        if self.drift != Drift::Doubt && (from.x..x).all(same) {
            self.out().extend(std::iter::repeat_n(b' ', usize::from(x - from.x)));
            self.at = Some(Position { x, y });
        }
    }

    /// How many changed blanks follow from here that look like erased cells.
    fn plain_blanks(&self, x: u16, y: u16, pen: Pen) -> u16 {
        if !pen.blank_is_plain() {
            return 0;
        }
        let mut n = 0;
        while x + n < self.size.width {
            let at = self.index(x + n, y);
            let cell = &self.shown[at];
            let plain = Pen::of(cell, self.style.depth).blank_is_plain();
            if !self.changed[at] || cell.symbol() != " " || !plain {
                break;
            }
            n += 1;
        }
        n
    }

    /// Erases cells from the cursor on; the cursor stays.
    fn erase(&mut self, cells: u16) {
        let out = self.out();
        out.extend_from_slice(b"\x1b[");
        if cells > 1 {
            number(cells, out);
        }
        out.push(b'X');
    }

    fn move_to(&mut self, x: u16, y: u16) {
        let (from, drift) = (self.at, self.drift);
        let out = self.out();
        match from {
            Some(p) if drift == Drift::None && p.y == y && p.x < x => {
                out.extend_from_slice(b"\x1b[");
                if x - p.x > 1 {
                    number(x - p.x, out);
                }
                out.push(b'C');
            }
            Some(p) if drift == Drift::None && p.y + 1 == y && x < 10 => {
                out.extend_from_slice(b"\r\n");
                if x > 0 {
                    out.extend_from_slice(b"\x1b[");
                    if x > 1 {
                        number(x, out);
                    }
                    out.push(b'C');
                }
            }
            _ => {
                out.extend_from_slice(b"\x1b[");
                number(y + 1, out);
                if x > 0 {
                    out.push(b';');
                    number(x + 1, out);
                }
                out.push(b'H');
            }
        }
        self.at = Some(Position { x, y });
        self.drift = Drift::None;
    }

    fn paint_cursor(&mut self) {
        if self.cursor_shown != Some(self.cursor_wanted) {
            let wanted = self.cursor_wanted;
            self.out().extend_from_slice(if wanted { b"\x1b[?25h" } else { b"\x1b[?25l" });
            self.cursor_shown = Some(wanted);
        }
        let Some(p) = self.cursor.filter(|_| self.cursor_wanted) else { return };
        let x = p.x.min(self.size.width.saturating_sub(1));
        let y = p.y.min(self.size.height.saturating_sub(1));
        if self.at != Some(Position { x, y }) || self.drift != Drift::None {
            self.move_to(x, y);
        }
    }
}

impl<S: Sink> Backend for Painter<S> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let (width, height) = (self.size.width, self.size.height);
        let changes: Vec<(u16, u16, &Cell)> =
            content.filter(|(x, y, _)| *x < width && *y < height).collect();
        if changes.len() < CELLS_TO_SCROLL {
            self.paint_rows(&changes);
            return Ok(());
        }
        let mut next = std::mem::take(&mut self.next);
        next.clone_from(&self.shown);
        for (x, y, cell) in &changes {
            next[self.index(*x, *y)].clone_from(cell);
        }
        if let Some(scroll) = Scroll::between(&self.shown, &next, usize::from(width)) {
            // What wide clusters cover is found out only now: most large changes are no scroll.
            next.clone_from(&self.shown);
            for (x, y, cell) in &changes {
                self.store(*x, *y, cell);
            }
            self.changed.fill(false);
            std::mem::swap(&mut self.shown, &mut next);
            self.scroll(scroll);
            self.paint_rows(&self.differences(&next));
        } else {
            self.paint_rows(&changes);
        }
        self.next = next;
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.cursor_wanted = false;
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.cursor_wanted = true;
        Ok(())
    }

    /// Where the cursor was put last. The terminal is never asked.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor.unwrap_or(Position::ORIGIN))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.cursor = Some(position.into());
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.forget();
        self.out().extend_from_slice(b"\x1b[m\x1b[2J");
        Ok(())
    }

    /// Clears everything whatever part is meant: only whole screens are drawn here.
    fn clear_region(&mut self, _: ClearType) -> io::Result<()> {
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.paint_cursor();
        self.sent = self.frame.len();
        if self.frame.is_empty() {
            return Ok(());
        }
        if self.style.synchronized {
            self.frame.extend_from_slice(b"\x1b[?2026l");
            self.sent = self.frame.len();
        }
        let result = self.sink.send(&self.frame);
        self.frame.clear();
        self.frame.shrink_to(FRAME_BYTES);
        result
    }
}

/// Whether a cluster may go to the terminal as it is: no control character and nothing that turns
/// the row around. The last door; texts were cleaned long before.
pub(super) fn drawable(symbol: &str) -> bool {
    match symbol.as_bytes() {
        [] => false,
        [b] => !b.is_ascii_control(),
        _ => {
            symbol.cell_width() > 0 && !symbol.chars().any(|c| {
                c.is_control()
                    || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
                            | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
            })
        }
    }
}

/// A border of a pane.
fn is_box(symbol: &str) -> bool {
    symbol.chars().next().is_some_and(|c| ('\u{2500}'..='\u{259F}').contains(&c)) || symbol == "|"
}
