//! What a run will take, said before it starts: memory by what the trainer allocates, time by the
//! products that it computes and the speed of this machine's products.

use std::fmt;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{FinetuneError, Recipe, TargetKind, TrainingSet};
use crate::embedded::decoder::{Adapter, DecoderConfig, Layout};
use crate::embedded::device::device_bytes;
use crate::embedded::tokenizer::ChatTokenizer;
use crate::embedded::training::{multiply_speed, pack_targets};

/// Memory and time of a run, estimated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Weights of the model and of an adapter, bytes.
    pub weights: u64,
    /// Gradients and the optimiser's means, bytes.
    pub optimizer: u64,
    /// What a pass keeps for its way back, and its buffers, bytes.
    pub activations: u64,
    /// Weights that are trained.
    pub trained: u64,
    /// Tokens that the model works on in a step, shared beginnings counted once.
    pub tokens_a_step: f64,
    /// Steps.
    pub steps: u64,
    /// Seconds of all steps; none where the tokenizer comes with the run (tiny), and on a GPU.
    pub seconds: Option<f64>,
    /// What lies on the GPU of the embedded trainer, beside all of it in this machine's memory, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<u64>,
}

/// A float of all buffers.
const FLOAT: u64 = 4;
/// Rows of logits that stand in memory at once (`decoder::head`).
const LOGIT_ROWS: u64 = 256;
/// The program itself, tokenizer and texts.
const PROGRAM: u64 = 64 << 20;
/// CUDA's context and cuBLAS, about.
const CONTEXT: u64 = 640 << 20;
/// Share of the speed of large products that a whole step reaches.
const STEP_SHARE: f64 = 0.6;

/// Rows and supervised rows of a mean step, measured on the first ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepTokens {
    /// Rows.
    pub rows: f64,
    /// Supervised rows.
    pub supervised: f64,
}

impl StepTokens {
    /// Packs the first steps of a run as it will.
    ///
    /// # Errors
    /// The tokenizer failed on a text.
    pub fn measure(
        set: &TrainingSet<'_>,
        recipe: &Recipe,
        tokenizer: &ChatTokenizer,
    ) -> Result<Self, FinetuneError> {
        const STEPS: u64 = 4;
        let mut order = super::DataOrder::new(set, recipe.seed, recipe.batch);
        let mut reader = tokenizer.reader();
        let mut sum = Self { rows: 0.0, supervised: 0.0 };
        for step in 0..STEPS {
            let batch = order.step(step, &mut reader)?;
            let (pack, wanted) = pack_targets(&batch, recipe.tails, step);
            sum.rows += pack.len() as f64 / STEPS as f64;
            sum.supervised += wanted.rows().len() as f64 / STEPS as f64;
        }
        Ok(sum)
    }

    /// Without a tokenizer: four characters a token, nothing shared.
    pub fn guess(set: &TrainingSet<'_>, recipe: &Recipe) -> Self {
        let texts = set.texts();
        let characters: usize = texts.iter().map(String::len).sum();
        // System and user part of a prompt are two texts.
        let mean = characters as f64 / texts.len().max(1) as f64 * 2.0 / 4.0;
        let answers = if recipe.target == TargetKind::Hard { 2.0 } else { 3.0 };
        let batch = recipe.batch as f64;
        Self { rows: batch * (mean + answers), supervised: batch * answers }
    }
}

