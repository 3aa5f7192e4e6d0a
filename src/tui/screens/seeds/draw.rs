//! Drawing the Seeds screen.

use ratatui::layout::Rect;

use super::{Over, Seeds, View, answers, compare, heat};
use crate::chart::Chart;
use crate::domain::{Question, Survey};
use crate::seeds::Answers;
use crate::text;
use crate::tui::pen::Pen;
use crate::tui::screen::{Exportable, Shared};
use crate::tui::theme::Role;
use crate::tui::widgets::{Column, ListControl, draw_rows, draw_scrollbar, said, thousands};

/// From this width on panes stand side by side.
const WIDE: u16 = 120;

/// The two parts of an area: side by side where it is wide, one above the other where it is not.
fn parts(area: Rect, list_rows: u16) -> (Rect, Rect) {
    if area.width >= WIDE {
        let left = (area.width * 2 / 5).clamp(46, 84);
        let right = Rect { x: area.x + left, width: area.width - left, ..area };
        (Rect { width: left, ..area }, right)
    } else {
        let top = list_rows.min(area.height);
        let below = Rect { y: area.y + top, height: area.height - top, ..area };
        (Rect { height: top, ..area }, below)
    }
}

/// Charts write labels from left to right: those of other scripts are laid out first.
fn in_reading_order(chart: &mut crate::chart::Distribution, pen: &Pen<'_>) {
    let lay = |label: &mut String| {
        if !label.is_ascii() {
            *label = text::lay_line(label, 64, pen.looks.direction).text;
        }
    };
    chart.options.iter_mut().for_each(lay);
    chart.rows.iter_mut().for_each(|r| lay(&mut r.label));
}

impl Seeds {
    pub(super) fn draw_all(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let Some(survey) = &shared.survey else {
            pen.says(area, &[("Reading the survey ..", Role::Muted)]);
            return;
        };
        if survey.questions.is_empty() && !matches!(self.over, Over::Import(_)) {
            pen.says(area, &[
                ("There are no seeds here yet", Role::Title),
                ("", Role::Text),
                ("n reads questions, answers or counts from a file: WVQ.jsonl, country CSVs, the \
                  official survey CSV, questionnaires, option counts.", Role::Text),
                ("A new workspace made with `polyculture init DIR` has 50 sample seeds.", Role::Muted),
            ]);
            return;
        }
        match &self.over {
            Over::Augment(a) => {
                match &a.form {
                    Some(form) => form.draw(pen, area, &a.below()),
                    None => pen.says(area, &[("Looking who can be asked ..", Role::Muted)]),
                }
                return;
            }
            Over::Import(i) => {
                i.form.draw(pen, area, &i.below());
                return;
            }
            Over::Details => {
                self.draw_details(pen, area, shared);
                return;
            }
            Over::Nothing | Over::Cultures(_) | Over::Pick(_) => {}
        }
        let survey = survey.clone();
        let (body, form) = match &self.over {
            Over::Cultures(_) | Over::Pick(_) => {
                let rows = 8.min(area.height);
                let top = Rect { height: area.height - rows, ..area };
                (top, Some(Rect { y: area.bottom() - rows, height: rows, ..area }))
            }
            _ => (area, None),
        };
        if self.compare.is_some() {
            self.draw_compare(pen, body, &survey);
        } else if self.view == View::Heat {
            self.draw_heat(pen, body, &survey);
        } else {
            self.draw_answers(pen, body, &survey);
        }
        if let (Some(at), Over::Cultures(f) | Over::Pick(f)) = (form, &self.over) {
            f.draw(pen, at, &[]);
        }
    }

    fn list_title(&self) -> String {
        let mut title =
            format!("Seeds · {} · by {}", said(self.list.position()), self.list.order());
        if !self.list.filter().is_empty() {
            title += &format!(" · filter: {}", self.list.filter());
        }
        title
    }

