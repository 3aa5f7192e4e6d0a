//! Log-probabilities at some rows of a pack of shared prefixes: what scoring asks for.
#![allow(
    clippy::inline_always,
    reason = "a kernel must be compiled for the instruction set chosen at run time"
)]

use super::forward::{Buffers, Keep, Span, pass};
use super::product::{Kind, linear};
use crate::embedded::EmbeddedError;
use crate::embedded::decoder::{Decoder, Pack};
use crate::embedded::kernels::{exp, max, vectorised};
use crate::embedded::matmul::Into;

/// Rows of logits that stand in memory at once.
const CHUNK: usize = 64;

/// Buffers, kept from pack to pass.
#[derive(Debug, Default)]
pub struct PackBuffers {
    pass: Buffers,
    logits: Vec<f32>,
    scratch: Vec<f32>,
}

/// `log p(token | row and what it sees)` for each `(row, token)`, sorted by row.
///
/// # Errors
/// A token or a length that the model does not know.
pub fn pack_log_probs(
    model: &Decoder,
    pack: &Pack,
    asked: &[(u32, u32)],
    b: &mut PackBuffers,
) -> Result<Vec<f64>, EmbeddedError> {
    model.check_pack(pack)?;
    let (d, vocab) = (model.config().hidden_size, model.config().vocab_size);
    if let Some(t) = asked.iter().find(|t| t.1 as usize >= vocab) {
        return Err(EmbeddedError::Input(format!(
            "answer token {} is outside the vocabulary of {vocab}",
            t.1
        )));
    }
    let mut rows: Vec<u32> = asked.iter().map(|a| a.0).collect();
    rows.dedup();
    let spans: Vec<Span> = pack
        .segments
        .iter()
        .map(|s| {
            let mut here = Vec::new();
            let mut at = s.parent;
            while let Some(p) = at {
                here.push(pack.segments[p].rows.clone());
                at = pack.segments[p].parent;
            }
            here.reverse();
            let first = pack.positions[s.rows.start] as usize;
            Span { rows: s.rows.clone(), first, before: Vec::new(), here }
        })
        .collect();
    pass(model, Kind::Prompts, &pack.tokens, &spans, &rows, &mut Keep::Nothing, &mut b.pass);
    let head = &model.weights[model.layout().head.clone()];
    let mut out = Vec::with_capacity(asked.len());
    for (rows, x) in rows.chunks(CHUNK).zip(b.pass.out.chunks(CHUNK * d)) {
        b.logits.resize(rows.len() * vocab, 0.0);
        linear(Kind::Prompts, &mut b.logits, Into::Replace, x, head, d, &mut b.scratch);
        for (row, logits) in rows.iter().zip(b.logits.chunks_exact(vocab)) {
            let norm = vectorised(|| log_sum_exp(logits));
            while let Some(&(_, token)) = asked.get(out.len()).filter(|a| a.0 == *row) {
                out.push(f64::from(logits[token as usize]) - norm);
            }
        }
    }
    Ok(out)
}

/// `ln sum e^x` in sixteen lanes; NaN where one stands.
#[inline(always)]
fn log_sum_exp(x: &[f32]) -> f64 {
    let top = max(x);
    let mut acc = [0.0f32; 16];
    let chunks = x.chunks_exact(16);
    let mut total: f64 = chunks.remainder().iter().map(|x| f64::from(exp(x - top))).sum();
    for x in chunks {
        for (acc, x) in acc.iter_mut().zip(x) {
            *acc += exp(x - top);
        }
    }
    total += acc.iter().map(|x| f64::from(*x)).sum::<f64>();
    f64::from(top) + total.ln()
}
