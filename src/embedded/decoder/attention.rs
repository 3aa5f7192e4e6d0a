//! Grouped-query attention over the blocks of a [`Pack`]: per block and head one
//! product with the keys of its path and its own, a softmax over what each row may see, and one
//! product with the values.
#![allow(
    clippy::inline_always,
    reason = "a kernel must be compiled inside `vectorised`, for the instruction set chosen there"
)]
#![allow(
    clippy::too_many_arguments,
    reason = "buffers of one layer: a struct of borrows would hide which ones are written"
)]

use std::ops::Range;

use super::pack::{Block, Pack};
use crate::embedded::kernels::{dot, exp, max, sum, vectorised};
use crate::embedded::matmul::{Into, Mat, MatMut, matmul};

/// Sizes of one layer's attention.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadShape {
    pub(crate) queries: usize,
    pub(crate) keys: usize,
    pub(crate) dim: usize,
}

impl HeadShape {
    fn q_dim(self) -> usize {
        self.queries * self.dim
    }
    fn kv_dim(self) -> usize {
        self.keys * self.dim
    }
    /// Key head of a query head.
    fn kv_of(self, head: usize) -> usize {
        head / (self.queries / self.keys)
    }
    fn scale(self) -> f32 {
        1.0 / (self.dim as f32).sqrt()
    }
}

/// Buffers of one call, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    kv: Vec<f32>,
    dkv: Vec<f32>,
    dprob: Vec<f32>,
}

/// Queries that fall into a block: their range in the sorted list of query rows.
fn queries_of(block: &Block, queries: &[u32]) -> Range<usize> {
    let a = queries.partition_point(|&r| (r as usize) < block.rows.start);
    let b = queries.partition_point(|&r| (r as usize) < block.rows.end);
    a..b
}

/// Length of the buffer that keeps the attention weights for the backward pass.
pub(crate) fn weights_len(pack: &Pack, queries: &[u32], h: HeadShape) -> usize {
    pack.blocks.iter().map(|b| queries_of(b, queries).len() * b.keys() * h.queries).sum()
}

/// Collects the key and value rows of a block: path first, then its own. `width` = 2 kv_dim.
fn gather(block: &Block, kv: &[f32], width: usize, out: &mut Vec<f32>) {
    out.clear();
    for r in block.path.iter().chain([&block.rows]) {
        out.extend_from_slice(&kv[r.start * width..r.end * width]);
    }
}

/// out = softmax(q k^T / sqrt(dim)) v for the query rows.
///
/// `queries`: sorted rows of the pack; `q`, `out`: `[queries, q_dim]`; `kv`: `[rows, 2 kv_dim]`;
/// `weights` keeps the softmax of every block and head for [`attend_backward`].
pub(crate) fn attend(
    pack: &Pack,
    queries: &[u32],
    h: HeadShape,
    q: &[f32],
    kv: &[f32],
    out: &mut [f32],
    weights: &mut [f32],
    scratch: &mut Scratch,
) {
    let (qd, width) = (h.q_dim(), 2 * h.kv_dim());
    let mut weights = weights;
    for block in &pack.blocks {
        let mine = queries_of(block, queries);
        if mine.is_empty() {
            continue;
        }
        let (n, keys) = (mine.len(), block.keys());
        gather(block, kv, width, &mut scratch.kv);
        let (here, rest) = std::mem::take(&mut weights).split_at_mut(n * keys * h.queries);
        weights = rest;
        for head in 0..h.queries {
            let p = &mut here[head * n * keys..(head + 1) * n * keys];
            let at = mine.start * qd + head * h.dim;
            let kv_at = h.kv_of(head) * h.dim;
            matmul(
                MatMut::new(p, n, keys),
                Into::Replace,
                h.scale(),
                Mat::strided(&q[at..], n, h.dim, qd),
                Mat::strided(&scratch.kv[kv_at..], keys, h.dim, width).t(),
            );
            softmax(block, &queries[mine.clone()], p);
            matmul(
                MatMut::strided(&mut out[at..], n, h.dim, qd),
                Into::Replace,
                1.0,
                Mat::new(p, n, keys),
                Mat::strided(&scratch.kv[h.kv_dim() + kv_at..], keys, h.dim, width),
            );
        }
    }
}

