//! What stands behind a cell of the table: questions or items, single replies, and two models side
//! by side. Read from the folder of the run, since only figures are in the database.

mod classified;
mod drawn;
mod open;
mod pace;
mod robust;
mod scored;
#[cfg(test)]
mod tests;
mod worded;

pub use pace::{Pace, pace};

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::EvaluateError;
use super::locked::task_of;
use crate::job::Attempt;

/// Which cell.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Aim {
    /// The model, as printed.
    pub model: String,
    /// The metric.
    pub metric: String,
    /// The split, the set, the subtask, the change.
    pub split: String,
    /// `all`, a group of cultures, or a culture's id.
    pub column: String,
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Right, or won.
    Right,
    /// Wrong, or lost.
    Wrong,
    /// Neither: a tie.
    Even,
    /// The model would not answer.
    Refused,
    /// A reply that says nothing that can be read.
    Invalid,
    /// No reply.
    Missing,
    /// Has a score of its own, and is not right or wrong.
    Scored,
}

impl Fate {
    /// A word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Even => "tie",
            Self::Refused => "refused",
            Self::Invalid => "invalid",
            Self::Missing => "no reply",
            Self::Scored => "",
        }
    }
}

/// One question or item.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemRow {
    /// What names it for good: `Q27`, `korean/hate 12`.
    pub key: String,
    /// Its culture, set, subtask.
    pub part: String,
    /// The gold label or answer; of a survey, what most people chose.
    pub gold: String,
    /// What was read of the reply; of a survey, what the model finds likeliest.
    pub said: String,
    /// Its score in the metric, where items have one.
    pub score: Option<f64>,
    /// The same of the baseline that the table is compared with.
    pub baseline: Option<f64>,
    /// What became of it.
    pub fate: Fate,
}

/// Items by gold label (rows) and by what was read (columns: labels, refusal, invalid).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfusionTable {
    /// Gold labels.
    pub labels: Vec<String>,
    /// The labels, `refused`, `invalid`.
    pub columns: Vec<String>,
    /// Items.
    pub counts: Vec<Vec<u64>>,
}

/// The items of a cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Items {
    /// What an item is: `question`, `item`.
    pub unit: &'static str,
    /// The items.
    pub rows: Vec<ItemRow>,
    /// Where all items have labels of one set.
    pub confusion: Option<ConfusionTable>,
    /// What a reader must know.
    pub note: String,
}

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub head: String,
    /// Its text; `None` where it is hidden.
    pub body: Option<String>,
    /// Characters of the text, hidden or not.
    pub length: usize,
}

impl Section {
    pub(super) fn new(head: impl Into<String>, body: impl Into<String>) -> Self {
        let body = body.into();
        Self { head: head.into(), length: body.chars().count(), body: Some(body) }
    }

    /// The same, hidden unless `show`.
    #[must_use]
    pub(super) fn unless(self, show: bool) -> Self {
        if show { self } else { Self { body: None, ..self } }
    }
}

/// Everything about one item: prompt, reply, gold, what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The item.
    pub title: String,
    /// BCP 47 tag of its text, where it is known.
    pub language: String,
    /// True where the text may abuse somebody, and is hidden unless it is asked for.
    pub may_abuse: bool,
    /// Its pieces.
    pub sections: Vec<Section>,
}

/// One item by two models.
#[derive(Debug, Clone, PartialEq)]
pub struct PairItem {
    /// As [`ItemRow::key`].
    pub key: String,
    /// As [`ItemRow::part`].
    pub part: String,
    /// As [`ItemRow::gold`].
    pub gold: String,
    /// What was read of the first model, or its score.
    pub a: String,
    /// Of the second.
    pub b: String,
    /// First minus second: above 0, the first is better.
    pub diff: f64,
}

