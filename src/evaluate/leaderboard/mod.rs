//! Stored rows as a table: models and the answers that need no model down, cultures or tasks
//! across, each cell with its interval, its difference to the baseline and a mark of significance.
//!
//! The rows say everything; nothing is worked out again. Which rows are in a table, what is better,
//! and when a difference may be marked are rules, and stand here.

mod build;
mod figure;
#[cfg(test)]
mod tests;

pub use build::{leaderboard, slices};
pub use figure::{Better, Figure, Mark, better};

/// What stands across.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Across {
    /// All, then one column a culture.
    Cultures,
    /// One column a split, a set, a subtask, a change.
    Tasks,
}

/// One table out of those that the rows of an evaluation hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The metric.
    pub metric: String,
    /// Which part of the items, where cultures stand across; `None` where the parts do.
    pub split: Option<String>,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A model or an arm.
    Model,
    /// An answer that needs no model.
    Baseline,
    /// What people, or draws from the truth, reach.
    Ceiling,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardRow {
    /// As printed.
    pub model: String,
    /// What it is.
    pub kind: RowKind,
    /// One entry a column; `None` where there is no such figure.
    pub cells: Vec<Option<Figure>>,
}

/// The table.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaderboard {
    /// Which.
    pub slice: Slice,
    /// What stands across.
    pub across: Across,
    /// Heads: `all` and ids of cultures, or names of parts.
    pub columns: Vec<String>,
    /// Models and baselines in the order in which they were stored.
    pub rows: Vec<BoardRow>,
}

impl Leaderboard {
    /// The lowest and the highest value; `None` without any.
    pub fn range(&self) -> Option<(f64, f64)> {
        let mut out: Option<(f64, f64)> = None;
        let values = self.rows.iter().flat_map(|r| &r.cells).flatten().filter_map(|f| f.value);
        for v in values.filter(|v| v.is_finite()) {
            out = Some(out.map_or((v, v), |(lo, hi)| (lo.min(v), hi.max(v))));
        }
        out
    }

    /// What the differences of this table are against, where all are against one row.
    pub fn baseline(&self) -> Option<&str> {
        let mut named =
            self.rows.iter().flat_map(|r| &r.cells).flatten().filter_map(|f| f.against.as_deref());
        let first = named.next()?;
        named.all(|n| n == first).then_some(first)
    }

    /// What the marks mean, in words; empty where no cell has one. A mark says that the 95 %
    /// interval of the paired difference leaves out 0.
    pub fn legend(&self) -> String {
        let cells = || self.rows.iter().flat_map(|r| &r.cells).flatten();
        if cells().all(|f| f.mark(&self.slice.metric) == Mark::None) {
            return String::new();
        }
        let than = self.baseline().unwrap_or("the row it is compared with");
        let mut out = format!("+ better, - worse than {than} (95 % paired)");
        if cells().any(|f| f.mark(&self.slice.metric).is_corrected()) {
            out += ", * after Holm";
        }
        out
    }
}
