//! Forward and backward of the decoder, by hand.
//!
//! The last layer works out queries, attention output and MLP only at the rows that are wanted;
//! its keys and values are those of all rows. With one supervised position a prompt, that halves
//! the cost of a two-layer model.

use rand::RngExt;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::attention::{HeadShape, attend, attend_backward, weights_len};
use super::workspace::{LayerKept, Workspace, fit, zeroed};
use super::{DecoderConfig, Layout, Pack};
use crate::embedded::EmbeddedError;
use crate::embedded::kernels::{
    RopeTable, Turn, add, add_bias, add_bias_backward, rms_norm, rms_norm_backward, rms_norm_heads,
    rms_norm_heads_backward, rope, swiglu, swiglu_backward, vectorised,
};
use crate::embedded::matmul::{Into, Mat, MatMut, matmul};

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

    fn heads(&self) -> HeadShape {
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
    /// See [`Decoder::check_pack`].
    pub(crate) fn forward(
        &self,
        pack: &Pack,
        wanted: &[u32],
        ws: &mut Workspace,
    ) -> Result<(), EmbeddedError> {
        self.check_pack(pack)?;
        let c = &self.config;
        let d = c.hidden_size;
        let n = pack.len();
        if ws.inv_freq.is_empty() {
            ws.inv_freq = c.inv_freq();
            ws.rope = RopeTable::new(c.head_dim() / 2);
            ws.layers.resize_with(c.num_hidden_layers, LayerKept::default);
        }
        ws.rope.grow(pack.depth(), &ws.inv_freq);
        ws.all_rows.clear();
        ws.all_rows.extend(0..n as u32);
        let embed = &self.weights[self.layout.embed.clone()];
        let x = &mut ws.layers[0].x;
        x.clear();
        for &t in &pack.tokens {
            x.extend_from_slice(&embed[t as usize * d..(t as usize + 1) * d]);
        }
        let last = c.num_hidden_layers - 1;
        for i in 0..=last {
            let (before, after) = ws.layers.split_at_mut(i + 1);
            let kept = &mut before[i];
            let out = if i == last { &mut ws.out } else { &mut after[0].x };
            let queries = if i == last { wanted } else { &ws.all_rows };
            self.layer_forward(i, pack, queries, kept, out, &mut ws.act, &mut ws.scratch, &ws.rope);
        }
        Ok(())
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "the buffers are borrowed one by one from the workspace"
    )]
    fn layer_forward(
        &self,
        i: usize,
        pack: &Pack,
        queries: &[u32],
        kept: &mut LayerKept,
        out: &mut Vec<f32>,
        act: &mut Vec<f32>,
        scratch: &mut super::attention::Scratch,
        table: &RopeTable,
    ) {
        let c = &self.config;
        let at = &self.layout.layers[i];
        let w = |r: &std::ops::Range<usize>| &self.weights[r.clone()];
        let (d, qd, kvd, ff) = (c.hidden_size, c.q_dim(), c.kv_dim(), c.intermediate_size);
        let (n, nq) = (pack.len(), queries.len());
        let eps = c.rms_norm_eps as f32;
        let hd = c.head_dim();

        rms_norm(
            &kept.x,
            w(&at.input_norm),
            eps,
            fit(&mut kept.xn, n * d),
            fit(&mut kept.x_inv, n),
        );
        linear(fit(&mut kept.kv, n * 2 * kvd), Into::Replace, &kept.xn, w(&at.kv), n, d);
        if let Some(b) = &at.kv_bias {
            add_bias(&mut kept.kv, w(b));
        }
        if let Some(norm) = &at.k_norm {
            let pre = fit(&mut kept.k_pre, n * kvd);
            let inv = fit(&mut kept.k_inv, n * c.kv_heads());
            rms_norm_heads(&mut kept.kv, 2 * kvd, w(norm), eps, pre, inv);
        }
        let positions = pack.positions.iter().copied();
        rope(&mut kept.kv, 2 * kvd, c.kv_heads(), hd, positions, table, Turn::Forward);

        let xq = if nq == n {
            &kept.xn
        } else {
            gather_rows(&kept.xn, queries, d, &mut kept.xq);
            &kept.xq
        };
        linear(fit(&mut kept.q, nq * qd), Into::Replace, xq, w(&at.q), nq, d);
        if let Some(b) = &at.q_bias {
            add_bias(&mut kept.q, w(b));
        }
        if let Some(norm) = &at.q_norm {
            let pre = fit(&mut kept.q_pre, nq * qd);
            let inv = fit(&mut kept.q_inv, nq * c.num_attention_heads);
            rms_norm_heads(&mut kept.q, qd, w(norm), eps, pre, inv);
        }
        let positions = queries.iter().map(|&r| pack.positions[r as usize]);
        rope(&mut kept.q, qd, c.num_attention_heads, hd, positions, table, Turn::Forward);

        let h = self.heads();
        let weights = fit(&mut kept.weights, weights_len(pack, queries, h));
        let heads = fit(&mut kept.heads, nq * qd);
        attend(pack, queries, h, &kept.q, &kept.kv, heads, weights, scratch);

        gather_rows(&kept.x, queries, d, &mut kept.h);
        linear(&mut kept.h, Into::Add, &kept.heads, w(&at.o), nq, qd);
        if let Some(b) = &at.o_bias {
            add_bias(&mut kept.h, w(b));
        }
        rms_norm(
            &kept.h,
            w(&at.post_norm),
            eps,
            fit(&mut kept.hn, nq * d),
            fit(&mut kept.h_inv, nq),
        );
        let gate_up = fit(&mut kept.gate_up, nq * 2 * ff);
        linear(gate_up, Into::Replace, &kept.hn, w(&at.gate_up), nq, d);
        swiglu(&kept.gate_up, ff, fit(act, nq * ff));
        out.clear();
        out.extend_from_slice(&kept.h);
        linear(out, Into::Add, act, w(&at.down), nq, ff);
    }

    /// Backward of [`Decoder::forward`]: `ws.dx` holds the gradient at the wanted rows (before the
    /// final norm); gradients of all weights below it are added to `grads`.
    pub(crate) fn backward(
        &self,
        pack: &Pack,
        wanted: &[u32],
        ws: &mut Workspace,
        grads: &mut [f32],
    ) {
        let last = self.config.num_hidden_layers - 1;
        for i in (0..=last).rev() {
            self.layer_backward(i, pack, if i == last { Some(wanted) } else { None }, ws, grads);
        }
        let d = self.config.hidden_size;
        let embed = &mut grads[self.layout.embed.clone()];
        vectorised(|| {
            for (&t, dx) in pack.tokens.iter().zip(ws.dx.chunks_exact(d)) {
                add(&mut embed[t as usize * d..(t as usize + 1) * d], dx);
            }
        });
    }

    fn layer_backward(
        &self,
        i: usize,
        pack: &Pack,
        wanted: Option<&[u32]>,
        ws: &mut Workspace,
        grads: &mut [f32],
    ) {
        let c = &self.config;
        let at = &self.layout.layers[i];
        let w = |r: &std::ops::Range<usize>| &self.weights[r.clone()];
        let (d, qd, kvd, ff) = (c.hidden_size, c.q_dim(), c.kv_dim(), c.intermediate_size);
        let hd = c.head_dim();
        let queries = wanted.unwrap_or(&ws.all_rows);
        let (n, nq) = (pack.len(), queries.len());
        let kept = &mut ws.layers[i];

        // MLP: ws.dx is the gradient of the layer's output, and of h through the residual.
        let dact = fit(&mut ws.dact, nq * ff);
        linear_dx(dact, Into::Replace, &ws.dx, w(&at.down), nq, ff);
        let dgu = fit(&mut ws.dgate_up, nq * 2 * ff);
        swiglu_backward(&kept.gate_up, ff, dact, dgu, fit(&mut ws.act, nq * ff));
        linear_dw(&mut grads[at.down.clone()], &ws.dx, &ws.act, nq, d, ff);
        linear_dw(&mut grads[at.gate_up.clone()], dgu, &kept.hn, nq, 2 * ff, d);
        let dn = fit(&mut ws.dn, nq * d);
        linear_dx(dn, Into::Replace, dgu, w(&at.gate_up), nq, d);
        ws.dh.clear();
        ws.dh.extend_from_slice(&ws.dx);
        let norm = &mut grads[at.post_norm.clone()];
        rms_norm_backward(&kept.h, w(&at.post_norm), &kept.h_inv, dn, &mut ws.dh, norm);

        // Attention: ws.dh is the gradient of h.
        if let Some(b) = &at.o_bias {
            add_bias_backward(&ws.dh, &mut grads[b.clone()]);
        }
        linear_dw(&mut grads[at.o.clone()], &ws.dh, &kept.heads, nq, d, qd);
        let dheads = fit(&mut ws.dheads, nq * qd);
        linear_dx(dheads, Into::Replace, &ws.dh, w(&at.o), nq, qd);
        let dq = fit(&mut ws.dq, nq * qd);
        let dkv = zeroed(&mut ws.dkv, n * 2 * kvd);
        attend_backward(
            pack,
            queries,
            self.heads(),
            &kept.q,
            &kept.kv,
            &kept.weights,
            dheads,
            dq,
            dkv,
            &mut ws.scratch,
        );
        let positions = queries.iter().map(|&r| pack.positions[r as usize]);
        rope(dq, qd, c.num_attention_heads, hd, positions, &ws.rope, Turn::Back);
        let positions = pack.positions.iter().copied();
        rope(dkv, 2 * kvd, c.kv_heads(), hd, positions, &ws.rope, Turn::Back);

        if let Some(norm) = &at.q_norm {
            let dw = Some(&mut grads[norm.clone()]);
            rms_norm_heads_backward(&kept.q_pre, w(norm), &kept.q_inv, dq, qd, dw);
        }
        if let Some(norm) = &at.k_norm {
            let dw = Some(&mut grads[norm.clone()]);
            rms_norm_heads_backward(&kept.k_pre, w(norm), &kept.k_inv, dkv, 2 * kvd, dw);
        }
        if let Some(b) = &at.q_bias {
            add_bias_backward(dq, &mut grads[b.clone()]);
        }
        if let Some(b) = &at.kv_bias {
            add_bias_backward(dkv, &mut grads[b.clone()]);
        }
        let xq = if nq == n { &kept.xn } else { &kept.xq };
        linear_dw(&mut grads[at.q.clone()], dq, xq, nq, qd, d);
        linear_dw(&mut grads[at.kv.clone()], dkv, &kept.xn, n, 2 * kvd, d);
        let dn = fit(&mut ws.dn, n * d);
        linear_dx(dn, Into::Replace, dkv, w(&at.kv), n, d);
        if nq == n {
            linear_dx(dn, Into::Add, dq, w(&at.q), nq, d);
            std::mem::swap(&mut ws.dx, &mut ws.dh);
        } else {
            let dq_n = fit(&mut ws.dq_n, nq * d);
            linear_dx(dq_n, Into::Replace, dq, w(&at.q), nq, d);
            scatter_add(dq_n, queries, d, dn);
            let dh = std::mem::take(&mut ws.dh);
            scatter_add(&dh, queries, d, zeroed(&mut ws.dx, n * d));
            ws.dh = dh;
        }
        let norm = &mut grads[at.input_norm.clone()];
        rms_norm_backward(&kept.x, w(&at.input_norm), &kept.x_inv, &ws.dn, &mut ws.dx, norm);
    }
}