    fn draw_list(&mut self, pen: &mut Pen<'_>, area: Rect, survey: &Survey) {
        let inner = pen.pane(area, &self.list_title(), true);
        if self.list.shown_len() == 0 {
            let style = pen.style(Role::Muted);
            pen.text(inner, "no seed matches the filter: Esc clears it", style);
            return;
        }
        let of = survey.cultures.len();
        let columns = [
            Column::words("seed", 6),
            Column::number("cult.", 5),
            Column::number("kept/all", 9).from(40),
            Column::words("topic", 16).from(72),
            Column::words("wording", 0),
        ];
        let (text, muted, good) =
            (pen.style(Role::Text), pen.style(Role::Muted), pen.style(Role::Good));
        let warn = pen.style(Role::Warn);
        let position = self.list.position();
        let height = usize::from(inner.height.saturating_sub(1));
        let rows: Vec<_> = self
            .list
            .window(height)
            .into_iter()
            .map(|(r, here, marked)| {
                let cultures = r.cultures.map_or_else(|| "..".into(), |n| format!("{n}/{of}"));
                let full = r.cultures.is_none_or(|n| n == of);
                let samples = match r.samples {
                    0 => "-".into(),
                    n => format!("{}/{}", thousands(r.kept), thousands(n)),
                };
                let cells = vec![
                    (r.id.to_string(), text),
                    (cultures, if full { text } else { warn }),
                    (samples, if r.kept > 0 { good } else { muted }),
                    (r.topic.clone(), muted),
                    (r.text.clone(), text),
                ];
                (cells, here, marked)
            })
            .collect();
        draw_rows(pen, inner, &columns, &rows, true);
        self.rows_at = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        draw_scrollbar(pen, self.rows_at, position);
    }

