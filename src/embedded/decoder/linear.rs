//! Linear maps and their gradients, with and without an adapter beside them.
#![allow(
    clippy::too_many_arguments,
    reason = "matrices with their sizes; buffers of one product are borrowed one by one"
)]

use std::ops::Range;

use super::lora::{Adapter, GroupAt};
use super::workspace::fit;
use crate::embedded::device::{Fault, Held};
use crate::embedded::kernels::{add, dropout, dropout_backward, vectorised};
use crate::embedded::matmul::{Into, Mat, MatMut, matmul_on};
use crate::embedded::parallel::Threads;

/// y [+]= x W^T; `w`: `[out, in]`.
pub(crate) fn linear(
    threads: Threads,
    y: &mut [f32],
    how: Into,
    x: &[f32],
    w: &[f32],
    rows: usize,
    cols: usize,
) {
    let out = w.len() / cols;
    let (y, x) = (MatMut::new(y, rows, out), Mat::new(x, rows, cols));
    matmul_on(threads, y, how, 1.0, x, Mat::new(w, out, cols).t());
}

/// dx [+]= dy W
pub(crate) fn linear_dx(
    threads: Threads,
    dx: &mut [f32],
    how: Into,
    dy: &[f32],
    w: &[f32],
    rows: usize,
    cols: usize,
) {
    let out = w.len() / cols;
    let (dx, dy) = (MatMut::new(dx, rows, cols), Mat::new(dy, rows, out));
    matmul_on(threads, dx, how, 1.0, dy, Mat::new(w, out, cols));
}

/// dW += dy^T x
pub(crate) fn linear_dw(
    threads: Threads,
    dw: &mut [f32],
    dy: &[f32],
    x: &[f32],
    rows: usize,
    cols: usize,
) {
    let out = dw.len() / cols;
    let (dy, x) = (Mat::new(dy, rows, out), Mat::new(x, rows, cols));
    matmul_on(threads, MatMut::new(dw, out, cols), Into::Add, 1.0, dy.t(), x);
}

/// Who works out the products with the model's own weights: the processor, or a device that holds
/// them. An adapter's products are thin, and the processor's in any case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct On<'a> {
    pub(crate) threads: Threads,
    pub(crate) device: Option<&'a Held>,
}

/// A weight of the model, `[out, in]`, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight<'a> {
    pub(crate) at: &'a Range<usize>,
    pub(crate) values: &'a [f32],
}

impl On<'_> {
    /// y [+]= x W^T
    pub(crate) fn linear(
        self,
        y: &mut [f32],
        how: Into,
        x: &[f32],
        w: Weight<'_>,
        rows: usize,
        cols: usize,
    ) -> Result<(), Fault> {
        match self.device {
            Some(held) => held.linear(y, how, x, w.at, w.values, rows, cols),
            None => {
                linear(self.threads, y, how, x, w.values, rows, cols);
                Ok(())
            }
        }
    }

    /// dx [+]= dy W
    pub(crate) fn linear_dx(
        self,
        dx: &mut [f32],
        how: Into,
        dy: &[f32],
        w: Weight<'_>,
        rows: usize,
        cols: usize,
    ) -> Result<(), Fault> {
        match self.device {
            Some(held) => held.linear_dx(dx, how, dy, w.at, w.values, rows, cols),
            None => {
                linear_dx(self.threads, dx, how, dy, w.values, rows, cols);
                Ok(())
            }
        }
    }

    /// dW += dy^T x
    pub(crate) fn linear_dw(
        self,
        dw: &mut [f32],
        dy: &[f32],
        x: &[f32],
        rows: usize,
        cols: usize,
    ) -> Result<(), Fault> {
        match self.device {
            Some(held) => held.linear_dw(dw, dy, x, rows, cols),
            None => {
                linear_dw(self.threads, dw, dy, x, rows, cols);
                Ok(())
            }
        }
    }
}

pub(crate) fn gather_rows(x: &[f32], rows: &[u32], d: usize, to: &mut Vec<f32>) {
    to.clear();
    for &r in rows {
        to.extend_from_slice(&x[r as usize * d..(r as usize + 1) * d]);
    }
}

pub(crate) fn scatter_add(x: &[f32], rows: &[u32], d: usize, to: &mut [f32]) {
    vectorised(|| {
        for (&r, x) in rows.iter().zip(x.chunks_exact(d)) {
            add(&mut to[r as usize * d..(r as usize + 1) * d], x);
        }
    });
}

