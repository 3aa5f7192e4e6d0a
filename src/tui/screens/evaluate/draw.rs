//! Which panes stand where.

use ratatui::layout::Rect;

use super::{Evaluate, Level};
use crate::tui::pen::Pen;
use crate::tui::screen::Shared;

impl Evaluate {
    pub(super) fn draw_all(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        if let Some(form) = &mut self.form {
            form.draw(pen, area, shared);
            return;
        }
        match self.level {
            Level::List if area.width >= 120 && self.board.head.is_some() => {
                let left = (area.width / 2).min(90);
                self.listed.draw(pen, Rect { width: left, ..area }, true);
                let rest = Rect { x: area.x + left, width: area.width - left, ..area };
                self.board.draw(pen, rest, false);
            }
            Level::List => self.listed.draw(pen, area, true),
            Level::Table if self.board.radar => self.board.draw_radar(pen, area),
            Level::Table => self.board.draw(pen, area, true),
            Level::Bars => self.board.draw_bars(pen, area),
            Level::Items => self.behind.draw(pen, area),
            Level::Confusion => self.behind.draw_confusion(pen, area),
            Level::Compare => self.duel.draw(pen, area),
            Level::Document => self.page.draw(pen, area),
        }
    }
}
