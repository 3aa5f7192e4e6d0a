//! The decoder at work: prompts computed once and shared, many replies drawn side by side, and the
//! log-probabilities of complete answers. Weights are read only; nothing here trains.

mod attention;
mod ending;
mod forward;
mod generator;
mod pack;
mod plan;
mod prefixes;
mod product;
mod sample;

#[cfg(test)]
mod tests;

pub use generator::{Ask, GenerateSettings, Generator, OnWritten, Unanswered, Written};
pub use pack::{PackBuffers, pack_log_probs};
pub use sample::Draw;
