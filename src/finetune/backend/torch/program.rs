//! The training program, as this binary carries it: Python files that every attempt gets a copy of.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::embedded::decoder::LoraSettings;
use crate::embedded::training::Schedule;
use crate::finetune::checkpoint::TrainerState;
use crate::finetune::{Dtype, Parallel, Quant};
use crate::job::JobError;

/// What [`JobFile`] and `train.py` have agreed on.
pub(super) const FORMAT: u32 = 1;

/// Folder of the program in an attempt.
pub(super) const FOLDER: &str = "trainer";

/// Its files. `train.py` is what is started, `launch.py` what starts it several times.
const FILES: [(&str, &str); 5] = [
    ("train.py", include_str!("../../torch/train.py")),
    ("launch.py", include_str!("../../torch/launch.py")),
    ("polyculture_files.py", include_str!("../../torch/polyculture_files.py")),
    ("polyculture_model.py", include_str!("../../torch/polyculture_model.py")),
    ("polyculture_rows.py", include_str!("../../torch/polyculture_rows.py")),
];

/// Writes the program into an existing folder.
///
/// # Errors
/// The disk is full.
pub(super) fn write(dir: &Path) -> Result<(), JobError> {
    for (name, text) in FILES {
        let path = dir.join(name);
        std::fs::write(&path, text).map_err(JobError::io(&path))?;
    }
    Ok(())
}

/// `job.json`: all that the program is told.
#[derive(Debug, Serialize)]
pub(super) struct JobFile<'a> {
    pub(super) format: u32,
    pub(super) attempt: &'a Path,
    pub(super) base: &'a Path,
    /// What PEFT is to look for: a name on the hub, or a folder.
    pub(super) peft_base: String,
    pub(super) tokens: PathBuf,
    pub(super) order: PathBuf,
    pub(super) eval: Option<PathBuf>,
    pub(super) stop: PathBuf,
    pub(super) steps: u64,
    pub(super) lr: f64,
    pub(super) schedule: Schedule,
    pub(super) warmup: f64,
    pub(super) weight_decay: f64,
    pub(super) beta2: f64,
    /// `null` where it is infinite.
    pub(super) max_grad_norm: f64,
    pub(super) seed: u64,
    pub(super) checkpoint_every: u64,
    pub(super) keep_checkpoints: usize,
    pub(super) log_every: u64,
    pub(super) piece_tokens: usize,
    pub(super) recompute: bool,
    pub(super) lora: Option<&'a LoraSettings>,
    pub(super) quant: Option<Quant>,
    pub(super) dtype: Dtype,
    pub(super) parallel: Parallel,
    pub(super) threads: usize,
    pub(super) gpus: u32,
    /// Weights of the base, where it is counted here: quantised ones cannot be counted there.
    pub(super) parameters: Option<u64>,
    /// Processes on each machine.
    pub(super) processes: u32,
    /// Folder of the adapter that training begins with: the one that the local trainer would make.
    pub(super) initial: Option<PathBuf>,
    /// Checkpoint to go on from.
    pub(super) resume: Option<PathBuf>,
    pub(super) state: &'a TrainerState,
}

/// `summary.json`: what the program says at its end.
#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    pub(super) loss: Option<f64>,
    pub(super) step: u64,
    pub(super) steps_here: u64,
    pub(super) parameters: usize,
    pub(super) trained: usize,
    pub(super) vocab_size: usize,
    pub(super) seconds: f64,
}
