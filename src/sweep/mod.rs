//! One thing varied, everything else equal: the paper's ablation and its sample counts as one
//! command, and the label policies and training languages beside them.
//!
//! A sweep is resumed by saying it again: its datasets are built from the same rows under the same
//! names, and every run carries a request id, which the engine never runs twice.

mod arms;
mod chart;
mod need;
mod run;
mod table;

pub use arms::{SweepArm, SweepKind, SweepSpec, arms};
pub use chart::chart;
pub use need::{SweepNeed, need};
pub use run::{SweepError, SweepReport, Watch, run};
pub use table::{markdown, plain};
