//! Drawing the list and what stands beside it.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::actions::is_bad;
use super::rows::{self, VIEWS, clock, look, state_word};
use super::{Pane, Runs};
use crate::job::RunView;
use crate::tui::data::Link;
use crate::tui::pen::Pen;
use crate::tui::screen::{Exportable, Shared};
use crate::tui::theme::Role;
use crate::tui::widgets::{Column, CurvesView, ListControl, draw_rows, draw_scrollbar, said};

const COLUMNS: [Column; 7] = [
    Column::words("state", 11),
    Column::words("kind", 8).from(46),
    Column::words("label", 0),
    Column::words("progress", 22).from(60),
    Column::words("started", 11).from(92),
    Column::number("took", 8).from(52),
    Column::number("try", 3).from(90),
];

impl Runs {
    pub(super) fn draw_all(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        if self.full {
            self.draw_log(pen, area, true);
            return;
        }
        if self.list.is_empty() && self.list.filter().is_empty() && self.list.scope() == VIEWS[0].0
        {
            draw_nothing(pen, area, &shared.engine.link);
            return;
        }
        if area.width >= 150 && area.height >= 12 {
            let left = (area.width * 11 / 20).max(80);
            self.draw_list(pen, Rect { width: left, ..area }, shared);
            let beside = Rect { x: area.x + left, width: area.width - left, ..area };
            if area.height >= 30 {
                let top = area.height / 2;
                self.draw_pane(pen, Rect { height: top, ..beside }, shared, self.pane);
                let rest = Rect { y: beside.y + top, height: area.height - top, ..beside };
                self.draw_pane(pen, rest, shared, self.pane.beside());
            } else {
                self.draw_pane(pen, beside, shared, self.pane);
            }
        } else if area.height >= 14 && area.width >= 46 {
            let top = (area.height * 9 / 20).max(7);
            self.draw_list(pen, Rect { height: top, ..area }, shared);
            let below = Rect { y: area.y + top, height: area.height - top, ..area };
            if area.width < 110 {
                self.draw_pane(pen, below, shared, self.pane);
            } else {
                let half = below.width / 2;
                self.draw_pane(pen, Rect { width: half, ..below }, shared, self.pane);
                let rest = Rect { x: below.x + half, width: below.width - half, ..below };
                self.draw_pane(pen, rest, shared, self.pane.beside());
            }
        } else {
            self.draw_list(pen, area, shared);
        }
    }