/// Softmax of each row over what it may see; zero elsewhere.
fn softmax(block: &Block, queries: &[u32], p: &mut [f32]) {
    let keys = block.keys();
    let own = block.path_len;
    vectorised(|| {
        let mut spans = block.spans.iter().peekable();
        for (&row, p) in queries.iter().zip(p.chunks_exact_mut(keys)) {
            let row = row as usize;
            while spans.next_if(|s| s.rows.end <= row).is_some() {}
            let Some(span) = spans.peek() else { break };
            let place = |r: usize| own + r - block.rows.start;
            // Visible parts: the path, ancestors inside the block, the row's own segment so far.
            let (path, mine) = p.split_at_mut(own);
            let last = place(span.rows.start) - own..place(row) + 1 - own;
            let inside = || span.inside.iter().map(|r| place(r.start) - own..place(r.end) - own);
            let mut top = max(path);
            for r in inside().chain([last.clone()]) {
                let m = max(&mine[r]);
                top = if m <= top { top } else { m };
            }
            let mut total = exp_all(path, top);
            let mut done = 0;
            for r in inside().chain([last]) {
                mine[done..r.start].fill(0.0);
                done = r.end;
                total += exp_all(&mut mine[r], top);
            }
            mine[done..].fill(0.0);
            let inv = 1.0 / total;
            for x in p {
                *x *= inv;
            }
        }
    });
}

#[inline(always)]
fn exp_all(x: &mut [f32], top: f32) -> f32 {
    for x in x.iter_mut() {
        *x = exp(*x - top);
    }
    sum(x)
}

/// Gradients of [`attend`]: `dq` is replaced, `dkv` is added to.
pub(crate) fn attend_backward(
    pack: &Pack,
    queries: &[u32],
    h: HeadShape,
    q: &[f32],
    kv: &[f32],
    weights: &[f32],
    dout: &[f32],
    dq: &mut [f32],
    dkv: &mut [f32],
    scratch: &mut Scratch,
) {
    let (qd, width) = (h.q_dim(), 2 * h.kv_dim());
    let mut weights = weights;
    for block in &pack.blocks {
        let mine = queries_of(block, queries);
        if mine.is_empty() {
            continue;
        }
        let (n, keys) = (mine.len(), block.keys());
        gather(block, kv, width, &mut scratch.kv);
        scratch.dkv.clear();
        scratch.dkv.resize(keys * width, 0.0);
        scratch.dprob.resize(n * keys, 0.0);
        let (here, rest) = weights.split_at(n * keys * h.queries);
        weights = rest;
        for head in 0..h.queries {
            let p = &here[head * n * keys..(head + 1) * n * keys];
            let at = mine.start * qd + head * h.dim;
            let kv_at = h.kv_of(head) * h.dim;
            let v_at = h.kv_dim() + kv_at;
            let dout = || Mat::strided(&dout[at..], n, h.dim, qd);
            let ds = &mut scratch.dprob[..n * keys];
            matmul(
                MatMut::new(ds, n, keys),
                Into::Replace,
                1.0,
                dout(),
                Mat::strided(&scratch.kv[v_at..], keys, h.dim, width).t(),
            );
            matmul(
                MatMut::strided(&mut scratch.dkv[v_at..], keys, h.dim, width),
                Into::Add,
                1.0,
                Mat::new(p, n, keys).t(),
                dout(),
            );
            // Through the softmax: ds = p (dp - sum p dp).
            vectorised(|| {
                for (ds, p) in ds.chunks_exact_mut(keys).zip(p.chunks_exact(keys)) {
                    let mean = dot(ds, p);
                    for (ds, p) in ds.iter_mut().zip(p) {
                        *ds = p * (*ds - mean);
                    }
                }
            });
            matmul(
                MatMut::strided(&mut dq[at..], n, h.dim, qd),
                Into::Replace,
                h.scale(),
                Mat::new(ds, n, keys),
                Mat::strided(&scratch.kv[kv_at..], keys, h.dim, width),
            );
            matmul(
                MatMut::strided(&mut scratch.dkv[kv_at..], keys, h.dim, width),
                Into::Add,
                h.scale(),
                Mat::new(ds, n, keys).t(),
                Mat::strided(&q[at..], n, h.dim, qd),
            );
        }
        let mut from = 0;
        for r in block.path.iter().chain([&block.rows]) {
            let to = &mut dkv[r.start * width..r.end * width];
            let part = &scratch.dkv[from..from + to.len()];
            vectorised(|| crate::embedded::kernels::add(to, part));
            from += to.len();
        }
    }
}
