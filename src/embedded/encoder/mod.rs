//! A sentence encoder of BERT or XLM-R shape: text in, unit vector out, forward only.
//! Packed: sentences of a batch stand end to end without padding, and attention stays inside each.
//! Reads a folder in the layout of the hub (sentence-transformers); writes nothing.

mod config;
mod forward;
mod model;
mod tokens;
mod weights;

#[cfg(test)]
mod tests;

pub use config::{EncoderConfig, Pooling};
pub use model::Encoder;
