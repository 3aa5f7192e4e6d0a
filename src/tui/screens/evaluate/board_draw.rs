//! Drawing the leaderboard, and the figure under the cursor in words.

use ratatui::layout::Rect;

use super::board::{Board, kind_word};
use super::figures::{difference_words, draw_cell, legend, value_words};
use super::listed::line;
use crate::evaluate::leaderboard::RowKind;
use crate::store::EvaluationHead;
use crate::text;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::widgets::{ListControl, said};

impl Board {
    /// Draws the table and, where there is room, the figure under the cursor in full.
    pub fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, focused: bool) {
        let wide = area.width >= 116;
        let (left, right) = if wide {
            let side = 40.min(area.width / 3);
            (
                Rect { width: area.width - side, ..area },
                Some(Rect { x: area.right() - side, width: side, ..area }),
            )
        } else if area.height >= 14 {
            let below = 7;
            (
                Rect { height: area.height - below, ..area },
                Some(Rect { y: area.bottom() - below, height: below, ..area }),
            )
        } else {
            (area, None)
        };
        self.draw_table(pen, left, focused);
        if let Some(at) = right {
            let inner = pen.pane(at, "This figure", false);
            let mut y = inner.y;
            for (text, role) in self.told() {
                if y >= inner.bottom() {
                    break;
                }
                let style = pen.style(role);
                let rest = Rect { y, height: inner.bottom() - y, ..inner };
                y += pen.text(rest, &text, style).min(usize::from(rest.height)) as u16;
            }
        }
    }

    fn draw_table(&mut self, pen: &mut Pen<'_>, area: Rect, focused: bool) {
        let at = said(self.list.position());
        let title = format!("{} · {at} · {}", self.title(), self.list.order());
        let inner = pen.pane(area, &title, focused);
        self.area = inner;
        let Some(table) = &self.table else {
            match (self.rows.error(), self.rows.get()) {
                (Some(e), _) => pen.says(inner, &[
                    (&e.message, Role::Bad),
                    ("r tries again, Esc goes back", Role::Muted),
                ]),
                (None, None) => pen.says(inner, &[("reading the figures", Role::Muted)]),
                (None, Some(_)) => pen.says(inner, &[
                    ("This evaluation has no figures.", Role::Title),
                    ("Its run ended before it summed up, or was cleaned: w shows the run. v looks across tasks instead.", Role::Muted),
                ]),
            }
            return;
        };
        if inner.width < 24 || inner.height < 2 {
            return;
        }
        let (legend, columns) = (legend(table), table.columns.clone());
        let metric = table.slice.metric.clone();
        let range = table.range();
        let label = (inner.width / 3).clamp(12, 34);
        let room = inner.width - label - 2;
        let each = (room / columns.len().max(1) as u16).clamp(10, 13);
        self.shown = usize::from(room / each).max(1);
        self.first = self.first.min(self.column).min(columns.len().saturating_sub(self.shown));
        if self.column >= self.first + self.shown {
            self.first = self.column + 1 - self.shown;
        }
        let last = (self.first + self.shown).min(columns.len());
        let muted = pen.style(Role::Muted);
        let title_style = pen.style(Role::Accent);
        for (i, j) in (self.first..last).enumerate() {
            let row = Rect {
                x: inner.x + 2 + label + i as u16 * each,
                y: inner.y,
                width: each - 1,
                height: 1,
            };
            let name = text::display(&columns[j]);
            let name = text::truncate(&name, usize::from(each - 1));
            pen.right(row, &name, if j == self.column { title_style } else { muted });
        }
        let more = match (self.first, columns.len() - last) {
            (0, 0) => String::new(),
            (0, after) => format!("{after} more →"),
            (before, 0) => format!("← {before} more"),
            (before, after) => format!("← {before}, {after} →"),
        };
        let more =
            if pen.looks.plain { more.replace('→', ">").replace('←', "<") } else { more };
        pen.put(inner.x, inner.y, label, &more, muted);
        let needed =
            text::lay_out(&legend, usize::from(inner.width), pen.looks.direction).lines.len();
        let bottom = match (legend.is_empty(), inner.height) {
            (true, _) | (_, 0..=5) => 0,
            (_, h) => (needed as u16).min(2).min(h - 5),
        };
        let height = usize::from(inner.height - 1 - bottom);
        let (column, first) = (self.column, self.first);
        let window = self.list.window(height);
        for (i, (line, here, marked)) in window.into_iter().enumerate() {
            let y = inner.y + 1 + i as u16;
            let name = pen.style(match line.row.kind {
                RowKind::Model => Role::Text,
                _ => Role::Muted,
            });
            let sign = match (here, marked) {
                (true, true) => ">*",
                (true, false) => "> ",
                (false, true) => " *",
                (false, false) => "  ",
            };
            pen.put_safe(inner.x, y, 2, sign, title_style);
            let kind = match line.row.kind {
                RowKind::Model => "",
                RowKind::Baseline => "~ ",
                RowKind::Ceiling => "^ ",
            };
            let used = pen.put_safe(inner.x + 2, y, label, kind, name);
            pen.put(inner.x + 2 + used, y, label.saturating_sub(used + 1), &line.row.model, name);
            if here && focused {
                let look = pen.style(Role::Selection);
                pen.tint(Rect { x: inner.x, y, width: label + 1, height: 1 }, look);
            }
            for (k, j) in (first..last).enumerate() {
                let cell = Rect {
                    x: inner.x + 2 + label + k as u16 * each,
                    y,
                    width: each - 1,
                    height: 1,
                };
                let figure = line.row.cells.get(j).and_then(Option::as_ref);
                draw_cell(pen, cell, figure, &metric, range, here && j == column && focused);
            }
        }
        if bottom > 0 {
            let at = Rect { y: inner.bottom() - bottom, height: bottom, ..inner };
            pen.text(at, &legend, muted);
        }
    }

    /// The figure under the cursor in words.
    pub fn told(&self) -> Vec<(String, Role)> {
        let (Some(line), Some(table)) = (self.list.current(), &self.table) else {
            return vec![("no figure here".into(), Role::Muted)];
        };
        let column = table.columns.get(self.column).map_or("", String::as_str);
        let head = format!("{} ({}) · {column}", line.row.model, kind_word(line.row.kind));
        let mut out = vec![(head, Role::Title)];
        let Some(f) = self.figure() else {
            out.push((
                "there is no such figure: not asked, or not of this task".into(),
                Role::Muted,
            ));
            return out;
        };
        out.push((value_words(f, &table.slice.metric), Role::Text));
        if let Some(words) = difference_words(f) {
            out.push((words, Role::Text));
            let mark = f.mark(&table.slice.metric);
            let said = match mark.words() {
                "" => "no claim: the interval holds 0, or nothing may be claimed here",
                words => words,
            };
            out.push((format!("{} {said}", mark.as_str()).trim_start().to_owned(), Role::Text));
        } else if line.row.kind == RowKind::Model {
            out.push(("no paired difference is stored for this cell".into(), Role::Muted));
        }
        if f.exploratory {
            out.push(("exploratory: not in the locked plan".into(), Role::Warn));
        }
        if !f.note.is_empty() {
            out.push((f.note.clone(), Role::Muted));
        }
        if let Some(head) = &self.head {
            out.push((line_of(head), Role::Muted));
        }
        out
    }
}

fn line_of(head: &EvaluationHead) -> String {
    format!("{} · plan {}", line(head), &head.plan_sha256.get(..12).unwrap_or(&head.plan_sha256))
}
