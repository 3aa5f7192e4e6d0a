//! Robustness: what becomes of a model's answers when a text is changed and its label is not.
//! Changes are seeded and have strengths; what they cost is paired with the unchanged text.

mod change;
mod hangul;
mod injection;
pub mod job;
mod keyboard;
mod lookalike;
mod pairs;
mod plan;
mod score;
mod typos;

pub use change::{Change, ChangeKind, Changed, Site, apply};
pub use injection::injection_version;
pub use pairs::{
    PairVerdicts, PlainText, SurveyTexts, TextPair, draw_pairs, pairs_of_run, perturb,
    perturb_seeds, read_texts, read_verdicts, write_pairs,
};
pub use plan::{ROBUSTNESS_RULE, RobustnessPlan};

#[cfg(test)]
mod tests;
