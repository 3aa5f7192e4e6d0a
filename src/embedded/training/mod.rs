//! The optimiser, its schedule, answers as targets, and one training step over packs.

mod adamw;
mod schedule;
mod speed;
mod step;
mod targets;

pub use adamw::{AdamW, AdamWSettings, OptimizerState, clip_grad_norm};
pub use schedule::Schedule;
pub use speed::multiply_speed;
pub use step::{StepReport, StepSettings, Trainer, by_product};
pub use targets::{AnswerTarget, TailTargets, drawn_tails, pack_targets};
