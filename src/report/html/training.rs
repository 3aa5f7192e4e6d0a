//! Training curves, from what runs wrote down as they went.

use super::page::{Cell, Page};
use crate::chart::{Chart, LineChart, Series, number, smooth};
use crate::job::RunKind;
use crate::report::{RunPart, RunsPart, WorkspaceReport};

/// Memory of the smoothed curve.
const SMOOTH: f64 = 0.9;
/// Runs in one overlay: as many as there are colours and marks.
const OVERLAY: usize = 8;

pub(super) fn training(p: &mut Page, r: &WorkspaceReport, runs: &RunsPart) {
    let trained: Vec<&RunPart> = runs.runs.iter().filter(|r| r.kind == RunKind::Finetune).collect();
    if trained.is_empty() {
        p.line("No run yet: `polyculture finetune --dataset NAME --wait` makes one.");
        return;
    }
    let drawn: Vec<&RunPart> =
        trained.iter().copied().filter(|r| r.metrics.contains_key("loss")).collect();
    if drawn.len() > 1 {
        overlay(p, r, &drawn);
    }
    p.note("Strong lines: smoothed. Faint lines: as measured.");
    p.raw("<div class=\"charts\">\n");
    for run in &drawn {
        p.chart(&Chart::Line(curves(r, run)), (560, 300));
    }
    p.raw("</div>\n");
    if drawn.len() < trained.len() {
        p.note(&format!("{} runs without a curve here.", trained.len() - drawn.len()));
    }
    for run in &trained {
        if let Some(why) = &run.unreadable {
            p.note(&format!("{}: its measurements cannot be read: {why}", run.id));
        }
    }
    let rows: Vec<Vec<Cell>> = drawn
        .iter()
        .map(|run| {
            let last = |name: &str| run.metrics.get(name).and_then(|c| c.last());
            let say = |name: &str| last(name).map_or_else(|| "-".into(), |l| number(l.1));
            vec![
                Cell::Words(title(r, run)),
                Cell::Words(run.state.clone()),
                Cell::Number(last("loss").map_or_else(|| "-".into(), |l| number(l.0))),
                Cell::Number(say("loss")),
                Cell::Number(say("lr")),
                Cell::Number(say("grad_norm")),
                Cell::Number(say("tokens_per_s")),
            ]
        })
        .collect();
    p.table(
        &[
            "run",
            "state",
            ">steps",
            ">last loss (nats)",
            ">learning rate",
            ">gradient norm",
            ">tokens/s",
        ],
        &rows,
    );
}

/// The model's name where the run made one, else the run's label or id.
fn title(r: &WorkspaceReport, run: &RunPart) -> String {
    let made = r.models.iter().find(|m| m.run.as_ref().is_some_and(|id| id.as_str() == run.id));
    made.and_then(|m| m.alias.clone())
        .or_else(|| run.label.clone())
        .unwrap_or_else(|| run.id.clone())
}

fn curves(r: &WorkspaceReport, run: &RunPart) -> LineChart {
    let mut series = Vec::new();
    let losses = run.metrics.iter().filter(|(name, _)| name.ends_with("loss"));
    for (style, (name, points)) in losses.enumerate() {
        let raw =
            Series { name: format!("{name}, raw"), points: points.clone(), style, faint: true };
        series.push(raw);
        let points = smooth(points, SMOOTH);
        series.push(Series { name: format!("{name}, smoothed"), points, style, faint: false });
    }
    LineChart {
        title: title(r, run),
        x_label: "optimiser step".into(),
        y_label: "loss (nats)".into(),
        series,
        ..LineChart::default()
    }
}

fn overlay(p: &mut Page, r: &WorkspaceReport, drawn: &[&RunPart]) {
    let series = drawn.iter().take(OVERLAY).enumerate().map(|(style, run)| Series {
        name: title(r, run),
        points: run.metrics.get("loss").map(|l| smooth(l, SMOOTH)).unwrap_or_default(),
        style,
        faint: false,
    });
    let chart = LineChart {
        title: format!("Loss of the {} newest runs, smoothed", drawn.len().min(OVERLAY)),
        x_label: "optimiser step".into(),
        y_label: "loss (nats)".into(),
        series: series.collect(),
        ..LineChart::default()
    };
    p.chart(&Chart::Line(chart), (1140, 380));
}
