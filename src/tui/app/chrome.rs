//! What stands around every screen: tabs above, a line of news, the keys that matter below.

use ratatui::layout::Rect;

use super::App;
use super::overlay::Overlay;
use crate::tui::command::When;
use crate::tui::data::Link;
use crate::tui::key::shown;
use crate::tui::pen::Pen;
use crate::tui::screen::{ScreenId, Tone};
use crate::tui::theme::Role;
use crate::tui::widgets::thousands;

impl App {
    pub(super) fn draw_chrome(&mut self, pen: &mut Pen<'_>, area: Rect) {
        if area.height < 4 || area.width < 12 {
            let style = pen.style(Role::Warn);
            pen.put(area.x, area.y, area.width, "too small", style);
            return;
        }
        self.draw_tabs(pen, Rect { height: 1, ..area });
        let body = Rect { y: area.y + 1, height: area.height - 3, ..area };
        self.body = body;
        self.screens.get(self.at).draw(pen, body, &self.shared);
        self.draw_news(pen, Rect { y: area.bottom() - 2, height: 1, ..area });
        self.draw_overlay(pen, body);
        self.draw_footer(pen, Rect { y: area.bottom() - 1, height: 1, ..area });
    }

    fn draw_tabs(&self, pen: &mut Pen<'_>, row: Rect) {
        let muted = pen.style(Role::Muted);
        if self.shared.alone {
            let title = pen.style(Role::Title);
            let name = match self.at {
                ScreenId::Watch => "polyculture runs watch",
                _ => "polyculture rate",
            };
            pen.put(row.x + 1, row.y, row.width, name, title);
            return;
        }
        for (id, x, text) in tabs(row.width) {
            let style = if id == self.at { pen.style(Role::Selection) } else { muted };
            pen.put_safe(row.x + x, row.y, row.width.saturating_sub(x), &text, style);
        }
    }

    /// The screen whose tab stands in this column.
    pub(super) fn tab_at(&self, column: u16) -> Option<ScreenId> {
        if self.shared.alone {
            return None;
        }
        tabs(self.shared.size.0)
            .into_iter()
            .find(|(_, x, text)| (*x..*x + text.chars().count() as u16).contains(&column))
            .map(|(id, ..)| id)
    }

    fn draw_news(&self, pen: &mut Pen<'_>, row: Rect) {
        let right = self.standing();
        let muted = pen.style(Role::Muted);
        let used = pen.right(Rect { width: row.width.saturating_sub(1), ..row }, &right, muted);
        let room = row.width.saturating_sub(used + 3);
        if let Some((tone, text)) = &self.note {
            let (role, sign) = match tone {
                Tone::Good => (Role::Good, "✓"),
                Tone::Plain => (Role::Text, "·"),
                Tone::Warn => (Role::Warn, "!"),
                Tone::Bad => (Role::Bad, "✗"),
            };
            let sign = match (self.shared.looks.plain, tone) {
                (false, _) => sign,
                (true, Tone::Bad) => "ERROR:",
                (true, Tone::Warn) => "WARNING:",
                (true, _) => "",
            };
            let style = pen.style(role);
            pen.line(row.x + 1, row.y, room, &[(sign, style), (" ", style), (text, style)]);
        }
    }

    /// What runs now, and where: always in sight.
    fn standing(&self) -> String {
        let name = self.shared.place.folder().root().file_name();
        let name = name.map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        if self.shared.alone {
            // where the study lies is not a rater's concern
            return if self.at == ScreenId::Rate { String::new() } else { name };
        }
        let engine = match &self.shared.engine.link {
            Link::Unknown => String::new(),
            Link::Down => "engine at rest".into(),
            Link::Broken(_) => "engine unusable (8 says why)".into(),
            Link::Up => {
                let [running, paused, waiting] = self.shared.engine.standing();
                let words = [(running, "running"), (paused, "paused"), (waiting, "waiting")];
                let said: Vec<String> = words
                    .into_iter()
                    .filter(|(n, _)| *n > 0)
                    .map(|(n, word)| format!("{} {word}", thousands(n as u64)))
                    .collect();
                if said.is_empty() { "nothing runs".into() } else { said.join(", ") }
            }
        };
        if engine.is_empty() { name } else { format!("{engine} · {name}") }
    }

    fn draw_footer(&mut self, pen: &mut Pen<'_>, row: Rect) {
        if let Some(Overlay::Filter { input, .. }) = &self.overlay {
            let key = pen.style(Role::Key);
            let muted = pen.style(Role::Muted);
            let used = pen.put_safe(row.x + 1, row.y, row.width, "filter: ", key);
            let hint = "  Enter keeps it, Esc puts the old one back";
            let room = row.width.saturating_sub(used + 2);
            let field = room.saturating_sub(hint.len() as u16).max(room / 2).min(room);
            let at = Rect { x: row.x + 1 + used, width: field, ..row };
            let style = pen.style(Role::Input);
            input.draw(pen, at, style, true);
            pen.put_safe(at.right(), row.y, row.right().saturating_sub(at.right()), hint, muted);
            return;
        }
        let (mode, list) = self.with_screen(|s, _| (s.mode(), s.list().is_some()));
        // What scrolls but has no rows understands the keys, and has nothing to mark or sort.
        let rows = self.with_screen(|s, _| s.list().is_some_and(|l| l.has_rows()));
        let typing = self.with_screen(|s, _| s.is_typing());
        let mut x = row.x + 1;
        let (key, word) = (pen.style(Role::Key), pen.style(Role::Muted));
        let plain = self.shared.looks.plain;
        for c in self.keymap.here(self.at, mode, list) {
            if c.hint.is_empty() || !self.allows(c) || !rows && c.when == When::List {
                continue;
            }
            // While letters are text, only keys that are none of them are offered.
            let keys = self.keymap.keys(c.name);
            let offered = keys.into_iter().find(|k| {
                !typing || !matches!(k.code, crossterm::event::KeyCode::Char(_)) || k.ctrl || k.alt
            });
            let Some(k) = offered else { continue };
            let name = shown(k, plain);
            let hint = self.with_screen(|s, _| s.hint(c.name)).unwrap_or(c.hint);
            let width = (crate::text::width(&name) + 1 + hint.len()) as u16;
            if x + width > row.right() {
                break;
            }
            x += pen.put_safe(x, row.y, width, &name, key);
            x += 1;
            x += pen.put_safe(x, row.y, width, hint, word) + 2;
        }
    }
}

/// Screen, column and text of each tab that fits.
fn tabs(width: u16) -> Vec<(ScreenId, u16, String)> {
    let full: usize = ScreenId::ALL.iter().map(|s| s.title().len() + 3).sum();
    let mut x = 0;
    ScreenId::ALL
        .into_iter()
        .enumerate()
        .map(|(i, id)| {
            let name = id.title();
            // On narrow terminals the numbers stay: they are the keys.
            let text = if full <= usize::from(width) {
                format!(" {} {name}", i + 1)
            } else {
                format!(" {} {}", i + 1, &name[..name.len().min(if width < 60 { 2 } else { 4 })])
            };
            let at = x;
            x += text.len() as u16;
            (id, at, text)
        })
        .collect()
}
