//! The head: final norm, logits in chunks, cross-entropy or log-probabilities at the wanted rows.
#![allow(
    clippy::inline_always,
    reason = "a kernel must be compiled inside `vectorised`, for the instruction set chosen there"
)]

use rayon::prelude::*;

use super::linear::{Delta, On};
use super::model::Sink;
use super::workspace::{Workspace, fit, zeroed};
use super::{Adapter, Decoder, Pack};
use crate::embedded::EmbeddedError;
use crate::embedded::kernels::{exp, max, rms_norm, rms_norm_backward, sum, vectorised};
use crate::embedded::matmul::Into;
use crate::embedded::parallel::Threads;

/// Rows of logits that stand in memory at once: `CHUNK x vocab_size` floats.
const CHUNK: usize = 256;

/// What is wanted at which rows: row `rows[i]` should predict token t with weight w for each
/// `(t, w)` of `targets[starts[i]..starts[i + 1]]`. Weights of a row need not sum to 1: a row deep
/// in a tree of answers weighs as much as the path that leads to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Supervision {
    /// Sorted, each once.
    pub(crate) rows: Vec<u32>,
    pub(crate) starts: Vec<u32>,
    pub(crate) targets: Vec<(u32, f32)>,
}

impl Supervision {
    /// From `(row, token, weight)` in any order; equal pairs are added up, weights of zero left out.
    pub fn new(mut cells: Vec<(u32, u32, f32)>) -> Self {
        cells.retain(|c| c.2 != 0.0);
        // Stable: equal pairs are summed in the order given, so the sum is repeatable.
        cells.sort_by_key(|c| (c.0, c.1));
        let mut s = Self::default();
        for (row, token, weight) in cells {
            if s.rows.last() == Some(&row) {
                if let Some(t) = s.targets.last_mut().filter(|t| t.0 == token) {
                    t.1 += weight;
                    continue;
                }
            } else {
                s.rows.push(row);
                s.starts.push(s.targets.len() as u32);
            }
            s.targets.push((token, weight));
        }
        s.starts.push(s.targets.len() as u32);
        s
    }

    /// Supervised rows, sorted.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    fn of(&self, i: usize) -> &[(u32, f32)] {
        &self.targets[self.starts[i] as usize..self.starts[i + 1] as usize]
    }
}

impl Decoder {
    /// Final norm at the wanted rows, after [`Decoder::forward`].
    fn finish(&self, rows: usize, ws: &mut Workspace) {
        let (d, eps) = (self.config().hidden_size, self.config().rms_norm_eps as f32);
        let norm = &self.weights[self.layout().norm.clone()];
        rms_norm(&ws.out, norm, eps, fit(&mut ws.out_n, rows * d), fit(&mut ws.out_inv, rows));
    }

    /// Sum over rows and targets of `-weight * log p(token)`, in nats; with `grads`, adds
    /// `scale` x its gradient there, by all weights.
    ///
    /// # Errors
    /// A token or length that the model does not know.
    pub fn loss(
        &self,
        pack: &Pack,
        wanted: &Supervision,
        scale: f32,
        ws: &mut Workspace,
        grads: Option<&mut [f32]>,
    ) -> Result<f64, EmbeddedError> {
        self.loss_and_gradient(None, pack, wanted, scale, ws, grads.map(Sink::Base))
    }

    /// [`Decoder::loss`] with an adapter on top; `grads` are by the adapter's weights alone, and
    /// nothing is worked out for the frozen ones. `dropout_seed` draws what the adapter's dropout
    /// leaves out; `None` is a pass without.
    ///
    /// # Errors
    /// See there.
    #[allow(clippy::too_many_arguments, reason = "those of `loss`, and the adapter's")]
    pub fn adapted_loss(
        &self,
        adapter: &Adapter,
        dropout_seed: Option<u32>,
        pack: &Pack,
        wanted: &Supervision,
        scale: f32,
        ws: &mut Workspace,
        grads: Option<&mut [f32]>,
    ) -> Result<f64, EmbeddedError> {
        let share = adapter.settings().dropout as f32;
        let dropout = dropout_seed.filter(|_| share > 0.0).map(|seed| (share, seed));
        let delta = Some(Delta { adapter, dropout });
        self.loss_and_gradient(delta, pack, wanted, scale, ws, grads.map(Sink::Adapter))
    }

    fn loss_and_gradient(
        &self,
        delta: Option<Delta<'_>>,
        pack: &Pack,
        wanted: &Supervision,
        scale: f32,
        ws: &mut Workspace,
        sink: Option<Sink<'_>>,
    ) -> Result<f64, EmbeddedError> {
        let n = wanted.rows.len();
        if n == 0 {
            return Ok(0.0);
        }
        self.forward(delta, pack, &wanted.rows, ws)?;
        self.finish(n, ws);
        let (d, vocab) = (self.config().hidden_size, self.config().vocab_size);
        if let Some(t) = wanted.targets.iter().find(|t| t.0 as usize >= vocab) {
            return Err(EmbeddedError::Input(format!(
                "target token {} is outside the vocabulary of {vocab}",
                t.0
            )));
        }
        let head = self.weight(&self.layout().head);
        let (threads, device) = (ws.threads, ws.device.clone());
        let on = On { threads, device: device.as_deref() };
        let mut sink = sink;
        let mut loss = 0.0f64;
        fit(&mut ws.dn, n * d);
        for start in (0..n).step_by(CHUNK) {
            let rows = start..(start + CHUNK).min(n);
            let logits = fit(&mut ws.logits, rows.len() * vocab);
            let x = &ws.out_n[rows.start * d..rows.end * d];
            on.linear(logits, Into::Replace, x, head, rows.len(), d)?;
            loss += cross_entropies(threads, rows.clone(), logits, vocab, wanted, scale);
            if let Some(sink) = &mut sink {
                let dx = &mut ws.dn[rows.start * d..rows.end * d];
                on.linear_dx(dx, Into::Replace, logits, head, rows.len(), d)?;
                if let Some(g) = sink.base(&self.layout().head) {
                    on.linear_dw(g, logits, x, rows.len(), d)?;
                }
            }
        }
        if let Some(mut sink) = sink {
            let norm = &self.layout().norm;
            let (w, dw) = (&self.weights[norm.clone()], sink.base(norm));
            let dx = zeroed(&mut ws.dx, n * d);
            rms_norm_backward(&ws.out, w, &ws.out_inv, &ws.dn, dx, dw);
            self.backward(delta, pack, &wanted.rows, ws, &mut sink)?;
        }
        Ok(loss)
    }
}