/// An adapter in use: its weights, and how its dropout is drawn in this pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delta<'a> {
    pub(crate) adapter: &'a Adapter,
    /// Share that is left out, and the seed of the masks; `None` outside training.
    pub(crate) dropout: Option<(f32, u32)>,
}

/// Buffers that one adapted product needs beside its own, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct DeltaScratch {
    /// The input after dropout.
    x: Vec<f32>,
    /// Gradients of x A^T and of the input after dropout.
    dt: Vec<f32>,
    dx: Vec<f32>,
}

impl Delta<'_> {
    fn mask(&self, at: &GroupAt) -> Option<(f32, u32)> {
        self.dropout.map(|(share, seed)| (share, seed ^ at.salt.wrapping_mul(0x9E37_79B9)))
    }

    /// y += scale (dropout(x) A^T) B^T. `t` keeps x A^T, `[rows, members x r]`.
    pub(crate) fn forward(
        &self,
        threads: Threads,
        at: &GroupAt,
        y: &mut [f32],
        x: &[f32],
        t: &mut Vec<f32>,
        scratch: &mut DeltaScratch,
    ) {
        let (r, w) = (self.adapter.settings().r, &self.adapter.weights);
        let (rows, wide) = (x.len() / at.inputs, at.members.len() * r);
        let t = fit(t, rows * wide);
        let x = match self.mask(at) {
            None => x,
            Some((share, seed)) => {
                dropout(x, share, seed, fit(&mut scratch.x, x.len()));
                &scratch.x
            }
        };
        linear(threads, t, Into::Replace, x, &w[at.a.clone()], rows, at.inputs);
        let stride = y.len() / rows.max(1);
        for (i, m) in at.members.iter().enumerate() {
            let out = m.columns.len();
            matmul_on(
                threads,
                MatMut::strided(&mut y[m.columns.start..], rows, out, stride),
                Into::Add,
                self.adapter.settings().scale(),
                Mat::strided(&t[i * r..], rows, r, wide),
                Mat::new(&w[m.b.clone()], out, r).t(),
            );
        }
    }

    /// Gradients of [`Delta::forward`], first part: adds to B's in `grads` (the adapter's), and to
    /// `dx` where the input's gradient is wanted.
    pub(crate) fn backward(
        &self,
        threads: Threads,
        at: &GroupAt,
        dy: &[f32],
        t: &[f32],
        dx: Option<&mut [f32]>,
        grads: &mut [f32],
        scratch: &mut DeltaScratch,
    ) {
        let (r, w) = (self.adapter.settings().r, &self.adapter.weights);
        let wide = at.members.len() * r;
        let rows = t.len() / wide;
        let scale = self.adapter.settings().scale();
        let stride = dy.len() / rows.max(1);
        let dt = fit(&mut scratch.dt, rows * wide);
        for (i, m) in at.members.iter().enumerate() {
            let out = m.columns.len();
            let dy = || Mat::strided(&dy[m.columns.start..], rows, out, stride);
            let (dt, t) = (MatMut::strided(&mut dt[i * r..], rows, r, wide), &t[i * r..]);
            let b = Mat::new(&w[m.b.clone()], out, r);
            matmul_on(threads, dt, Into::Replace, scale, dy(), b);
            let db = MatMut::new(&mut grads[m.b.clone()], out, r);
            matmul_on(threads, db, Into::Add, scale, dy().t(), Mat::strided(t, rows, r, wide));
        }
        let Some(dx) = dx else { return };
        let a = &w[at.a.clone()];
        match self.mask(at) {
            None => linear_dx(threads, dx, Into::Add, dt, a, rows, at.inputs),
            Some((share, seed)) => {
                let part = fit(&mut scratch.dx, rows * at.inputs);
                linear_dx(threads, part, Into::Replace, dt, a, rows, at.inputs);
                dropout_backward(part, share, seed, dx);
            }
        }
    }

    /// Second part, right after the first: adds to A's gradient; `x` is the input.
    pub(crate) fn backward_a(
        &self,
        threads: Threads,
        at: &GroupAt,
        x: &[f32],
        grads: &mut [f32],
        scratch: &mut DeltaScratch,
    ) {
        let x = match self.mask(at) {
            None => x,
            Some((share, seed)) => {
                dropout(x, share, seed, fit(&mut scratch.x, x.len()));
                &scratch.x
            }
        };
        let rows = x.len() / at.inputs;
        linear_dw(threads, &mut grads[at.a.clone()], &scratch.dt, x, rows, at.inputs);
    }
}
