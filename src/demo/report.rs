//! What the demo ends in: one JSON object, and the table.

use serde::Serialize;

use crate::evaluate::EvalRow;
use crate::job::RunView;

/// Proposals of the training augmentation and of the held-out one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SampleCounts {
    /// All of them.
    pub proposed: u64,
    /// In use.
    pub kept: u64,
    /// Turned down, with a reason each.
    pub rejected: u64,
    /// Never became a text.
    pub failed: u64,
}

/// The study of the demo. Its raters are programs, and it says so.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RatingCounts {
    /// Ratings of sample items.
    pub n: u64,
    /// Items.
    pub items: u64,
    /// Raters.
    pub raters: u64,
    /// Always true: nobody rated here.
    pub scripted: bool,
    /// Ordinal alpha over the sample items; `null` where undefined.
    pub alpha_ordinal: Option<f64>,
    /// Its interval.
    pub alpha_ci: Option<[f64; 2]>,
}

/// `polyculture demo --json`.
#[derive(Debug, Clone, Serialize)]
pub struct DemoReport {
    /// Seeds.
    pub seeds: usize,
    /// Cultures.
    pub cultures: usize,
    /// Samples, training and held-out together.
    pub samples: SampleCounts,
    /// Ratings.
    pub ratings: RatingCounts,
    /// Every run.
    pub runs: Vec<RunView>,
    /// The rows.
    pub evaluation: Vec<EvalRow>,
    /// The workspace that was made.
    pub workspace: std::path::PathBuf,
    /// Whole time, seconds.
    pub seconds: f64,
    /// The table as text.
    #[serde(skip)]
    pub table: String,
    /// The table as Markdown.
    #[serde(skip)]
    pub markdown: String,
}
