//! The recipe file: what a fine-tuning run is told, the same for all backends.

use serde::{Deserialize, Serialize};

use super::backend::backend;
use super::{DeviceChoice, FinetuneError, ModelChoice};
use crate::domain::prompt::{OptionOrder, PromptForm, Symbols, Variant};
use crate::domain::{Direction, Question};
use crate::embedded::decoder::LoraSettings;
use crate::embedded::training::{Schedule, TailTargets};

/// Who trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// This binary.
    #[default]
    Local,
    /// A training program in Python, on PyTorch, transformers and PEFT.
    Torch,
    /// A service that speaks OpenAI's fine-tuning interface.
    Openai,
}

impl Backend {
    /// As in a recipe.
    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Torch => "torch",
            Self::Openai => "openai",
        }
    }
}

/// What the model is taught to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// The option shares, as cross-entropy on complete answers.
    #[default]
    Distribution,
    /// One answer: the dataset's own, or the most frequent option of its shares (ties: lowest code).
    Hard,
}

/// Which orders of options are used in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderChoice {
    /// Those of the scale's kind: printed and reversed, or every rotation.
    #[default]
    All,
    /// As in the questionnaire only.
    Printed,
}

/// How questions are put in training. Each text meets each variant equally often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PromptChoice {
    /// Forms.
    pub forms: Vec<PromptForm>,
    /// Orders.
    pub orders: OrderChoice,
    /// Symbols; scales with end labels only keep their codes.
    pub symbols: Vec<Symbols>,
}

impl Default for PromptChoice {
    fn default() -> Self {
        Self {
            forms: PromptForm::ALL.to_vec(),
            orders: OrderChoice::All,
            symbols: vec![Symbols::Codes, Symbols::Letters],
        }
    }
}

impl PromptChoice {
    /// The variants of one question: at least one.
    pub fn variants(&self, question: &Question) -> Vec<Variant> {
        let scale = &question.scale;
        let codes_only = scale.end_labels_only()
            || scale.direction() == Direction::None && self.symbols.is_empty();
        let symbols: &[Symbols] = if codes_only { &[Symbols::Codes] } else { &self.symbols };
        let orders = match self.orders {
            OrderChoice::All => OptionOrder::for_scale(scale.kind(), scale.len()),
            OrderChoice::Printed => vec![OptionOrder::Printed],
        };
        let mut out = Vec::new();
        for &form in &self.forms {
            for &order in &orders {
                for &symbols in symbols {
                    out.push(Variant { form, order, symbols });
                }
            }
        }
        out
    }
}

/// What the run may use of a machine; read by every backend and by the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Resources {
    /// CPU threads. The last bits of a result depend on it.
    pub threads: usize,
    /// Memory, in MiB (1,048,576 bytes).
    pub memory_mb: u64,
    /// GPUs.
    pub gpus: u32,
    /// Longest time, `90m`, `12h`; none = no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<String>,
}

impl Default for Resources {
    fn default() -> Self {
        Self { threads: 1, memory_mb: 1024, gpus: 0, time_limit: None }
    }
}

/// How the frozen weights of a base lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quant {
    /// Four bits a weight, as QLoRA has them (Dettmers et al. 2023).
    Nf4,
}

/// What products are computed in. Trained weights and the optimiser are f32 in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dtype {
    /// bf16 on GPUs that have it, f32 elsewhere.
    #[default]
    Auto,
    /// 32 bits.
    F32,
    /// 16 bits with the range of f32.
    Bf16,
}

/// How several processes share a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parallel {
    /// Each has all of it and a part of every batch.
    #[default]
    Ddp,
    /// Each has a part of it too.
    Fsdp,
}

/// `[torch]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TorchSettings {
    /// Quantise the frozen base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quant: Option<Quant>,
    /// What products are computed in.
    pub dtype: Dtype,
    /// How several processes share the model.
    pub parallel: Parallel,
    /// Processes; one for each GPU where absent, one without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
}

/// `[openai]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpenAiSettings {
    /// The service's own learning rate is multiplied by it; the service chooses where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate_multiplier: Option<f64>,
    /// Stands in the tuned model's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
}

/// How long a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Steps of the optimiser: the same for datasets of any size.
    Steps(u64),
    /// Passes over the dataset.
    Epochs(u64),
}

impl Length {
    /// Steps for a dataset of `examples`.
    pub fn steps(self, examples: usize, batch: usize) -> u64 {
        match self {
            Self::Steps(n) => n,
            Self::Epochs(n) => (n * examples as u64).div_ceil(batch.max(1) as u64),
        }
    }
}

