//! Drawing a study that is under way: where it stands, one panel in full, and beside it, where
//! there is room, how agreement grows.

use ratatui::layout::Rect;

use super::{Leading, Panel, panels};
use crate::chart::Chart;
use crate::study::live::Live;
use crate::tui::pen::Pen;
use crate::tui::screen::Shared;
use crate::tui::theme::Role;
use crate::tui::widgets::ListControl;

/// Columns from which the chart stands beside every panel.
const WIDE: u16 = 116;
/// Rows from which the row under the cursor is told in full below.
const TALL: u16 = 16;
/// Rows of that telling.
const TOLD: u16 = 7;

impl Leading {
    pub(super) fn draw_all(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        if self.setup.is_some() {
            return self.draw_setup(pen, area);
        }
        if self.case.is_some() {
            return self.draw_case(pen, area);
        }
        if self.load.get().is_none() {
            return self.draw_nothing(pen, area);
        }
        let head = self.draw_head(pen, area, shared);
        let rest = Rect { y: area.y + head, height: area.height.saturating_sub(head), ..area };
        if let Some(mut top) = self.how {
            let lines = self.load.get().map(|l| super::words::how(self.panel, l));
            let title = format!("{} · where the figures come from", self.panel.title());
            pen.scrolled(rest, &title, &lines.unwrap_or_default(), &mut top);
            self.how = Some(top);
            return;
        }
        let beside = rest.width >= WIDE && self.panel != Panel::Growth;
        let main = if beside { Rect { width: rest.width - 46, ..rest } } else { rest };
        if beside {
            let right = Rect { x: main.right(), width: 46, ..rest };
            let top = Rect { height: right.height.div_ceil(2), ..right };
            self.draw_growth(pen, top, false);
            let below = Rect { y: top.bottom(), height: right.height - top.height, ..right };
            self.draw_sum(pen, below);
        }
        if self.panel == Panel::Growth {
            return self.draw_growth(pen, main, true);
        }
        let told = if main.height >= TALL { TOLD } else { 0 };
        let table = Rect { height: main.height - told, ..main };
        self.draw_panel(pen, table, shared);
        if told > 0 {
            let at = Rect { y: table.bottom(), height: told, ..main };
            let inner = pen.pane(at, "Under the cursor", false);
            let lines = self.told(shared);
            let mut y = inner.y;
            for (line, role) in lines {
                if y >= inner.bottom() {
                    break;
                }
                let style = pen.style(role);
                let rest = Rect { y, height: inner.bottom() - y, ..inner };
                y += (pen.text(rest, &line, style) as u16).min(rest.height);
            }
        }
    }

    fn draw_nothing(&self, pen: &mut Pen<'_>, area: Rect) {
        let name = self.study.as_ref().map_or_else(|| "Study".into(), |s| format!("Study {s}"));
        let inner = pen.pane(area, &name, true);
        match (&self.study, self.load.error()) {
            (None, _) => pen.says(
                inner,
                &[
                    ("No study is open.", Role::Title),
                    ("4 shows the studies; m on one of them opens it here", Role::Accent),
                ],
            ),
            (_, Some(e)) => {
                let hint = e.hint.clone().unwrap_or_default();
                pen.says(
                    inner,
                    &[
                        (&e.message, Role::Bad),
                        (&hint, Role::Text),
                        ("r tries again, Esc goes back", Role::Muted),
                    ],
                );
            }
            (Some(_), None) => pen.says(inner, &[("reading the study", Role::Muted)]),
        }
    }

