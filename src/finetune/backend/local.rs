//! Backend `local`: the trainer inside this program.

use super::{Request, Trains, Wrong};
use crate::embedded::{ChatTokenizer, DecoderConfig, device};
use crate::finetune::{
    Estimate, FinetuneError, ModelChoice, Recipe, StepTokens, TrainSummary, TrainingSet, job,
};
use crate::job::{Attempt, JobError, Progress};

/// The embedded trainer.
#[derive(Debug)]
pub(super) struct Local;

impl Trains for Local {
    fn refuses(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("torch", "it belongs to backend = \"torch\""),
            ("openai", "it belongs to backend = \"openai\""),
        ]
    }

    fn check(&self, recipe: &Recipe) -> Result<(), Wrong> {
        recipe.device.check(recipe.resources.gpus, device::BUILT_IN)
    }

    fn estimate(&self, request: &Request<'_>) -> Result<Option<Estimate>, FinetuneError> {
        let Request { recipe, base, rows, survey, .. } = *request;
        let set = TrainingSet::new(rows, survey, &recipe.prompts, recipe.target)?;
        let estimate = match (base, &recipe.model) {
            (Some(b), _) => {
                let config = DecoderConfig::load(&b.folder)?;
                let tokenizer = ChatTokenizer::load(&b.folder, config.vocab_size)?;
                let tokens = StepTokens::measure(&set, recipe, &tokenizer)?;
                if recipe.resources.gpus > 0 {
                    // The processor's speed says nothing of a GPU's.
                    Estimate::new(&config, recipe, set.len(), tokens, None)?.on_gpu(&config, recipe)
                } else {
                    Estimate::on_this_machine(&config, recipe, set.len(), tokens)?
                }
            }
            (None, ModelChoice::Tiny(t)) => {
                let config = t.config(t.vocab_size)?;
                let tokens = StepTokens::guess(&set, recipe);
                let estimate = Estimate::new(&config, recipe, set.len(), tokens, None)?;
                if recipe.resources.gpus > 0 { estimate.on_gpu(&config, recipe) } else { estimate }
            }
            (None, _) => return Err(FinetuneError::Plan("no model to train".into())),
        };
        Ok(Some(estimate))
    }

    fn freeze(&self, _request: &Request<'_>) -> Result<Vec<(String, Vec<u8>)>, FinetuneError> {
        Ok(Vec::new())
    }

    fn carry(
        &self,
        attempt: &Attempt,
        progress: &mut dyn Progress,
    ) -> Result<TrainSummary, JobError> {
        job::train(attempt, progress)
    }
}
