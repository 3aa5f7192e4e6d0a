//! What stands behind a cell: questions or items, and the confusion matrix.

use ratatui::layout::Rect;

use super::figures::number;
use crate::evaluate::inspect::{Aim, ConfusionTable, Fate, ItemRow, Items, items};
use crate::store::EvaluationFilter;
use crate::tui::data::{Access, Lane, WorkError};
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx};
use crate::tui::theme::Role;
use crate::tui::widgets::{Column, ListControl, Memory, draw_rows, draw_scrollbar, said};

/// The items of one cell.
#[derive(Debug)]
pub struct Behind {
    /// The cell.
    pub aim: Option<Aim>,
    pub(super) load: Load<Items>,
    /// The rows in view.
    pub list: Memory<ItemRow>,
    /// Only items of this gold label that were read as that.
    pub only: Option<(String, String)>,
    /// The cell of the matrix under the cursor: gold label, column.
    pub at: (usize, usize),
    area: Rect,
}

fn difference(r: &ItemRow) -> f64 {
    r.score.zip(r.baseline).map_or(0.0, |(a, b)| a - b)
}

impl Default for Behind {
    fn default() -> Self {
        let list = Memory::new(
            |r: &ItemRow| r.key.clone(),
            |r| format!("{} {} {} {} {}", r.key, r.fate.word(), r.gold, r.said, r.part),
            &[
                ("in their order", |_: &ItemRow, _: &ItemRow| std::cmp::Ordering::Equal),
                ("worst score first", |a: &ItemRow, b: &ItemRow| {
                    a.score.unwrap_or(f64::INFINITY).total_cmp(&b.score.unwrap_or(f64::INFINITY))
                }),
                ("furthest below the baseline first", |a: &ItemRow, b: &ItemRow| {
                    difference(a).total_cmp(&difference(b))
                }),
                ("by what became of them", |a: &ItemRow, b: &ItemRow| b.fate.cmp(&a.fate)),
            ],
        );
        Self { aim: None, load: Load::default(), list, only: None, at: (0, 0), area: Rect::ZERO }
    }
}

/// Single questions that are in the database itself.
fn stored(a: &mut Access, id: &str, aim: &Aim) -> Result<Vec<ItemRow>, WorkError> {
    let culture = if aim.column == "all" { None } else { aim.column.parse().ok() };
    let filter = EvaluationFilter {
        model: Some(aim.model.clone()),
        culture: culture.clone(),
        split: Some(aim.split.clone()),
        metric: Some(aim.metric.clone()),
        by_question: Some(true),
    };
    let rows = a.read(|r| r.evaluation_rows(id, &filter))?;
    Ok(rows
        .into_iter()
        .filter(|r| r.culture == culture)
        .filter_map(|r| {
            Some(ItemRow {
                key: r.question?.to_string(),
                part: String::new(),
                gold: String::new(),
                said: String::new(),
                score: r.value,
                baseline: None,
                fate: Fate::Scored,
            })
        })
        .collect())
}

impl Behind {
    /// Asks for the items of a cell: from the folder of its run, else from the database.
    pub fn open(&mut self, cx: &mut Cx<'_>, id: &str, dir: Option<std::path::PathBuf>, aim: Aim) {
        if self.aim.as_ref() != Some(&aim) {
            self.load.clear();
            self.list.set_rows(Vec::new());
            self.list.set_filter("");
            self.only = None;
            self.at = (0, 0);
        }
        self.aim = Some(aim.clone());
        let id = id.to_owned();
        self.load.ask(cx, Lane::Slow, move |a| {
            let from_run = dir.as_deref().filter(|d| d.is_dir()).map(|d| items(d, &aim));
            match from_run {
                Some(Ok(found)) => Ok(found),
                other => {
                    let rows = stored(a, &id, &aim)?;
                    if !rows.is_empty() {
                        return Ok(Items { unit: "question", rows, ..Items::default() });
                    }
                    Err(match other {
                        Some(Err(e)) => WorkError::from(e),
                        _ => WorkError::new(
                            "the folder of the run is not here, and no single questions are in \
                             the database: only the figures are left",
                        ),
                    })
                }
            }
        });
    }

    /// Takes the answer; true when it was this one.
    pub fn accept(&mut self, answer: &mut Answer) -> bool {
        if !self.load.accept(answer) {
            return false;
        }
        self.fill();
        true
    }

    /// The rows of what is wanted.
    pub fn fill(&mut self) {
        let Some(found) = self.load.get() else { return };
        let labels: Vec<&str> =
            found.confusion.iter().flat_map(|c| c.labels.iter().map(String::as_str)).collect();
        let as_read = |r: &ItemRow| match r.fate {
            Fate::Refused => "refused".to_owned(),
            _ if labels.contains(&r.said.as_str()) => r.said.clone(),
            _ => "invalid".to_owned(),
        };
        let rows = found
            .rows
            .iter()
            .filter(|r| self.only.as_ref().is_none_or(|(g, s)| r.gold == *g && as_read(r) == *s))
            .cloned()
            .collect();
        self.list.set_rows(rows);
    }

