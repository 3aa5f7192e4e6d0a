//! A Llama-shaped decoder: sizes, named weights, prefix-tree packing, forward and backward by hand,
//! and the model folder. No optimiser here, and nothing of prompts.

mod attention;
mod config;
mod folder;
mod head;
mod layout;
mod model;
mod pack;
mod workspace;

pub use config::DecoderConfig;
pub use folder::{load_tensors, save_tensors};
pub use head::{Supervision, log_probs};
pub use layout::{Layout, Region};
pub use model::Decoder;
pub use pack::{Pack, Segment};
pub use workspace::Workspace;

#[cfg(test)]
mod gradient_tests;