impl Estimate {
    /// For a model of these sizes.
    ///
    /// # Errors
    /// An adapter that makes no sense.
    pub fn new(
        config: &DecoderConfig,
        recipe: &Recipe,
        examples: usize,
        tokens: StepTokens,
        speed: Option<f64>,
    ) -> Result<Self, FinetuneError> {
        let parameters = Layout::new(config).len() as u64;
        let adapter = match &recipe.lora {
            None => None,
            Some(l) => Some(Adapter::sizes(config, l)?),
        };
        let trained = adapter.unwrap_or(parameters);
        let threads = recipe.resources.threads.max(1) as u64;
        let lanes =
            if crate::embedded::training::by_product(parameters as usize) { 1 } else { threads };
        let lane_gradients = if threads == 1 || lanes == 1 { 0 } else { lanes * trained };
        let rows = (recipe.piece_tokens as f64).min(tokens.rows).ceil() as u64;
        let layers = config.num_hidden_layers as u64;
        let (a_layer, input, passing) = row(config, recipe);
        let kept = if recipe.recompute { layers * input + a_layer } else { layers * a_layer };
        let in_lanes = if lanes > 1 { rows.min(tokens.rows as u64) } else { rows };
        let activations = in_lanes * (kept + passing)
            + lanes * LOGIT_ROWS.min(tokens.supervised.ceil() as u64) * config.vocab_size as u64;
        let steps = recipe.length().steps(examples, recipe.batch);
        Ok(Self {
            weights: FLOAT * (parameters + adapter.unwrap_or(0)),
            optimizer: FLOAT * (3 * trained + lane_gradients),
            activations: FLOAT * activations + PROGRAM,
            trained,
            tokens_a_step: tokens.rows,
            steps,
            seconds: speed
                .map(|s| steps as f64 * multiplications(config, recipe, tokens) / (s * STEP_SHARE)),
            gpu: None,
        })
    }

    /// Measures the machine's speed first: about a tenth of a second.
    ///
    /// # Errors
    /// As [`Estimate::new`].
    pub fn on_this_machine(
        config: &DecoderConfig,
        recipe: &Recipe,
        examples: usize,
        tokens: StepTokens,
    ) -> Result<Self, FinetuneError> {
        let began = Instant::now();
        let mut speed = 0.0f64;
        while began.elapsed().as_millis() < 100 {
            speed = speed.max(multiply_speed(recipe.resources.threads)?);
        }
        Self::new(config, recipe, examples, tokens, Some(speed))
    }

    /// With the products on a GPU.
    #[must_use]
    pub fn on_gpu(self, config: &DecoderConfig, recipe: &Recipe) -> Self {
        let all = recipe.lora.is_none();
        Self { gpu: Some(device_bytes(config, all, recipe.piece_tokens) + CONTEXT), ..self }
    }

    /// All of the memory, bytes.
    pub fn memory(&self) -> u64 {
        self.weights + self.optimizer + self.activations
    }

    /// Refuses what this machine cannot hold.
    ///
    /// # Errors
    /// The figures, and what to change.
    pub fn check(&self, machine: Option<u64>, recipe: &Recipe) -> Result<(), FinetuneError> {
        let Some(machine) = machine.filter(|m| self.memory() > *m) else { return Ok(()) };
        let mut ways = Vec::new();
        if recipe.lora.is_none() && self.optimizer > self.memory() / 3 {
            ways.push("train an adapter instead (--recipe lora)".to_owned());
        }
        if self.activations > self.memory() / 4 {
            if !recipe.recompute {
                ways.push("recompute = true in the recipe".into());
            }
            ways.push(format!("a smaller piece_tokens (now {})", recipe.piece_tokens));
        }
        ways.push("a smaller model, or a machine with more memory".into());
        Err(FinetuneError::Plan(format!(
            "this run needs {self}; the machine has {}. Ways out: {}",
            gib(machine),
            ways.join("; ")
        )))
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "about {} of memory (weights {}, gradients and optimiser {}, activations and buffers \
             {}) for {} trained weights",
            gib(self.memory()),
            gib(self.weights),
            gib(self.optimizer),
            gib(self.activations),
            self.trained,
        )?;
        if let Some(gpu) = self.gpu {
            write!(f, ", and {} of a GPU's", gib(gpu))?;
        }
        write!(f, ", {} steps of about {:.0} tokens", self.steps, self.tokens_a_step)?;
        match self.seconds {
            Some(s) => write!(f, ", about {} if nothing else runs", time(s)),
            None => Ok(()),
        }
    }
}

