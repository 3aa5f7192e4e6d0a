//! Models by culture and by task: every figure with its interval, n and mark, baselines always in.

use std::collections::{BTreeMap, BTreeSet};

use super::page::{Cell, Page, escape, figure, interval, short};
use crate::chart::{Axis, Bar, BarChart, Chart, Palette};
use crate::evaluate::Metric;
use crate::report::{EvaluationPart, WorkspaceReport};
use crate::store::EvaluationRow;

/// Evaluations of the survey that are shown in full, newest first.
const SHOWN: usize = 3;

/// The best model of the newest evaluation of the survey.
pub(super) struct Best {
    /// Its name.
    pub model: String,
    /// Its figure over all cultures.
    pub value: Option<f64>,
    /// Of the figure.
    pub interval: Option<(f64, f64)>,
    /// What it was measured on.
    pub split: String,
}

/// The best model on the split that is hardest to learn by heart.
pub(super) fn best(r: &WorkspaceReport) -> Option<Best> {
    let e = surveys(r).next()?;
    let split = splits(e).last().copied()?.to_owned();
    let rows = headline(e, &split).filter(|row| row.culture.is_none() && is_model(row));
    let best = rows.max_by(|a, b| a.value.unwrap_or(-1.0).total_cmp(&b.value.unwrap_or(-1.0)))?;
    Some(Best { model: best.model.clone(), value: best.value, interval: ends(best, "ci"), split })
}

/// Newest first.
fn surveys(r: &WorkspaceReport) -> impl Iterator<Item = &EvaluationPart> {
    r.evaluations.iter().rev().filter(|e| !splits(e).is_empty())
}

/// Splits with the headline metric, in the order of the table.
fn splits(e: &EvaluationPart) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    for row in e.rows.iter().filter(|r| r.metric == Metric::Jsd.as_str()) {
        if !out.contains(&row.split.as_str()) {
            out.push(&row.split);
        }
    }
    out
}

fn headline<'a>(e: &'a EvaluationPart, split: &str) -> impl Iterator<Item = &'a EvaluationRow> {
    let split = split.to_owned();
    e.rows.iter().filter(move |r| r.metric == Metric::Jsd.as_str() && r.split == split)
}

/// Rows that need no model have no training seeds.
fn is_model(row: &EvaluationRow) -> bool {
    row.extra["seeds"].as_u64().unwrap_or(0) > 0
}

fn ends(row: &EvaluationRow, key: &str) -> Option<(f64, f64)> {
    row.extra[key][0].as_f64().zip(row.extra[key][1].as_f64())
}

/// Better or worse than the mixture of the other cultures, where that is more than chance: with
/// stars by the adjusted p of the test in the locked plan, or alone where there is only an interval
/// of the paired difference, and it leaves out 0. Other tasks have no such difference.
fn mark(row: &EvaluationRow) -> String {
    let x = &row.extra;
    let stars = match x["p_holm"].as_f64() {
        Some(p) if p < 0.001 => "***",
        Some(p) if p < 0.01 => "**",
        Some(p) if p < 0.05 => "*",
        Some(_) => return String::new(),
        None => "",
    };
    let side = match (stars, ends(row, "diff_ci"), x["diff"].as_f64()) {
        ("", Some((lo, _)), _) if lo > 0.0 => "▲",
        ("", Some((_, hi)), _) if hi < 0.0 => "▼",
        ("", ..) => "",
        (_, _, Some(d)) if d > 0.0 => "▲",
        (_, _, Some(d)) if d < 0.0 => "▼",
        _ => "",
    };
    format!("{side}{stars}")
}

const MARKS: &str = "Under each figure: its 95 % interval and n. ▲ better, ▼ worse than the mixture \
of the other cultures. Models over all cultures: * p < .05, ** p < .01, *** p < .001 (two-sided sign \
flips over questions, Holm over the models of the table). Everywhere else a triangle alone: the 95 % \
interval of the paired difference leaves out 0; not adjusted for the number of cells.";

pub(super) fn leaderboard(p: &mut Page, r: &WorkspaceReport) {
    if r.evaluations.is_empty() {
        p.line("None yet: `polyculture evaluate --model NAME --wait` makes one.");
        return;
    }
    for e in surveys(r).take(SHOWN) {
        for split in splits(e) {
            p.heading(&format!("Model by culture: {split} ({})", e.id));
            p.note(&format!(
                "1 - Jensen-Shannon divergence to people's answers, 1 is best; {}; plan {}, locked \
                 before scoring.",
                e.created,
                short(&e.plan_sha256)
            ));
            forest(p, e, split);
            by_culture(p, e, split);
        }
        p.note(MARKS);
    }
    let more = surveys(r).count().saturating_sub(SHOWN);
    if more > 0 {
        p.note(&format!("{more} older evaluations of the survey are left out here."));
    }
    by_task(p, r);
}

/// Models first, the best on top; then the rows that need no model, in their order.
fn order(e: &EvaluationPart, split: &str) -> Vec<(String, bool)> {
    let all = || headline(e, split).filter(|r| r.culture.is_none());
    let mut models: Vec<&EvaluationRow> = all().filter(|r| is_model(r)).collect();
    models.sort_by(|a, b| b.value.unwrap_or(-1.0).total_cmp(&a.value.unwrap_or(-1.0)));
    let rest = all().filter(|r| !is_model(r));
    models
        .into_iter()
        .map(|r| (r.model.clone(), true))
        .chain(rest.map(|r| (r.model.clone(), false)))
        .collect()
}

