//! The tokenizer of an encoder's folder, without the padding and cutting that it was published with.

use std::path::Path;

use tokenizers::{Tokenizer, TruncationParams};

use super::EncoderConfig;
use crate::embedded::EmbeddedError;

/// Reads `tokenizer.json`. Padding is switched off (a batch is packed) and sentences are cut at
/// [`EncoderConfig::longest`].
///
/// # Errors
/// No such file, not a tokenizer, or ids that the model's vocabulary does not have.
pub(super) fn load(dir: &Path, config: &EncoderConfig) -> Result<Tokenizer, EmbeddedError> {
    let path = dir.join("tokenizer.json");
    let bytes = std::fs::read(&path).map_err(EmbeddedError::io(&path))?;
    let mut tokenizer = Tokenizer::from_bytes(&bytes).map_err(|e| EmbeddedError::Malformed {
        path: path.clone(),
        reason: format!("not a tokenizer: {e}"),
    })?;
    let vocabulary = tokenizer.get_vocab(true);
    let Some((token, id)) = vocabulary.iter().max_by_key(|(token, id)| (**id, token.as_str()))
    else {
        return Err(EmbeddedError::Refused { path, reason: "it has no tokens".into() });
    };
    if *id as usize >= config.vocab_size {
        return Err(EmbeddedError::Refused {
            path,
            reason: format!(
                "token `{token}` has id {id}, and the model's vocabulary ends at {}: this \
                 tokenizer does not belong to the model",
                config.vocab_size - 1
            ),
        });
    }
    let truncation = TruncationParams { max_length: config.longest(), ..Default::default() };
    tokenizer
        .with_truncation(Some(truncation))
        .map_err(|e| EmbeddedError::Tokenizer(e.to_string()))?;
    tokenizer.with_padding(None);
    Ok(tokenizer)
}
