//! A small tokenizer trained on the training text only (science: "held-out paraphrase").
//!
//! Byte-pair merges over words and punctuation, each digit by itself, so that `10` is `1` then `0`.
//! White space is not kept: prompts of a tiny model need it as little as a survey's answers do.

use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::normalizers::NFC;
use tokenizers::normalizers::Sequence as Normalizers;
use tokenizers::normalizers::utils::Lowercase;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::whitespace::Whitespace;
use tokenizers::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper,
    Tokenizer, TokenizerBuilder,
};

use super::ChatTokenizer;
use super::markers::{ASSISTANT, BOS, EOS, PAD, SYSTEM, UNK, USER};
use crate::embedded::EmbeddedError;

/// Trains a tokenizer of at most `vocab_size` tokens (special ones included) on `texts`.
///
/// `always` are strings whose every character must be known, whatever the texts hold: the answers.
///
/// # Errors
/// The vocabulary is smaller than the alphabet, or there is no text.
pub fn train(
    texts: &[String],
    always: &[&str],
    vocab_size: usize,
    lower_case: bool,
) -> Result<ChatTokenizer, EmbeddedError> {
    let no = |e: &dyn std::fmt::Display| EmbeddedError::Tokenizer(format!("training: {e}"));
    if texts.iter().all(|t| t.trim().is_empty()) {
        return Err(no(&"there is no text to train on"));
    }
    let mut normalizers = vec![NormalizerWrapper::NFC(NFC)];
    if lower_case {
        normalizers.push(NormalizerWrapper::Lowercase(Lowercase));
    }
    let model = BPE::builder().unk_token(UNK.to_owned()).build().map_err(|e| no(&e))?;
    let mut tokenizer = TokenizerBuilder::<
        BPE,
        NormalizerWrapper,
        PreTokenizerWrapper,
        PostProcessorWrapper,
        DecoderWrapper,
    >::default()
    .with_model(model)
    .with_normalizer(Some(NormalizerWrapper::Sequence(Normalizers::new(normalizers))))
    .with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(Sequence::new(vec![
        PreTokenizerWrapper::Whitespace(Whitespace {}),
        PreTokenizerWrapper::Digits(Digits::new(true)),
    ]))))
    .build()
    .map_err(|e| no(&e))?;
    let special = [PAD, UNK, BOS, EOS, SYSTEM, USER, ASSISTANT];
    let mut trainer = BpeTrainer::builder()
        .vocab_size(vocab_size)
        .min_frequency(2)
        .show_progress(false)
        .special_tokens(special.iter().map(|s| AddedToken::from(*s, true)).collect())
        .initial_alphabet(
            always
                .iter()
                .flat_map(|s| s.chars())
                .flat_map(|c| if lower_case { c.to_lowercase().collect() } else { vec![c] })
                .filter(|c| !c.is_whitespace())
                .collect(),
        )
        .build();
    tokenizer.train(&mut trainer, texts.iter().map(String::as_str)).map_err(|e| no(&e))?;
    // The general form, as it is read from a file.
    let json = tokenizer.to_string(false).map_err(|e| no(&e))?;
    let tokenizer: Tokenizer = json.parse().map_err(|e| no(&e))?;
    let size = tokenizer.get_vocab_size(true);
    if size > vocab_size {
        return Err(no(&format!(
            "the texts hold {} different characters: expected a vocabulary of at least {size}, \
             not {vocab_size}",
            size - special.len()
        )));
    }
    ChatTokenizer::new(tokenizer)
}
