//! Low-rank adapters on the projections of a decoder: y += scale (dropout(x) A^T) B^T.
//! Source: Hu et al. 2021 (arXiv 2106.09685); rsLoRA's scale: Kalajdzievski 2023 (arXiv 2312.03732).
//!
//! Projections of one input stand in one group (k and v; gate and up), so that their A matrices are
//! one product. PEFT draws a dropout mask for each projection; here a group shares one.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::{DecoderConfig, Region};
use crate::embedded::EmbeddedError;

/// A projection that can have an adapter. Serialised as its name in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the tensors")]
pub enum Projection {
    #[serde(rename = "q_proj")]
    Q,
    #[serde(rename = "k_proj")]
    K,
    #[serde(rename = "v_proj")]
    V,
    #[serde(rename = "o_proj")]
    O,
    #[serde(rename = "gate_proj")]
    Gate,
    #[serde(rename = "up_proj")]
    Up,
    #[serde(rename = "down_proj")]
    Down,
}

impl Projection {
    /// All seven, in the order of a layer.
    pub const ALL: [Self; 7] =
        [Self::Q, Self::K, Self::V, Self::O, Self::Gate, Self::Up, Self::Down];

    /// `self_attn.q_proj`
    pub fn path(self) -> &'static str {
        match self {
            Self::Q => "self_attn.q_proj",
            Self::K => "self_attn.k_proj",
            Self::V => "self_attn.v_proj",
            Self::O => "self_attn.o_proj",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }

    /// `q_proj`
    pub fn name(self) -> &'static str {
        self.path().rsplit('.').next().unwrap_or_default()
    }

    /// Width of its output and of its input.
    pub fn shape(self, c: &DecoderConfig) -> (usize, usize) {
        let (d, ff) = (c.hidden_size, c.intermediate_size);
        match self {
            Self::Q => (c.q_dim(), d),
            Self::K | Self::V => (c.kv_dim(), d),
            Self::O => (d, c.q_dim()),
            Self::Gate | Self::Up => (ff, d),
            Self::Down => (d, ff),
        }
    }
}

/// What an adapter is made of. Names are those of PEFT's `LoraConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoraSettings {
    /// Rank.
    pub r: usize,
    /// The adapter's product is scaled by alpha / r.
    pub alpha: f64,
    /// Share of the adapter's inputs that are left out in training, 0 to below 1.
    pub dropout: f64,
    /// Projections with an adapter.
    pub targets: Vec<Projection>,
    /// Scale by alpha / sqrt(r) instead.
    pub rslora: bool,
}

impl Default for LoraSettings {
    fn default() -> Self {
        Self { r: 16, alpha: 32.0, dropout: 0.0, targets: Projection::ALL.into(), rslora: false }
    }
}

impl LoraSettings {
    /// Names the field that makes no sense and what was expected.
    ///
    /// # Errors
    /// As said.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.r == 0 || self.r > 4096 {
            return Err(("r", format!("rank {}: expected 1 to 4096", self.r)));
        }
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return Err(("alpha", format!("{}: expected a number above 0", self.alpha)));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(("dropout", format!("{}: expected 0 to below 1", self.dropout)));
        }
        if self.targets.is_empty() {
            return Err(("targets", "expected at least one projection".into()));
        }
        Ok(())
    }

    /// What the product of the two matrices is multiplied with.
    pub fn scale(&self) -> f32 {
        let r = self.r as f64;
        (self.alpha / if self.rslora { r.sqrt() } else { r }) as f32
    }
}

/// One projection of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberAt {
    /// `[out, r]`
    pub(crate) b: Range<usize>,
    /// Columns of the group's output that are this projection's.
    pub(crate) columns: Range<usize>,
}

/// Projections that share their input: their A matrices stand below each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupAt {
    /// `[members x r, in]`
    pub(crate) a: Range<usize>,
    pub(crate) members: Vec<MemberAt>,
    /// Width of the group's input.
    pub(crate) inputs: usize,
    /// Tells the dropout masks of groups apart.
    pub(crate) salt: u32,
}

/// The adapters of one layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LayerGroups {
    pub(crate) q: Option<GroupAt>,
    pub(crate) kv: Option<GroupAt>,
    pub(crate) o: Option<GroupAt>,
    pub(crate) gate_up: Option<GroupAt>,
    pub(crate) down: Option<GroupAt>,
}

/// An adapter: its settings, where each tensor stands, and the weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    settings: LoraSettings,
    regions: Vec<Region>,
    pub(crate) layers: Vec<LayerGroups>,
    /// All weights in the order of the regions.
    pub weights: Vec<f32>,
}

