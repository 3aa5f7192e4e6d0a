//! The training job: reads `recipe.toml`, `dataset.jsonl` and `survey.json` of its input, writes
//! `metrics.jsonl`, `checkpoints/` and one row of `results.jsonl`. Resume continues the same loss
//! curve bit for bit, from the newest whole checkpoint of this attempt or an earlier one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::backend::backend;
use super::base::{Base, Start};
use super::checkpoint::{self, Restored, Saving, TrainerState, sha256};
use super::device::{self, Opener};
use super::{Backend, DataOrder, DeviceUsed, FinetuneError, Recipe, TrainingSet, hold_out};
use crate::domain::{Example, Survey};
use crate::embedded::training::{AdamWSettings, AnswerTarget, StepReport, StepSettings, Trainer};
use crate::embedded::{ChatTokenizer, DecoderConfig, EmbeddedError};
use crate::job::{Attempt, JobError, MetricsWriter, Progress, read_jsonl};

/// What a finished run says of itself; the row of `results.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainSummary {
    /// `model`: what kind of result the row is.
    pub kind: String,
    /// The final model's folder, relative to the attempt's.
    pub checkpoint: PathBuf,
    /// Steps done, resumes included.
    pub step: u64,
    /// Rows of the dataset.
    pub examples: usize,
    /// Weights of the model, without an adapter's.
    pub parameters: usize,
    /// Weights that were trained.
    #[serde(default)]
    pub trained: usize,
    /// An adapter was trained; the folder holds it alone.
    #[serde(default)]
    pub adapter: bool,
    /// What the model grew from; none where it was new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<checkpoint::BaseState>,
    /// Tokens of its vocabulary.
    pub vocab_size: usize,
    /// Mean loss of the last tenth of the steps of this attempt, nats; none where it had no step.
    pub loss: Option<f64>,
    /// Where this attempt took up, if not at the start.
    pub resumed_from: Option<u64>,
    /// Seconds of this attempt.
    pub seconds: f64,
    /// Examples a second of this attempt, all its work included.
    pub examples_per_s: f64,
    /// SHA-256 of `recipe.toml`.
    pub recipe_sha256: String,
    /// Who trained it.
    #[serde(default = "local")]
    pub backend: String,
    /// What worked out its products, where the embedded trainer did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceUsed>,
    /// `provider:NAME/MODEL` of a model that lies at a service; then there is no checkpoint here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
}

fn local() -> String {
    Backend::Local.word().to_owned()
}

