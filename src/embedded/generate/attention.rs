//! Attention of a few rows over keys and values that lie in several runs: prefixes shared with
//! other sequences, and the sequence's own.
//!
//! Scores stand in the order of positions and are summed in that order, however the past is cut
//! into runs: the result does not depend on what is shared with whom.
#![allow(
    clippy::inline_always,
    reason = "a kernel must be compiled for the instruction set chosen at run time"
)]

use pulp::{Arch, Simd, WithSimd};

use super::product::Dots;
use crate::embedded::kernels::{exp, max, sum, vectorised};

/// Sizes of the heads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heads {
    pub(super) queries: usize,
    pub(super) keys: usize,
    pub(super) dim: usize,
}

impl Heads {
    pub(super) fn q_dim(self) -> usize {
        self.queries * self.dim
    }

    pub(super) fn kv_dim(self) -> usize {
        self.keys * self.dim
    }
}

/// Rows of queries that share their past up to the first of them.
pub(super) struct Tile<'a> {
    /// `[rows, q_dim]`, turned.
    pub(super) q: &'a [f32],
    /// How many keys each row sees: at most all of `past`.
    pub(super) sees: &'a [usize],
    /// Runs of keys and values in the order of positions, each `[n, 2 kv_dim]`.
    pub(super) past: &'a [&'a [f32]],
    /// `[rows, q_dim]`
    pub(super) out: &'a mut [f32],
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// `[vectors, keys]`
    scores: Vec<f32>,
    queries: Vec<f32>,
    sums: Vec<f32>,
}

/// out = softmax(q k^T / sqrt(dim)) v
pub(super) fn attend(tile: Tile<'_>, h: Heads, s: &mut Scratch) {
    let (qd, width, dim) = (h.q_dim(), 2 * h.kv_dim(), h.dim);
    let group = h.queries / h.keys;
    let rows = tile.sees.len();
    let vectors = rows * group;
    let keys = tile.sees.iter().copied().max().unwrap_or(0);
    let scale = 1.0 / (dim as f32).sqrt();
    for head in 0..h.keys {
        // The queries of the group, row after row.
        s.queries.clear();
        for q in tile.q.chunks_exact(qd) {
            s.queries.extend_from_slice(&q[head * group * dim..(head + 1) * group * dim]);
        }
        s.scores.resize(vectors * keys, 0.0);
        let mut at = 0;
        for run in tile.past {
            let n = (run.len() / width).min(keys - at);
            if n == 0 {
                continue;
            }
            Dots {
                w: &s.queries,
                w_stride: dim,
                w_rows: vectors,
                x: &run[head * dim..],
                x_stride: width,
                x_rows: n,
                k: dim,
                out: &mut s.scores[at..],
                out_stride: keys,
            }
            .run();
            at += n;
        }
        vectorised(|| {
            for (v, p) in s.scores.chunks_exact_mut(keys).enumerate() {
                softmax(p, tile.sees[v / group], scale);
            }
        });
        s.sums.clear();
        s.sums.resize(vectors * dim, 0.0);
        let mut at = 0;
        for run in tile.past {
            let n = (run.len() / width).min(keys - at);
            if n == 0 {
                continue;
            }
            Arch::new().dispatch(Weigh {
                p: &s.scores[at..],
                p_stride: keys,
                v: &run[h.kv_dim() + head * dim..],
                v_stride: width,
                keys: n,
                dim,
                out: &mut s.sums,
            });
            at += n;
        }
        for (out, sums) in tile.out.chunks_exact_mut(qd).zip(s.sums.chunks_exact(group * dim)) {
            out[head * group * dim..(head + 1) * group * dim].copy_from_slice(sums);
        }
    }
}

/// Over the first `n`, each times `scale` (above 0); zero behind them.
#[inline(always)]
fn softmax(p: &mut [f32], n: usize, scale: f32) {
    let (p, rest) = p.split_at_mut(n);
    rest.fill(0.0);
    let top = max(p);
    for x in p.iter_mut() {
        *x = exp((*x - top) * scale);
    }
    let inv = 1.0 / sum(p);
    for x in p {
        *x *= inv;
    }
}

/// `out[i] += sum over keys of p[i][key] v[key]`, key after key.
struct Weigh<'a> {
    p: &'a [f32],
    p_stride: usize,
    v: &'a [f32],
    v_stride: usize,
    keys: usize,
    dim: usize,
    /// `[vectors, dim]`
    out: &'a mut [f32],
}

impl WithSimd for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (keys, dim) = (self.keys, self.dim);
        let lanes = S::F32_LANES;
        let mut p = self.p;
        for out in self.out.chunks_mut(4 * dim) {
            let n = out.len() / dim;
            let mut at = 0;
            // Two registers wide where the head allows it.
            while at + 2 * lanes <= dim && n == 4 {
                block::<S, 4, 2>(simd, p, self.p_stride, self.v, self.v_stride, keys, dim, at, out);
                at += 2 * lanes;
            }
            while at + lanes <= dim {
                for (i, out) in out.chunks_exact_mut(dim).enumerate() {
                    let p = &p[i * self.p_stride..];
                    block::<S, 1, 1>(simd, p, 0, self.v, self.v_stride, keys, dim, at, out);
                }
                at += lanes;
            }
            for (i, out) in out.chunks_exact_mut(dim).enumerate() {
                for d in at..dim {
                    let mut acc = out[d];
                    for k in 0..keys {
                        acc = p[i * self.p_stride + k].mul_add(self.v[k * self.v_stride + d], acc);
                    }
                    out[d] = acc;
                }
            }
            p = p.get(n * self.p_stride..).unwrap_or(&[]);
        }
    }
}

/// `R` vectors of weights by `W` registers of the values' columns from `at`.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "views with their strides")]
fn block<S: Simd, const R: usize, const W: usize>(
    simd: S,
    p: &[f32],
    p_stride: usize,
    v: &[f32],
    v_stride: usize,
    keys: usize,
    dim: usize,
    at: usize,
    out: &mut [f32],
) {
    let lanes = S::F32_LANES;
    let p: [&[f32]; R] = std::array::from_fn(|r| &p[r * p_stride..r * p_stride + keys]);
    let mut acc = [[simd.splat_f32s(0.0); W]; R];
    for r in 0..R {
        acc[r].copy_from_slice(S::as_simd_f32s(&out[r * dim + at..r * dim + at + W * lanes]).0);
    }
    for k in 0..keys {
        let v = S::as_simd_f32s(&v[k * v_stride + at..k * v_stride + at + W * lanes]).0;
        for r in 0..R {
            let x = simd.splat_f32s(p[r][k]);
            for w in 0..W {
                acc[r][w] = simd.mul_add_e_f32s(x, v[w], acc[r][w]);
            }
        }
    }
    for r in 0..R {
        let to = S::as_mut_simd_f32s(&mut out[r * dim + at..r * dim + at + W * lanes]).0;
        to.copy_from_slice(&acc[r]);
    }
}