/// y [+]= x W^T; `w`: `[out, in]`.
pub(crate) fn linear(y: &mut [f32], how: Into, x: &[f32], w: &[f32], rows: usize, cols: usize) {
    let out = w.len() / cols;
    matmul(
        MatMut::new(y, rows, out),
        how,
        1.0,
        Mat::new(x, rows, cols),
        Mat::new(w, out, cols).t(),
    );
}

/// dx [+]= dy W
pub(crate) fn linear_dx(
    dx: &mut [f32],
    how: Into,
    dy: &[f32],
    w: &[f32],
    rows: usize,
    cols: usize,
) {
    let out = w.len() / cols;
    matmul(MatMut::new(dx, rows, cols), how, 1.0, Mat::new(dy, rows, out), Mat::new(w, out, cols));
}

/// dW += dy^T x
pub(crate) fn linear_dw(
    dw: &mut [f32],
    dy: &[f32],
    x: &[f32],
    rows: usize,
    out: usize,
    cols: usize,
) {
    matmul(
        MatMut::new(dw, out, cols),
        Into::Add,
        1.0,
        Mat::new(dy, rows, out).t(),
        Mat::new(x, rows, cols),
    );
}

fn gather_rows(x: &[f32], rows: &[u32], d: usize, to: &mut Vec<f32>) {
    to.clear();
    for &r in rows {
        to.extend_from_slice(&x[r as usize * d..(r as usize + 1) * d]);
    }
}

fn scatter_add(x: &[f32], rows: &[u32], d: usize, to: &mut [f32]) {
    vectorised(|| {
        for (&r, x) in rows.iter().zip(x.chunks_exact(d)) {
            add(&mut to[r as usize * d..(r as usize + 1) * d], x);
        }
    });
}
