//! The Evaluate screen.

use ratatui::layout::Rect;

use crate::tui::command::Command;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx, Screen, ScreenId, Shared};

/// Its commands.
pub const COMMANDS: &[Command] = &[];

/// Its state.
#[derive(Debug, Default)]
pub struct Evaluate {}

impl Screen for Evaluate {
    fn id(&self) -> ScreenId {
        ScreenId::Evaluate
    }

    fn enter(&mut self, _cx: &mut Cx<'_>) {}

    fn answered(&mut self, _answer: &mut Answer, _cx: &mut Cx<'_>) {}

    fn draw(&mut self, _pen: &mut Pen<'_>, _area: Rect, _shared: &Shared) {}
}
