//! Backend `torch`: our training program in Python, on PyTorch, transformers and PEFT, in one process
//! or several. It trains on the texts that the local trainer would see, in the same order.

mod drive;
mod estimate;
mod launch;
mod program;
mod python;
mod rows;

use super::{Request, Trains, Wrong};
use crate::finetune::{
    Estimate, FinetuneError, ModelChoice, ModelRef, Parallel, Quant, Recipe, TrainSummary,
};
use crate::job::{Attempt, JobError, Progress};

pub use launch::{LAUNCH_VARIABLE, Launched};
pub use python::{Needed, Probed, Python};

/// `torch.json` of a run's input: the Python that was found when the run was asked for.
const PYTHON: &str = "torch.json";

/// The trainer on PyTorch.
#[derive(Debug)]
pub(super) struct Torch;

/// What the Python that would be taken has.
///
/// # Errors
/// It cannot be started.
pub fn doctor(asked: Option<&std::path::Path>) -> Result<Probed, FinetuneError> {
    Python::find(asked)?.probe()
}

impl Trains for Torch {
    fn refuses(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("openai", "it belongs to backend = \"openai\""),
            ("device", "torch takes the GPUs that `gpus` leases, and the CPU where there are none"),
        ]
    }

    fn check(&self, recipe: &Recipe) -> Result<(), Wrong> {
        let no = |key, reason: &str| Err((key, reason.to_owned()));
        match &recipe.model {
            ModelChoice::Tiny(_) => {
                return no(
                    "backend",
                    "torch tunes a model that exists, and tiny is new: expected backend = \"local\", \
                     or [model] with from = \"path:DIR\"",
                );
            }
            ModelChoice::Named(ModelRef::Provider { .. }) => {
                return no(
                    "from",
                    "torch tunes a model in a folder: expected path:DIR or hub:ORG/NAME",
                );
            }
            _ => {}
        }
        let Some(torch) = &recipe.torch else { return Ok(()) };
        if torch.quant == Some(Quant::Nf4) {
            if recipe.lora.is_none() {
                return no(
                    "quant",
                    "weights of 4 bits stay as they are: expected [lora] for what is trained, or no \
                     quant",
                );
            }
            if torch.parallel == Parallel::Fsdp {
                return no("parallel", "quantised weights are not parted here: expected \"ddp\"");
            }
        }
        match torch.processes {
            Some(0) => no("processes", "expected at least one"),
            Some(n) if recipe.resources.gpus > 0 && n != recipe.resources.gpus => no(
                "processes",
                "each GPU has one process: expected the number of `gpus`, or no `processes`",
            ),
            _ => Ok(()),
        }
    }

    fn estimate(&self, request: &Request<'_>) -> Result<Option<Estimate>, FinetuneError> {
        estimate::estimate(request)
    }

    fn freeze(&self, request: &Request<'_>) -> Result<Vec<(String, Vec<u8>)>, FinetuneError> {
        let probed = Python::find(request.python)?.probe()?;
        probed.check(request.recipe)?;
        let frozen = rows::Frozen::new(request.recipe, request.rows, request.survey)?;
        let mut files = frozen.files()?;
        let text = serde_json::to_vec_pretty(&probed);
        files.push((PYTHON.into(), text.map_err(|e| FinetuneError::Plan(e.to_string()))?));
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
