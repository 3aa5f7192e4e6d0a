//! ratatui's terminal over our painter.

use std::io;

use ratatui::Frame;
use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::layout::{Rect, Size};

use super::painter::{Painter, Sink, Style, drawable};

/// What a frame cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// Bytes sent; 0 when nothing changed.
    pub bytes: usize,
}

/// Blanks what must not be drawn, and what stands hidden under a wide letter: ratatui compares
/// hidden cells too, and would take one for shown already once the letter is gone.
fn tame(buffer: &mut Buffer) {
    let width = usize::from(buffer.area.width).max(1);
    for row in buffer.content.chunks_mut(width) {
        let mut hidden = 0;
        for cell in row {
            // Most of a screen, and this looks at all of it for every frame.
            if hidden == 0 && matches!(cell.symbol().as_bytes(), [b' '..=b'~']) {
                continue;
            }
            if hidden > 0 || !drawable(cell.symbol()) {
                cell.set_symbol(" ");
            }
            hidden = if hidden > 0 { hidden - 1 } else { cell.cell_width().saturating_sub(1) };
        }
    }
}

/// A screen over any sink.
#[derive(Debug)]
pub(super) struct Screen<S: Sink> {
    terminal: ratatui::Terminal<Painter<S>>,
}

impl<S: Sink> Screen<S> {
    /// Over a blank terminal of this size (columns, rows).
    pub(super) fn new(sink: S, size: (u16, u16), style: Style) -> io::Result<Self> {
        let painter = Painter::new(sink, Size::new(size.0, size.1), style);
        Ok(Self { terminal: ratatui::Terminal::new(painter)? })
    }

    pub(super) fn draw(&mut self, f: impl FnOnce(&mut Frame<'_>)) -> io::Result<Drawn> {
        self.terminal.draw(|frame| {
            f(frame);
            tame(frame.buffer_mut());
        })?;
        Ok(Drawn { bytes: self.terminal.backend().sent() })
    }

    /// The next frame clears and paints everything. Sends nothing itself.
    pub(super) fn resize(&mut self, width: u16, height: u16) -> io::Result<()> {
        let size = Size::new(width.max(1), height.max(1));
        self.terminal.backend_mut().set_size(size);
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))
    }

    pub(super) fn set_style(&mut self, style: Style) -> io::Result<()> {
        self.terminal.backend_mut().set_style(style);
        let (width, height) = self.size();
        self.resize(width, height)
    }

    pub(super) fn size(&self) -> (u16, u16) {
        let size = self.terminal.backend().cells_of_screen();
        (size.width, size.height)
    }

    #[cfg(test)]
    pub(super) fn sink(&self) -> &S {
        self.terminal.backend().sink()
    }
}
