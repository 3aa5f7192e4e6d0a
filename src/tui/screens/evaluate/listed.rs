//! The list of evaluations.

use ratatui::layout::Rect;

use crate::store::EvaluationHead;
use crate::text;
use crate::tui::data::Lane;
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::Cx;
use crate::tui::theme::Role;
use crate::tui::widgets::{
    Column, ListControl, Memory, draw_rows, draw_scrollbar, said, thousands,
};

/// Evaluations that are listed; older ones are found by `polyculture report`.
const MOST: u32 = 2_000;

/// Evaluations, newest first.
#[derive(Debug)]
pub struct Listed {
    /// The rows.
    pub list: Memory<EvaluationHead>,
    load: Load<Vec<EvaluationHead>>,
    known: bool,
    area: Rect,
}

fn models(e: &EvaluationHead) -> String {
    e.models.join(", ")
}

impl Default for Listed {
    fn default() -> Self {
        let list = Memory::new(
            |e: &EvaluationHead| e.id.clone(),
            |e| format!("{} {} {}", e.task, e.id, models(e)),
            &[
                ("newest first", |a: &EvaluationHead, b: &EvaluationHead| {
                    b.created.cmp(&a.created).then_with(|| b.id.cmp(&a.id))
                }),
                ("task", |a: &EvaluationHead, b: &EvaluationHead| {
                    a.task.cmp(&b.task).then_with(|| b.created.cmp(&a.created))
                }),
                ("models", |a: &EvaluationHead, b: &EvaluationHead| models(a).cmp(&models(b))),
                ("n, most first", |a: &EvaluationHead, b: &EvaluationHead| b.n.cmp(&a.n)),
            ],
        );
        Self { list, load: Load::default(), known: false, area: Rect::ZERO }
    }
}

impl Listed {
    /// Asks for the list.
    pub fn ask(&mut self, cx: &mut Cx<'_>) {
        self.load.ask(cx, Lane::Page, |a| a.read(|r| r.evaluation_heads(MOST)));
    }

    /// Takes the answer; true when it was this one.
    pub fn accept(&mut self, answer: &mut crate::tui::screen::Answer) -> bool {
        if !self.load.accept(answer) {
            return false;
        }
        if self.load.error().is_none()
            && let Some(rows) = self.load.take()
        {
            self.known = true;
            self.list.set_rows(rows);
        }
        true
    }

    /// True once the list was read.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// Draws the list.
    pub fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, focused: bool) {
        let title = format!(
            "Evaluations · {}  {}",
            said(self.list.position()),
            if self.list.filter().is_empty() {
                String::new()
            } else {
                format!("/{}", self.list.filter())
            }
        );
        let inner = pen.pane(area, title.trim_end(), focused);
        self.area = inner;
        if self.list.rows().is_empty() {
            match (self.load.error(), self.is_known()) {
                (Some(e), _) => {
                    let way = e.hint.clone().unwrap_or_else(|| "r tries again".into());
                    pen.says(inner, &[(&e.message, Role::Bad), (&way, Role::Muted)]);
                }
                (None, false) => pen.says(inner, &[("reading the evaluations", Role::Muted)]),
                (None, true) => pen.says(inner, &[
                    ("No evaluation yet.", Role::Title),
                    ("An evaluation asks models the survey's questions, or tasks such as hate speech in Korean, and says how near each comes to people, beside answers that need no model.", Role::Text),
                    ("n starts one. Fine-tune (5) makes a model first; a provider (8) works too.", Role::Muted),
                ]),
            }
            return;
        }
        if self.list.shown_len() == 0 {
            pen.says(inner, &[("nothing matches the filter; Esc clears it", Role::Muted)]);
            return;
        }
        const COLUMNS: [Column; 6] = [
            Column::words("task", 14),
            Column::words("when (UTC)", 16).from(56),
            Column::words("models", 0),
            Column::number("n", 7),
            Column::number("sets", 4).from(70),
            Column::words("id", 26).from(110),
        ];
        let (plain, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
        let height = usize::from(inner.height.saturating_sub(1));
        let rows: Vec<_> = self
            .list
            .window(height)
            .into_iter()
            .map(|(e, here, marked)| {
                let named = match e.models.len() {
                    0 | 1 => models(e),
                    n => format!("{n}: {}", models(e)),
                };
                let cells = vec![
                    (e.task.clone(), plain),
                    (when(e.created), muted),
                    (named, plain),
                    (e.n.map_or_else(|| "-".into(), thousands), plain),
                    (if e.sets > 0 { e.sets.to_string() } else { String::new() }, muted),
                    (e.id.clone(), muted),
                ];
                (cells, here, marked)
            })
            .collect();
        draw_rows(pen, inner, &COLUMNS, &rows, focused);
        let bar = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        draw_scrollbar(pen, bar, self.list.position());
        if let Some(e) = self.load.error() {
            let style = pen.style(Role::Warn);
            let text = format!("not up to date: {e}");
            pen.put(inner.x, inner.bottom().saturating_sub(1), inner.width, &text, style);
        }
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

/// A time as lists show it.
pub fn when(t: jiff::Timestamp) -> String {
    t.strftime("%Y-%m-%d %H:%M").to_string()
}

/// The head of an evaluation in one line.
pub fn line(e: &EvaluationHead) -> String {
    text::display(&format!("{} · {} · {}", e.task, when(e.created), models(e)))
}
