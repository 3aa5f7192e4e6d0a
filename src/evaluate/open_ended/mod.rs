//! Open-ended generation: two models answer a question set, a judge chooses between their answers
//! in both orders, and the win rate comes with its interval, the place's share and the lengths.

pub mod job;
mod plan;
mod questions;
mod reading;
mod score;

pub use job::{Answer, Line, Said, Side, Verdict};
pub use plan::{Party, WIN_RATE_RULE, WinRatePlan, open_prompts};
pub use questions::{OpenQuestion, read_questions, sample_questions};
pub use reading::{Choice, read_choice};
pub use score::{Outcome, outcome, win_rate};

#[cfg(test)]
mod tests;
