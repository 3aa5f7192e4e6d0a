//! The forward pass of one packed batch, on the calling thread.
//!
//! `t` tokens of all sentences stand below each other; every linear layer is one product over all
//! of them, and attention runs sentence by sentence. Source of the shape: Devlin et al. 2019.

use super::weights::{Layer, Linear, Norm, Weights};
use super::{EncoderConfig, Pooling};
use crate::embedded::EmbeddedError;
use crate::embedded::kernels::{dot, exp, max, sum, vectorised};
use crate::embedded::matmul::{Into, Mat, MatMut, matmul};

/// Activation of the feed-forward block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    /// x Phi(x), by the error function.
    Gelu,
    /// The same by tanh.
    GeluTanh,
    Relu,
}

impl Activation {
    pub(super) fn named(name: &str) -> Result<Self, EmbeddedError> {
        match name {
            "gelu" => Ok(Self::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" => Ok(Self::GeluTanh),
            "relu" => Ok(Self::Relu),
            other => Err(EmbeddedError::Config(format!(
                "hidden_act is `{other}`: expected gelu, gelu_new, gelu_pytorch_tanh or relu"
            ))),
        }
    }
}

/// What a pass needs to know.
pub(super) struct Pass<'a> {
    pub(super) config: &'a EncoderConfig,
    pub(super) weights: &'a Weights,
    pub(super) activation: Activation,
    pub(super) pooling: Pooling,
}

/// Buffers of a thread, kept between batches.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    x: Vec<f32>,    // t x hidden: the residual stream
    qkv: Vec<f32>,  // t x 3 hidden
    y: Vec<f32>,    // t x hidden: what a block adds
    wide: Vec<f32>, // t x intermediate
    p: Vec<f32>,    // longest x longest: attention of one head
}

