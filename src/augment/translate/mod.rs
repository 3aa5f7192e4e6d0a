//! Seeds and kept samples in other languages: one call a text, checks that need no knowledge of
//! the language, and samples with their ancestry. A translation that fails a check is rejected with
//! the reason and stays visible: a person who reads the language may overrule (`samples accept`).
//!
//! Debt: meaning is not compared across languages; the semantic filter works within one.

mod checks;
mod job;
mod languages;
mod units;

pub use checks::check;
pub use job::work;
pub use units::{TranslateSettings, Unit, What, plan, units};
