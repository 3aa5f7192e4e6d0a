//! The optimiser, its schedule, answers as targets, and one training step over packs.

mod adamw;
mod schedule;
mod step;
mod targets;

pub use adamw::{AdamW, AdamWSettings, OptimizerState, clip_grad_norm};
pub use schedule::Schedule;
pub use step::{StepReport, StepSettings, Trainer};
pub use targets::{AnswerTarget, TailTargets, pack_targets};