fn forest(p: &mut Page, e: &EvaluationPart, split: &str) {
    let rows: BTreeMap<&str, &EvaluationRow> =
        headline(e, split).filter(|r| r.culture.is_none()).map(|r| (r.model.as_str(), r)).collect();
    let bar = |(model, is_model): (String, bool)| {
        let row = rows.get(model.as_str())?;
        let n = row.extra["n"].as_u64().unwrap_or(0);
        Some(Bar {
            label: if is_model { model } else { format!("baseline: {model}") },
            value: row.value.unwrap_or(f64::NAN),
            interval: ends(row, "ci"),
            note: format!("n={n} {}", mark(row)).trim_end().to_owned(),
            style: usize::from(!is_model) * 7,
        })
    };
    let chart = BarChart {
        title: format!("All cultures, {split}, 95 % intervals"),
        unit: "1-JSD".into(),
        rows: order(e, split).into_iter().filter_map(bar).collect(),
        max: Some(1.0),
    };
    p.chart(&Chart::Bars(chart), (1000, 200));
}

fn by_culture(p: &mut Page, e: &EvaluationPart, split: &str) {
    let cultures: BTreeSet<&str> =
        headline(e, split).filter_map(|r| r.culture.as_ref()).map(AsRef::as_ref).collect();
    let cells: BTreeMap<(&str, Option<&str>), &EvaluationRow> = headline(e, split)
        .map(|r| ((r.model.as_str(), r.culture.as_ref().map(AsRef::as_ref)), r))
        .collect();
    let axis = Axis::over(cells.values().filter_map(|r| r.value), false);
    let columns: Vec<Option<&str>> =
        std::iter::once(None).chain(cultures.iter().map(|c| Some(*c))).collect();
    let rows: Vec<Vec<Cell>> = order(e, split)
        .iter()
        .map(|(model, is_model)| {
            let label = if *is_model { model.clone() } else { format!("baseline: {model}") };
            let figures = columns.iter().map(|c| cell(cells.get(&(model, *c)).copied(), axis));
            std::iter::once(Cell::Words(label)).chain(figures).collect()
        })
        .collect();
    let mut head = vec!["model", ">all cultures"];
    let names: Vec<String> = cultures.iter().map(|c| format!(">{c}")).collect();
    head.extend(names.iter().map(String::as_str));
    p.table(&head, &rows);
}

fn cell(row: Option<&EvaluationRow>, axis: Axis) -> Cell {
    let Some(row) = row else { return Cell::Number("-".into()) };
    let Some(at) = row.value.and_then(|v| axis.at(v)) else {
        return Cell::Number("undefined".into());
    };
    let n = row.extra["n"].as_u64().map_or_else(String::new, |n| format!(" n={n}"));
    let html = format!(
        "{} {}<small>{}{}</small>",
        figure(row.value),
        mark(row),
        escape(&interval(ends(row, "ci"))),
        escape(&n)
    );
    Cell::Heat(html, Palette::PAGE.heat(at, false))
}

/// The newest figure of each model in each task: where a task has several, its first.
fn by_task(p: &mut Page, r: &WorkspaceReport) {
    let mut columns: Vec<String> = Vec::new();
    let mut cells: BTreeMap<(String, String), &EvaluationRow> = BTreeMap::new();
    let mut models: Vec<String> = Vec::new();
    for e in r.evaluations.iter().rev() {
        for row in of_task(e) {
            let column = match row.culture.as_ref() {
                Some(c) => format!("{} {} {c} ({})", e.task, row.split, row.metric),
                None if row.split == "all" => format!("{} ({})", e.task, row.metric),
                None => format!("{} {} ({})", e.task, row.split, row.metric),
            };
            if !columns.contains(&column) {
                columns.push(column.clone());
            }
            if !models.contains(&row.model) {
                models.push(row.model.clone());
            }
            cells.entry((row.model.clone(), column)).or_insert(row);
        }
    }
    if columns.is_empty() {
        return;
    }
    p.heading("Model by task");
    p.note(
        "The newest figure of each model; under it its 95 % interval and n. Units differ from \
         column to column, so heat is within a column. Rows of the survey that need no model \
         are baselines.",
    );
    let axes: Vec<Axis> = columns
        .iter()
        .map(|c| {
            Axis::over(cells.iter().filter(|(k, _)| &k.1 == c).filter_map(|(_, r)| r.value), false)
        })
        .collect();
    let rows: Vec<Vec<Cell>> = models
        .iter()
        .map(|m| {
            let figures = columns
                .iter()
                .zip(&axes)
                .map(|(c, axis)| cell(cells.get(&(m.clone(), c.clone())).copied(), *axis));
            std::iter::once(Cell::Words(m.clone())).chain(figures).collect()
        })
        .collect();
    let names: Vec<String> = columns.iter().map(|c| format!(">{c}")).collect();
    let mut head = vec!["model"];
    head.extend(names.iter().map(String::as_str));
    p.table(&head, &rows);
}

/// The rows that stand for a task: its first metric, over all cultures where it has such a row.
fn of_task(e: &EvaluationPart) -> Vec<&EvaluationRow> {
    let survey = !splits(e).is_empty();
    let metric = if survey {
        Metric::Jsd.as_str()
    } else {
        match e.rows.first() {
            Some(row) => row.metric.as_str(),
            None => return Vec::new(),
        }
    };
    let of_metric = || e.rows.iter().filter(|r| r.metric == metric);
    let whole = of_metric().filter(|r| r.culture.is_none() && r.split == "all");
    let mean = of_metric().filter(|r| r.culture.is_none());
    let split = of_metric();
    let whole: Vec<_> = whole.collect();
    if !whole.is_empty() {
        return whole;
    }
    let mean: Vec<_> = mean.collect();
    if mean.is_empty() { split.collect() } else { mean }
}
