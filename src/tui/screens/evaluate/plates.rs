//! Pictures of the table: a radar, and the bars of an ablation.

use ratatui::layout::Rect;

use super::board::Board;
use crate::chart::{
    Bar, BarChart, Chart, HeatCell, HeatScale, HeatTable, IntervalPoint, IntervalSeries, Intervals,
    Radar,
};
use crate::evaluate::Baseline;
use crate::evaluate::leaderboard::{
    Across, Better, BoardRow, Figure, RowKind, better, leaderboard, slices,
};
use crate::tui::pen::Pen;
use crate::tui::theme::Role;

/// Series of a radar that can be told apart.
const SERIES: usize = 6;

/// A label as charts on a terminal want it: letters in the order in which they stand.
fn in_place(pen: &Pen<'_>, label: &str) -> String {
    crate::text::lay_line(label, 40, pen.looks.direction).text
}

impl Board {
    /// Columns that are single cultures or parts, not means over several.
    fn single(&self) -> Vec<usize> {
        let Some(t) = &self.table else { return Vec::new() };
        let of_all = |c: &str| {
            c == "all"
                || (self.across == Across::Cultures && c.contains(' '))
                || c.starts_with("all:")
        };
        (0..t.columns.len()).filter(|j| !of_all(&t.columns[*j])).collect()
    }

    /// The marked rows; else the first models in view and the best baseline.
    fn chosen_rows(&self) -> Vec<&super::board::Line> {
        let marked: Vec<_> =
            self.list.rows().iter().filter(|l| self.list.is_marked(l)).take(SERIES).collect();
        if !marked.is_empty() {
            return marked;
        }
        let mut out: Vec<_> = self
            .list
            .rows()
            .iter()
            .filter(|l| l.row.kind == RowKind::Model)
            .take(SERIES - 2)
            .collect();
        out.extend(self.list.rows().iter().filter(|l| l.row.kind != RowKind::Model).take(2));
        out
    }

    /// The table as a radar: an axis a culture or part, a series a row.
    pub fn radar_chart(&self) -> Option<Radar> {
        let t = self.table.as_ref()?;
        let columns = self.single();
        let series: Vec<(String, Vec<f64>)> = self
            .chosen_rows()
            .into_iter()
            .map(|l| {
                let value =
                    |j: &usize| l.row.cells.get(*j).and_then(Option::as_ref).and_then(|f| f.value);
                (
                    l.row.model.clone(),
                    columns.iter().map(|j| value(j).unwrap_or(f64::NAN)).collect(),
                )
            })
            .collect();
        let finite = || series.iter().flat_map(|s| &s.1).copied().filter(|v| v.is_finite());
        let (lo, hi) =
            finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let gap = ((hi - lo) * 0.1).max(0.01);
        Some(Radar {
            title: self.title(),
            axes: columns.iter().map(|j| t.columns[*j].clone()).collect(),
            series,
            min: if lo.is_finite() { lo - gap } else { 0.0 },
            max: if hi.is_finite() { hi } else { 1.0 },
        })
    }

    /// The whole table as heat: what `e` exports.
    pub fn heat_table(&self) -> Option<HeatTable> {
        let t = self.table.as_ref()?;
        let metric = &t.slice.metric;
        let rows = self
            .list
            .rows()
            .iter()
            .map(|l| {
                let cells = l.row.cells.iter().map(|f| match f {
                    Some(f) => HeatCell {
                        value: f.value,
                        text: if f.value.is_none() { "undefined".into() } else { String::new() },
                        mark: f.mark(metric).as_str().into(),
                    },
                    None => HeatCell::default(),
                });
                (l.row.model.clone(), cells.collect())
            })
            .collect();
        let less = if better(metric) == Better::Lower { "less is better. " } else { "" };
        Some(HeatTable {
            title: self.title(),
            unit: metric.clone(),
            columns: t.columns.clone(),
            rows,
            scale: HeatScale::Sequential,
            range: None,
            note: format!("{less}{}", t.legend()),
        })
    }

    /// Means of all rows in the column under the cursor, with their intervals.
    pub fn bars(&self) -> Option<BarChart> {
        let t = self.table.as_ref()?;
        let column = t.columns.get(self.column)?;
        let rows = self
            .list
            .rows()
            .iter()
            .filter_map(|l| {
                let f = l.row.cells.get(self.column)?.as_ref()?;
                let seeds = match (f.seeds, l.row.kind) {
                    (0, RowKind::Model) => String::new(),
                    (0, _) => ", needs no model".into(),
                    (n, _) => format!(", {n} seed{}", if n == 1 { "" } else { "s" }),
                };
                Some(Bar {
                    label: l.row.model.clone(),
                    value: f.value.unwrap_or(f64::NAN),
                    interval: f.ci.map(|[lo, hi]| (lo, hi)),
                    note: format!("{} n={}{seeds}", f.mark(&t.slice.metric).as_str(), f.n)
                        .trim()
                        .to_owned(),
                    style: usize::from(l.row.kind != RowKind::Model),
                })
            })
            .collect();
        let title = format!("{} · {column}, 95 % intervals", self.title());
        Some(BarChart { title, unit: t.slice.metric.clone(), rows, max: None })
    }

