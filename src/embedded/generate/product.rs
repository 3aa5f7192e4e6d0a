//! Products of a few rows with a large weight matrix, spread over the threads of the pool.
//!
//! Every element of a result is worked out in the same order of additions however many rows stand
//! beside it: a token's numbers are the same bits alone and in any batch, so a seed gives the same
//! reply whatever else is asked. `gemm` runs one row on one thread; the kernel here reads each
//! weight once and keeps up to four rows of it against four tokens in registers.
#![allow(
    clippy::inline_always,
    reason = "a kernel must be compiled for the instruction set chosen at run time"
)]

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::embedded::matmul::{Into, Mat, MatMut, matmul, matmul_split};

/// Below this many multiplications a product is not worth another thread's attention.
const WORTH_A_THREAD: usize = 1 << 18;

/// Rows of `w` by rows of `x`: `out[i * out_stride + j] = w_i . x_j`.
pub(super) struct Dots<'a> {
    /// First element of the first row.
    pub(super) w: &'a [f32],
    pub(super) w_stride: usize,
    pub(super) w_rows: usize,
    pub(super) x: &'a [f32],
    pub(super) x_stride: usize,
    pub(super) x_rows: usize,
    /// Length of the rows.
    pub(super) k: usize,
    pub(super) out: &'a mut [f32],
    pub(super) out_stride: usize,
}

impl Dots<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut i = 0;
        let n = self.x_rows;
        while i < self.w_rows {
            let left = self.w_rows - i;
            let out = &mut self.out[i * self.out_stride..];
            let w = &self.w[i * self.w_stride..];
            let x = (self.x, self.x_stride, n);
            if left >= 4 {
                rows::<S, 4>(simd, w, self.w_stride, x, self.k, out, self.out_stride);
                i += 4;
            } else {
                rows::<S, 1>(simd, w, self.w_stride, x, self.k, out, self.out_stride);
                i += 1;
            }
        }
    }
}

/// `R` rows of weights with all tokens.
#[inline(always)]
fn rows<S: Simd, const R: usize>(
    simd: S,
    w: &[f32],
    w_stride: usize,
    (x, x_stride, n): (&[f32], usize, usize),
    k: usize,
    out: &mut [f32],
    out_stride: usize,
) {
    let w: [&[f32]; R] = std::array::from_fn(|r| &w[r * w_stride..r * w_stride + k]);
    let mut j = 0;
    while j < n {
        let x = &x[j * x_stride..];
        if n - j >= 4 {
            tile::<S, R, 4>(simd, w, x, x_stride, &mut out[j..], out_stride);
            j += 4;
        } else {
            tile::<S, R, 1>(simd, w, x, x_stride, &mut out[j..], out_stride);
            j += 1;
        }
    }
}

#[inline(always)]
fn tile<S: Simd, const R: usize, const C: usize>(
    simd: S,
    w: [&[f32]; R],
    x: &[f32],
    x_stride: usize,
    out: &mut [f32],
    out_stride: usize,
) {
    let k = w[0].len();
    let x: [&[f32]; C] = std::array::from_fn(|c| &x[c * x_stride..c * x_stride + k]);
    let (wv, wt): ([&[S::f32s]; R], [&[f32]; R]) = split::<S, R>(w);
    let (xv, xt): ([&[S::f32s]; C], [&[f32]; C]) = split::<S, C>(x);
    let mut acc = [[simd.splat_f32s(0.0); C]; R];
    let m = k / S::F32_LANES;
    for i in 0..m {
        for r in 0..R {
            let a = wv[r][..m][i];
            for c in 0..C {
                acc[r][c] = simd.mul_add_e_f32s(a, xv[c][..m][i], acc[r][c]);
            }
        }
    }
    for r in 0..R {
        for c in 0..C {
            let mut sum = simd.reduce_sum_f32s(acc[r][c]);
            for (a, b) in wt[r].iter().zip(xt[c]) {
                sum += a * b;
            }
            out[r * out_stride + c] = sum;
        }
    }
}

#[inline(always)]
fn split<S: Simd, const N: usize>(rows: [&[f32]; N]) -> ([&[S::f32s]; N], [&[f32]; N]) {
    (
        std::array::from_fn(|i| S::as_simd_f32s(rows[i]).0),
        std::array::from_fn(|i| S::as_simd_f32s(rows[i]).1),
    )
}

/// Which kernel a pass uses, for all of its products: the two differ in the last bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Many rows: the prompts.
    Prompts,
    /// One row a sequence.
    Next,
}

