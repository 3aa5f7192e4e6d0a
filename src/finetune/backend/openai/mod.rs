//! Backend `openai`: a service trains. Kept thin: upload, create, poll, cancel. The job's id is
//! written down durably before anything else is done with it, so that no run pays twice.

mod drive;
mod journal;
mod metrics;

use serde::{Deserialize, Serialize};

use super::{Request, Trains, Wrong};
use crate::finetune::job::EVAL_EXAMPLES;
use crate::finetune::{
    DataOrder, Estimate, FinetuneError, ModelChoice, ModelRef, Recipe, TargetKind, TrainSummary,
    TrainingSet, hold_out,
};
use crate::job::{Attempt, JobError, Progress};
use crate::providers::ModelSource;

const TRAINING: &str = "training.jsonl";
const VALIDATION: &str = "validation.jsonl";
const PROVIDER: &str = "provider.json";

/// A service.
#[derive(Debug)]
pub(super) struct OpenAi;

/// One line of what is uploaded.
#[derive(Debug, Serialize, Deserialize)]
struct Conversation {
    messages: Vec<Said>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Said {
    role: String,
    content: String,
}

const THEIRS: &str = "the service's own is used; expected no such key";

impl Trains for OpenAi {
    fn refuses(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("torch", "it belongs to backend = \"torch\""),
            ("steps", "services count in passes: expected `epochs`"),
            ("lr", "expected [openai] learning_rate_multiplier, or none"),
            ("schedule", THEIRS),
            ("warmup", THEIRS),
            ("weight_decay", THEIRS),
            ("beta2", THEIRS),
            ("max_grad_norm", THEIRS),
            ("tails", THEIRS),
            ("checkpoint_every", THEIRS),
            ("keep_checkpoints", THEIRS),
            ("log_every", THEIRS),
            ("piece_tokens", THEIRS),
            ("recompute", THEIRS),
            ("device", THEIRS),
            ("lora", THEIRS),
        ]
    }

    fn check(&self, recipe: &Recipe) -> Result<(), Wrong> {
        let no = |key, reason: &str| Err((key, reason.to_owned()));
        match &recipe.model {
            ModelChoice::Named(ModelRef::Provider { .. }) | ModelChoice::Asked(_) => {}
            _ => {
                return no(
                    "from",
                    "a service tunes its own models: expected from = \"provider:NAME/MODEL\"",
                );
            }
        }
        // These come from the command line too, where no file was read.
        if recipe.steps.is_some() {
            return no("steps", "services count in passes: expected `epochs`");
        }
        if recipe.lr != 0.0 {
            return no("lr", "expected [openai] learning_rate_multiplier, or none");
        }
        if recipe.target != TargetKind::Hard {
            return no("target", "services learn one answer, not shares: expected \"hard\"");
        }
        if recipe.resources.gpus > 0 {
            return no("gpus", "nothing is trained on this machine: expected 0");
        }
        let settings = recipe.openai.clone().unwrap_or_default();
        if settings.learning_rate_multiplier.is_some_and(|m| !(m.is_finite() && m > 0.0)) {
            return no("learning_rate_multiplier", "expected a number above 0");
        }
        if settings.suffix.is_some_and(|s| s.is_empty() || s.chars().count() > 64) {
            return no("suffix", "expected 1 to 64 characters");
        }
        Ok(())
    }

    fn estimate(&self, _request: &Request<'_>) -> Result<Option<Estimate>, FinetuneError> {
        Ok(None)
    }

    fn freeze(&self, request: &Request<'_>) -> Result<Vec<(String, Vec<u8>)>, FinetuneError> {
        let Request { recipe, rows, survey, .. } = *request;
        let ModelChoice::Named(ModelRef::Provider { provider, model }) = &recipe.model else {
            return Err(FinetuneError::Plan(
                "the recipe names no model: --base provider:NAME/MODEL".into(),
            ));
        };
        let source = ModelSource::Endpoint { provider: provider.clone(), model: model.clone() };
        let no = |e: serde_json::Error| FinetuneError::Plan(e.to_string());
        let mut files =
            vec![(PROVIDER.to_owned(), serde_json::to_vec_pretty(&source).map_err(no)?)];
        let (learned, unseen) = hold_out(rows.to_vec(), recipe.eval_share, recipe.seed);
        let mut add = |name: &str, rows: &[_], most: usize| {
            let set = TrainingSet::new(rows, survey, &recipe.prompts, recipe.target)?;
            let n = set.len().min(most);
            let mut text = Vec::new();
            for place in DataOrder::new(&set, recipe.seed, n).places(0) {
                let (prompt, shares) = set.prompt(place);
                let said =
                    |role: &str, content: &str| Said { role: role.into(), content: content.into() };
                let mut messages = Vec::new();
                if !prompt.system.is_empty() {
                    messages.push(said("system", &prompt.system));
                }
                messages.push(said("user", &prompt.user));
                let wanted = prompt.answers.iter().zip(shares).find(|(_, s)| **s > 0.0);
                let Some((answer, _)) = wanted else { continue };
                messages.push(said("assistant", answer));
                serde_json::to_writer(&mut text, &Conversation { messages }).map_err(no)?;
                text.push(b'\n');
            }
            files.push((name.to_owned(), text));
            Ok::<_, FinetuneError>(())
        };
        add(TRAINING, &learned, usize::MAX)?;
        if !unseen.is_empty() {
            add(VALIDATION, &unseen, EVAL_EXAMPLES)?;
        }
        Ok(files)
    }

    fn carry(
        &self,
        attempt: &Attempt,
        progress: &mut dyn Progress,
    ) -> Result<TrainSummary, JobError> {
        drive::carry(attempt, progress)
    }
}
