//! Tiny random models of real shapes, written to folders.
#![allow(missing_docs, reason = "for tests only")]

use std::path::Path;

use crate::embedded::tokenizer::testing::{Shape, write_tokenizer};
use crate::embedded::{Decoder, DecoderConfig};

/// Writes weights, config, tokenizer and template.
pub fn write_folder(dir: &Path, shape: Shape) {
    let vocab = write_tokenizer(dir, shape);
    let mut c = DecoderConfig::llama(vocab + 5, 32, 48, 2, 4, 2).unwrap();
    c.max_position_embeddings = 160;
    Decoder::random(c, 0.5, 3).unwrap().save(dir).unwrap();
}
