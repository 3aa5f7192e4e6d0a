//! The loops between the matrix products, compiled for each instruction set and chosen at run time
//! (`pulp`): a plain build must not be held to SSE2. Each sum runs in 16 lanes and a fixed order, so
//! that a machine repeats its own results bit for bit.
#![allow(
    clippy::inline_always,
    reason = "a kernel must be compiled inside `vectorised`, for the instruction set chosen there"
)]

use pulp::Arch;

/// Runs `f` compiled for the widest vectors this machine has.
#[inline]
pub(crate) fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(f)
}

const LANES: usize = 16;

/// e^x within 2e-7 relative, for x in [-87, 88]; outside, the value at the border. NaN stays NaN.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Comparisons, not `max`/`min`: those would swallow a NaN.
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    // Adding 1.5 * 2^23 rounds to the nearest integer, which then stands in the low bits.
    let t = x * std::f32::consts::LOG2_E + 12_582_912.0;
    let n = t - 12_582_912.0;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let p = 1.0
        + r * (1.0
            + r * (0.5
                + r * (0.166_666_67
                    + r * (0.041_666_668 + r * (0.008_333_334 + r * 0.001_388_889)))));
    p * f32::from_bits((t.to_bits() << 23).wrapping_add(127 << 23))
}

/// Sum of products.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut acc = [0.0f32; LANES];
    let (ac, bc) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail: f32 = ac.remainder().iter().zip(bc.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in ac.zip(bc) {
        for i in 0..LANES {
            acc[i] += x[i] * y[i];
        }
    }
    fold(&acc) + tail
}

/// Sum.
#[inline(always)]
pub(crate) fn sum(a: &[f32]) -> f32 {
    let mut acc = [0.0f32; LANES];
    let ac = a.chunks_exact(LANES);
    let tail: f32 = ac.remainder().iter().sum();
    for x in ac {
        for i in 0..LANES {
            acc[i] += x[i];
        }
    }
    fold(&acc) + tail
}

/// Largest value; NaN where one stands (comparisons with it are false either way round).
#[inline(always)]
pub(crate) fn max(a: &[f32]) -> f32 {
    let mut acc = [f32::NEG_INFINITY; LANES];
    let ac = a.chunks_exact(LANES);
    let rest = ac.remainder();
    for x in ac {
        for i in 0..LANES {
            acc[i] = if x[i] <= acc[i] { acc[i] } else { x[i] };
        }
    }
    acc.iter().chain(rest).fold(f32::NEG_INFINITY, |m, &x| if x <= m { m } else { x })
}

#[inline(always)]
fn fold(acc: &[f32; LANES]) -> f32 {
    let mut w = LANES / 2;
    let mut a = *acc;
    while w > 0 {
        for i in 0..w {
            a[i] += a[i + w];
        }
        w /= 2;
    }
    a[0]
}

/// y += x
#[inline(always)]
pub(crate) fn add(y: &mut [f32], x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

/// RMSNorm of each row of `x` (rows of `w.len()`): y = x / rms(x) * w; `inv` keeps 1 / rms.
/// Source: Zhang and Sennrich 2019, with epsilon inside the root as in Llama.
pub(crate) fn rms_norm(x: &[f32], w: &[f32], eps: f32, y: &mut [f32], inv: &mut [f32]) {
    let d = w.len();
    vectorised(|| {
        for ((x, y), inv) in x.chunks_exact(d).zip(y.chunks_exact_mut(d)).zip(inv) {
            *inv = 1.0 / (dot(x, x) / d as f32 + eps).sqrt();
            for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
                *y = x * *inv * w;
            }
        }
    });
}

/// Backward of [`rms_norm`]: adds to `dx`, and to `dw` where it is wanted.
pub(crate) fn rms_norm_backward(
    x: &[f32],
    w: &[f32],
    inv: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    mut dw: Option<&mut [f32]>,
) {
    let d = w.len();
    vectorised(|| {
        let rows = x.chunks_exact(d).zip(dy.chunks_exact(d)).zip(dx.chunks_exact_mut(d)).zip(inv);
        for (((x, dy), dx), &inv) in rows {
            let mut acc = [0.0f32; LANES];
            let mut tail = 0.0f32;
            let full = d - d % LANES;
            for c in (0..full).step_by(LANES) {
                let (x, dy, w) = (&x[c..c + LANES], &dy[c..c + LANES], &w[c..c + LANES]);
                for i in 0..LANES {
                    acc[i] += dy[i] * w[i] * x[i];
                }
            }
            for i in full..d {
                tail += dy[i] * w[i] * x[i];
            }
            let mean = (fold(&acc) + tail) * inv * inv / d as f32;
            for (((dx, x), dy), w) in dx.iter_mut().zip(x).zip(dy).zip(w) {
                *dx += inv * (dy * w - x * mean);
            }
            if let Some(dw) = dw.as_deref_mut() {
                for ((dw, x), dy) in dw.iter_mut().zip(x).zip(dy) {
                    *dw += dy * x * inv;
                }
            }
        }
    });
}

