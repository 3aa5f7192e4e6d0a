//! The leaderboard: models and baselines down, cultures or tasks across, the cell under the cursor
//! told in full.

use ratatui::layout::Rect;

use crate::evaluate::inspect::Aim;
use crate::evaluate::leaderboard::{
    Across, Better, BoardRow, Figure, Leaderboard, RowKind, Slice, better, leaderboard, slices,
};
use crate::store::{EvaluationFilter, EvaluationHead, EvaluationRow};
use crate::tui::data::Lane;
use crate::tui::load::Load;
use crate::tui::screen::{Answer, Cx};
use crate::tui::widgets::Memory;

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
    /// Arms as lines over their order instead of bars.
    pub lines: bool,
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
            lines: false,
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