/// A recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name, for lists.
    pub name: String,
    /// Who trains.
    #[serde(default)]
    pub backend: Backend,
    /// Optimiser steps; this or `epochs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Passes over the dataset; this or `steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u64>,
    /// Examples a step; a service chooses where it is 0.
    #[serde(default)]
    pub batch: usize,
    /// Top learning rate; a service's own where it is 0.
    #[serde(default)]
    pub lr: f64,
    /// How it goes after the warm-up.
    #[serde(default)]
    pub schedule: Schedule,
    /// Share of all steps with a rising rate, 0 to 1.
    #[serde(default)]
    pub warmup: f64,
    /// Decoupled weight decay.
    #[serde(default)]
    pub weight_decay: f64,
    /// AdamW's decay of squared gradients. Runs of a few hundred steps do better below torch's 0.999.
    #[serde(default = "torch_beta2")]
    pub beta2: f64,
    /// Gradients are scaled down to this norm.
    #[serde(default = "one")]
    pub max_grad_norm: f64,
    /// Seed of weights, order and prompts.
    #[serde(default)]
    pub seed: u64,
    /// What the model is taught to answer.
    #[serde(default)]
    pub target: TargetKind,
    /// Supervision below the first token of an answer.
    #[serde(default)]
    pub tails: TailTargets,
    /// Steps between checkpoints; 0 = only the final one.
    #[serde(default)]
    pub checkpoint_every: u64,
    /// Newest checkpoints that are kept (the best one and the final one are kept beside them).
    #[serde(default = "two")]
    pub keep_checkpoints: usize,
    /// Share of the texts that no step learns from, 0 to 0.5: the loss on them is measured about ten
    /// times a run and tells the best checkpoint.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub eval_share: f64,
    /// Where the backend `local` works its products out.
    #[serde(default, skip_serializing_if = "DeviceChoice::is_auto")]
    pub device: DeviceChoice,
    /// Steps between rows of `metrics.jsonl`.
    #[serde(default = "ten")]
    pub log_every: u64,
    /// Most tokens that go through the model at once (shared beginnings count once); a step adds
    /// up the gradients of as many pieces as its batch needs. Fewer take less memory.
    #[serde(default = "piece")]
    pub piece_tokens: usize,
    /// Keep each layer's input only and work the rest out again on the way back: about a third
    /// more time, far less memory.
    #[serde(default)]
    pub recompute: bool,
    /// What is trained.
    pub model: ModelChoice,
    /// Train an adapter of low rank beside the frozen model; all weights where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<LoraSettings>,
    /// What only the backend `torch` is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torch: Option<TorchSettings>,
    /// What only the backend `openai` is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openai: Option<OpenAiSettings>,
    /// How questions are put.
    #[serde(default)]
    pub prompts: PromptChoice,
    /// What the run may use.
    #[serde(default)]
    pub resources: Resources,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_nothing(x: &f64) -> bool {
    *x == 0.0
}

fn one() -> f64 {
    1.0
}
fn torch_beta2() -> f64 {
    0.999
}
fn two() -> usize {
    2
}
fn ten() -> u64 {
    10
}
fn piece() -> usize {
    8192
}

const PRESETS: [(&str, &str); 7] = [
    ("tiny", include_str!("presets/tiny.toml")),
    ("lora", include_str!("presets/lora.toml")),
    ("full", include_str!("presets/full.toml")),
    ("paper", include_str!("presets/paper.toml")),
    ("lora-torch", include_str!("presets/lora-torch.toml")),
    ("paper-torch", include_str!("presets/paper-torch.toml")),
    ("openai", include_str!("presets/openai.toml")),
];

/// Names of the recipes that come with the program.
pub fn preset_names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|p| p.0)
}

/// The text of a preset, to be read with [`Recipe::parse`] or written out for editing.
pub fn preset(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|p| p.0 == name).map(|p| p.1)
}

impl Recipe {
    /// Reads and checks a recipe; `file` is how errors name it.
    ///
    /// # Errors
    /// The line and what was expected there.
    pub fn parse(text: &str, file: &str) -> Result<Self, FinetuneError> {
        let recipe: Self = toml::from_str(text).map_err(|e| FinetuneError::Recipe {
            file: file.to_owned(),
            line: e.span().map_or(1, |s| line_of(text, s.start)),
            reason: e.message().to_owned(),
        })?;
        recipe.check().and_then(|()| recipe.only_followed(text)).map_err(|(key, reason)| {
            FinetuneError::Recipe { file: file.to_owned(), line: line_of_key(text, key), reason }
        })?;
        Ok(recipe)
    }

