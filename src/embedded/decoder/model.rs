//! A decoder: its weights, and the way through its layers and back.

use rand::RngExt;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::attention::HeadShape;
use super::linear::{Delta, gather_rows, scatter_add};
use super::workspace::{LayerKept, Workspace};
use super::{DecoderConfig, Layout, Pack};
use crate::embedded::EmbeddedError;
use crate::embedded::device::Fault;
use crate::embedded::kernels::RopeTable;

/// A decoder: sizes, where each tensor stands, and the weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoder {
    config: DecoderConfig,
    layout: Layout,
    /// All weights in the order of the layout.
    pub weights: Vec<f32>,
}

impl Decoder {
    /// New weights: normal with standard deviation `std` (0.02 is usual), projections into the
    /// residual stream divided by sqrt(2 layers) (GPT-2, section 2.3), norms 1,
    /// biases 0.
    ///
    /// # Errors
    /// The config does not hold together.
    pub fn random(config: DecoderConfig, std: f32, seed: u64) -> Result<Self, EmbeddedError> {
        config.check()?;
        let layout = Layout::new(&config);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut weights = vec![0.0; layout.len()];
        let into_residual = std / (2.0 * config.num_hidden_layers as f32).sqrt();
        for r in &layout.regions {
            let to = &mut weights[r.range()];
            if r.shape.len() == 1 {
                to.fill(if r.name.ends_with(".bias") { 0.0 } else { 1.0 });
                continue;
            }
            let residual = r.name.contains("o_proj") || r.name.contains("down_proj");
            let std = if residual { into_residual } else { std };
            for pair in to.chunks_mut(2) {
                // Box and Muller; 1 - u keeps the logarithm finite.
                let (u, v): (f64, f64) = (rng.random(), rng.random());
                let radius = (-2.0 * (1.0 - u).ln()).sqrt();
                let (s, c) = (std::f64::consts::TAU * v).sin_cos();
                for (w, x) in pair.iter_mut().zip([radius * c, radius * s]) {
                    *w = (x * f64::from(std)) as f32;
                }
            }
        }
        Ok(Self { config, layout, weights })
    }

    /// A decoder over weights that stand in the order of the layout.
    ///
    /// # Errors
    /// The config does not hold together, or the count of weights is another.
    pub fn from_weights(config: DecoderConfig, weights: Vec<f32>) -> Result<Self, EmbeddedError> {
        config.check()?;
        let layout = Layout::new(&config);
        if weights.len() != layout.len() {
            return Err(EmbeddedError::Config(format!(
                "{} weights for a model of {}",
                weights.len(),
                layout.len()
            )));
        }
        Ok(Self { config, layout, weights })
    }

    /// Its sizes.
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// Its tensors.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn heads(&self) -> HeadShape {
        HeadShape {
            queries: self.config.num_attention_heads,
            keys: self.config.kv_heads(),
            dim: self.config.head_dim(),
        }
    }

    /// Tokens that the model knows, within its length.
    ///
    /// # Errors
    /// Names the token or the length.
    pub fn check_pack(&self, pack: &Pack) -> Result<(), EmbeddedError> {
        if let Some(t) = pack.tokens.iter().find(|t| **t as usize >= self.config.vocab_size) {
            return Err(EmbeddedError::Input(format!(
                "token {t} is outside the vocabulary of {}",
                self.config.vocab_size
            )));
        }
        if pack.depth() > self.config.max_position_embeddings {
            return Err(EmbeddedError::Input(format!(
                "a sequence of {} tokens is longer than the model's {}",
                pack.depth(),
                self.config.max_position_embeddings
            )));
        }
        Ok(())
    }

    /// Runs the pack. Afterwards `ws.out` holds the last layer's output at the rows of `wanted`
    /// (sorted, each once), before the final norm.
    ///
    /// # Errors
    /// See [`Decoder::check_pack`]; a device that fails.
    pub(crate) fn forward(
        &self,
        delta: Option<Delta<'_>>,
        pack: &Pack,
        wanted: &[u32],
        ws: &mut Workspace,
    ) -> Result<(), EmbeddedError> {
        self.check_pack(pack)?;
        let c = &self.config;
        let d = c.hidden_size;
        if ws.inv_freq.is_empty() {
            ws.inv_freq = c.inv_freq();
            ws.rope = RopeTable::new(c.head_dim() / 2);
            ws.layers.resize_with(c.num_hidden_layers, LayerKept::default);
        }
        ws.rope.grow(pack.depth(), &ws.inv_freq);
        ws.all_rows.clear();
        ws.all_rows.extend(0..pack.len() as u32);
        let embed = &self.weights[self.layout.embed.clone()];
        gather_rows(embed, &pack.tokens, d, &mut ws.layers[0].x);
        for i in 0..c.num_hidden_layers {
            self.layer_forward(i, delta, pack, wanted, ws)?;
        }
        Ok(())
    }

    /// Backward of [`Decoder::forward`]: `ws.dx` holds the gradient at the wanted rows (before the
    /// final norm); gradients of what is trained are added to `sink`.
    pub(crate) fn backward(
        &self,
        delta: Option<Delta<'_>>,
        pack: &Pack,
        wanted: &[u32],
        ws: &mut Workspace,
        sink: &mut Sink<'_>,
    ) -> Result<(), Fault> {
        let last = self.config.num_hidden_layers - 1;
        for i in (0..=last).rev() {
            if ws.recompute && i < last {
                self.layer_forward(i, delta, pack, wanted, ws)?;
            }
            self.layer_backward(i, delta, pack, wanted, ws, sink)?;
        }
        if let Some(embed) = sink.base(&self.layout.embed) {
            scatter_add(&ws.dx, &pack.tokens, self.config.hidden_size, embed);
        }
        Ok(())
    }
}

/// Where gradients go: those of all weights, or those of an adapter alone.
pub(crate) enum Sink<'a> {
    /// In the order of the layout.
    Base(&'a mut [f32]),
    /// In the order of the adapter's regions.
    Adapter(&'a mut [f32]),
}

impl Sink<'_> {
    /// The gradient of a tensor of the model, where it is trained.
    pub(crate) fn base(&mut self, at: &std::ops::Range<usize>) -> Option<&mut [f32]> {
        match self {
            Self::Base(g) => Some(&mut g[at.clone()]),
            Self::Adapter(_) => None,
        }
    }

    /// All weights are trained.
    pub(crate) fn is_base(&self) -> bool {
        matches!(self, Self::Base(_))
    }

    /// The gradients of the adapter, where it is trained.
    pub(crate) fn adapter(&mut self) -> Option<&mut [f32]> {
        match self {
            Self::Base(_) => None,
            Self::Adapter(g) => Some(g),
        }
    }
}
