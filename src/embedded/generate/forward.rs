//! One pass of new rows through the model, without anything kept for a backward pass.
//!
//! Rows stand in spans; a span continues a path of keys and values that are there already (from
//! earlier passes) or that earlier spans of the same pass work out. The last layer works on the
//! wanted rows only. The residual stream is worked on in blocks of rows, so that the wide buffers
//! of the MLP stay small however many rows a pass has.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::attention::{Heads, Scratch, Tile, attend};
use super::product::{Kind, linear};
use crate::embedded::decoder::Decoder;
use crate::embedded::kernels::{RopeTable, Turn, add_bias, rms_norm, rms_norm_heads, rope, swiglu};
use crate::embedded::matmul::Into;

/// Rows of one block.
const BLOCK: usize = 512;
/// Rows of one task outside of products and attention.
const ROWS: usize = 32;
/// Rows of one attention task.
const TILE: usize = 8;

/// Keys (turned) and values of some rows, by layer: `[rows, 2 kv_dim]`.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) layers: Vec<Vec<f32>>,
}

/// A run of rows of a chunk.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) chunk: Arc<Chunk>,
    pub(super) rows: Range<usize>,
}

/// Consecutive rows of a pass with one history.
#[derive(Debug, Default)]
pub(super) struct Span {
    pub(super) rows: Range<usize>,
    /// Position of its first row.
    pub(super) first: usize,
    /// Keys and values of earlier passes, root first.
    pub(super) before: Vec<Run>,
    /// Rows of this pass between them and the span.
    pub(super) here: Vec<Range<usize>>,
}

/// Where the new keys and values go.
pub(super) enum Keep<'a> {
    /// Nowhere: only the wanted rows count.
    Nothing,
    /// All rows into a chunk.
    Chunk(&'a mut Chunk),
    /// The one row of each span behind the rows of its own tail.
    Tails(Vec<&'a mut Chunk>),
}

/// Buffers of a pass, kept from pass to pass.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    x: Vec<f32>,
    xn: Vec<f32>,
    inv: Vec<f32>,
    pre: Vec<f32>,
    kv: Vec<f32>,
    q: Vec<f32>,
    heads: Vec<f32>,
    gate_up: Vec<f32>,
    act: Vec<f32>,
    scratch: Vec<f32>,
    rope: RopeTable,
    inv_freq: Vec<f64>,
    /// Final norm of the wanted rows, `[wanted, d]`.
    pub(super) out: Vec<f32>,
}

fn fit(v: &mut Vec<f32>, n: usize) -> &mut [f32] {
    v.resize(n, 0.0);
    v
}

/// Runs the rows; afterwards `b.out` holds the normalised output of the `wanted` ones (sorted).
pub(super) fn pass(
    model: &Decoder,
    kind: Kind,
    tokens: &[u32],
    spans: &[Span],
    wanted: &[u32],
    keep: &mut Keep<'_>,
    b: &mut Buffers,
) {
    let c = model.config();
    let (d, n) = (c.hidden_size, tokens.len());
    let positions: Vec<u32> =
        spans.iter().flat_map(|s| (s.first..).take(s.rows.len()).map(|p| p as u32)).collect();
    if b.inv_freq.is_empty() {
        b.inv_freq = c.inv_freq();
        b.rope = RopeTable::new(c.head_dim() / 2);
    }
    b.rope.grow(positions.iter().max().map_or(0, |p| *p as usize + 1), &b.inv_freq);
    let embed = &model.weights[model.layout().embed.clone()];
    b.x.clear();
    for &t in tokens {
        b.x.extend_from_slice(&embed[t as usize * d..(t as usize + 1) * d]);
    }
    let all: Vec<u32> = (0..n as u32).collect();
    let last = c.num_hidden_layers - 1;
    for i in 0..=last {
        let queries = if i == last { wanted } else { &all };
        layer(model, kind, i, spans, &positions, queries, keep, b);
    }
    let norm = &model.weights[model.layout().norm.clone()];
    let eps = c.rms_norm_eps as f32;
    rms_norm(&b.x, norm, eps, fit(&mut b.out, wanted.len() * d), fit(&mut b.inv, wanted.len()));
}