    /// What a backend would pass over in silence is refused where it stands.
    fn only_followed(&self, text: &str) -> Result<(), (&'static str, String)> {
        let table: toml::Table = toml::from_str(text).unwrap_or_default();
        for (key, way) in backend(self.backend).refuses() {
            if table.contains_key(*key) {
                let word = self.backend.word();
                return Err((key, format!("backend = \"{word}\" cannot follow `{key}`: {way}")));
            }
        }
        Ok(())
    }

    /// The recipe as a file.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, FinetuneError> {
        let no = |e: toml::ser::Error| FinetuneError::Plan(e.to_string());
        let refused = backend(self.backend).refuses();
        let mut table = toml::Table::try_from(self).map_err(no)?;
        table.retain(|key, _| refused.iter().all(|r| r.0 != key));
        toml::to_string(&table).map_err(no)
    }

    /// Steps or epochs; a checked recipe has exactly one.
    pub fn length(&self) -> Length {
        match (self.steps, self.epochs) {
            (Some(n), _) => Length::Steps(n),
            (None, n) => Length::Epochs(n.unwrap_or(1)),
        }
    }

    /// Checks every bound.
    ///
    /// # Errors
    /// The key that is wrong, and what was expected there.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let no = |key, reason: &str| Err((key, reason.to_owned()));
        match (self.steps, self.epochs) {
            (Some(_), Some(_)) => return no("epochs", "either `steps` or `epochs`, not both"),
            (None, None) => return no("name", "expected `steps` or `epochs`"),
            (Some(0), _) => return no("steps", "expected at least one step"),
            (_, Some(0)) => return no("epochs", "expected at least one epoch"),
            _ => {}
        }
        let inside = |x: f64, low: f64, high: f64| x.is_finite() && x >= low && x <= high;
        if !self.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            || self.name.is_empty()
        {
            return no("name", "expected letters, digits, `-`, `_` or `.`");
        }
        let here = self.backend != Backend::Openai;
        if here && self.batch == 0 {
            return no("batch", "expected at least one example a step");
        }
        if here && !inside(self.lr, 1e-12, 10.0) {
            return no("lr", "expected a learning rate above 0 and at most 10");
        }
        if !inside(self.warmup, 0.0, 1.0) {
            return no("warmup", "expected a share of the steps, 0 to 1");
        }
        if !inside(self.eval_share, 0.0, 0.5) {
            return no("eval_share", "expected a share of the texts, 0 to 0.5");
        }
        if !inside(self.weight_decay, 0.0, 10.0) {
            return no("weight_decay", "expected 0 to 10");
        }
        if !inside(self.beta2, 0.0, 0.999_999) {
            return no("beta2", "expected 0 to 0.999999");
        }
        if self.max_grad_norm.is_nan() || self.max_grad_norm <= 0.0 {
            return no("max_grad_norm", "expected a number above 0");
        }
        if self.piece_tokens == 0 {
            return no("piece_tokens", "expected at least one token at once");
        }
        if let Some(lora) = &self.lora {
            lora.check()?;
            if matches!(self.model, ModelChoice::Tiny(_)) {
                return no(
                    "r",
                    "an adapter needs a model to stand on, and tiny is new: expected [model] with \
                     from = \"path:DIR\", or no [lora]",
                );
            }
        }
        if self.log_every == 0 {
            return no("log_every", "expected at least 1");
        }
        if self.prompts.forms.is_empty() {
            return no("forms", "expected at least one prompt form");
        }
        if self.prompts.symbols.is_empty() {
            return no("symbols", "expected `codes`, `letters` or both");
        }
        if self.resources.threads == 0 {
            return no("threads", "expected at least one thread");
        }
        if let Some(t) = &self.resources.time_limit
            && t.parse::<jiff::SignedDuration>().is_err()
        {
            return no("time_limit", "expected a time such as `90m` or `12h`");
        }
        backend(self.backend).check(self)
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}

/// Line of `key = ..` or of `[key]`, 1 where it stands nowhere.
fn line_of_key(text: &str, key: &str) -> usize {
    text.lines()
        .position(|l| {
            let l = l.trim_start();
            l.strip_prefix(key).is_some_and(|r| r.trim_start().starts_with('='))
                || l.strip_prefix('[')
                    .and_then(|r| r.strip_prefix(key))
                    .is_some_and(|r| r.starts_with([']', '.']))
        })
        .map_or(1, |i| i + 1)
}