    /// Where the study stands, and the names of the panels; gives the rows used.
    fn draw_head(&self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) -> u16 {
        let Some(live) = self.load.get() else { return 0 };
        let (title, text, muted) =
            (pen.style(Role::Title), pen.style(Role::Text), pen.style(Role::Muted));
        let width = area.width.saturating_sub(2);
        let name = format!("{} ", live.study);
        let old = if self.load.error().is_some() { " · the last look failed: r" } else { "" };
        let seen = shared.now.as_millisecond() - live.at.as_millisecond();
        let seen = format!(" · seen {} ago{old}", panels::span(seen.max(0) as f64 / 1000.0));
        let row = Rect { x: area.x + 1, y: area.y, width, height: 1 };
        pen.line(row.x, row.y, width, &[(&name, title), (&standing(live), text), (&seen, muted)]);
        let mut used = 1;
        for note in live.notes.iter().take(2) {
            let warn = pen.style(Role::Warn);
            pen.put(row.x, area.y + used, width, note, warn);
            used += 1;
        }
        let mut x = row.x;
        for p in Panel::ALL {
            let n = match p {
                Panel::Raters | Panel::Drift | Panel::Growth => String::new(),
                Panel::Cultures => format!(" {}", live.cultures.len()),
                Panel::Misses => format!(" {}", live.misses.len()),
                Panel::Widest => format!(" {}", live.divided),
            };
            let here = p == self.panel;
            // Told by signs as well as by colour.
            let name =
                if here { format!("[{}{n}]", p.title()) } else { format!(" {}{n} ", p.title()) };
            let style = if here { pen.style(Role::Selection) } else { muted };
            let room = area.right().saturating_sub(x);
            x += pen.put(x, area.y + used, room, &name, style);
        }
        used + 1
    }

    fn draw_growth(&self, pen: &mut Pen<'_>, area: Rect, focused: bool) {
        let Some(live) = self.load.get() else { return };
        let inner = pen.pane(area, "Agreement as it grows", focused);
        let Some(now) = live.growth.now() else {
            pen.says(
                inner,
                &[
                    ("No sample is rated yet.", Role::Text),
                    ("Alpha, AC2 and raw agreement appear here once two people rated the same samples.", Role::Muted),
                ],
            );
            return;
        };
        let lines = panels::agreement_lines(now, &live.growth);
        let told = if inner.height > lines.len() as u16 + 6 { lines.len() as u16 } else { 0 };
        let plot = Rect { height: inner.height - told, ..inner };
        if plot.height >= 5 {
            let chart = Chart::Line(panels::growth_chart(live));
            let canvas = chart.cells(plot.width, plot.height, pen.looks.glyphs());
            pen.canvas(plot, &canvas);
        }
        let shown = if plot.height >= 5 { told } else { inner.height };
        for (i, line) in lines.iter().take(usize::from(shown)).enumerate() {
            let style = pen.style(if i < 3 { Role::Text } else { Role::Muted });
            let y = inner.bottom() - shown + i as u16;
            pen.put(inner.x, y, inner.width, line, style);
        }
    }

    /// Controls, repeats, marks and drift of all people in a few lines.
    fn draw_sum(&self, pen: &mut Pen<'_>, area: Rect) {
        let Some(live) = self.load.get() else { return };
        let inner = pen.pane(area, "All people together", false);
        let mut y = inner.y;
        for (line, role) in panels::sum_lines(live) {
            if y >= inner.bottom() {
                break;
            }
            let style = pen.style(role);
            let rest = Rect { y, height: inner.bottom() - y, ..inner };
            y += (pen.text(rest, &line, style) as u16).min(rest.height);
        }
    }

    fn draw_panel(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let order = match self.panel {
            Panel::Raters | Panel::Drift => self.raters.order().to_owned(),
            Panel::Cultures => self.cultures.order().to_owned(),
            Panel::Misses => self.misses.order().to_owned(),
            Panel::Widest => self.widest.order().to_owned(),
            Panel::Growth => String::new(),
        };
        let at = self.list_position();
        let title = format!("{} · {at} · by {order}", self.panel.title());
        let inner = pen.pane(area, &title, true);
        if let Some(empty) = self.empty_words() {
            let lines: Vec<(&str, Role)> = empty.iter().map(|(t, r)| (t.as_str(), *r)).collect();
            return pen.says(inner, &lines);
        }
        self.draw_table(pen, inner, shared);
    }
}

/// `similarity · 12 of 60 rated · 45 left, about 9 min · 3 skipped`.
fn standing(live: &Live) -> String {
    if live.raters.is_empty() {
        return format!("{} · not planned yet", live.study_type);
    }
    let t = &live.all;
    let mut out = vec![
        live.study_type.to_string(),
        format!("{} of {} rated", t.rated, t.of),
        match live.left_s.filter(|s| *s > 0.0) {
            Some(s) => format!("{} left, about {}", t.left, panels::span(s)),
            None => format!("{} left", t.left),
        },
    ];
    if t.skipped > 0 {
        out.push(format!("{} skipped", t.skipped));
    }
    out.join(" · ")
}
