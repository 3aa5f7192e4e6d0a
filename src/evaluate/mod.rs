//! Evaluation against the survey: a plan locked before scoring, every option of every prompt
//! scored, and rows with intervals beside the baselines that are always there.
//!
//! Pure planning and aggregation; the only thing that runs is [`job::work`], which is handed its
//! scorers. Definitions: `docs/science.md`.

mod aggregate;
mod baseline;
pub mod classify;
mod error;
pub mod job;
mod metric;
mod plan;
mod reference;
mod results;
mod rows;
mod table;
mod variance;

pub use aggregate::{ArmScores, Cells, aggregate};
pub use baseline::{Baseline, baseline_cells};
pub use error::EvaluateError;
pub use job::{MakeScorer, Scorer};
pub use metric::{Metric, metric};
pub use plan::{AGGREGATION, LockedPlan, Orders, Plan, PlannedModel};
pub use reference::Reference;
pub use results::{ResultLine, TextScores};
pub use rows::{EvalRow, Evaluation, evaluation};
pub use table::{markdown, plain};
pub use variance::{VarianceShare, variance_shares};

#[cfg(test)]
mod tests;