fn gib(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 1000.0 { format!("{mib:.0} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// Floats a row: kept by a layer, its input alone, and in the buffers that all layers share.
fn row(c: &DecoderConfig, recipe: &Recipe) -> (u64, u64, u64) {
    let (d, ff) = (c.hidden_size, c.intermediate_size);
    let (qd, kvd) = (c.q_dim(), c.kv_dim());
    let norms = if c.qk_norm() { qd + kvd } else { 0 };
    let rank = recipe.lora.as_ref().map_or(0, |l| l.r * l.targets.len());
    // Attention weights by the keys of a usual block.
    let attention = c.num_attention_heads * 160;
    let kept = 4 * d + 2 * kvd + 2 * qd + norms + 2 * ff + attention + rank;
    let masks = recipe.lora.as_ref().filter(|l| l.dropout > 0.0).map_or(0, |_| 2 * ff.max(d));
    let passing = 6 * d + 2 * qd + 2 * kvd + 4 * ff + masks;
    (kept as u64, d as u64, passing as u64)
}

/// Multiplications of a step.
fn multiplications(c: &DecoderConfig, recipe: &Recipe, tokens: StepTokens) -> f64 {
    let (d, ff) = (c.hidden_size as f64, c.intermediate_size as f64);
    let (qd, kvd) = (c.q_dim() as f64, c.kv_dim() as f64);
    let layers = c.num_hidden_layers as f64 * (2.0 * d * qd + 2.0 * d * kvd + 3.0 * d * ff);
    let head = c.vocab_size as f64 * d;
    // Forward, gradients of inputs, gradients of weights, and forward once more.
    let (lora, again) = (recipe.lora.is_some(), recipe.recompute);
    let times = 2.0 + f64::from(u8::from(!lora)) + f64::from(u8::from(again));
    let head_times = if lora { 2.0 } else { 3.0 };
    tokens.rows * layers * times + tokens.supervised * head * head_times
}

/// Memory that this process may use, bytes: the machine's, or its group's limit. `None` where
/// nothing says it.
pub fn machine_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    let total = line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = group.and_then(|g| g.trim().parse::<u64>().ok());
    Some(limit.map_or(total, |l| l.min(total)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finetune::preset;

    fn recipe(name: &str) -> Recipe {
        Recipe::parse(preset(name).unwrap(), name).unwrap()
    }

    /// The shape of Qwen2.5-0.5B.
    fn half_a_billion() -> DecoderConfig {
        let mut c = DecoderConfig::llama(151_936, 896, 4864, 24, 14, 2).unwrap();
        c.model_type = crate::embedded::decoder::Family::Qwen2;
        c
    }

    fn estimate(name: &str, change: fn(&mut Recipe)) -> Estimate {
        let mut r = recipe(name);
        change(&mut r);
        let tokens = StepTokens { rows: 900.0, supervised: 32.0 };
        Estimate::new(&half_a_billion(), &r, 1000, tokens, Some(1e11)).unwrap()
    }

    #[test]
    fn an_adapter_takes_the_weights_and_little_more_and_all_weights_four_times_as_much() {
        let lora = estimate("lora", |_| {});
        assert_eq!(lora.weights / 4, 494_032_768 + lora.trained);
        assert!(lora.optimizer < lora.weights / 10, "{lora}");
        let full = estimate("full", |_| {});
        assert_eq!(full.optimizer, 12 * 494_032_768);
        assert!(full.seconds > lora.seconds);
        assert!(estimate("lora", |r| r.recompute = true).activations < lora.activations / 2);
        assert!(estimate("lora", |r| r.piece_tokens = 64).activations < lora.activations / 2);
        let text = lora.to_string();
        assert!(text.contains("GiB") && text.contains("125 steps"), "{text}");
    }

    #[test]
    fn what_the_machine_cannot_hold_is_refused_with_ways_out() {
        let full = estimate("full", |_| {});
        assert!(full.check(Some(64 << 30), &recipe("full")).is_ok());
        assert!(full.check(None, &recipe("full")).is_ok());
        let e = full.check(Some(4 << 30), &recipe("full")).unwrap_err().to_string();
        assert!(e.contains("4.0 GiB") && e.contains("--recipe lora"), "{e}");
        let e = estimate("lora", |_| {}).check(Some(1 << 30), &recipe("lora")).unwrap_err();
        assert!(e.to_string().contains("smaller model"), "{e}");
    }

    #[test]
    fn this_machine_says_how_much_it_has() {
        if cfg!(target_os = "linux") {
            assert!(machine_memory().unwrap() > 64 << 20);
        }
    }
}
