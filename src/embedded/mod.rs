//! Models inside the binary: the decoder (forward, backward, scoring), its tokenizer, the optimiser
//! and the training step, and the encoder. Plain `f32` buffers on the CPU: matrix products by the
//! `gemm` crate (or, of a training, by a GPU), the rest our own loops. Nothing here knows of runs, recipes or evaluations.

pub mod adapter;
pub mod decoder;
pub mod device;
pub mod encoder;
mod error;
pub mod generate;
pub mod hub;
mod kernels;
mod matmul;
mod parallel;
mod score;
pub mod tokenizer;
pub mod training;

pub use decoder::{Decoder, DecoderConfig};
pub use error::EmbeddedError;
pub use score::{ScoreSettings, Scorer, score_options, score_with};
pub use tokenizer::ChatTokenizer;
