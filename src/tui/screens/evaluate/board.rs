//! The leaderboard: models and baselines down, cultures or tasks across, the cell under the cursor
//! told in full.

use ratatui::layout::Rect;

use super::listed::line;
use crate::evaluate::inspect::Aim;
use crate::evaluate::leaderboard::{
    Across, Better, BoardRow, Figure, Leaderboard, RowKind, Slice, better, leaderboard, slices,
};
use crate::store::{EvaluationFilter, EvaluationHead, EvaluationRow};
use crate::text;
use crate::tui::data::Lane;
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx};
use crate::tui::theme::Role;
use crate::tui::widgets::{ListControl, Memory, said, thousands};

/// One row of the table with what it is sorted by.
#[derive(Debug, Clone)]
pub struct Line {
    /// The row.
    pub row: BoardRow,
    /// Its place in the stored order.
    at: usize,
    /// What it is sorted by: higher goes first.
    sort: f64,
}

/// The table of the chosen evaluation.
#[derive(Debug)]
pub struct Board {
    /// The evaluation.
    pub head: Option<EvaluationHead>,
    pub(super) rows: Load<Vec<EvaluationRow>>,
    /// What stands across.
    pub across: Across,
    /// As a radar instead of a table.
    pub radar: bool,
    all: Vec<Slice>,
    /// The chosen one.
    pub slice: Option<Slice>,
    /// The table.
    pub table: Option<Leaderboard>,
    /// Its rows, sorted and filtered.
    pub list: Memory<Line>,
    /// The column under the cursor.
    pub column: usize,
    pub(super) first: usize,
    pub(super) shown: usize,
    pub(super) area: Rect,
}

/// A word for filters and titles.
pub fn kind_word(k: RowKind) -> &'static str {
    match k {
        RowKind::Model => "model",
        RowKind::Baseline => "baseline",
        RowKind::Ceiling => "ceiling",
    }
}

impl Default for Board {
    fn default() -> Self {
        let list = Memory::new(
            |l: &Line| l.row.model.clone(),
            |l| format!("{} {}", l.row.model, kind_word(l.row.kind)),
            &[
                ("best first", |a: &Line, b: &Line| {
                    b.sort.total_cmp(&a.sort).then(a.at.cmp(&b.at))
                }),
                ("as in the plan", |a: &Line, b: &Line| a.at.cmp(&b.at)),
                ("name", |a: &Line, b: &Line| a.row.model.cmp(&b.row.model)),
            ],
        );
        Self {
            head: None,
            rows: Load::default(),
            across: Across::Cultures,
            radar: false,
            all: Vec::new(),
            slice: None,
            table: None,
            list,
            column: 0,
            first: 0,
            shown: 1,
            area: Rect::ZERO,
        }
    }
}

impl Board {
    /// Another evaluation, or the same again.
    pub fn open(&mut self, head: EvaluationHead, cx: &mut Cx<'_>) {
        if self.head.as_ref().is_none_or(|h| h.id != head.id) {
            self.rows.clear();
            self.table = None;
            self.all.clear();
            self.list.unmark();
            self.list.set_rows(Vec::new());
            self.column = 0;
        }
        self.head = Some(head);
        self.ask(cx);
    }

    /// Reads the rows again.
    pub fn ask(&mut self, cx: &mut Cx<'_>) {
        let Some(id) = self.head.as_ref().map(|h| h.id.clone()) else { return };
        let filter = EvaluationFilter { by_question: Some(false), ..EvaluationFilter::default() };
        self.rows.ask(cx, Lane::Read, move |a| a.read(|r| r.evaluation_rows(&id, &filter)));
    }

    /// Takes the answer; true when it was this one.
    pub fn accept(&mut self, answer: &mut Answer) -> bool {
        if !self.rows.accept(answer) {
            return false;
        }
        self.arrange();
        true
    }

    fn arrange(&mut self) {
        let Some(rows) = self.rows.get() else { return };
        self.all = slices(rows, self.across);
        let kept = self.slice.take().filter(|s| self.all.contains(s));
        let same_metric = |m: &str| self.all.iter().find(|s| s.metric == m).cloned();
        self.slice = kept.or_else(|| {
            let before = self.table.as_ref().map(|t| t.slice.metric.clone());
            before.and_then(|m| same_metric(&m)).or_else(|| self.all.first().cloned())
        });
        self.table = self.slice.as_ref().map(|s| leaderboard(rows, s, self.across));
        self.fill();
    }