/// [`cross_entropy`] of rows, each by one thread; losses are added up in the rows' order.
fn cross_entropies(
    threads: Threads,
    rows: std::ops::Range<usize>,
    logits: &mut [f32],
    vocab: usize,
    wanted: &Supervision,
    scale: f32,
) -> f64 {
    let one = |(i, logits): (usize, &mut [f32])| {
        vectorised(|| cross_entropy(logits, wanted.of(rows.start + i), scale))
    };
    if threads == Threads::ONE {
        return logits.chunks_exact_mut(vocab).enumerate().map(one).sum();
    }
    let losses: Vec<f64> = logits.par_chunks_exact_mut(vocab).enumerate().map(one).collect();
    losses.into_iter().sum()
}

/// Loss of one row; `logits` become `scale` x their gradient: (sum of weights) p - weights.
#[inline(always)]
fn cross_entropy(logits: &mut [f32], targets: &[(u32, f32)], scale: f32) -> f64 {
    let top = max(logits);
    let at: f64 = targets.iter().map(|&(t, w)| f64::from(w) * f64::from(logits[t as usize])).sum();
    for x in logits.iter_mut() {
        *x = exp(*x - top);
    }
    let total = sum(logits);
    let weight: f64 = targets.iter().map(|t| f64::from(t.1)).sum();
    let factor = scale * weight as f32 / total;
    for x in logits.iter_mut() {
        *x *= factor;
    }
    for &(t, w) in targets {
        logits[t as usize] -= scale * w;
    }
    weight * (f64::from(top) + f64::from(total).ln()) - at
}

/// `log p(token)` at each `(row, token)`; rows sorted, one may stand several times.
///
/// # Errors
/// A token or length that the model does not know.
pub fn log_probs(
    model: &Decoder,
    pack: &Pack,
    asked: &[(u32, u32)],
    ws: &mut Workspace,
) -> Result<Vec<f64>, EmbeddedError> {
    let mut rows: Vec<u32> = asked.iter().map(|a| a.0).collect();
    rows.dedup();
    model.forward(None, pack, &rows, ws)?;
    model.finish(rows.len(), ws);
    let (d, vocab) = (model.config().hidden_size, model.config().vocab_size);
    if let Some(t) = asked.iter().find(|t| t.1 as usize >= vocab) {
        return Err(EmbeddedError::Input(format!(
            "answer token {} is outside the vocabulary of {vocab}",
            t.1
        )));
    }
    let head = model.weight(&model.layout().head);
    let device = ws.device.clone();
    let on = On { threads: ws.threads, device: device.as_deref() };
    let mut out = Vec::with_capacity(asked.len());
    for (c, chunk) in rows.chunks(CHUNK).enumerate() {
        let logits = fit(&mut ws.logits, chunk.len() * vocab);
        let x = &ws.out_n[c * CHUNK * d..(c * CHUNK + chunk.len()) * d];
        on.linear(logits, Into::Replace, x, head, chunk.len(), d)?;
        for (row, logits) in chunk.iter().zip(logits.chunks_exact(vocab)) {
            let norm = vectorised(|| log_sum_exp(logits));
            while let Some(&(_, token)) = asked.get(out.len()).filter(|a| a.0 == *row) {
                out.push(f64::from(logits[token as usize]) - norm);
            }
        }
    }
    Ok(out)
}

#[inline(always)]
fn log_sum_exp(x: &[f32]) -> f64 {
    let top = max(x);
    let mut acc = [0.0f32; 16];
    let chunks = x.chunks_exact(16);
    let mut total: f64 = chunks.remainder().iter().map(|x| f64::from(exp(x - top))).sum();
    for x in chunks {
        for i in 0..16 {
            acc[i] += exp(x[i] - top);
        }
    }
    total += acc.iter().map(|x| f64::from(*x)).sum::<f64>();
    f64::from(top) + total.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supervision_adds_up_equal_pairs_and_sorts() {
        let s = Supervision::new(vec![
            (5, 2, 0.5),
            (1, 9, 1.0),
            (5, 1, 0.25),
            (5, 2, 0.25),
            (3, 1, 0.0),
        ]);
        assert_eq!(s.rows(), [1, 5]);
        assert_eq!(s.of(0), [(9, 1.0)]);
        assert_eq!(s.of(1), [(1, 0.25), (2, 0.75)]);
    }
}