/// Two models on the same items.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comparison {
    /// The first model.
    pub a: String,
    /// The second.
    pub b: String,
    /// In which metric.
    pub metric: String,
    /// What an item is.
    pub unit: String,
    /// Items on which the first is better, equal, worse.
    pub wins: [usize; 3],
    /// Paired difference, first minus second; `None` where it is undefined.
    pub diff: Option<f64>,
    /// Its 95 % interval.
    pub ci: Option<[f64; 2]>,
    /// Two-sided, without a correction for several comparisons.
    pub p: Option<f64>,
    /// Which test.
    pub test: &'static str,
    /// What a reader must know.
    pub note: String,
    /// The items.
    pub items: Vec<PairItem>,
}

/// The attempts of a run, oldest first.
fn attempts(run_dir: &Path) -> Result<Vec<Attempt>, EvaluateError> {
    let mut out = Vec::new();
    for n in 1.. {
        let dir = run_dir.join(format!("attempt-{n}"));
        if !dir.is_dir() {
            break;
        }
        out.push(Attempt::open(dir)?);
    }
    if out.is_empty() {
        return Err(EvaluateError::BadPlan(format!(
            "{} has no attempt: the folder of the run is gone, only its figures are left",
            run_dir.display()
        )));
    }
    Ok(out)
}

fn last(run_dir: &Path) -> Result<Attempt, EvaluateError> {
    attempts(run_dir)?.pop().ok_or_else(|| EvaluateError::BadPlan("no attempt".into()))
}

fn unknown(task: &str) -> EvaluateError {
    EvaluateError::BadPlan(format!("single items of the task `{task}` are not known here"))
}

/// The items of a cell.
///
/// # Errors
/// The run's folder is gone or was changed; a baseline that has no items.
pub fn items(run_dir: &Path, aim: &Aim) -> Result<Items, EvaluateError> {
    match task_of(&last(run_dir)?)?.as_str() {
        "survey" => scored::items(run_dir, aim),
        super::classify::TASK => classified::items(run_dir, aim),
        "gsm8k" | "bbh" => worded::items(run_dir, aim),
        "win-rate" => open::items(run_dir, aim),
        "robustness" => robust::items(run_dir, aim),
        other => Err(unknown(other)),
    }
}

/// Everything about one item of a cell. Texts that may abuse somebody are left out unless `show`.
///
/// # Errors
/// As [`items`]; no such item.
pub fn document(
    run_dir: &Path,
    aim: &Aim,
    key: &str,
    show: bool,
) -> Result<Document, EvaluateError> {
    match task_of(&last(run_dir)?)?.as_str() {
        "survey" => scored::document(run_dir, aim, key),
        super::classify::TASK => classified::document(run_dir, aim, key, show),
        "gsm8k" | "bbh" => worded::document(run_dir, aim, key),
        "win-rate" => open::document(run_dir, key),
        "robustness" => robust::document(run_dir, aim, key, show),
        other => Err(unknown(other)),
    }
}

/// The model of a cell beside another one, item by item.
///
/// # Errors
/// As [`items`]; a figure that does not exist.
pub fn compare(run_dir: &Path, aim: &Aim, with: &str) -> Result<Comparison, EvaluateError> {
    match task_of(&last(run_dir)?)?.as_str() {
        "survey" => scored::compare(run_dir, aim, with),
        super::classify::TASK => classified::compare(run_dir, aim, with),
        "gsm8k" | "bbh" => worded::compare(run_dir, aim, with),
        "win-rate" => open::compare(run_dir, aim),
        "robustness" => robust::compare(run_dir, aim, with),
        other => Err(unknown(other)),
    }
}

fn no_item(key: &str) -> EvaluateError {
    EvaluateError::BadPlan(format!("this cell has no item `{key}`"))
}

fn undefined(what: &str) -> impl FnOnce(crate::stats::Undefined) -> EvaluateError {
    let what = what.to_owned();
    move |source| EvaluateError::Undefined { what, source }
}

/// Wins, ties, losses.
fn tally(items: &[PairItem]) -> [usize; 3] {
    let count = |f: fn(f64) -> bool| items.iter().filter(|i| f(i.diff)).count();
    [count(|d| d > 0.0), count(|d| d == 0.0), count(|d| d < 0.0)]
}
