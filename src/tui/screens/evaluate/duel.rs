//! Two models side by side: wins, ties and losses by question or item, and the paired difference.

use std::path::PathBuf;

use ratatui::layout::Rect;

use super::figures::p_words;
use crate::evaluate::inspect::{Aim, Comparison, PairItem, compare};
use crate::tui::data::{Lane, WorkError};
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx};
use crate::tui::theme::Role;
use crate::tui::widgets::{
    Column, ListControl, Memory, draw_rows, draw_scrollbar, said, thousands,
};

/// The comparison.
#[derive(Debug)]
pub struct Duel {
    /// The first model's cell, and the second model.
    pub asked: Option<(Aim, String)>,
    /// What came out.
    pub load: Load<Comparison>,
    /// Its items.
    pub list: Memory<PairItem>,
    area: Rect,
}

fn word(diff: f64) -> &'static str {
    match diff {
        d if d > 0.0 => "win",
        d if d < 0.0 => "loss",
        _ => "tie",
    }
}

impl Default for Duel {
    fn default() -> Self {
        let list = Memory::new(
            |i: &PairItem| i.key.clone(),
            |i| format!("{} {} {} {} {} {}", i.key, word(i.diff), i.gold, i.a, i.b, i.part),
            &[
                ("losses first", |a: &PairItem, b: &PairItem| a.diff.total_cmp(&b.diff)),
                ("wins first", |a: &PairItem, b: &PairItem| b.diff.total_cmp(&a.diff)),
                ("in their order", |_: &PairItem, _: &PairItem| std::cmp::Ordering::Equal),
            ],
        );
        Self { asked: None, load: Load::default(), list, area: Rect::ZERO }
    }
}

impl Duel {
    /// Asks for a comparison.
    pub fn open(&mut self, cx: &mut Cx<'_>, dir: Option<PathBuf>, aim: Aim, with: String) {
        if self.asked.as_ref() != Some(&(aim.clone(), with.clone())) {
            self.load.clear();
            self.list.set_rows(Vec::new());
            self.list.set_filter("");
        }
        self.asked = Some((aim.clone(), with.clone()));
        self.load.ask(cx, Lane::Slow, move |_| match dir.filter(|d| d.is_dir()) {
            Some(dir) => Ok(compare(&dir, &aim, &with)?),
            None => Err(WorkError::new("the folder of the run is not here")
                .hint("two models are compared item by item, and items are in that folder")),
        });
    }

    /// Takes the answer; true when it was this one.
    pub fn accept(&mut self, answer: &mut Answer) -> bool {
        if !self.load.accept(answer) {
            return false;
        }
        if let Some(c) = self.load.get() {
            let items = c.items.clone();
            self.list.set_rows(items);
        }
        true
    }

    /// Draws counts, difference and items.
    pub fn draw(&mut self, pen: &mut Pen<'_>, area: Rect) {
        let title = self.asked.as_ref().map_or_else(String::new, |(aim, with)| {
            format!("A {} · B {with} · {} {}", aim.model, aim.split, said(self.list.position()))
        });
        let inner = pen.pane(area, &title, true);
        let Some(c) = self.load.get() else {
            match self.load.error() {
                Some(e) => {
                    let way = e.hint.clone().unwrap_or_else(|| "Esc goes back".into());
                    pen.says(
                        inner,
                        &[
                            ("They cannot be compared.", Role::Title),
                            (&e.message, Role::Bad),
                            (&way, Role::Muted),
                        ],
                    );
                }
                None => pen.says(inner, &[("comparing them item by item", Role::Muted)]),
            }
            return;
        };
        let told = words(c);
        let mut y = inner.y;
        for (text, role) in &told {
            let rest = Rect { y, height: inner.bottom().saturating_sub(y), ..inner };
            if rest.height < 3 {
                break;
            }
            let style = pen.style(*role);
            y += pen.text(rest, text, style).min(usize::from(rest.height)) as u16;
        }
        y += draw_split(pen, Rect { y, height: 1, ..inner }, c.wins);
        let rows_area = Rect { y, height: inner.bottom().saturating_sub(y), ..inner };
        self.area = rows_area;
        const COLUMNS: [Column; 6] = [
            Column::words("item", 22),
            Column::words("A is", 5),
            Column::words("A", 14),
            Column::words("B", 14),
            Column::words("gold", 12).from(76),
            Column::words("of", 0).from(90),
        ];
        let (plain, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
        let (good, bad) = (pen.style(Role::Good), pen.style(Role::Bad));
        let rows: Vec<_> = self
            .list
            .window(usize::from(rows_area.height.saturating_sub(1)))
            .into_iter()
            .map(|(i, here, marked)| {
                let look = match word(i.diff) {
                    "win" => good,
                    "loss" => bad,
                    _ => muted,
                };
                let cells = vec![
                    (i.key.clone(), plain),
                    (word(i.diff).to_owned(), look),
                    (i.a.clone(), plain),
                    (i.b.clone(), plain),
                    (i.gold.clone(), muted),
                    (i.part.clone(), muted),
                ];
                (cells, here, marked)
            })
            .collect();
        draw_rows(pen, rows_area, &COLUMNS, &rows, true);
        let bar =
            Rect { y: rows_area.y + 1, height: rows_area.height.saturating_sub(1), ..rows_area };
        draw_scrollbar(pen, bar, self.list.position());
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

/// Wins, ties and losses as one bar: letters, so that it needs no colour.
fn draw_split(pen: &mut Pen<'_>, row: Rect, wins: [usize; 3]) -> u16 {
    let total = wins.iter().sum::<usize>();
    if total == 0 || row.width < 8 || row.height == 0 {
        return 0;
    }
    let room = usize::from(row.width);
    let mut x = row.x;
    let last = room - (wins[0] * room / total) - (wins[1] * room / total);
    let widths = [wins[0] * room / total, wins[1] * room / total, last];
    for ((letter, role), cells) in
        [("W", Role::Good), ("t", Role::Muted), ("L", Role::Bad)].into_iter().zip(widths)
    {
        let style = pen.style(role);
        x += pen.put_safe(x, row.y, cells as u16, &letter.repeat(cells), style);
    }
    1
}

/// The comparison in words.
pub fn words(c: &Comparison) -> Vec<(String, Role)> {
    let [w, t, l] = c.wins.map(|n| thousands(n as u64));
    let n = c.wins.iter().sum::<usize>();
    let s = if n == 1 { "" } else { "s" };
    let mut out = vec![(
        format!("A wins {w}, ties {t}, loses {l}; n = {} {}{s}", thousands(n as u64), c.unit),
        Role::Title,
    )];
    out.push(match c.diff {
        None => ("the difference is undefined here".into(), Role::Warn),
        Some(d) => {
            let ci = c.ci.map_or_else(
                || ", no interval".into(),
                |[lo, hi]| format!(", 95 % [{lo:+.3}, {hi:+.3}]"),
            );
            let p = c.p.map_or_else(String::new, |p| {
                format!("; {} ({}, not corrected for several comparisons)", p_words(p), c.test)
            });
            (format!("{} A minus B {d:+.3}{ci}{p}", c.metric), Role::Text)
        }
    });
    if !c.note.is_empty() {
        out.push((c.note.clone(), Role::Muted));
    }
    out
}