/// Seed of a step (0-based): for sampled tails and dropout.
pub(super) fn step_seed(seed: u64, step: u64) -> u64 {
    seed ^ (step + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Trains as the attempt's input says, by the backend that its recipe names.
///
/// # Errors
/// [`JobError::Stopped`] after a checkpoint when asked to stop; otherwise what is wrong with the
/// input, the disk, or the training itself (a loss that is not a number names its step).
pub fn work(attempt: &Attempt, progress: &mut dyn Progress) -> Result<TrainSummary, JobError> {
    let path = attempt.input("recipe.toml");
    let bytes = fs::read(&path).map_err(JobError::io(&path))?;
    let recipe = parse_recipe(&bytes, &path)?;
    let summary = backend(recipe.backend).carry(attempt, progress)?;
    let mut results = attempt.results()?;
    results.write(&summary)?;
    results.sync()?;
    progress.at(summary.step, Some(summary.step), "done");
    Ok(summary)
}

/// The embedded trainer.
pub(super) fn train(
    attempt: &Attempt,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, JobError> {
    let path = attempt.input("recipe.toml");
    let bytes = fs::read(&path).map_err(JobError::io(&path))?;
    train_on(attempt, progress, parse_recipe(&bytes, &path)?, sha256(&bytes), &device::open)
}

/// The embedded trainer, by a recipe of this hash; `open` opens the device of a run that has one.
pub(super) fn train_on(
    attempt: &Attempt,
    progress: &mut dyn Progress,
    recipe: Recipe,
    recipe_sha256: String,
    open: Opener<'_>,
) -> Result<TrainSummary, JobError> {
    let began = Instant::now();
    let read = |name: &str| {
        let path = attempt.input(name);
        fs::read(&path).map_err(JobError::io(path))
    };
    let survey: Survey = attempt.read_input("survey.json")?;
    let dataset_path = attempt.input("dataset.jsonl");
    let dataset_sha256 = sha256(&read("dataset.jsonl")?);
    let rows: Vec<Example> = read_jsonl(&dataset_path)?;
    let (rows, held_out) = hold_out(rows, recipe.eval_share, recipe.seed);
    let set = TrainingSet::new(&rows, &survey, &recipe.prompts, recipe.target).map_err(failed)?;
    let unseen = if held_out.is_empty() {
        None
    } else {
        let unseen = TrainingSet::new(&held_out, &survey, &recipe.prompts, recipe.target);
        Some(unseen.map_err(failed)?)
    };
    let total = recipe.length().steps(set.len(), recipe.batch);
    progress.at(0, Some(total), "reading");
    let base = Base::of(attempt, &recipe)?;
    let config = base.as_ref().map(Base::config).transpose().map_err(failed)?;
    let grown_from = base.as_ref().map(|b| b.state.clone());
    let start = TrainerState::begin(total, recipe_sha256, dataset_sha256, grown_from);
    let adapted = config.as_ref().filter(|_| recipe.lora.is_some());
    let restored = newest(attempt, &start, adapted, progress);
    let resumed_from = restored.as_ref().map(|r| r.state.step);
    let before = restored.as_ref().and_then(|r| r.state.device.clone());
    let Start { model, adapter, tokenizer, optimizer } =
        Start::new(&recipe, &set, base.as_ref(), restored).map_err(failed)?;
    let settings = AdamWSettings {
        beta2: recipe.beta2,
        weight_decay: recipe.weight_decay,
        ..AdamWSettings::default()
    };
    let steps = StepSettings {
        tails: recipe.tails,
        threads: recipe.resources.threads,
        piece: recipe.piece_tokens,
        recompute: recipe.recompute,
    };
    let mut trainer =
        Trainer::new(model, adapter, settings, steps).map_err(|e| failed(e.into()))?;
    if let Some(s) = optimizer {
        trainer.resume(s).map_err(|e| failed(e.into()))?;
    }
    let used = device::settle(&mut trainer, &recipe, attempt, open)?;
    let at = resumed_from.unwrap_or(0);
    if let Some(why) = &used.instead {
        progress.at(at, Some(total), &format!("trains on the CPU: {why}"));
    }
    if let Some(before) = before.filter(|b| !b.same(&used)) {
        let note = format!("goes on on {used}, was on {before}: the last bits differ");
        progress.at(at, Some(total), &note);
    }
    let mut run = Run {
        recipe: &recipe,
        checkpoints: attempt.file("checkpoints"),
        trainer,
        tokenizer: &tokenizer,
        state: TrainerState { step: at, device: Some(used), ..start },
        since: Mean::default(),
        unseen: Vec::new(),
    };
    if let Some(unseen) = &unseen {
        // The same examples each time: what differs is the model.
        let n = unseen.len().min(EVAL_EXAMPLES);
        let mut order = DataOrder::new(unseen, recipe.seed, n);
        run.unseen = order.step(0, &mut tokenizer.reader()).map_err(failed)?;
    }
    let first = run.state.step;
    let loss = run.steps(&set, attempt.metrics()?, progress)?;
    run.save("final")?;
    let seconds = began.elapsed().as_secs_f64();
    let done = (total - first) as f64 * recipe.batch as f64;
    let summary = TrainSummary {
        kind: "model".into(),
        checkpoint: PathBuf::from("checkpoints/final"),
        step: total,
        examples: set.len(),
        parameters: run.trainer.model().weights.len(),
        trained: run.trainer.trained().iter().map(|r| r.len()).sum(),
        adapter: run.trainer.adapter().is_some(),
        base: run.state.base.clone(),
        vocab_size: tokenizer.vocab_size(),
        loss,
        resumed_from,
        seconds,
        examples_per_s: done / seconds,
        recipe_sha256: run.state.recipe_sha256.clone(),
        backend: Backend::Local.word().into(),
        device: run.state.device.clone(),
        remote: None,
    };
    Ok(summary)
}

pub(super) fn parse_recipe(bytes: &[u8], path: &Path) -> Result<Recipe, JobError> {
    let text = std::str::from_utf8(bytes).map_err(|e| JobError::Malformed {
        path: path.to_owned(),
        line: None,
        reason: format!("not UTF-8: {e}"),
    })?;
    Recipe::parse(text, &path.display().to_string()).map_err(failed)
}

pub(super) fn failed(e: FinetuneError) -> JobError {
    match e {
        FinetuneError::Io { path, source } => JobError::Io { path, source },
        e => JobError::Work(e.to_string()),
    }
}

/// The newest whole checkpoint of the same recipe, dataset and base. One that is not whole is
/// passed over, and said.
fn newest(
    attempt: &Attempt,
    same: &TrainerState,
    adapted: Option<&DecoderConfig>,
    progress: &mut dyn Progress,
) -> Option<Restored> {
    let mut found: Vec<(u64, PathBuf)> = std::iter::once(attempt.clone())
        .chain(attempt.earlier())
        .flat_map(|a| checkpoint::list(&a.file("checkpoints")))
        .collect();
    found.sort_by_key(|f| std::cmp::Reverse(f.0));
    let sha = |s: &TrainerState| s.base.as_ref().map(|b| b.sha256.clone());
    for (_, dir) in found {
        match checkpoint::restore(&dir, adapted) {
            Ok(r)
                if r.state.recipe_sha256 == same.recipe_sha256
                    && r.state.dataset_sha256 == same.dataset_sha256
                    && sha(&r.state) == sha(same)
                    && r.state.step <= same.total =>
            {
                return Some(r);
            }
            Ok(_) => {
                let note = format!("{} is of another recipe, dataset or base: left", dir.display());
                progress.at(0, Some(same.total), &note);
            }
            Err(e) => progress.at(0, Some(same.total), &format!("passed over: {e}")),
        }
    }
    None
}

/// Held-out examples that the loss is measured on, at most.
pub(super) const EVAL_EXAMPLES: usize = 256;
/// How often it is measured over a run, beside at its checkpoints.
const EVAL_TIMES: u64 = 12;

#[derive(Debug, Default)]
struct Mean {
    sum: f64,
    n: u64,
}

impl Mean {
    fn add(&mut self, x: f64) {
        self.sum += x;
        self.n += 1;
    }
    fn take(&mut self) -> Option<f64> {
        let m = std::mem::take(self);
        (m.n > 0).then(|| m.sum / m.n as f64)
    }
}

struct Run<'a> {
    recipe: &'a Recipe,
    checkpoints: PathBuf,
    trainer: Trainer,
    tokenizer: &'a ChatTokenizer,
    state: TrainerState,
    /// Loss since the last checkpoint.
    since: Mean,
    /// Examples that no step sees; none where none are held out.
    unseen: Vec<AnswerTarget>,
}

impl Run<'_> {
    /// All steps that are left; gives the mean loss of their last tenth.
    fn steps(
        &mut self,
        set: &TrainingSet<'_>,
        mut metrics: MetricsWriter,
        progress: &mut dyn Progress,
    ) -> Result<Option<f64>, JobError> {
        let r = self.recipe;
        let total = self.state.total;
        // Rounded up, as transformers does.
        let warmup = (total as f64 * r.warmup).ceil() as u64;
        let mut order = DataOrder::new(set, r.seed, r.batch);
        let mut reader = self.tokenizer.reader();
        let mut end = Mean::default();
        let mut pace = Pace::new();
        let first = self.state.step;
        while self.state.step < total {
            let i = self.state.step;
            if progress.should_stop() {
                if i > 0 {
                    // Measured before this step, if at all.
                    self.state.eval_loss = None;
                    self.save(&format!("step-{i}"))?;
                }
                return Err(JobError::Stopped);
            }
            let batch = order.step(i, &mut reader).map_err(failed)?;
            let lr = r.lr * r.schedule.factor(i, warmup, total);
            let seed = step_seed(r.seed, i);
            let report = match self.trainer.step(&batch, lr, r.max_grad_norm, seed) {
                Ok(report) => report,
                Err(e) => return Err(self.broken(first, e)),
            };
            let done = i + 1;
            let bad = !report.loss.is_finite() || !report.grad_norm.is_finite();
            pace.add(&report, batch.len());
            let saves =
                r.checkpoint_every > 0 && done.is_multiple_of(r.checkpoint_every) || done == total;
            let measures = saves || done.is_multiple_of(total.div_ceil(EVAL_TIMES));
            if bad || done.is_multiple_of(r.log_every) || done == total || self.evals(measures) {
                let mut values = pace.values(&report, lr).to_vec();
                if self.evals(measures) && !bad {
                    match self.trainer.loss(&self.unseen, r.seed) {
                        Ok(loss) => self.state.eval_loss = Some(loss),
                        Err(e) => {
                            // The step is done, its measure is not.
                            self.state.step = done;
                            return Err(self.broken(first, e));
                        }
                    }
                    values.extend(self.state.eval_loss.map(|l| ("eval_loss", l)));
                }
                metrics.log(done, Some(total), &values)?;
                let note = format!("loss {:.4}", report.loss);
                progress.at(done, Some(total), &note);
                pace = Pace::new();
            }
            if bad {
                return Err(JobError::Work(format!(
                    "step {done}: loss {}, gradient norm {}: training went astray; try a lower lr \
                     (now {}) or a lower max_grad_norm. The last checkpoint is whole",
                    report.loss, report.grad_norm, r.lr
                )));
            }
            self.state.step = done;
            self.since.add(report.loss);
            if done * 10 > total * 9 {
                end.add(report.loss);
            }
            if r.checkpoint_every > 0 && done.is_multiple_of(r.checkpoint_every) && done < total {
                self.save(&format!("step-{done}"))?;
                checkpoint::retain(&self.checkpoints, r.keep_checkpoints).map_err(failed)?;
            }
        }
        Ok(end.take())
    }

    /// What a step's failure means. A device that fails takes nothing with it: the weights of the
    /// steps that were done are here, and go into a checkpoint if this attempt did any.
    fn broken(&mut self, first: u64, e: EmbeddedError) -> JobError {
        let (done, of_device) = (self.state.step, matches!(e, EmbeddedError::Device(_)));
        if !of_device || done == first {
            return device::trouble(e);
        }
        self.state.eval_loss = None;
        let kept = match self.save(&format!("step-{done}")) {
            Ok(()) => {
                format!("step {done} is kept as a checkpoint, and the next attempt goes on there")
            }
            Err(e) => format!("step {done} could not be kept ({e}); earlier checkpoints are whole"),
        };
        match device::trouble(e) {
            JobError::OutOfMemory(why) => JobError::OutOfMemory(format!("{why}; {kept}")),
            JobError::Transient(why) => JobError::Transient(format!("{why}; {kept}")),
            other => other,
        }
    }

    fn evals(&self, due: bool) -> bool {
        due && !self.unseen.is_empty()
    }

    fn save(&mut self, name: &str) -> Result<(), JobError> {
        self.state.optimizer_step = self.trainer.optimizer.state.step;
        self.state.loss = self.since.take();
        let dir = self.checkpoints.join(name);
        let what = match self.trainer.adapter() {
            None => Saving::Whole(self.trainer.model(), self.tokenizer),
            Some(a) => Saving::Adapter(a),
        };
        checkpoint::save(&dir, what, &self.trainer.optimizer.state, &self.state).map_err(failed)
    }
}

/// Speed since the last row of metrics.
struct Pace {
    began: Instant,
    examples: usize,
    tokens: usize,
    rows: usize,
}

impl Pace {
    fn new() -> Self {
        Self { began: Instant::now(), examples: 0, tokens: 0, rows: 0 }
    }

    fn add(&mut self, r: &StepReport, examples: usize) {
        self.examples += examples;
        self.tokens += r.tokens;
        self.rows += r.rows;
    }

    /// `tokens_per_s` counts prompts as if nothing were shared; `rows_per_s` what was worked on.
    fn values(&self, r: &StepReport, lr: f64) -> [(&'static str, f64); 6] {
        let s = self.began.elapsed().as_secs_f64().max(1e-9);
        [
            ("loss", r.loss),
            ("lr", lr),
            ("grad_norm", r.grad_norm),
            ("examples_per_s", self.examples as f64 / s),
            ("tokens_per_s", self.tokens as f64 / s),
            ("rows_per_s", self.rows as f64 / s),
        ]
    }
}
