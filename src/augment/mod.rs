//! Augmentation: proposals of a provider pass the guards and the semantic filter in two stages, and
//! the best of each seed are kept. Every proposal ends as kept, rejected (why) or failed (why), and
//! the counts add up. Also here: reading samples of others through the same guards.

mod calibration;
mod calls;
mod correct;
mod error;
mod growth;
pub mod guards;
mod id;
mod import;
mod job;
mod ledger;
mod metrics;
mod plan;
mod run;
mod select;
mod settings;
pub mod similarity;
mod summary;
pub mod translate;
mod waves;

pub use calibration::{Calibration, calibrate};
pub use correct::{acceptable, corrected};
pub use error::AugmentError;
pub use id::sample_id;
pub use import::{ImportReport, import};
pub use job::{MakeProposer, Proposer, work};
pub use metrics::{TextMetrics, text_metrics};
pub use plan::plan;
pub use run::run;
pub use settings::{NEAR_LIKENESS, Settings};
pub use summary::Summary;

#[cfg(test)]
mod tests;
