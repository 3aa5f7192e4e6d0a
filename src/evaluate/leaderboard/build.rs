//! From rows to tables.

use std::collections::{BTreeMap, BTreeSet};

use super::{Across, BoardRow, Figure, Leaderboard, RowKind, Slice};
use crate::store::EvaluationRow;

/// The head of the column over all cultures.
const ALL: &str = "all";
/// Where classification tasks keep their means by culture.
const MEAN: &str = "mean";
/// Where their mean over all sets stands.
const OVERALL: &str = "all:eight kinds";
/// Between a metric and the part of the questions or cultures it is over.
const OVER: &str = " over ";
/// Answers that need no model, as tasks other than the survey print them.
const BASELINES: [&str; 3] = ["best constant", "uniform", "stratified"];

/// A row that says how a model differs from another one, in the metric before it.
fn is_difference(row: &EvaluationRow) -> bool {
    row.metric.ends_with(" difference") && row.extra["against"].is_string()
}

/// Metric without what it is over, and that part.
fn metric_of(row: &EvaluationRow) -> (&str, Option<&str>) {
    match row.metric.split_once(OVER) {
        Some((metric, part)) => (metric, Some(part)),
        None => (&row.metric, None),
    }
}

/// The model, without what it is held against where that is said in its difference.
fn model_of(row: &EvaluationRow) -> &str {
    if is_difference(row) { row.extra["model"].as_str().unwrap_or(&row.model) } else { &row.model }
}

fn kind_of(row: &EvaluationRow) -> RowKind {
    let needs_no_model = match row.extra["seeds"].as_u64() {
        Some(seeds) => seeds == 0,
        None => BASELINES.contains(&row.model.as_str()),
    };
    match (needs_no_model, row.model.contains("(ceiling)")) {
        (false, _) => RowKind::Model,
        (true, true) => RowKind::Ceiling,
        (true, false) => RowKind::Baseline,
    }
}

/// Splits that hold figures of several cultures, or all of them where none does.
fn splits(rows: &[EvaluationRow]) -> Vec<String> {
    let mut order: Vec<&str> = Vec::new();
    let mut cultures: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for r in rows {
        if !order.contains(&r.split.as_str()) {
            order.push(&r.split);
        }
        if let Some(c) = &r.culture {
            cultures.entry(&r.split).or_default().insert(c.as_str());
        }
    }
    // A set of texts has one culture; their means have a split of their own.
    let of_cultures = |s: &str| cultures.get(s).is_some_and(|c| c.len() > 1 || s == MEAN);
    let some: Vec<String> = order.iter().filter(|s| of_cultures(s)).map(|s| (*s).into()).collect();
    if some.is_empty() { order.into_iter().map(str::to_owned).collect() } else { some }
}

/// The tables of an evaluation, its headline first.
pub fn slices(rows: &[EvaluationRow], across: Across) -> Vec<Slice> {
    let splits = match across {
        Across::Cultures => splits(rows).into_iter().map(Some).collect(),
        Across::Tasks => vec![None],
    };
    let mut metrics: Vec<&str> = Vec::new();
    for r in rows.iter().filter(|r| !is_difference(r)) {
        let (metric, _) = metric_of(r);
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    metrics
        .into_iter()
        .flat_map(|m| splits.iter().map(|s| Slice { metric: m.to_owned(), split: s.clone() }))
        .filter(|s| rows.iter().any(|r| !is_difference(r) && column(r, s, across).is_some()))
        .collect()
}

/// The column of a row in a table; `None`: it is not of this table.
fn column(row: &EvaluationRow, slice: &Slice, across: Across) -> Option<String> {
    let (metric, over) = metric_of(row);
    let metric = if is_difference(row) {
        metric.strip_suffix(" difference").unwrap_or(metric)
    } else {
        metric
    };
    if metric != slice.metric || row.question.is_some() {
        return None;
    }
    match across {
        Across::Cultures => {
            let split = slice.split.as_deref()?;
            if split == MEAN && row.split == OVERALL {
                return Some(ALL.into());
            }
            if row.split != split {
                return None;
            }
            Some(match (&row.culture, over) {
                (_, Some(part)) => part.to_owned(),
                (Some(c), None) => c.to_string(),
                (None, None) => ALL.into(),
            })
        }
        Across::Tasks => {
            let of_a_set = row.culture.is_some() && row.split.contains('/');
            (over.is_none() && row.split != MEAN && (row.culture.is_none() || of_a_set))
                .then(|| row.split.clone())
        }
    }
}

/// The table of a slice: columns and rows in the order in which they were stored, `all` first.
pub fn leaderboard(rows: &[EvaluationRow], slice: &Slice, across: Across) -> Leaderboard {
    let mut columns: Vec<String> = Vec::new();
    let mut models: Vec<(&str, RowKind)> = Vec::new();
    let mut column_at: BTreeMap<String, usize> = BTreeMap::new();
    let mut model_at: BTreeMap<&str, usize> = BTreeMap::new();
    let mut figures: BTreeMap<(usize, usize), Figure> = BTreeMap::new();
    let mut differences: Vec<(usize, usize, &EvaluationRow)> = Vec::new();
    for r in rows {
        let Some(head) = column(r, slice, across) else { continue };
        let j = *column_at.entry(head.clone()).or_insert_with(|| {
            columns.push(head);
            columns.len() - 1
        });
        let model = model_of(r);
        let i = *model_at.entry(model).or_insert_with(|| {
            models.push((model, kind_of(r)));
            models.len() - 1
        });
        if is_difference(r) {
            differences.push((i, j, r));
        } else {
            figures.insert((i, j), Figure::of(r.value, &r.extra));
        }
    }
    for (i, j, r) in differences {
        if let Some(f) = figures.get_mut(&(i, j)) {
            f.compared(r.value, &r.extra);
        }
    }
    // `all` and the groups stand first: they are the figures to begin with.
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|j| match columns[*j].as_str() {
        ALL => 0,
        c if c.contains(' ') && across == Across::Cultures => 1,
        _ => 2,
    });
    let rows = models
        .iter()
        .enumerate()
        .map(|(i, (model, kind))| BoardRow {
            model: (*model).to_owned(),
            kind: *kind,
            cells: order.iter().map(|j| figures.remove(&(i, *j))).collect(),
        })
        .collect();
    let columns = order.iter().map(|j| columns[*j].clone()).collect();
    Leaderboard { slice: slice.clone(), across, columns, rows }
}