/// y += bias for each row of `y`.
pub(crate) fn add_bias(y: &mut [f32], bias: &[f32]) {
    vectorised(|| {
        for y in y.chunks_exact_mut(bias.len()) {
            add(y, bias);
        }
    });
}

/// Backward of [`add_bias`]: adds the sum over rows to `db`.
pub(crate) fn add_bias_backward(dy: &[f32], db: &mut [f32]) {
    vectorised(|| {
        for dy in dy.chunks_exact(db.len()) {
            add(db, dy);
        }
    });
}

/// RMSNorm of each head of each row in place: the first `heads * w.len()` elements of every
/// `stride`. `pre` keeps what stood there, `[rows, heads * w.len()]`, and `inv` each head's 1 / rms.
pub(crate) fn rms_norm_heads(
    x: &mut [f32],
    stride: usize,
    w: &[f32],
    eps: f32,
    pre: &mut [f32],
    inv: &mut [f32],
) {
    let d = w.len();
    let heads = pre.len() * stride / (x.len().max(1) * d);
    vectorised(|| {
        let rows = x.chunks_mut(stride).zip(pre.chunks_exact_mut(heads * d));
        for ((row, pre), inv) in rows.zip(inv.chunks_exact_mut(heads)) {
            pre.copy_from_slice(&row[..heads * d]);
            let cells = row.chunks_exact_mut(d).zip(pre.chunks_exact(d));
            for ((y, x), inv) in cells.zip(inv) {
                *inv = 1.0 / (dot(x, x) / d as f32 + eps).sqrt();
                for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
                    *y = x * *inv * w;
                }
            }
        }
    });
}

/// Backward of [`rms_norm_heads`], in place: `dx` comes as the gradient of its output; adds to `dw`
/// where it is wanted.
pub(crate) fn rms_norm_heads_backward(
    pre: &[f32],
    w: &[f32],
    inv: &[f32],
    dx: &mut [f32],
    stride: usize,
    mut dw: Option<&mut [f32]>,
) {
    let d = w.len();
    let heads = pre.len() * stride / (dx.len().max(1) * d);
    vectorised(|| {
        let rows = dx.chunks_mut(stride).zip(pre.chunks_exact(heads * d));
        for ((row, pre), inv) in rows.zip(inv.chunks_exact(heads)) {
            let cells = row.chunks_exact_mut(d).zip(pre.chunks_exact(d));
            for ((dy, x), &inv) in cells.zip(inv) {
                if let Some(dw) = dw.as_deref_mut() {
                    for ((dw, dy), x) in dw.iter_mut().zip(dy.iter()).zip(x) {
                        *dw += dy * x * inv;
                    }
                }
                for (dy, w) in dy.iter_mut().zip(w) {
                    *dy *= w;
                }
                let mean = dot(dy, x) * inv * inv / d as f32;
                for (dy, x) in dy.iter_mut().zip(x) {
                    *dy = inv * (*dy - x * mean);
                }
            }
        }
    });
}

/// Whether element `i` of a dropout mask is kept (the 'lowbias32' mixer as a counter generator:
/// the backward pass works the same mask out again), as the factor 0 or `keep`.
#[inline(always)]
fn mask(i: u32, seed: u32, share: u32, keep: f32) -> f32 {
    let x = i.wrapping_mul(0x9E37_79B1) ^ seed;
    let x = (x ^ (x >> 16)).wrapping_mul(0x7FEB_352D);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846C_A68B);
    if (x ^ (x >> 16)) >= share { keep } else { 0.0 }
}

/// Inverted dropout: each element is left out with probability `share`, the others are divided by
/// what is left. Source: Srivastava et al. 2014, in torch's form.
pub(crate) fn dropout(x: &[f32], share: f32, seed: u32, out: &mut [f32]) {
    let (limit, keep) = ((f64::from(share) * 4_294_967_296.0) as u32, 1.0 / (1.0 - share));
    vectorised(|| {
        for (i, (o, x)) in (0u32..).zip(out.iter_mut().zip(x)) {
            *o = x * mask(i, seed, limit, keep);
        }
    });
}

/// Backward of [`dropout`]: adds to `dx`.
pub(crate) fn dropout_backward(dout: &[f32], share: f32, seed: u32, dx: &mut [f32]) {
    let (limit, keep) = ((f64::from(share) * 4_294_967_296.0) as u32, 1.0 / (1.0 - share));
    vectorised(|| {
        for (i, (dx, d)) in (0u32..).zip(dx.iter_mut().zip(dout)) {
            *dx += d * mask(i, seed, limit, keep);
        }
    });
}

/// SwiGLU (Shazeer 2020): rows of `gu` hold gate and up side by side; out = silu(gate) * up.
pub(crate) fn swiglu(gu: &[f32], ff: usize, out: &mut [f32]) {
    vectorised(|| {
        for (gu, out) in gu.chunks_exact(2 * ff).zip(out.chunks_exact_mut(ff)) {
            let (g, u) = gu.split_at(ff);
            for ((o, &g), &u) in out.iter_mut().zip(g).zip(u) {
                *o = g / (1.0 + exp(-g)) * u;
            }
        }
    });
}