    /// The matrix, where there is one.
    pub fn confusion(&self) -> Option<&ConfusionTable> {
        self.load.get()?.confusion.as_ref()
    }

    /// What the list is of.
    pub fn title(&self) -> String {
        let Some(aim) = &self.aim else { return String::new() };
        let column =
            if aim.column == "all" { String::new() } else { format!(" · {}", aim.column) };
        let only = self
            .only
            .as_ref()
            .map_or_else(String::new, |(g, s)| format!(" · gold {g}, read as {s}"));
        format!("{} · {}{column}{only}", aim.model, aim.split)
    }

    pub(super) fn failed(&self, pen: &mut Pen<'_>, inner: Rect) -> bool {
        match (self.load.error(), self.load.get()) {
            (Some(e), _) => {
                pen.says(
                    inner,
                    &[
                        ("The items cannot be shown.", Role::Title),
                        (&e.message, Role::Bad),
                        ("Esc goes back; the figures stay", Role::Muted),
                    ],
                );
                true
            }
            (None, None) => {
                pen.says(inner, &[("reading the run's files", Role::Muted)]);
                true
            }
            (None, Some(_)) => false,
        }
    }

    /// Draws the list.
    pub fn draw(&mut self, pen: &mut Pen<'_>, area: Rect) {
        let filter = match self.list.filter() {
            "" => String::new(),
            f => format!(" /{f}"),
        };
        let title = format!(
            "{} · {}{filter} · {}",
            self.title(),
            said(self.list.position()),
            self.list.order()
        );
        let inner = pen.pane(area, &title, true);
        self.area = inner;
        if self.failed(pen, inner) {
            return;
        }
        let scored = self.list.rows().iter().any(|r| r.score.is_some());
        let note = self.load.get().map_or_else(String::new, |f| f.note.clone());
        let bottom = u16::from(!note.is_empty() && inner.height > 4);
        let rows_area = Rect { height: inner.height - bottom, ..inner };
        if self.list.shown_len() == 0 {
            pen.says(rows_area, &[("no item here; Esc shows more", Role::Muted)]);
        }
        const SCORED: [Column; 6] = [
            Column::words("question", 9),
            Column::number("score", 7),
            Column::number("mixture", 7),
            Column::number("differs", 7),
            Column::words("most people / model", 30).from(100),
            Column::words("wording", 0),
        ];
        const LABELLED: [Column; 5] = [
            Column::words("item", 26),
            Column::words("became", 9),
            Column::words("gold", 14),
            Column::words("read as", 18),
            Column::words("of", 0).from(90),
        ];
        let (plain, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
        let (good, bad, warn) =
            (pen.style(Role::Good), pen.style(Role::Bad), pen.style(Role::Warn));
        let height = usize::from(rows_area.height.saturating_sub(1));
        let show = |v: Option<f64>| v.map_or_else(|| "-".into(), number);
        let rows: Vec<_> = self
            .list
            .window(height)
            .into_iter()
            .map(|(r, here, marked)| {
                let look = match r.fate {
                    Fate::Right => good,
                    Fate::Wrong => bad,
                    Fate::Refused | Fate::Invalid | Fate::Missing => warn,
                    Fate::Even | Fate::Scored => plain,
                };
                let cells = if scored {
                    let differs = r.score.zip(r.baseline).map(|(a, b)| format!("{:+.3}", a - b));
                    vec![
                        (r.key.clone(), plain),
                        (show(r.score), plain),
                        (show(r.baseline), muted),
                        (differs.unwrap_or_else(|| "-".into()), plain),
                        (both(&r.gold, &r.said), muted),
                        (r.part.clone(), muted),
                    ]
                } else {
                    vec![
                        (r.key.clone(), plain),
                        (r.fate.word().to_owned(), look),
                        (r.gold.clone(), plain),
                        (r.said.clone(), plain),
                        (r.part.clone(), muted),
                    ]
                };
                (cells, here, marked)
            })
            .collect();
        draw_rows(pen, rows_area, if scored { &SCORED } else { &LABELLED }, &rows, true);
        let bar =
            Rect { y: rows_area.y + 1, height: rows_area.height.saturating_sub(1), ..rows_area };
        draw_scrollbar(pen, bar, self.list.position());
        if bottom == 1 {
            pen.put(inner.x, inner.bottom() - 1, inner.width, &note, muted);
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

fn both(people: &str, model: &str) -> String {
    match (people, model) {
        ("", "") => String::new(),
        (p, m) if p == m => format!("both: {p}"),
        (p, m) => format!("{p} / {m}"),
    }
}
