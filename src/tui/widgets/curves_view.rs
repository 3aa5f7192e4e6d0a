//! What runs measured, as charts: one panel a metric, the runs laid over each other.

use std::collections::BTreeSet;

use ratatui::layout::Rect;

use super::thousands;
use crate::chart::{Chart, LineChart, Marker, Series, number};
use crate::job::{Curve, Curves, SMOOTHING};
use crate::tui::pen::Pen;
use crate::tui::theme::Role;

/// What is known best stands first.
const FIRST: [&str; 4] = ["loss", "lr", "grad_norm", "tokens_per_s"];

/// Which metric is shown.
#[derive(Debug, Clone, Default)]
pub struct CurvesView {
    metric: Option<String>,
    by: i64,
}

/// A run to draw: what the legend calls it, and its curves.
pub type Drawn<'a> = (&'a str, &'a Curves);

/// Metrics that any of the runs has; a metric and its `eval_` twin are one.
fn panels(runs: &[Drawn<'_>]) -> Vec<String> {
    let names: BTreeSet<&str> = runs
        .iter()
        .flat_map(|r| r.1.of.keys())
        .map(|n| n.strip_prefix("eval_").unwrap_or(n))
        // How far it is, not what it measures: the line above the curves says it.
        .filter(|n| *n != "epoch")
        .collect();
    let mut out: Vec<String> =
        FIRST.iter().filter(|n| names.contains(**n)).map(|n| (*n).to_owned()).collect();
    out.extend(names.into_iter().filter(|n| !FIRST.contains(n)).map(str::to_owned));
    out
}

/// A metric in words, and its unit.
pub fn metric_words(name: &str) -> (String, &'static str) {
    let unit = match name {
        "loss" => "nats",
        "lr" | "grad_norm" => "",
        n if n.ends_with("seconds") => "s",
        _ => "",
    };
    let words = match name {
        "lr" => "learning rate".to_owned(),
        "grad_norm" => "gradient norm".to_owned(),
        n => match n.strip_suffix("_per_s") {
            Some(what) => format!("{} per second", what.replace('_', " ")),
            None => n.replace('_', " "),
        },
    };
    (words, unit)
}

impl CurvesView {
    /// The metric after the one shown, or before it.
    pub fn next(&mut self, by: i64) {
        self.by += by;
    }

    /// Shows this metric.
    pub fn show(&mut self, metric: &str) {
        (self.metric, self.by) = (Some(metric.to_owned()), 0);
    }

    /// The metric shown, and `2 of 5`.
    pub fn shown(&self, runs: &[Drawn<'_>]) -> Option<(String, usize, usize)> {
        let all = panels(runs);
        let at = self.metric.as_ref().and_then(|m| all.iter().position(|n| n == m)).unwrap_or(0);
        let at = (at as i64 + self.by).rem_euclid(all.len().max(1) as i64) as usize;
        all.get(at).map(|n| (n.clone(), at + 1, all.len()))
    }

    /// The chart of one metric of these runs.
    pub fn chart(metric: &str, runs: &[Drawn<'_>], markers: Vec<Marker>) -> LineChart {
        let (words, unit) = metric_words(metric);
        let mut series = Vec::new();
        let eval = format!("eval_{metric}");
        let alone = runs.len() == 1;
        for (i, (label, curves)) in runs.iter().enumerate() {
            let style = if alone { 0 } else { i };
            if let Some(c) = curves.of.get(metric) {
                let name = if alone { "train, smoothed".to_owned() } else { (*label).to_owned() };
                push(&mut series, c, name, style);
            }
            if let Some(c) = curves.of.get(&eval) {
                let style = if alone { 1 } else { runs.len() + i };
                let name = if alone { "eval".to_owned() } else { format!("{label}, eval") };
                series.push(Series { name, points: c.raw.clone(), style, faint: false });
            }
        }
        let n: u64 = runs.iter().filter_map(|r| r.1.of.get(metric)).map(|c| c.n).sum();
        let title = format!("{words} (n = {})", thousands(n));
        let y_label = if unit.is_empty() { words } else { format!("{words}, {unit}") };
        LineChart { title, x_label: "step".into(), y_label, series, log_y: false, markers }
    }

    /// Draws the panel; says what there is to say where there is nothing to draw.
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, runs: &[Drawn<'_>], markers: Vec<Marker>) {
        let Some((metric, ..)) = self.shown(runs) else {
            pen.says(area, &[("Nothing was measured yet.", Role::Muted)]);
            return;
        };
        let text = pen.style(Role::Text);
        let bad = pen.style(Role::Bad);
        let mut top = 0;
        if let [(_, curves)] = runs
            && area.height > 5
        {
            let said = says(&metric, curves);
            let strange = curves.of.get(&metric).is_some_and(|c| c.not_finite > 0);
            pen.put(area.x, area.y, area.width, &said, if strange { bad } else { text });
            top = 1;
        }
        let area = Rect { y: area.y + top, height: area.height - top, ..area };
        let chart = Chart::Line(Self::chart(&metric, runs, markers));
        let canvas = chart.cells(area.width, area.height, pen.looks.glyphs());
        pen.canvas(area, &canvas);
    }
}

fn push(series: &mut Vec<Series>, c: &Curve, name: String, style: usize) {
    let raw = Series { name: String::new(), points: c.raw.clone(), style, faint: true };
    series.push(raw);
    series.push(Series { name, points: c.smooth.clone(), style, faint: false });
}

/// `last 1.2034 at step 400 of 800 · smoothed 1.31 · lowest 1.19 at 380 · 2 NaN or infinite`.
pub fn says(metric: &str, curves: &Curves) -> String {
    let Some(c) = curves.of.get(metric) else { return String::new() };
    let mut out = Vec::new();
    if let Some((step, value)) = c.last {
        let of = curves.total.map_or(String::new(), |t| format!(" of {}", thousands(t)));
        out.push(format!("{} at step {}{of}", figure(value), thousands(step)));
    }
    if let Some((_, y)) = c.smooth.iter().rev().find(|p| p.1.is_finite()) {
        out.push(format!("smoothed ({SMOOTHING}) {}", figure(*y)));
    }
    if metric == "loss"
        && let Some((step, value)) = c.lowest
    {
        out.push(format!("lowest {} at {}", figure(value), thousands(step)));
    }
    if let Some((_, value)) = curves.of.get(&format!("eval_{metric}")).and_then(|c| c.last) {
        out.push(format!("eval {}", figure(value)));
    }
    if c.not_finite > 0 {
        out.insert(0, format!("{} NaN or infinite", thousands(c.not_finite)));
    }
    if curves.unreadable > 0 {
        out.push(format!("{} lines unreadable", thousands(curves.unreadable)));
    }
    out.join(" · ")
}

/// A figure in four digits or so.
pub fn figure(x: f64) -> String {
    if x.is_finite() && x != 0.0 && (1e-3..1e5).contains(&x.abs()) {
        let digits = (3 - x.abs().log10().floor() as i64).clamp(0, 6) as usize;
        format!("{x:.digits$}")
    } else if x.is_finite() && x != 0.0 {
        format!("{x:.2e}")
    } else {
        number(x)
    }
}
