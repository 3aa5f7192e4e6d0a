//! The encoder as its users see it: a folder in, unit vectors out.

use std::path::Path;

use rayon::prelude::*;
use tokenizers::Tokenizer;

use super::forward::{Activation, Buffers, Pass};
use super::weights::Weights;
use super::{EncoderConfig, Pooling, tokens};
use crate::embedded::EmbeddedError;

/// Tokens of one batch: enough rows for a matrix product to run at full speed, few enough for
/// the activations to stay in the cache of one core.
const BATCH_TOKENS: usize = 512;

/// A sentence encoder on the CPU. Shared between threads by reference.
#[derive(Debug)]
pub struct Encoder {
    config: EncoderConfig,
    activation: Activation,
    pooling: Pooling,
    tokenizer: Tokenizer,
    weights: Weights,
}

impl Encoder {
    /// Files that a folder may hold and that loading reads; those marked `true` must be there.
    pub const FILES: [(&'static str, bool); 5] = [
        ("config.json", true),
        ("tokenizer.json", true),
        ("model.safetensors", true),
        ("modules.json", false),
        ("1_Pooling/config.json", false),
    ];

    /// Reads a folder in the layout of the hub: `config.json`, `tokenizer.json`,
    /// `model.safetensors`, and where they are `modules.json` and `1_Pooling/config.json`.
    ///
    /// # Errors
    /// A family, activation, module or pooling that is not computed here; a tensor that is missing,
    /// misshapen, broken or unknown; a pickle; a tokenizer with ids beyond the vocabulary: by name.
    pub fn load(dir: &Path) -> Result<Self, EmbeddedError> {
        let config = EncoderConfig::load(dir)?;
        let activation = Activation::named(&config.hidden_act)?;
        let pooling = Pooling::load(dir)?;
        let tokenizer = tokens::load(dir, &config)?;
        let weights = Weights::load(dir, &config)?;
        Ok(Self { config, activation, pooling, tokenizer, weights })
    }

    /// Sizes.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// Numbers in a vector.
    pub fn dimension(&self) -> usize {
        self.config.hidden_size
    }

    /// Token ids of one text, special ones included, cut at [`EncoderConfig::longest`].
    ///
    /// # Errors
    /// The tokenizer failed.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>, EmbeddedError> {
        let encoding = self
            .tokenizer
            .encode_fast(text, true)
            .map_err(|e| EmbeddedError::Tokenizer(e.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Unit vectors of the texts, in their order. A text's vector does not depend on the others
    /// beyond rounding (1e-6).
    ///
    /// # Errors
    /// The tokenizer failed or gave nothing for a text, or a vector came out without length.
    pub fn embed<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<Vec<f32>>, EmbeddedError> {
        let sentences: Vec<Vec<u32>> =
            texts.par_iter().map(|t| self.tokens(t.as_ref())).collect::<Result<_, _>>()?;
        for (s, text) in sentences.iter().zip(texts) {
            let excerpt = || text.as_ref().chars().take(60).collect::<String>();
            if s.is_empty() {
                let reason = format!("no tokens in `{}`: expected a sentence", excerpt());
                return Err(EmbeddedError::Input(reason));
            }
            // Checked for the vocabulary at load; a tokenizer can still make ids up (bytes).
            if let Some(id) = s.iter().find(|id| **id as usize >= self.config.vocab_size) {
                return Err(EmbeddedError::Tokenizer(format!(
                    "id {id} in `{}`: the vocabulary ends at {}",
                    excerpt(),
                    self.config.vocab_size - 1
                )));
            }
        }
        let pass = Pass {
            config: &self.config,
            weights: &self.weights,
            activation: self.activation,
            pooling: self.pooling,
        };
        let vectors: Vec<Vec<f32>> = batches(&sentences)
            .into_par_iter()
            .map_init(Buffers::default, |buffers, batch| pass.run(&batch, buffers))
            .flatten_iter()
            .collect();
        match vectors.iter().position(|v| v.iter().any(|x| !x.is_finite())) {
            None => Ok(vectors),
            Some(i) => Err(EmbeddedError::Input(format!(
                "the vector of `{}` has no length: the weights are broken",
                texts[i].as_ref().chars().take(60).collect::<String>()
            ))),
        }
    }
}

/// Cuts the list into batches of about [`BATCH_TOKENS`], whatever the number of threads: the same
/// list always gives the same batches, hence the same vectors bit for bit.
fn batches(sentences: &[Vec<u32>]) -> Vec<Vec<&[u32]>> {
    let mut batches: Vec<Vec<&[u32]>> = Vec::new();
    let mut tokens = BATCH_TOKENS;
    for s in sentences {
        if tokens + s.len() > BATCH_TOKENS {
            batches.push(Vec::new());
            tokens = 0;
        }
        tokens += s.len();
        if let Some(batch) = batches.last_mut() {
            batch.push(s);
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_the_order_and_lose_nothing() {
        let sentences: Vec<Vec<u32>> =
            [1usize, 500, 12, 600, 3, 509, 1].iter().map(|n| vec![*n as u32; *n]).collect();
        let cut = batches(&sentences);
        assert_eq!(cut.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1, 2, 1]);
        assert_eq!(cut.concat(), sentences.iter().map(Vec::as_slice).collect::<Vec<_>>());
        assert!(batches(&[]).is_empty());
    }
}
