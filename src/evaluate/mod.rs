//! Evaluation against the survey: a plan locked before scoring, every option of every prompt
//! scored, and rows with intervals beside the baselines that are always there.
//!
//! Pure planning and aggregation; the only thing that runs is [`job::work`], which is handed its
//! scorers. Definitions: `docs/science.md`.

mod aggregate;
pub mod asking;
mod baseline;
pub mod classify;
mod drawn;
mod error;
pub mod figures;
pub mod forgetting;
mod framing;
pub mod inspect;
pub mod job;
pub mod leaderboard;
pub mod locked;
mod metric;
pub mod open_ended;
mod pairs;
mod plan;
mod reference;
mod results;
pub mod robustness;
mod rows;
mod table;
mod table_pairs;
mod variance;

pub use aggregate::{ArmScores, Cells, aggregate};
pub use baseline::{Baseline, baseline_cells, drawn_ceiling};
pub use drawn::{ANSWER_TOKENS, DEFAULT_DRAWS, Drawn, Draws, chosen_option};
pub use error::EvaluateError;
pub use framing::{Contexts, Framing, made_up_culture};
pub use job::{MakeScorer, Scorer};
pub use metric::{Metric, metric};
pub use pairs::PairRow;
pub use plan::{AGGREGATION, LockedPlan, Orders, Plan, PlannedModel};
pub use reference::Reference;
pub use results::{ResultLine, TextScores};
pub use rows::{EvalRow, Evaluation, evaluation};
pub use table::{markdown, plain};
pub use variance::{VarianceShare, variance_shares};

#[cfg(test)]
mod tests;