    /// The seed's id, topic and wording; gives the area below them.
    fn draw_wording(pen: &mut Pen<'_>, area: Rect, q: &Question) -> Rect {
        let style = pen.style(Role::Text);
        let used =
            pen.text(Rect { height: area.height.min(2), ..area }, &q.text, style).min(2) as u16;
        Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area }
    }

    fn draw_answers(&mut self, pen: &mut Pen<'_>, area: Rect, survey: &Survey) {
        let shown = self.shown(survey);
        // Bars need a row for each culture, two for the wording, one for the options.
        let needed = shown.len() as u16 + 5;
        let rows = area.height.saturating_sub(needed).max(area.height.min(7));
        let (list, side) = parts(area, rows);
        self.draw_list(pen, list, survey);
        if side.height < 4 {
            return;
        }
        pen.beside(side, |pen| self.draw_beside(pen, area, side, survey));
    }

    /// The answers to the question under the cursor, and the distances between cultures.
    fn draw_beside(&self, pen: &mut Pen<'_>, area: Rect, side: Rect, survey: &Survey) {
        let shown = self.shown(survey);
        let Some(q) = self.list.current().and_then(|r| survey.question(&r.id)) else { return };
        let Some(found) = self.answers.get() else {
            pen.pane(side, &format!("{} answers", q.id), false);
            let style = pen.style(Role::Muted);
            pen.put(
                side.x + 2,
                side.y + 1,
                side.width.saturating_sub(4),
                "working out the answers ..",
                style,
            );
            return;
        };
        let answers = std::sync::Arc::clone(found);
        let both = area.width >= WIDE && area.height >= 34;
        let (first, second) = if both {
            let top = Rect { height: (shown.len() as u16 + 6).min(side.height / 2), ..side };
            (top, Some(Rect { y: side.y + top.height, height: side.height - top.height, ..side }))
        } else {
            (side, None)
        };
        if self.view == View::Distances && !both {
            Self::draw_distances(pen, first, q, survey, &answers, &shown);
            return;
        }
        let title = format!("{} · {} · share of valid answers, by culture", q.id, q.topic);
        let inner = pen.pane(first, &title, false);
        let inner = Self::draw_wording(pen, inner, q);
        let mut chart = answers::distribution(q, survey, &answers, &shown);
        in_reading_order(&mut chart, pen);
        let canvas = chart.cells(inner.width, inner.height, pen.looks.glyphs());
        pen.canvas(inner, &canvas);
        if let Some(second) = second {
            Self::draw_distances(pen, second, q, survey, &answers, &shown);
        }
    }

    fn draw_distances(
        pen: &mut Pen<'_>,
        area: Rect,
        q: &Question,
        survey: &Survey,
        answers: &Answers,
        shown: &[usize],
    ) {
        let title = format!("{} · distance between cultures · p picks which", q.id);
        let inner = pen.pane(area, &title, false);
        let inner = Self::draw_wording(pen, inner, q);
        let mut chart = answers::distances(q, survey, answers, shown);
        chart.title = String::new();
        let unit = pen.style(Role::Muted);
        pen.put(inner.x, inner.y, inner.width, &chart.unit, unit);
        chart.unit = String::new();
        if inner.width < 100 {
            // Full names would push columns out; the order is that of the rows.
            chart.columns.iter_mut().for_each(|c| *c = c.chars().take(3).collect());
        }
        let at = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        let canvas = chart.cells(at.width, at.height, pen.looks.glyphs());
        pen.canvas(at, &canvas);
    }

    fn draw_heat(&mut self, pen: &mut Pen<'_>, area: Rect, survey: &Survey) {
        let (name, unit) = heat::measure(self.by_distance);
        let title = format!("Heat map: {name} · {} · m changes", said(self.list.position()));
        let inner = pen.pane(area, &title, true);
        let muted = pen.style(Role::Muted);
        pen.put(inner.x, inner.y, inner.width, unit, muted);
        let Some(answers) = self.answers.get().cloned() else {
            pen.put(inner.x, inner.y + 1, inner.width, "working out the answers ..", muted);
            return;
        };
        let below = 2.min(inner.height.saturating_sub(4));
        let table =
            Rect { y: inner.y + 1, height: inner.height.saturating_sub(1 + below), ..inner };
        let wide = area.width >= WIDE;
        let shown = self.shown(survey);
        let rows: Vec<(String, crate::domain::QuestionId)> = self
            .list
            .window(usize::from(table.height.saturating_sub(1)).max(1))
            .into_iter()
            .map(|(r, here, marked)| {
                let sign = match (here, marked) {
                    (true, true) => ">*",
                    (true, false) => "> ",
                    (false, true) => " *",
                    (false, false) => "  ",
                };
                let topic = if wide { format!(" {}", r.topic) } else { String::new() };
                (format!("{sign}{}{topic}", r.id), r.id.clone())
            })
            .collect();
        let of: Vec<(String, &crate::domain::QuestionId)> =
            rows.iter().map(|(l, id)| (l.clone(), id)).collect();
        let mut chart = heat::table(&of, survey, &answers, &shown, self.by_distance);
        (chart.title, chart.unit, chart.note) = Default::default();
        if !wide {
            chart.columns.iter_mut().for_each(|c| *c = text::truncate(c, 6).into_owned());
        }
        let canvas = chart.cells(table.width, table.height, pen.looks.glyphs());
        pen.canvas(table, &canvas);
        self.rows_at = Rect { y: table.y + 1, height: table.height.saturating_sub(1), ..table };
        if let Some(q) = self.list.current().and_then(|r| survey.question(&r.id)) {
            let at = Rect { y: table.bottom(), height: below, ..inner };
            let style = pen.style(Role::Text);
            pen.text(at, &format!("{}  {}", q.id, q.text), style);
        }
    }

    fn draw_compare(&mut self, pen: &mut Pen<'_>, area: Rect, survey: &Survey) {
        let shown: Vec<usize> = {
            let Some(c) = &self.compare else { return };
            c.of.iter().filter_map(|id| survey.cultures.iter().position(|k| &k.id == id)).collect()
        };
        let answers = self.answers.get().cloned();
        let Some(c) = &mut self.compare else { return };
        let [a, b] = c.names(survey);
        let title = format!("{a} and {b} · {} · by {}", said(c.list.position()), c.list.order());
        let (list, side) = parts(area, area.height.saturating_sub(9).max(area.height.min(8)));
        let inner = pen.pane(list, &title, true);
        let muted = pen.style(Role::Muted);
        let words = match (c.between.get(), c.between.error()) {
            (Some(b), _) => compare::between_words(b),
            (None, Some(e)) => e.to_string(),
            (None, None) => "working out the mean over all questions ..".into(),
        };
        let used =
            pen.text(Rect { height: inner.height.min(2), ..inner }, &words, muted).min(2) as u16;
        let inner = Rect { y: inner.y + used, height: inner.height.saturating_sub(used), ..inner };
        // Shares of a five-point scale fill 14 cells, of a ten-point scale 29.
        let room = if inner.width >= 110 { 30 } else { 15 };
        let columns = [
            Column::words("seed", 6),
            Column::number("distance", 8),
            Column::words("first, %", room),
            Column::words("second, %", room),
            Column::words("wording", 0).from(70),
        ];
        let text = pen.style(Role::Text);
        let height = usize::from(inner.height.saturating_sub(1));
        let rows: Vec<_> = c
            .list
            .window(height)
            .into_iter()
            .map(|(r, here, marked)| {
                let cells = vec![
                    (r.id.to_string(), text),
                    (compare::distance_words(r), text),
                    (compare::percents(&r.sides[0]), text),
                    (compare::percents(&r.sides[1]), text),
                    (r.text.clone(), muted),
                ];
                (cells, here, marked)
            })
            .collect();
        draw_rows(pen, inner, &columns, &rows, true);
        self.rows_at = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        let Some(row) = c.list.current() else { return };
        let Some(q) = survey.question(&row.id) else { return };
        if side.height < 4 {
            return;
        }
        let d = match row.distance {
            Some(d) => format!("Jensen-Shannon distance {d:.3} (base 2, 0 to 1)"),
            None => "no distance: one of the two has no usable answers".into(),
        };
        let inner = pen.pane(side, &format!("{} · {d}", row.id), false);
        let inner = Self::draw_wording(pen, inner, q);
        if let Some(answers) = answers {
            let mut chart = answers::distribution(q, survey, &answers, &shown);
            in_reading_order(&mut chart, pen);
            let canvas = chart.cells(inner.width, inner.height, pen.looks.glyphs());
            pen.canvas(inner, &canvas);
        }
    }

    fn draw_details(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let lines = self.detail_lines(shared);
        self.details.rows = pen.scrolled(area, "The seed in full", &lines, &mut self.details.top);
    }

    pub(super) fn exportable(&self, shared: &Shared) -> Option<Exportable> {
        let survey = shared.survey.as_ref()?;
        let answers = self.answers.get()?;
        let shown = self.shown(survey);
        if let Some(c) = &self.compare {
            let [a, b] = c.names(survey);
            let head =
                ["seed", "distance", "n first", "n second", "first %", "second %", "wording"];
            let rows = c.list.rows().iter().map(|r| {
                vec![
                    r.id.to_string(),
                    r.distance.map_or_else(String::new, |d| format!("{d:.4}")),
                    r.sides[0].n.to_string(),
                    r.sides[1].n.to_string(),
                    compare::percents(&r.sides[0]),
                    compare::percents(&r.sides[1]),
                    r.text.clone(),
                ]
            });
            return Some(Exportable {
                name: format!("{}-{}", a.to_lowercase(), b.to_lowercase()).replace(' ', "-"),
                chart: None,
                table: Some((head.map(str::to_owned).to_vec(), rows.collect())),
            });
        }
        let q = self.question(shared)?;
        let (name, chart) = match self.view {
            View::Answers => {
                let mut chart = answers::distribution(q, survey, answers, &shown);
                chart.title = format!("{}: {}", q.id, q.text);
                (format!("answers-{}", q.id), Chart::Distribution(chart))
            }
            View::Distances => {
                let chart = answers::distances(q, survey, answers, &shown);
                (format!("distances-{}", q.id), Chart::Heat(chart))
            }
            View::Heat => {
                let rows: Vec<_> =
                    self.list.rows().iter().map(|r| (r.id.to_string(), &r.id)).collect();
                let chart = heat::table(&rows, survey, answers, &shown, self.by_distance);
                ("questions-by-culture".into(), Chart::Heat(chart))
            }
        };
        Some(Exportable { name, chart: Some(chart), table: None })
    }
}