impl Pass<'_> {
    /// Unit vectors of the sentences, one each. No sentence is empty, no id is out of range: the
    /// caller has checked.
    pub(super) fn run(&self, sentences: &[&[u32]], b: &mut Buffers) -> Vec<Vec<f32>> {
        let (h, ff) = (self.config.hidden_size, self.config.intermediate_size);
        let t: usize = sentences.iter().map(|s| s.len()).sum();
        let longest = sentences.iter().map(|s| s.len()).max().unwrap_or(0);
        for (buffer, len) in [
            (&mut b.x, t * h),
            (&mut b.qkv, 3 * t * h),
            (&mut b.y, t * h),
            (&mut b.wide, t * ff),
            (&mut b.p, longest * longest),
        ] {
            buffer.resize(len.max(buffer.len()), 0.0);
        }
        self.embed(sentences, &mut b.x);
        for layer in &self.weights.layers {
            self.layer(layer, sentences, t, b);
        }
        let mut row = 0;
        sentences
            .iter()
            .map(|s| {
                let rows = &b.x[row * h..][..s.len() * h];
                row += s.len();
                self.pool(rows)
            })
            .collect()
    }

    fn embed(&self, sentences: &[&[u32]], x: &mut [f32]) {
        let h = self.config.hidden_size;
        let tokens = sentences.iter().flat_map(|s| s.iter().enumerate());
        for (row, (position, &id)) in x.chunks_exact_mut(h).zip(tokens) {
            row.copy_from_slice(&self.weights.words[id as usize * h..][..h]);
            crate::embedded::kernels::add(row, &self.weights.positions[position * h..][..h]);
            normalise(row, &self.weights.norm, self.config.layer_norm_eps as f32);
        }
    }

    fn layer(&self, layer: &Layer, sentences: &[&[u32]], t: usize, b: &mut Buffers) {
        let (h, ff) = (self.config.hidden_size, self.config.intermediate_size);
        let eps = self.config.layer_norm_eps as f32;
        product(&layer.qkv, &b.x[..t * h], t, &mut b.qkv);
        add_bias(&mut b.qkv[..3 * t * h], &layer.qkv.bias);
        let mut row = 0;
        for s in sentences {
            let n = s.len();
            self.attend(
                &b.qkv[row * 3 * h..][..n * 3 * h],
                n,
                &mut b.p,
                &mut b.y[row * h..][..n * h],
            );
            row += n;
        }
        // Queries, keys and values have done their work: their buffer takes the product.
        let attended = &mut b.qkv[..t * h];
        product(&layer.attended, &b.y[..t * h], t, attended);
        add_and_normalise(
            &mut b.x[..t * h],
            attended,
            &layer.attended.bias,
            &layer.attended_norm,
            eps,
        );

        product(&layer.up, &b.x[..t * h], t, &mut b.wide);
        activate(&mut b.wide[..t * ff], &layer.up.bias, self.activation);
        product(&layer.down, &b.wide[..t * ff], t, &mut b.y);
        add_and_normalise(&mut b.x[..t * h], &b.y[..t * h], &layer.down.bias, &layer.norm, eps);
    }

    /// Attention of one sentence: `qkv` is n x 3 hidden, `out` n x hidden.
    fn attend(&self, qkv: &[f32], n: usize, p: &mut [f32], out: &mut [f32]) {
        let (h, d) = (self.config.hidden_size, self.config.head());
        let scale = 1.0 / (d as f32).sqrt();
        for head in 0..self.config.num_attention_heads {
            let part = |which: usize| Mat::strided(&qkv[which * h + head * d..], n, d, 3 * h);
            let (q, k, v) = (part(0), part(1), part(2));
            matmul(MatMut::new(p, n, n), Into::Replace, scale, q, k.t());
            vectorised(|| p[..n * n].chunks_exact_mut(n).for_each(softmax));
            let out = MatMut::strided(&mut out[head * d..], n, d, h);
            matmul(out, Into::Replace, 1.0, Mat::new(p, n, n), v);
        }
    }

    fn pool(&self, rows: &[f32]) -> Vec<f32> {
        let h = self.config.hidden_size;
        let mut v = rows[..h].to_vec();
        if self.pooling == Pooling::Mean {
            for row in rows.chunks_exact(h).skip(1) {
                crate::embedded::kernels::add(&mut v, row);
            }
        }
        // The number of tokens falls out with the length.
        let length = v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        for x in &mut v {
            *x = (f64::from(*x) / length) as f32;
        }
        v
    }
}

/// y = x W^T
fn product(linear: &Linear, x: &[f32], rows: usize, y: &mut [f32]) {
    let out = linear.bias.len();
    let inn = linear.weight.len() / out;
    let w = Mat::new(&linear.weight, out, inn).t();
    matmul(MatMut::new(y, rows, out), Into::Replace, 1.0, Mat::new(x, rows, inn), w);
}

fn add_bias(y: &mut [f32], bias: &[f32]) {
    vectorised(|| {
        for row in y.chunks_exact_mut(bias.len()) {
            crate::embedded::kernels::add(row, bias);
        }
    });
}

#[allow(clippy::inline_always, reason = "must be compiled for the instruction set of its caller")]
#[inline(always)]
fn softmax(row: &mut [f32]) {
    let top = max(row);
    for x in row.iter_mut() {
        *x = exp(*x - top);
    }
    let scale = 1.0 / sum(row);
    for x in row {
        *x *= scale;
    }
}

/// Layer norm of one row (Ba, Kiros and Hinton 2016).
#[allow(clippy::inline_always, reason = "must be compiled for the instruction set of its caller")]
#[inline(always)]
fn norm_row(row: &mut [f32], norm: &Norm, eps: f32) {
    let n = row.len() as f32;
    let mean = sum(row) / n;
    for x in row.iter_mut() {
        *x -= mean;
    }
    let scale = 1.0 / (dot(row, row) / n + eps).sqrt();
    for ((x, w), b) in row.iter_mut().zip(&norm.weight).zip(&norm.bias) {
        *x = *x * scale * w + b;
    }
}

fn normalise(row: &mut [f32], norm: &Norm, eps: f32) {
    vectorised(|| norm_row(row, norm, eps));
}