#[allow(clippy::too_many_arguments, reason = "the parts of a pass, by name")]
fn layer(
    model: &Decoder,
    kind: Kind,
    i: usize,
    spans: &[Span],
    positions: &[u32],
    queries: &[u32],
    keep: &mut Keep<'_>,
    b: &mut Buffers,
) {
    let c = model.config();
    let at = &model.layout().layers[i];
    let w = |r: &Range<usize>| &model.weights[r.clone()];
    let (d, kvd, qd) = (c.hidden_size, c.kv_dim(), c.q_dim());
    let hd = c.head_dim();
    let eps = c.rms_norm_eps as f32;
    let n = positions.len();

    // Keys and values of all rows, before any of them is looked at.
    fit(&mut b.kv, n * 2 * kvd);
    for rows in blocks(n) {
        let xn = fit(&mut b.xn, rows.len() * d);
        let x = &b.x[rows.start * d..rows.end * d];
        rms_norm(x, w(&at.input_norm), eps, xn, fit(&mut b.inv, rows.len()));
        let kv = &mut b.kv[rows.start * 2 * kvd..rows.end * 2 * kvd];
        linear(kind, kv, Into::Replace, xn, w(&at.kv), d, &mut b.scratch);
        if let Some(bias) = &at.kv_bias {
            add_bias(kv, w(bias));
        }
        if let Some(norm) = &at.k_norm {
            let pre = fit(&mut b.pre, rows.len() * kvd);
            let inv = fit(&mut b.inv, rows.len() * c.kv_heads());
            rms_norm_heads(kv, 2 * kvd, w(norm), eps, pre, inv);
        }
        let at = positions[rows].iter().copied();
        rope(kv, 2 * kvd, c.kv_heads(), hd, at, &b.rope, Turn::Forward);
    }
    match keep {
        Keep::Nothing => {}
        Keep::Chunk(chunk) => {
            chunk.layers.resize_with(c.num_hidden_layers, Vec::new);
            chunk.layers[i].clone_from(&b.kv);
        }
        Keep::Tails(tails) => {
            for (tail, row) in tails.iter_mut().zip(b.kv.chunks_exact(2 * kvd)) {
                tail.layers.resize_with(c.num_hidden_layers, Vec::new);
                tail.layers[i].extend_from_slice(row);
            }
        }
    }

    for block in blocks(queries.len()) {
        let rows = &queries[block.clone()];
        let nq = rows.len();
        // Queries are sorted and go ahead of the rows that are written back: row k of the stream
        // takes the output of queries[k] >= k.
        let xn = fit(&mut b.xn, nq * d);
        let x = gathered(&mut b.x, rows, block.start, d);
        rms_norm(x, w(&at.input_norm), eps, xn, fit(&mut b.inv, nq));
        let q = fit(&mut b.q, nq * qd);
        linear(kind, q, Into::Replace, xn, w(&at.q), d, &mut b.scratch);
        if let Some(bias) = &at.q_bias {
            add_bias(q, w(bias));
        }
        if let Some(norm) = &at.q_norm {
            let pre = fit(&mut b.pre, nq * qd);
            let inv = fit(&mut b.inv, nq * c.num_attention_heads);
            rms_norm_heads(q, qd, w(norm), eps, pre, inv);
        }
        let turn = rows.iter().map(|&r| positions[r as usize]);
        rope(q, qd, c.num_attention_heads, hd, turn, &b.rope, Turn::Forward);
        let heads = Heads { queries: c.num_attention_heads, keys: c.kv_heads(), dim: hd };
        fit(&mut b.heads, nq * qd);
        attention(heads, i, spans, rows, &b.q, &b.kv, keep, &mut b.heads);

        let x = &mut b.x[block.start * d..block.end * d];
        linear(kind, x, Into::Add, &b.heads, w(&at.o), qd, &mut b.scratch);
        if let Some(bias) = &at.o_bias {
            add_bias(x, w(bias));
        }
        let ff = c.intermediate_size;
        rms_norm(x, w(&at.post_norm), eps, &mut b.xn, fit(&mut b.inv, nq));
        let gate_up = fit(&mut b.gate_up, nq * 2 * ff);
        linear(kind, gate_up, Into::Replace, &b.xn, w(&at.gate_up), d, &mut b.scratch);
        let act = fit(&mut b.act, nq * ff);
        let some = ROWS * ff;
        act.par_chunks_mut(some)
            .zip(gate_up.par_chunks(2 * some))
            .for_each(|(act, gate_up)| swiglu(gate_up, ff, act));
        linear(kind, x, Into::Add, &b.act, w(&at.down), ff, &mut b.scratch);
    }
    b.x.truncate(queries.len() * d);
}

fn blocks(n: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(BLOCK).map(move |a| a..(a + BLOCK).min(n))
}

/// Moves the rows asked for to the places from `first` on, and gives them.
fn gathered<'a>(x: &'a mut [f32], rows: &[u32], first: usize, d: usize) -> &'a [f32] {
    for (k, &r) in rows.iter().enumerate() {
        let (to, from) = (first + k, r as usize);
        if to != from {
            x.copy_within(from * d..(from + 1) * d, to * d);
        }
    }
    &x[first * d..(first + rows.len()) * d]
}

/// The block's queries in tiles, each within one span.
#[allow(clippy::too_many_arguments, reason = "the parts of a pass, by name")]
fn attention(
    h: Heads,
    layer: usize,
    spans: &[Span],
    queries: &[u32],
    q: &[f32],
    kv: &[f32],
    keep: &Keep<'_>,
    out: &mut [f32],
) {
    let (qd, width) = (h.q_dim(), 2 * h.kv_dim());
    let mut tasks = Vec::new(); // (span, queries, output)
    let (mut done, mut rest) = (0, out);
    while done < queries.len() {
        let row = queries[done] as usize;
        let s = spans.partition_point(|s| s.rows.end <= row);
        let end = queries[done..].partition_point(|&r| (r as usize) < spans[s].rows.end) + done;
        let end = end.min(done + TILE);
        let (here, behind) = std::mem::take(&mut rest).split_at_mut((end - done) * qd);
        tasks.push((s, done..end, here));
        (done, rest) = (end, behind);
    }
    tasks.into_par_iter().for_each_init(Scratch::default, |scratch, (s, mine, out)| {
        let span = &spans[s];
        let mut past: Vec<&[f32]> = span
            .before
            .iter()
            .map(|r| &r.chunk.layers[layer][r.rows.start * width..r.rows.end * width])
            .collect();
        past.extend(span.here.iter().map(|r| &kv[r.start * width..r.end * width]));
        match keep {
            Keep::Tails(tails) => past.push(&tails[s].layers[layer]),
            _ => past.push(&kv[span.rows.start * width..span.rows.end * width]),
        }
        let sees: Vec<usize> = queries[mine.clone()]
            .iter()
            .map(|&r| span.first + r as usize - span.rows.start + 1)
            .collect();
        let q = &q[mine.start * qd..mine.end * qd];
        attend(Tile { q, sees: &sees, past: &past, out }, h, scratch);
    });
}
