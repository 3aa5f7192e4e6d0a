//! Forgetting: what tuning costs in general ability, by GSM8K and BBH from the user's own files,
//! with their usual scoring, and the paired difference to the model that was tuned.

mod answers;
mod items;
pub mod job;
mod numbers;
mod plan;
mod score;

pub use answers::{harness_answer, harness_match, read_match};
pub use items::{Bench, ForgettingItem, read_bbh, read_cot, read_gsm8k};
pub use numbers::{canonical, last_number, strict_number};
pub use plan::{FORGETTING_RULE, ForgettingPlan, forgetting_prompt, own_shots};
pub use score::{Graded, grade};

#[cfg(test)]
mod tests;