/// y [+]= x W^T; `x`: `[rows, cols]`, `w`: `[out, cols]`, `y`: `[rows, out]`.
pub(super) fn linear(
    kind: Kind,
    y: &mut [f32],
    how: Into,
    x: &[f32],
    w: &[f32],
    cols: usize,
    scratch: &mut Vec<f32>,
) {
    let rows = x.len() / cols;
    let out = w.len() / cols;
    match kind {
        Kind::Prompts => prompts(y, how, x, w, rows, cols, scratch),
        Kind::Next if rows == 1 && how == Into::Replace => next(y, x, w, rows, cols),
        Kind::Next => {
            scratch.resize(rows * out, 0.0);
            next(scratch, x, w, rows, cols);
            for (i, y) in y.chunks_exact_mut(out).enumerate() {
                let column = scratch[i..].iter().step_by(rows);
                if how == Into::Add {
                    y.iter_mut().zip(column).for_each(|(y, t)| *y += t);
                } else {
                    y.iter_mut().zip(column).for_each(|(y, t)| *y = *t);
                }
            }
        }
    }
}

/// `y`: `[out, rows]`
fn next(y: &mut [f32], x: &[f32], w: &[f32], rows: usize, cols: usize) {
    let out = w.len() / cols;
    let dots = |(y, w): (&mut [f32], &[f32])| {
        Dots {
            w_rows: w.len() / cols,
            w,
            w_stride: cols,
            x,
            x_stride: cols,
            x_rows: rows,
            k: cols,
            out: y,
            out_stride: rows,
        }
        .run();
    };
    let parts = parts(rows * w.len());
    if parts == 1 {
        return dots((y, w));
    }
    // Multiples of four rows, so that no part has a slow tail.
    let part = out.div_ceil(4 * parts).next_multiple_of(4);
    y.par_chunks_mut(part * rows).zip(w.par_chunks(part * cols)).for_each(dots);
}

fn parts(work: usize) -> usize {
    (work / WORTH_A_THREAD).clamp(1, rayon::current_num_threads())
}

/// Rows that `gemm` needs so that it takes its general path, which adds up in one order: it has
/// others for single rows, for results of up to 256 elements, and for long sums of small squares.
fn padded(rows: usize, out: usize, cols: usize) -> usize {
    let least = if out <= 64 && cols > 512 { 65 } else { (256 / out + 1).max(4) };
    rows.max(least)
}

fn prompts(
    y: &mut [f32],
    how: Into,
    x: &[f32],
    w: &[f32],
    rows: usize,
    cols: usize,
    scratch: &mut Vec<f32>,
) {
    let out = w.len() / cols;
    let full = padded(rows, out, cols);
    if full == rows {
        return split_product(y, how, x, w, rows, cols);
    }
    scratch.clear();
    scratch.extend_from_slice(x);
    scratch.resize(full * cols, 0.0);
    let mut to = y.to_vec();
    to.resize(full * out, 0.0);
    split_product(&mut to, how, scratch, w, full, cols);
    y.copy_from_slice(&to[..rows * out]);
}

fn split_product(y: &mut [f32], how: Into, x: &[f32], w: &[f32], rows: usize, cols: usize) {
    let out = w.len() / cols;
    // Parts of at least 65 columns keep to the general path too.
    let parts = parts(rows * w.len()).min((out / 128).max(1));
    let (dst, a, b) = (MatMut::new(y, rows, out), Mat::new(x, rows, cols), Mat::new(w, out, cols));
    if parts == 1 {
        matmul(dst, how, 1.0, a, b.t());
    } else {
        matmul_split(dst, how, a, b.t(), &cuts(out, parts));
    }
}

/// `n` columns in `parts` runs of nearly the same length.
fn cuts(n: usize, parts: usize) -> Vec<Range<usize>> {
    (0..parts).map(|i| i * n / parts..(i + 1) * n / parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(n: usize, step: f32) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * step).sin()).collect()
    }

    #[test]
    fn a_row_gives_the_same_bits_alone_and_among_others_on_any_number_of_threads() {
        for (cols, out) in [(16, 8), (40, 24), (100, 300), (700, 1200), (1100, 150)] {
            let w = data(cols * out, 0.37);
            let x = data(cols * 70, 0.11);
            for kind in [Kind::Prompts, Kind::Next] {
                let mut alone = vec![1.0; 70 * out];
                for (y, x) in alone.chunks_exact_mut(out).zip(x.chunks_exact(cols)) {
                    linear(kind, y, Into::Add, x, &w, cols, &mut Vec::new());
                }
                let naive: f32 = 1.0 + w[..cols].iter().zip(&x).map(|(a, b)| a * b).sum::<f32>();
                assert!((alone[0] - naive).abs() < 1e-3, "{} against {naive}", alone[0]);
                for (rows, threads) in [(2, 1), (3, 2), (17, 3), (66, 1), (70, 2)] {
                    let pool =
                        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    let mut y = vec![1.0; rows * out];
                    let x = &x[..rows * cols];
                    pool.install(|| {
                        linear(kind, &mut y, Into::Add, x, &w, cols, &mut Vec::new());
                    });
                    assert_eq!(y, alone[..rows * out], "{kind:?} {rows} rows, {cols} to {out}");
                }
            }
        }
    }
}