/// Backward of [`swiglu`]: `dgu` from `dact`; `act` is worked out again on the way.
pub(crate) fn swiglu_backward(
    gu: &[f32],
    ff: usize,
    dact: &[f32],
    dgu: &mut [f32],
    act: &mut [f32],
) {
    vectorised(|| {
        let rows = gu
            .chunks_exact(2 * ff)
            .zip(dact.chunks_exact(ff))
            .zip(dgu.chunks_exact_mut(2 * ff))
            .zip(act.chunks_exact_mut(ff));
        for (((gu, dact), dgu), act) in rows {
            let (g, u) = gu.split_at(ff);
            let (dg, du) = dgu.split_at_mut(ff);
            let (u, dact, dg, du, act) =
                (&u[..ff], &dact[..ff], &mut dg[..ff], &mut du[..ff], &mut act[..ff]);
            for i in 0..ff {
                let s = 1.0 / (1.0 + exp(-g[i]));
                let silu = g[i] * s;
                act[i] = silu * u[i];
                du[i] = dact[i] * silu;
                dg[i] = dact[i] * u[i] * (s + silu * (1.0 - s));
            }
        }
    });
}

/// Turns each row of `x` pairs (i, i + half) of every head by the angle of its position.
/// `turn` is [`Turn::Forward`] for RoPE and [`Turn::Back`] for its gradient.
/// Source: Su et al. 2021, in the half-split layout of the Llama checkpoints on the hub.
pub(crate) fn rope(
    x: &mut [f32],
    row_stride: usize,
    heads: usize,
    head_dim: usize,
    positions: impl Iterator<Item = u32>,
    table: &RopeTable,
    turn: Turn,
) {
    let half = head_dim / 2;
    let sign = if turn == Turn::Forward { 1.0 } else { -1.0 };
    vectorised(|| {
        for (row, p) in x.chunks_mut(row_stride).zip(positions) {
            let at = p as usize * half;
            let (cos, sin) = (&table.cos[at..at + half], &table.sin[at..at + half]);
            for head in row[..heads * head_dim].chunks_exact_mut(head_dim) {
                let (a, b) = head.split_at_mut(half);
                for (((a, b), c), s) in a.iter_mut().zip(b).zip(cos).zip(sin) {
                    let (x, y, s) = (*a, *b, s * sign);
                    *a = x * c - y * s;
                    *b = y * c + x * s;
                }
            }
        }
    });
}

/// Which way [`rope`] turns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// By the position's angle.
    Forward,
    /// Back by it.
    Back,
}

/// Cosines and sines by position and frequency: `[position * half + i]`.
#[derive(Debug, Clone, Default)]
pub(crate) struct RopeTable {
    cos: Vec<f32>,
    sin: Vec<f32>,
    half: usize,
}

impl RopeTable {
    /// An empty table for these inverse frequencies' count.
    pub(crate) fn new(half: usize) -> Self {
        Self { cos: Vec::new(), sin: Vec::new(), half }
    }

    /// Makes sure that positions below `n` are there.
    pub(crate) fn grow(&mut self, n: usize, inv_freq: &[f64]) {
        let have = self.cos.len() / self.half.max(1);
        for p in have..n {
            for f in inv_freq {
                let (s, c) = (p as f64 * f).sin_cos();
                self.cos.push(c as f32);
                self.sin.push(s as f32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_that_of_the_library_and_keeps_nan() {
        let mut worst = 0.0f64;
        for i in -86_000..87_000 {
            let x = i as f32 * 1e-3;
            let want = f64::from(x).exp();
            worst = worst.max(((f64::from(exp(x)) - want) / want).abs());
        }
        assert!(worst < 5e-7, "{worst}");
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn dropout_leaves_out_its_share_and_keeps_the_mean() {
        let x = vec![1.0f32; 100_000];
        let mut y = vec![0.0; x.len()];
        dropout(&x, 0.1, 7, &mut y);
        let out = y.iter().filter(|y| **y == 0.0).count() as f64 / x.len() as f64;
        assert!((out - 0.1).abs() < 0.004, "{out}");
        assert!((sum(&y) / x.len() as f32 - 1.0).abs() < 0.01);
        let mut back = vec![0.0; x.len()];
        dropout_backward(&x, 0.1, 7, &mut back);
        assert_eq!(y, back);
        dropout(&x, 0.1, 8, &mut back);
        assert_ne!(y, back);
    }

    #[test]
    fn max_and_sums_take_rows_of_any_length() {
        for n in [1usize, 15, 16, 17, 40] {
            let a: Vec<f32> = (0..n).map(|i| (i as f32 * 1.7).sin()).collect();
            assert_eq!(max(&a), a.iter().copied().fold(f32::MIN, f32::max));
            assert!((sum(&a) - a.iter().sum::<f32>()).abs() < 1e-5);
            assert!((dot(&a, &a) - a.iter().map(|x| x * x).sum::<f32>()).abs() < 1e-5);
        }
        assert!(max(&[1.0, f32::NAN]).is_nan());
    }
}