/// x = norm(x + y + bias)
fn add_and_normalise(x: &mut [f32], y: &[f32], bias: &[f32], norm: &Norm, eps: f32) {
    let h = bias.len();
    vectorised(|| {
        for (x, y) in x.chunks_exact_mut(h).zip(y.chunks_exact(h)) {
            for ((x, y), b) in x.iter_mut().zip(y).zip(bias) {
                *x += y + b;
            }
            norm_row(x, norm, eps);
        }
    });
}

/// y = activation(y + bias)
fn activate(y: &mut [f32], bias: &[f32], activation: Activation) {
    vectorised(|| {
        for row in y.chunks_exact_mut(bias.len()) {
            let cells = row.iter_mut().zip(bias);
            match activation {
                Activation::Gelu => cells.for_each(|(y, b)| *y = gelu(*y + b)),
                Activation::GeluTanh => cells.for_each(|(y, b)| *y = gelu_tanh(*y + b)),
                Activation::Relu => cells.for_each(|(y, b)| *y = (*y + b).max(0.0)),
            }
        }
    });
}

#[allow(clippy::inline_always, reason = "must be compiled for the instruction set of its caller")]
#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[allow(clippy::inline_always, reason = "must be compiled for the instruction set of its caller")]
#[inline(always)]
fn gelu_tanh(x: f32) -> f32 {
    // 0.5 (1 + tanh u) = 1 / (1 + e^{-2u})
    let u = 0.797_884_6 * (x + 0.044_715 * x * x * x);
    x / (1.0 + exp(-2.0 * u))
}

/// Error function: the rational minimax approximation on [-4, 4] that Eigen uses, +-1 beyond;
/// within 5e-7. Without a branch or an exponential, so it runs in vectors.
#[allow(clippy::inline_always, reason = "must be compiled for the instruction set of its caller")]
#[inline(always)]
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let s = x * x;
    let p = -2.726_142_3e-10;
    let p = p * s + 2.770_681_4e-8;
    let p = p * s - 2.101_024_2e-6;
    let p = p * s - 5.692_506_6e-5;
    let p = p * s - 7.349_906_3e-4;
    let p = p * s - 2.954_6e-3;
    let p = p * s - 1.609_603_3e-2;
    let q = -1.456_607_2e-5;
    let q = q * s - 2.133_740_6e-4;
    let q = q * s - 1.682_827e-3;
    let q = q * s - 7.373_329_2e-3;
    let q = q * s - 1.426_473_9e-2;
    x * p / q
}

#[cfg(test)]
mod tests {
    use super::*;

    /// erf by its Maclaurin series, summed in f64; good enough for |x| < 4.
    fn erf_series(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            let n = f64::from(n);
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn the_error_function_is_that_of_its_series() {
        for i in -390..=390 {
            let x = i as f32 / 100.0;
            let want = erf_series(f64::from(x));
            assert!((f64::from(erf(x)) - want).abs() < 5e-7, "erf({x}) = {}, {want}", erf(x));
        }
        assert!((erf(9.0) - 1.0).abs() < 1e-6 && (erf(-9.0) + 1.0).abs() < 1e-6);
    }

    #[allow(clippy::excessive_precision, reason = "as torch printed them")]
    /// torch 2.15: `torch.nn.functional.gelu(x)` and with `approximate="tanh"`.
    #[test]
    fn both_gelus_have_their_known_values() {
        for (x, exact, by_tanh) in [
            (-2.0, -0.045_500_26, -0.045_402_29),
            (-0.5, -0.154_268_77, -0.154_285_99),
            (0.0, 0.0, 0.0),
            (1.0, 0.841_344_77, 0.841_191_95),
            (3.0, 2.995_950_2, 2.996_362_7),
        ] {
            assert!((gelu(x) - exact).abs() < 2e-6, "gelu({x}) = {}", gelu(x));
            assert!((gelu_tanh(x) - by_tanh).abs() < 2e-6, "{x}: {}", gelu_tanh(x));
        }
    }
}
