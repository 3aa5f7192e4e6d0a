//! What a task other than `survey` comes to: one row a figure, each with n, unit and interval, the
//! counts behind them, and what a reader must know. The same document for every task, so that it is
//! ingested and printed in one way.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::domain::CultureId;
use crate::stats::Estimate;
use crate::text;

/// One figure. Intervals are 95 %.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FigureRow {
    /// The model, as printed.
    pub model: String,
    /// What it is compared with; `None` for a figure of one model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// The culture; `None` = all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub culture: Option<CultureId>,
    /// A part of the items: a topic, a subtask, a strength; `all` for all.
    pub split: String,
    /// `win-rate`, `exact-match`, ..
    pub metric: String,
    /// The value; `None` where it is undefined, and `note` says why.
    pub value: Option<f64>,
    /// Its interval.
    pub ci: Option<[f64; 2]>,
    /// Units.
    pub n: usize,
    /// What a unit is.
    pub unit: String,
    /// Two-sided p of the test named in the plan, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// True for what the locked plan does not name.
    #[serde(default)]
    pub exploratory: bool,
    /// What a reader must know of this row.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl FigureRow {
    /// A row from an estimate.
    pub fn of(model: &str, split: &str, metric: &str, e: &Estimate) -> Self {
        Self {
            model: model.to_owned(),
            split: split.to_owned(),
            metric: metric.to_owned(),
            value: Some(e.value),
            ci: e.interval.map(|i| [i.lo, i.hi]),
            n: e.n,
            unit: e.unit.clone(),
            ..Self::default()
        }
    }

    /// A row without a value, and why.
    pub fn undefined(model: &str, split: &str, metric: &str, why: impl ToString) -> Self {
        Self {
            model: model.to_owned(),
            split: split.to_owned(),
            metric: metric.to_owned(),
            note: why.to_string(),
            ..Self::default()
        }
    }
}

/// `evaluation.json` of every task but `survey`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// `win-rate`, `gsm8k`, `bbh`, `robustness`.
    pub task: String,
    /// The plan.
    pub plan: serde_json::Value,
    /// Its checksum, locked before anything was asked.
    pub plan_sha256: String,
    /// The figures.
    pub rows: Vec<FigureRow>,
    /// Items by what became of them, for each model or pair; they add up to the items.
    pub counts: BTreeMap<String, BTreeMap<String, usize>>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// Four significant places, and no sign on a zero.
fn number(x: f64) -> String {
    let text = format!("{x:.4}");
    if text.trim_start_matches(['-', '0', '.']).is_empty() { "0.0000".into() } else { text }
}

/// The table as lines of text: figures, counts, notes.
pub fn plain_figures(r: &TaskResult) -> String {
    let head = [
        "model",
        "against",
        "culture",
        "part",
        "metric",
        "value",
        "95 % interval",
        "n",
        "unit",
        "p",
    ];
    let mut rows: Vec<Vec<String>> = vec![head.iter().map(|h| (*h).to_owned()).collect()];
    let dash = || "-".to_owned();
    for f in &r.rows {
        let metric = if f.exploratory { format!("{} *", f.metric) } else { f.metric.clone() };
        rows.push(vec![
            text::display(&f.model),
            f.against.as_deref().map_or_else(dash, text::display),
            f.culture.as_ref().map_or_else(|| "all".into(), ToString::to_string),
            text::display(&f.split),
            metric,
            f.value.map_or_else(|| "undefined".into(), number),
            f.ci.map_or_else(dash, |[lo, hi]| format!("[{}, {}]", number(lo), number(hi))),
            f.n.to_string(),
            f.unit.clone(),
            f.p.map_or_else(dash, |p| if p < 0.001 { "<.001".into() } else { format!("{p:.3}") }),
        ]);
    }
    // A column that says nothing is left out.
    let shown: Vec<usize> = (0..head.len())
        .filter(|i| match i {
            1 | 9 => rows[1..].iter().any(|r| r[*i] != "-"),
            2 | 3 => rows[1..].iter().any(|r| r[*i] != "all"),
            _ => true,
        })
        .collect();
    let width = |i: usize| rows.iter().map(|r| text::width(&r[i])).max().unwrap_or(0);
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for i in &shown {
            let pad = " ".repeat(width(*i).saturating_sub(text::width(&row[*i])));
            let flush_right = matches!(i, 5..=7 | 9);
            let gap = if line.is_empty() { "" } else { "  " };
            let _ = if flush_right {
                write!(line, "{gap}{pad}{}", row[*i])
            } else {
                write!(line, "{gap}{}{pad}", row[*i])
            };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    for (what, counts) in &r.counts {
        let parts: Vec<String> = counts.iter().map(|(class, n)| format!("{n} {class}")).collect();
        let _ = writeln!(out, "{}: {}", text::display(what), parts.join(", "));
    }
    if r.rows.iter().any(|f| f.exploratory) {
        out.push_str("* not in the locked plan: exploratory\n");
    }
    for f in r.rows.iter().filter(|f| !f.note.is_empty()) {
        let _ =
            writeln!(out, "{} ({}): {}", f.metric, text::display(&f.model), text::display(&f.note));
    }
    for n in &r.notes {
        let _ = writeln!(out, "{}", text::display(n));
    }
    let sha = &r.plan_sha256[..12.min(r.plan_sha256.len())];
    let _ = writeln!(out, "Plan {sha}, locked before anything was asked.");
    out
}
