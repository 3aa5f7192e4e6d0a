//! What a run will ask for, said before it starts. An upper bound: seeds that have their samples
//! are left out, and stage 2 is counted as if every seed kept all the paraphrases wanted.

use super::growth::{Growth, Judge};
use super::similarity::Lexical;
use super::waves::Prompts;
use super::{AugmentError, Settings};
use crate::domain::{Question, Sample};
use crate::providers::budget::Price;
use crate::providers::estimate::{Estimate, estimate};
use crate::providers::prompts::Library;

/// Adds one estimate to another of the same currency.
pub(super) fn add(sum: &mut Estimate, more: &Estimate) {
    sum.calls += more.calls;
    sum.prompt_tokens += more.prompt_tokens;
    sum.completion_tokens_at_most += more.completion_tokens_at_most;
    if let Some(cost) = more.cost_at_most {
        sum.cost_at_most = Some(sum.cost_at_most.unwrap_or(0.0) + cost);
        sum.currency.clone_from(&more.currency);
    }
}

/// Calls, tokens and cost of growing samples with a language model, at most.
///
/// # Errors
/// A prompt that cannot be used, or a family that it does not have.
pub fn plan(
    seeds: &[Question],
    existing: &[Sample],
    settings: &Settings,
    library: &Library,
    price: Option<&Price>,
) -> Result<Estimate, AugmentError> {
    let wrong = |e: crate::providers::prompts::PromptError| AugmentError::Settings(e.to_string());
    let prompts = Prompts::load(library, settings).map_err(wrong)?;
    // Nothing is judged here: any filter will do.
    let filter = Lexical::new([]);
    let judge =
        Judge { filter: &filter, threshold: 0.0, settings, existing, run: None, provider: "" };
    let mut sum = Estimate::default();
    for seed in seeds {
        if Growth::new(seed, judge).is_full() {
            continue;
        }
        let mut requests = Vec::new();
        for (family, n) in prompts.families(seed, settings)? {
            requests.push(prompts.paraphrase(seed, &family, n, settings).map_err(wrong)?);
        }
        if settings.synonyms > 0 && settings.keep > settings.templates {
            for _ in 0..settings.templates {
                requests.push(prompts.synonyms(seed, &seed.text, settings).map_err(wrong)?);
            }
        }
        add(&mut sum, &estimate(&requests, price));
    }
    Ok(sum)
}