    fn draw_list(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let title = self.title(&shared.engine.link);
        let inner = pen.pane(area, &title, true);
        if let Some(e) = self.list.error() {
            let hint = e.hint.clone().unwrap_or_else(|| "R reads again; 8 has doctor".into());
            pen.says(
                inner,
                &[
                    ("The runs cannot be read.", Role::Bad),
                    (&e.message, Role::Text),
                    (&hint, Role::Muted),
                ],
            );
            return;
        }
        if self.list.is_waiting() {
            pen.says(inner, &[("Asking the engine ...", Role::Muted)]);
            return;
        }
        if self.list.is_empty() {
            let said = match self.list.filter() {
                "" => format!("No run: {}.", self.list.scope()),
                f => format!("No run matches `{f}`."),
            };
            pen.says(
                inner,
                &[(&said, Role::Text), ("Esc clears the filter, v shows other runs.", Role::Muted)],
            );
            return;
        }
        let height = usize::from(inner.height.saturating_sub(1));
        self.body = Rect { y: inner.y + 1, height: height as u16, ..inner };
        let plain = pen.looks.plain;
        let (text, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
        let now = shared.now;
        let live = shared.engine.link == Link::Up;
        let room = self.room.get().and_then(Option::as_ref);
        let styles = [Role::Accent, Role::Muted, Role::Warn, Role::Good, Role::Bad]
            .map(|r| (r, pen.style(r)));
        let rows: Vec<(Vec<(String, Style)>, bool, bool)> = self
            .list
            .window(height)
            .into_iter()
            .map(|(row, here, marked)| {
                let v = &row.view;
                let (sign, role) = look(v.state, plain);
                let style = styles.iter().find(|s| s.0 == role).map_or(text, |s| s.1);
                // Without an engine nobody knows whether it still runs.
                let doubt = if live || v.state.is_final() { "" } else { "?" };
                let started = v.started_at.unwrap_or(v.queued_at);
                let cells = vec![
                    (format!("{sign} {}{doubt}", state_word(v.state)), style),
                    (v.kind.word().to_owned(), muted),
                    (v.label.clone().unwrap_or_else(|| v.id.to_string()), text),
                    (
                        row.progress_words(&shared.engine, room, now),
                        if is_bad(v.state) { style } else { muted },
                    ),
                    (clock(started, now), muted),
                    (if doubt.is_empty() { row.took(now) } else { String::new() }, text),
                    (v.attempt.to_string(), muted),
                ];
                (cells, here, marked)
            })
            .collect();
        draw_rows(pen, inner, &COLUMNS, &rows, true);
        let position = self.list.position();
        draw_scrollbar(pen, self.body, position);
    }

    fn title(&self, link: &Link) -> String {
        let mut title = format!("Runs · {}", said(self.list.position()));
        if self.list.scope() != VIEWS[0].0 {
            title += &format!(" · {}", self.list.scope());
        }
        if self.list.order_number() != 0 {
            title += &format!(" · {}", self.list.order());
        }
        if !self.list.filter().is_empty() {
            title += &format!(" · /{}", self.list.filter());
        }
        match link {
            Link::Up => {}
            Link::Unknown | Link::Down => title += " · engine at rest, as last known",
            Link::Broken(_) => title += " · ENGINE UNUSABLE, as last known",
        }
        title
    }

    fn draw_pane(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared, pane: Pane) {
        pen.beside(area, |pen| self.draw_pane_now(pen, area, shared, pane));
    }

    fn draw_pane_now(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared, pane: Pane) {
        match pane {
            Pane::Facts => {
                let name = self.about.as_ref().map_or_else(String::new, name);
                let inner = pen.pane(area, &name, false);
                self.draw_facts(pen, inner, shared);
            }
            Pane::Log => self.draw_log(pen, area, false),
            Pane::Metrics => self.draw_metrics(pen, area),
        }
    }

    fn draw_log(&mut self, pen: &mut Pen<'_>, area: Rect, full: bool) {
        let name = self.about.as_ref().map_or_else(String::new, name);
        let which = match (self.attempt, &self.about) {
            (Some(n), Some(v)) => format!(" · attempt {n} of {}", v.attempt),
            _ => String::new(),
        };
        let name = if full { name } else { "log".to_owned() };
        let title = format!("{name}{which} · {}", self.log.standing());
        let inner = pen.pane(area, &title, full);
        self.log.draw(pen, inner);
    }

    fn draw_metrics(&self, pen: &mut Pen<'_>, area: Rect) {
        let Some((id, curves)) = self.curves.get() else {
            let inner = pen.pane(area, "metrics", false);
            if let Some(e) = self.curves.error() {
                pen.says(inner, &[("Not readable.", Role::Bad), (&e.message, Role::Text)]);
            }
            return;
        };
        let short = rows::short(id);
        let drawn = [(short.as_str(), curves)];
        let title = match self.curves_view.shown(&drawn) {
            Some((name, at, of)) => format!("metrics · {name} · {at} of {of} (h l)"),
            None => "metrics".into(),
        };
        let inner = pen.pane(area, &title, false);
        self.curves_view.draw(pen, inner, &drawn, Vec::new());
    }

    pub(super) fn exported(&self, shared: &Shared) -> Option<Exportable> {
        let v = self.about.as_ref()?;
        let short = rows::short(&v.id);
        if self.pane == Pane::Metrics
            && let Some((_, curves)) = self.curves.get()
        {
            let drawn = [(short.as_str(), curves)];
            let (metric, ..) = self.curves_view.shown(&drawn)?;
            let chart = CurvesView::chart(&metric, &drawn, Vec::new());
            return Some(Exportable {
                name: format!("run-{short}-{metric}"),
                chart: Some(crate::chart::Chart::Line(chart)),
                table: None,
            });
        }
        let head =
            ["run", "kind", "state", "label", "queued", "started", "ended", "attempt", "reason"];
        let at = |t: Option<jiff::Timestamp>| t.map_or_else(String::new, |t| t.to_string());
        let rows = self.list.rows().map(|r| {
            let v = &r.view;
            vec![
                v.id.to_string(),
                v.kind.word().into(),
                v.state.word().into(),
                v.label.clone().unwrap_or_default(),
                v.queued_at.to_string(),
                at(v.started_at),
                at(v.ended_at),
                v.attempt.to_string(),
                v.reason.clone().unwrap_or_default(),
            ]
        });
        let _ = shared;
        Some(Exportable {
            name: "runs".into(),
            chart: None,
            table: Some((head.map(str::to_owned).to_vec(), rows.collect())),
        })
    }
}

pub(super) fn name(v: &RunView) -> String {
    v.label.clone().unwrap_or_else(|| v.id.to_string())
}

fn draw_nothing(pen: &mut Pen<'_>, area: Rect, link: &Link) {
    if let Link::Broken(why) = link {
        pen.says(
            area,
            &[
                ("The engine cannot be used.", Role::Bad),
                (why, Role::Text),
                ("8 has doctor; `polyculture engine stop` and start again.", Role::Muted),
            ],
        );
        return;
    }
    pen.says(area, &[
        ("No runs yet.", Role::Title),
        ("", Role::Text),
        ("Whatever takes long is a run: it goes on when you leave, and is here when you come back.", Role::Text),
        ("", Role::Text),
        ("2  grow samples from seeds: mark some, then a", Role::Accent),
        ("5  fine-tune a model on a dataset: t", Role::Accent),
        ("6  score models: n", Role::Accent),
        ("Any command of your own: `polyculture runs add -- CMD`", Role::Muted),
    ]);
}
