//! What a run takes, by what the training program allocates. Padded sequences and PyTorch's own
//! buffers are rough: the figure is for a refusal before the start, not for a bill.

use crate::embedded::decoder::{Adapter, DecoderConfig, Layout};
use crate::finetune::backend::Request;
use crate::finetune::{Dtype, Estimate, FinetuneError, Quant, StepTokens, TrainingSet};

/// PyTorch, CUDA's context and transformers, bytes.
const PROGRAM: u64 = 1 << 30;

/// `None` for a model whose sizes this program does not know.
pub(super) fn estimate(request: &Request<'_>) -> Result<Option<Estimate>, FinetuneError> {
    let Request { recipe, base: Some(base), rows, survey, .. } = *request else { return Ok(None) };
    let Ok(config) = DecoderConfig::load(&base.folder) else { return Ok(None) };
    let set = TrainingSet::new(rows, survey, &recipe.prompts, recipe.target)?;
    let tokens = StepTokens::guess(&set, recipe);
    let parameters = Layout::new(&config).len() as u64;
    let adapter = match &recipe.lora {
        None => 0,
        Some(l) => Adapter::sizes(&config, l)?,
    };
    let torch = recipe.torch.clone().unwrap_or_default();
    let gpu = recipe.resources.gpus > 0;
    let wide: u64 = match torch.dtype {
        Dtype::F32 => 4,
        Dtype::Bf16 => 2,
        Dtype::Auto => {
            if gpu {
                2
            } else {
                4
            }
        }
    };
    let frozen = match (torch.quant, adapter) {
        // Four bits, a scale for 64 weights; embeddings and head stay wide.
        (Some(Quant::Nf4), _) => {
            let outside = (config.vocab_size * config.hidden_size) as u64 * 2;
            parameters.saturating_sub(outside) * 9 / 16 + outside * wide
        }
        (None, 0) => parameters * 4,
        (None, _) => parameters * wide,
    };
    let trained = if adapter == 0 { parameters } else { adapter };
    let rows_at_once = (recipe.piece_tokens as f64).min(tokens.rows).ceil() as u64;
    let (d, ff) = (config.hidden_size as u64, config.intermediate_size as u64);
    // Kept for the way back: about what the embedded trainer keeps, with torch's copies.
    let layer = 14 * d + 4 * ff;
    let layers = config.num_hidden_layers as u64;
    let kept = if recipe.recompute { layers * d + layer } else { layers * layer };
    let logits = (recipe.batch as u64 * 4).min(rows_at_once) * config.vocab_size as u64 * 3;
    Ok(Some(Estimate {
        weights: frozen + adapter * 4,
        optimizer: trained * 12,
        activations: rows_at_once * kept * wide + logits * 4 + PROGRAM,
        trained,
        tokens_a_step: tokens.rows,
        steps: recipe.length().steps(set.len(), recipe.batch),
        seconds: None,
        gpu: None,
    }))
}