    /// Sorts by the column under the cursor.
    fn fill(&mut self) {
        let Some(table) = &self.table else {
            self.list.set_rows(Vec::new());
            return;
        };
        self.column = self.column.min(table.columns.len().saturating_sub(1));
        let sign = if better(&table.slice.metric) == Better::Lower { -1.0 } else { 1.0 };
        let lines = table
            .rows
            .iter()
            .enumerate()
            .map(|(at, row)| {
                let value =
                    row.cells.get(self.column).and_then(Option::as_ref).and_then(|f| f.value);
                Line { row: row.clone(), at, sort: value.map_or(f64::NEG_INFINITY, |v| sign * v) }
            })
            .collect();
        self.list.set_rows(lines);
    }

    /// The cursor to another column.
    pub fn across_by(&mut self, by: i64) {
        let last = self.table.as_ref().map_or(0, |t| t.columns.len().saturating_sub(1));
        self.column = (self.column as i64 + by).clamp(0, last as i64) as usize;
        self.fill();
    }

    /// Another metric; `by` steps.
    pub fn next_metric(&mut self) {
        let Some(now) = &self.slice else { return };
        let mut metrics: Vec<&str> = Vec::new();
        for s in &self.all {
            if !metrics.contains(&s.metric.as_str()) {
                metrics.push(&s.metric);
            }
        }
        let at = metrics.iter().position(|m| *m == now.metric).unwrap_or(0);
        let Some(next) = metrics.get((at + 1) % metrics.len().max(1)) else { return };
        let of = |s: &&Slice| s.metric == *next;
        let same = self.all.iter().filter(of).find(|s| s.split == now.split);
        self.slice = same.or_else(|| self.all.iter().find(of)).cloned();
        self.arrange();
    }

    /// Another part of the items, in the same metric.
    pub fn next_part(&mut self) {
        let Some(now) = &self.slice else { return };
        let same: Vec<&Slice> = self.all.iter().filter(|s| s.metric == now.metric).collect();
        let at = same.iter().position(|s| *s == now).unwrap_or(0);
        self.slice = same.get((at + 1) % same.len().max(1)).map(|s| (*s).clone());
        self.arrange();
    }

    /// Cultures, tasks, and both as a radar.
    pub fn next_view(&mut self) {
        (self.across, self.radar) = match (self.across, self.radar) {
            (Across::Cultures, false) => (Across::Tasks, false),
            (Across::Tasks, false) => (Across::Cultures, true),
            (Across::Cultures, true) => (Across::Tasks, true),
            (Across::Tasks, true) => (Across::Cultures, false),
        };
        self.column = 0;
        self.slice = None;
        self.arrange();
    }

    /// The figure under the cursor.
    pub fn figure(&self) -> Option<&Figure> {
        self.list.current()?.row.cells.get(self.column)?.as_ref()
    }

    /// Which cell is under the cursor.
    pub fn aim(&self) -> Option<Aim> {
        let table = self.table.as_ref()?;
        let head = table.columns.get(self.column)?.clone();
        let model = self.list.current()?.row.model.clone();
        let metric = table.slice.metric.clone();
        Some(match &table.slice.split {
            Some(split) if split == "mean" && head == "all" => {
                Aim { model, metric, split: "all:eight kinds".into(), column: head }
            }
            Some(split) => Aim { model, metric, split: split.clone(), column: head },
            None => Aim { model, metric, split: head, column: "all".into() },
        })
    }

    /// What the table is of, for titles.
    pub fn title(&self) -> String {
        let what = match self.across {
            Across::Cultures => "model x culture",
            Across::Tasks => "model x task",
        };
        let Some(s) = &self.slice else { return what.into() };
        let split = s.split.as_ref().map_or_else(String::new, |p| format!(" · {p}"));
        format!("{what} · {}{split}", s.metric)
    }

<<<<<<< HEAD
=======
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
        self.first = self.first.min(self.column);
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
        let bottom = u16::from(!legend.is_empty() && inner.height > 5);
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
        if bottom == 1 {
            pen.put(inner.x, inner.bottom() - 1, inner.width, &legend, muted);
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
            let mark = f.mark(&table.slice.metric);
            let said = if mark.as_str().is_empty() { "" } else { mark.as_str() };
            out.push((format!("{words} {said}").trim_end().to_owned(), Role::Text));
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

>>>>>>> tui
    /// A click; true where it hit a row.
    pub fn click(&mut self, column: u16, row: u16) -> bool {
        let a = self.area;
        if column < a.x || column >= a.right() || row <= a.y || row >= a.bottom() {
            return false;
        }
        self.list.click(usize::from(row - a.y - 1));
        true
    }
}
