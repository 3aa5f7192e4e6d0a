//! Buffers of a forward and backward pass, kept from step to step so that a step allocates nothing.

use std::sync::Arc;

use super::attention::Scratch;
use super::linear::DeltaScratch;
use crate::embedded::device::Held;
use crate::embedded::kernels::RopeTable;
use crate::embedded::parallel::Threads;

/// What a layer keeps for its backward pass. `rows` = rows of the pack, `q` = query rows of the
/// layer: all rows, except in the last layer, which works on the wanted rows only.
#[derive(Debug, Default)]
pub(crate) struct LayerKept {
    /// Input of the layer, `[rows, d]`.
    pub(crate) x: Vec<f32>,
    /// Normalised input, `[rows, d]`, and 1 / rms by row.
    pub(crate) xn: Vec<f32>,
    pub(crate) x_inv: Vec<f32>,
    /// Keys (turned) and values, `[rows, 2 kv_dim]`.
    pub(crate) kv: Vec<f32>,
    /// Normalised input of the query rows where they are not all rows, `[q, d]`.
    pub(crate) xq: Vec<f32>,
    /// Queries (turned), `[q, q_dim]`.
    pub(crate) q: Vec<f32>,
    /// Keys and queries before their norm and its 1 / rms by head, where the family has one.
    pub(crate) k_pre: Vec<f32>,
    pub(crate) k_inv: Vec<f32>,
    pub(crate) q_pre: Vec<f32>,
    pub(crate) q_inv: Vec<f32>,
    /// Softmax weights.
    pub(crate) weights: Vec<f32>,
    /// Heads' output, `[q, q_dim]`.
    pub(crate) heads: Vec<f32>,
    /// Residual stream after attention, `[q, d]`.
    pub(crate) h: Vec<f32>,
    /// Its normalised form and 1 / rms.
    pub(crate) hn: Vec<f32>,
    pub(crate) h_inv: Vec<f32>,
    /// Gate and up, `[q, 2 ff]`.
    pub(crate) gate_up: Vec<f32>,
    /// Inputs times A of an adapter's groups, `[rows or q, members x r]`.
    pub(crate) t: GroupsKept,
}

/// What an adapter keeps of a layer, by group.
#[derive(Debug, Default)]
pub(crate) struct GroupsKept {
    pub(crate) q: Vec<f32>,
    pub(crate) kv: Vec<f32>,
    pub(crate) o: Vec<f32>,
    pub(crate) gate_up: Vec<f32>,
    pub(crate) down: Vec<f32>,
}

/// Buffers for one thread. Grows to the largest pack seen.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(crate) layers: Vec<LayerKept>,
    /// With `recompute`, what the layer being worked on keeps; `layers` then hold inputs only.
    pub(crate) shared: LayerKept,
    pub(crate) recompute: bool,
    pub(crate) threads: Threads,
    /// Holds the model's weights and works out their products; the processor does where there is none.
    pub(crate) device: Option<Arc<Held>>,
    /// All rows, as the query list of every layer but the last.
    pub(crate) all_rows: Vec<u32>,
    /// Output of the last layer at the wanted rows, `[q, d]`.
    pub(crate) out: Vec<f32>,
    /// Its normalised form and 1 / rms.
    pub(crate) out_n: Vec<f32>,
    pub(crate) out_inv: Vec<f32>,
    pub(crate) act: Vec<f32>,
    pub(crate) logits: Vec<f32>,
    /// Gradients of the residual stream and inside a layer.
    pub(crate) dx: Vec<f32>,
    pub(crate) dh: Vec<f32>,
    pub(crate) dn: Vec<f32>,
    pub(crate) dq_n: Vec<f32>,
    pub(crate) dact: Vec<f32>,
    pub(crate) dgate_up: Vec<f32>,
    pub(crate) dheads: Vec<f32>,
    pub(crate) dq: Vec<f32>,
    pub(crate) dkv: Vec<f32>,
    pub(crate) scratch: Scratch,
    pub(crate) delta: DeltaScratch,
    pub(crate) rope: RopeTable,
    pub(crate) inv_freq: Vec<f64>,
}

impl Workspace {
    /// Empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Buffers of a pass whose matrix products are spread over `threads`. More than one only inside
    /// a rayon pool of that size.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Threads::new(threads);
        self
    }

    /// With a device that holds the weights of the model that the passes are of.
    #[must_use]
    pub(crate) fn on_device(mut self, held: Arc<Held>) -> Self {
        self.device = Some(held);
        self
    }

    /// Keeps each layer's input only and works the rest out again in the backward pass: about a
    /// third more time, and memory for one layer instead of all (Chen et al. 2016).
    #[must_use]
    pub fn with_recompute(mut self, recompute: bool) -> Self {
        self.recompute = recompute;
        self
    }
}

/// Sets the length; what stands there is not cleared, every user writes all of it.
pub(crate) fn fit(v: &mut Vec<f32>, n: usize) -> &mut [f32] {
    v.resize(n, 0.0);
    v
}

/// Sets the length and clears.
pub(crate) fn zeroed(v: &mut Vec<f32>, n: usize) -> &mut [f32] {
    v.clear();
    v.resize(n, 0.0);
    v
}
