//! The Finetune screen.

use ratatui::layout::Rect;

use crate::tui::command::Command;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx, Screen, ScreenId, Shared};

/// Its commands.
pub const COMMANDS: &[Command] = &[];

/// Its state.
#[derive(Debug, Default)]
pub struct Finetune {}

impl Screen for Finetune {
    fn id(&self) -> ScreenId {
        ScreenId::Finetune
    }

    fn enter(&mut self, _cx: &mut Cx<'_>) {}

    fn answered(&mut self, _answer: &mut Answer, _cx: &mut Cx<'_>) {}

    fn draw(&mut self, _pen: &mut Pen<'_>, _area: Rect, _shared: &Shared) {}
}
