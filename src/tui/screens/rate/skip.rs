//! Passing over a pair: why, by one key.

use ratatui::layout::Rect;

use super::words::Purpose;
use super::{Panel, Rate};
use crate::store::Reason;
use crate::study::session::{Act, Standing, View};
use crate::tui::pen::Pen;
use crate::tui::screen::{Cx, Tone};
use crate::tui::theme::Role;

/// What can be said, in the order of its keys.
const CHOICES: [(&str, &str); 6] = [
    ("1", "I do not understand it"),
    ("2", "A text is broken: cut off, garbled, another language"),
    ("3", "I cannot judge it"),
    ("4", "It offends me"),
    ("5", "Later: it comes again at the end (s does the same)"),
    ("6", "Another reason, in words"),
];

impl Rate {
    pub(super) fn skip_open(&mut self, cx: &mut Cx<'_>) {
        let Some(View::Item(item)) = self.view() else { return };
        if matches!(item.standing, Standing::Rated { .. }) {
            return cx.note(Tone::Warn, "this one is rated; `u` takes a rating back");
        }
        if self.session.as_ref().is_some_and(|s| s.unsaved().is_some()) {
            return cx.note(Tone::Warn, "the last act is not saved yet: `r` tries again");
        }
        self.panel = Panel::Skip;
        self.act(Act::Look, cx);
    }

    pub(super) fn skip_close(&mut self, cx: &mut Cx<'_>) {
        self.panel = Panel::Session;
        self.act(Act::Look, cx);
    }

    /// Puts the pair off.
    pub(super) fn skip_later(&mut self, cx: &mut Cx<'_>) {
        self.panel = Panel::Session;
        self.act(Act::Skip, cx);
    }

    pub(super) fn skip_for(&mut self, reason: Reason, cx: &mut Cx<'_>) {
        self.panel = Panel::Session;
        if reason == Reason::Other {
            return self.words_open(Purpose::LeaveOut, cx);
        }
        self.act(Act::LeaveOut(reason, None), cx);
    }

    /// Over the scale, the pair staying in sight.
    pub(super) fn draw_skip(pen: &mut Pen<'_>, area: Rect) {
        let height = (CHOICES.len() as u16 + 2).min(area.height);
        let at = Rect { y: area.bottom() - height, height, ..area };
        pen.clear(at);
        let inner = pen.pane(at, "Why do you pass it over? · Esc goes back", true);
        let (key, word) = (pen.style(Role::Key), pen.style(Role::Text));
        for (y, (k, text)) in (inner.y..inner.bottom()).zip(CHOICES) {
            pen.line(inner.x, y, inner.width, &[(k, key), ("  ", word), (text, word)]);
        }
    }
}
