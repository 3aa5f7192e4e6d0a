//! Drawing what stands over the screen.

use ratatui::layout::Rect;

use super::App;
use super::overlay::Overlay;
use crate::tui::command::{Command, When};
use crate::tui::key::shown;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;

fn middle(body: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(body.width), height.min(body.height));
    Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 2,
        width,
        height,
    }
}

impl App {
    pub(super) fn draw_overlay(&self, pen: &mut Pen<'_>, body: Rect) {
        match &self.overlay {
            None | Some(Overlay::Filter { .. }) => {}
            Some(Overlay::Help { scroll }) => self.draw_help(pen, body, *scroll),
            Some(Overlay::Palette(p)) => {
                let area = middle(body, 72, 16);
                pen.clear(area);
                let inner = pen.pane(area, "Do anything", true);
                let style = pen.style(Role::Input);
                p.input.draw(pen, Rect { height: 1, ..inner }, style, true);
                let found = p.matches(self);
                let rows = usize::from(inner.height.saturating_sub(1));
                let at = p.at.min(found.len().saturating_sub(1));
                let top = (at + 1).saturating_sub(rows);
                if found.is_empty() {
                    let style = pen.style(Role::Muted);
                    pen.put(inner.x, inner.y + 1, inner.width, "nothing of that name", style);
                }
                for (i, c) in found.iter().enumerate().skip(top).take(rows) {
                    let y = inner.y + 1 + (i - top) as u16;
                    self.draw_command(pen, Rect { y, height: 1, ..inner }, c);
                    if i == at {
                        let look = pen.style(Role::Selection);
                        pen.put_safe(inner.x, y, 1, ">", look);
                        pen.tint(Rect { y, height: 1, ..inner }, look);
                    }
                }
            }
            Some(Overlay::Confirm { text, .. }) => {
                let area = middle(body, 60, 6);
                pen.clear(area);
                let inner = pen.pane(area, "Sure?", true);
                let style = pen.style(Role::Text);
                let used = pen.text(inner, text, style) as u16;
                let (key, muted) = (pen.style(Role::Key), pen.style(Role::Muted));
                let y = inner.y + used.min(inner.height.saturating_sub(1));
                pen.line(
                    inner.x,
                    y,
                    inner.width,
                    &[("y", key), (" yes   ", muted), ("any other key", key), (" no", muted)],
                );
            }
            Some(Overlay::Export { what, formats, at }) => {
                let area = middle(body, 56, 5);
                pen.clear(area);
                let inner = pen.pane(area, &format!("Export {}", what.name), true);
                let mut x = inner.x + 1;
                for (i, f) in formats.iter().enumerate() {
                    let style = pen.style(if i == *at { Role::Selection } else { Role::Text });
                    x += pen.put_safe(x, inner.y, inner.right() - x, &format!(" {f} "), style) + 1;
                }
                let muted = pen.style(Role::Muted);
                let said = "left and right choose, Enter writes it into exports/, Esc leaves";
                pen.text(Rect { y: inner.y + 1, height: 2, ..inner }, said, muted);
            }
        }
    }

    /// One command: name of its key, what it does.
    fn draw_command(&self, pen: &mut Pen<'_>, row: Rect, c: &Command) {
        let plain = self.shared.looks.plain;
        let keys: Vec<String> =
            self.keymap.keys(c.name).into_iter().take(2).map(|k| shown(k, plain)).collect();
        let (key, text, muted) =
            (pen.style(Role::Key), pen.style(Role::Text), pen.style(Role::Muted));
        pen.put(row.x + 2, row.y, 14, &keys.join(" "), key);
        let used = pen.put(row.x + 17, row.y, row.width.saturating_sub(17), c.doc, text);
        let left = row.width.saturating_sub(17 + used + 2);
        let name = c.name;
        if usize::from(left) > name.len() {
            pen.right(row, name, muted);
        }
    }

    fn draw_help(&self, pen: &mut Pen<'_>, body: Rect, scroll: u16) {
        let area = middle(body, 100, body.height);
        pen.clear(area);
        let title = format!("Keys on {} (j and k scroll, any other key closes)", self.at.title());
        let inner = pen.pane(area, &title, true);
        let mut rows: Vec<Result<&'static str, &'static Command>> = Vec::new();
        let mode = self.screens.look(self.at).mode();
        type Group = (&'static str, fn(When) -> bool);
        let groups: [Group; 3] = [
            ("This screen", |w| matches!(w, When::On(_) | When::In(..))),
            ("Lists", |w| w == When::List),
            ("Everywhere", |w| w == When::Always),
        ];
        for (name, of) in groups {
            let of: Vec<_> = self
                .keymap
                .here(self.at, mode, true)
                .into_iter()
                .filter(|c| of(c.when) && self.allows(c))
                .filter(|c| !self.keymap.keys(c.name).is_empty())
                .collect();
            if !of.is_empty() {
                rows.push(Ok(name));
                rows.extend(of.into_iter().map(Err));
            }
        }
        let most = rows.len().saturating_sub(usize::from(inner.height)) as u16;
        let rows = rows.into_iter().skip(usize::from(scroll.min(most)));
        for (i, row) in rows.take(usize::from(inner.height)).enumerate() {
            let at = Rect { y: inner.y + i as u16, height: 1, ..inner };
            match row {
                Ok(name) => {
                    let style = pen.style(Role::Title);
                    pen.put_safe(at.x, at.y, at.width, name, style);
                }
                Err(c) => self.draw_command(pen, at, c),
            }
        }
    }
}
