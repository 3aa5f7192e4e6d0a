//! A decoder of the Llama, Qwen2 and Qwen3 families: sizes, named weights, prefix-tree packing,
//! forward and backward by hand, and the model folder. No optimiser here, and nothing of prompts.

mod attention;
mod config;
mod folder;
mod head;
mod layer;
mod layout;
mod linear;
mod lora;
mod model;
mod pack;
mod rope;
mod tensors;
mod workspace;

pub use config::{DecoderConfig, Family, TokenIds};
pub use head::{Supervision, log_probs};
pub use layout::{Layout, Region};
pub use lora::{Adapter, LoraSettings, Projection};
pub use model::Decoder;
pub use pack::{Pack, Segment};
pub use rope::RopeScaling;
pub use tensors::{load_tensors, save_tensors};
pub use workspace::Workspace;

#[cfg(test)]
pub(crate) mod golden_tests;
#[cfg(test)]
mod gradient_tests;