    /// The models as places in the order of the plan (counts in their own), one line a part, with
    /// 95 % intervals: what a sweep asks. The mixture of the other cultures is a level line.
    pub fn lines_chart(&self) -> Option<Intervals> {
        let rows = self.rows.get()?;
        let metric = &self.slice.as_ref()?.metric;
        let slice = slices(rows, Across::Tasks).into_iter().find(|s| s.metric == *metric)?;
        let table = leaderboard(rows, &slice, Across::Tasks);
        let mut models: Vec<&BoardRow> =
            table.rows.iter().filter(|r| r.kind == RowKind::Model).collect();
        let count = |r: &&BoardRow| r.model.split(' ').next()?.parse::<u64>().ok();
        if models.iter().all(|r| count(r).is_some()) {
            models.sort_by_key(count);
        }
        if models.len() < 2 {
            return None;
        }
        let point = |f: Option<&Figure>| {
            let f = f?;
            let interval = f.ci.map(|[lo, hi]| (lo, hi));
            Some(IntervalPoint {
                value: f.value?,
                interval,
                n: usize::try_from(f.n).unwrap_or(usize::MAX),
            })
        };
        let cell = |r: &BoardRow, j: usize| point(r.cells.get(j).and_then(Option::as_ref));
        let mut series = Vec::new();
        for (j, column) in table.columns.iter().enumerate().take(SERIES) {
            let points: Vec<_> = models.iter().map(|r| cell(r, j)).collect();
            if points.iter().any(Option::is_some) {
                series.push(IntervalSeries { name: column.clone(), points, style: series.len() });
            }
        }
        let mixture = Baseline::MixtureOfOthers.label();
        if let Some(row) = table.rows.iter().find(|r| r.model == mixture)
            && let (Some(column), Some(level)) = (table.columns.first(), cell(row, 0))
        {
            let level = IntervalPoint { interval: None, ..level };
            series.push(IntervalSeries {
                name: format!("{mixture} ({column})"),
                points: vec![Some(level); models.len()],
                style: 7,
            });
        }
        Some(Intervals {
            title: format!("{metric} of every arm, 95 % intervals"),
            x_label: "arms".into(),
            y_label: metric.clone(),
            places: models.iter().map(|r| r.model.clone()).collect(),
            series,
        })
    }

    /// Draws the arms as lines over their order.
    fn draw_lines(&self, pen: &mut Pen<'_>, area: Rect) {
        let inner = pen.pane(area, "Arms in their order (v: bars)", true);
        match self.lines_chart() {
            Some(mut lines) if !lines.series.is_empty() => {
                lines.places.iter_mut().for_each(|p| *p = in_place(pen, p));
                let glyphs = pen.looks.glyphs();
                let canvas = Chart::Intervals(lines).cells(inner.width, inner.height, glyphs);
                pen.canvas(inner, &canvas);
            }
            _ => pen.says(
                inner,
                &[
                    ("Lines need two models with figures.", Role::Text),
                    ("v shows bars, m another metric", Role::Muted),
                ],
            ),
        }
    }

    /// Draws the table as a radar.
    pub fn draw_radar(&self, pen: &mut Pen<'_>, area: Rect) {
        let inner = pen.pane(area, &format!("Radar of {}", self.title()), true);
        match self.radar_chart() {
            Some(mut r) if r.axes.len() >= 3 => {
                r.series.iter_mut().for_each(|s| s.0 = in_place(pen, &s.0));
                let note = "marked rows, else the first models and baselines; v shows another view";
                let chart = Rect { height: inner.height.saturating_sub(1), ..inner };
                let canvas = Chart::Radar(r).cells(chart.width, chart.height, pen.looks.glyphs());
                pen.canvas(chart, &canvas);
                let style = pen.style(Role::Muted);
                pen.put(inner.x, inner.bottom().saturating_sub(1), inner.width, note, style);
            }
            _ => pen.says(
                inner,
                &[
                    (
                        "A radar needs three cultures or parts, and there are fewer here.",
                        Role::Text,
                    ),
                    ("v shows another view, m another metric", Role::Muted),
                ],
            ),
        }
    }

    /// Draws the bars of all rows.
    pub fn draw_bars(&self, pen: &mut Pen<'_>, area: Rect) {
        if self.lines {
            self.draw_lines(pen, area);
            return;
        }
        let against = self.head.as_ref().and_then(|h| h.against.as_deref());
        let title = match against {
            Some(a) => format!("Arms, compared with {a}"),
            None => "Arms".to_owned(),
        };
        let inner = pen.pane(area, &title, true);
        let Some(bars) = self.bars().filter(|b| !b.rows.is_empty()) else {
            pen.says(
                inner,
                &[("no figures to draw", Role::Text), ("m shows another metric", Role::Muted)],
            );
            return;
        };
        let mut bars = bars;
        bars.rows.iter_mut().for_each(|b| b.label = in_place(pen, &b.label));
        let legend = self.table.as_ref().map_or_else(String::new, |t| t.legend());
        let chart = Rect { height: inner.height.saturating_sub(1), ..inner };
        let canvas = Chart::Bars(bars).cells(chart.width, chart.height, pen.looks.glyphs());
        pen.canvas(chart, &canvas);
        let style = pen.style(Role::Muted);
        pen.put(inner.x, inner.bottom().saturating_sub(1), inner.width, &legend, style);
    }
}
