//! Adapters as files, in PEFT's layout, and merging them into the weights they were trained on.

mod folder;
mod merge;
mod peft;

pub use folder::{load, save};
pub use merge::{load_model, merge, merge_folder};
pub use peft::AdapterConfig;

#[cfg(test)]
mod golden_tests;