impl Adapter {
    /// An adapter whose product is zero: A from a uniform distribution of bound 1 / sqrt(in), which
    /// is PEFT's `kaiming_uniform_(a = sqrt(5))`, and B zero.
    ///
    /// # Errors
    /// Settings that make no sense: by name.
    pub fn new(
        config: &DecoderConfig,
        settings: LoraSettings,
        seed: u64,
    ) -> Result<Self, EmbeddedError> {
        let mut a = Self::zeroed(config, settings)?;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        for r in a.regions.iter().filter(|r| r.name.ends_with("lora_A.weight")) {
            let bound = 1.0 / (r.shape[1] as f32).sqrt();
            for w in &mut a.weights[r.range()] {
                *w = rng.random_range(-bound..bound);
            }
        }
        Ok(a)
    }

    /// An adapter for this model with all weights zero, to be filled.
    ///
    /// # Errors
    /// Settings that make no sense: by name.
    pub fn zeroed(config: &DecoderConfig, settings: LoraSettings) -> Result<Self, EmbeddedError> {
        check(&settings)?;
        let mut regions = Vec::new();
        let mut at = 0;
        let mut layers = Vec::new();
        for layer in 0..config.num_hidden_layers {
            let mut group = |projections: &[Projection]| {
                let salt = (layer * 8) as u32 + projections[0] as u32;
                put_group(config, &settings, layer, projections, salt, &mut regions, &mut at)
            };
            layers.push(LayerGroups {
                q: group(&[Projection::Q]),
                kv: group(&[Projection::K, Projection::V]),
                o: group(&[Projection::O]),
                gate_up: group(&[Projection::Gate, Projection::Up]),
                down: group(&[Projection::Down]),
            });
        }
        Ok(Self { settings, regions, layers, weights: vec![0.0; at] })
    }

    /// Weights of an adapter of these settings, without making one.
    ///
    /// # Errors
    /// Settings that make no sense: by name.
    pub fn sizes(config: &DecoderConfig, settings: &LoraSettings) -> Result<u64, EmbeddedError> {
        check(settings)?;
        let a_layer: usize = settings
            .targets
            .iter()
            .map(|p| p.shape(config))
            .map(|(out, inputs)| settings.r * (out + inputs))
            .sum();
        Ok((a_layer * config.num_hidden_layers) as u64)
    }

    /// What it is made of.
    pub fn settings(&self) -> &LoraSettings {
        &self.settings
    }

    /// Its tensors, named as in PEFT's files.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Tensors A and B of one projection, where it has them.
    pub(crate) fn pair(&self, layer: usize, p: Projection) -> Option<(&[f32], &[f32])> {
        let find = |side: &str| {
            let name = name(layer, p, side);
            self.regions.iter().find(|r| r.name == name).map(|r| &self.weights[r.range()])
        };
        Some((find("A")?, find("B")?))
    }
}

fn check(settings: &LoraSettings) -> Result<(), EmbeddedError> {
    settings
        .check()
        .map_err(|(field, why)| EmbeddedError::Config(format!("adapter, {field}: {why}")))
}

fn name(layer: usize, p: Projection, side: &str) -> String {
    format!("base_model.model.model.layers.{layer}.{}.lora_{side}.weight", p.path())
}

/// Adds the tensors of a group; `None` where none of its projections has an adapter.
fn put_group(
    config: &DecoderConfig,
    settings: &LoraSettings,
    layer: usize,
    projections: &[Projection],
    salt: u32,
    regions: &mut Vec<Region>,
    at: &mut usize,
) -> Option<GroupAt> {
    let mut put = |name: String, shape: [usize; 2]| {
        let start = *at;
        *at += shape[0] * shape[1];
        regions.push(Region { name, shape: shape.into(), start });
        start..*at
    };
    let r = settings.r;
    let has = |p: &&Projection| settings.targets.contains(p);
    let inputs = projections[0].shape(config).1;
    let mut a: Option<Range<usize>> = None;
    for &p in projections.iter().filter(has) {
        let here = put(name(layer, p, "A"), [r, inputs]);
        a = Some(a.map_or(here.start, |a| a.start)..here.end);
    }
    let mut members = Vec::new();
    let mut column = 0;
    for p in projections {
        let columns = column..column + p.shape(config).0;
        column = columns.end;
        if has(&p) {
            members.push(MemberAt { b: put(name(layer, *p, "B"), [columns.len(), r]), columns });
        }
    }
    a.map(|a| GroupAt { a, members, inputs, salt })
}
