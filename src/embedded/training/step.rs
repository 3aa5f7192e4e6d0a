//! One training step: packs on one thread or several, gradients summed in a fixed order, clipped,
//! and one step of the optimiser.

use rayon::prelude::*;

use super::targets::pack_targets;
use super::{AdamW, AnswerTarget, TailTargets, clip_grad_norm};
use crate::embedded::EmbeddedError;
use crate::embedded::decoder::{Decoder, Workspace};

/// What a step measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Mean over prompts of `-sum_o p_o log P(answer_o)`, in nats.
    pub loss: f64,
    /// Euclidean norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Rows that the model worked on: tokens after sharing prefixes.
    pub rows: usize,
    /// Tokens of the prompts and answers as separate sequences.
    pub tokens: usize,
}

/// A model, its optimiser and the buffers of each thread.
#[derive(Debug)]
pub struct Trainer {
    /// The model.
    pub model: Decoder,
    /// The optimiser.
    pub optimizer: AdamW,
    tails: TailTargets,
    lanes: Vec<Lane>,
    grads: Vec<f32>,
    pool: Option<rayon::ThreadPool>,
}

#[derive(Debug, Default)]
struct Lane {
    ws: Workspace,
    grads: Vec<f32>,
}

impl Trainer {
    /// `threads` >= 1. The result of a step depends on it in the last bits: each thread sums the
    /// gradient of its part.
    ///
    /// # Errors
    /// Threads cannot be started.
    pub fn new(
        model: Decoder,
        optimizer: AdamW,
        tails: TailTargets,
        threads: usize,
    ) -> Result<Self, EmbeddedError> {
        let threads = threads.max(1);
        let pool = if threads == 1 {
            None
        } else {
            let p = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            Some(p.map_err(|e| EmbeddedError::Input(format!("{threads} threads: {e}")))?)
        };
        let n = model.weights.len();
        let mut lanes = Vec::new();
        lanes.resize_with(threads, Lane::default);
        Ok(Self { model, optimizer, tails, lanes, grads: vec![0.0; n], pool })
    }

    /// Works out loss and gradient of the batch, clips, and changes the weights. `seed` draws the
    /// sampled tails. A loss or gradient that is not finite is reported and changes nothing.
    ///
    /// # Errors
    /// A token or length that the model does not know.
    pub fn step(
        &mut self,
        batch: &[AnswerTarget],
        lr: f64,
        max_grad_norm: f64,
        seed: u64,
    ) -> Result<StepReport, EmbeddedError> {
        let n = batch.len().max(1);
        let (model, tails) = (&self.model, self.tails);
        let scale = 1.0 / n as f32;
        let len = self.grads.len();
        let run = |part: &[AnswerTarget], i: usize, ws: &mut Workspace, grads: &mut [f32]| {
            let (pack, wanted) = pack_targets(part, tails, seed.wrapping_add(i as u64));
            let loss = model.loss(&pack, &wanted, scale, ws, Some(grads))?;
            Ok::<_, EmbeddedError>((loss, pack.len()))
        };
        let (loss, rows) = match &self.pool {
            None => {
                self.grads.fill(0.0);
                run(batch, 0, &mut self.lanes[0].ws, &mut self.grads)?
            }
            Some(pool) => {
                let parts = split(batch, self.lanes.len());
                let done: Result<Vec<(f64, usize)>, EmbeddedError> = pool.install(|| {
                    self.lanes
                        .par_iter_mut()
                        .zip(parts)
                        .enumerate()
                        .map(|(i, (lane, part))| {
                            lane.grads.clear();
                            lane.grads.resize(len, 0.0);
                            run(part, i, &mut lane.ws, &mut lane.grads)
                        })
                        .collect()
                });
                self.grads.fill(0.0);
                for lane in &self.lanes {
                    crate::embedded::kernels::add(&mut self.grads, &lane.grads);
                }
                done?.into_iter().fold((0.0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
            }
        };
        let grad_norm = clip_grad_norm(&mut self.grads, max_grad_norm);
        let loss = loss / n as f64;
        if loss.is_finite() && grad_norm.is_finite() {
            self.optimizer.step(&mut self.model.weights, &self.grads, lr);
        }
        let tokens = batch.iter().map(|b| b.prompt.len() + 1).sum();
        Ok(StepReport { loss, grad_norm, rows, tokens })
    }
}

/// Cuts a batch into `n` parts of about equal tokens, in order: neighbours share prefixes.
fn split(batch: &[AnswerTarget], n: usize) -> Vec<&[AnswerTarget]> {
    let total: usize = batch.iter().map(|b| b.prompt.len()).sum();
    let mut parts = Vec::with_capacity(n);
    let (mut start, mut seen) = (0, 0);
    for (i, b) in batch.iter().enumerate() {
        seen += b.prompt.len();
        if parts.len() + 1 < n && seen * n >= total * (parts.len() + 1) {
            parts.push(&batch[start..=i]);
            start = i + 1;
        }
    }
    parts.push(&batch[start..]);
    parts.resize(n, &[]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::decoder::DecoderConfig;
    use crate::embedded::training::AdamWSettings;

    fn batch() -> Vec<AnswerTarget> {
        (0..12u32)
            .map(|i| AnswerTarget {
                prompt: vec![1, 2 + i % 3, 5 + i % 4, 3],
                answers: vec![(vec![2 + i % 3, 0], 0.75), (vec![9, 0], 0.25)],
            })
            .collect()
    }

    fn trainer(threads: usize) -> Trainer {
        let m =
            Decoder::random(DecoderConfig::llama(10, 16, 24, 2, 2, 1).unwrap(), 0.1, 5).unwrap();
        let o = AdamW::new(AdamWSettings::default(), &m.layout().regions, m.weights.len());
        Trainer::new(m, o, TailTargets::All, threads).unwrap()
    }

    #[test]
    fn a_tiny_model_learns_shares_down_to_their_entropy() {
        let mut t = trainer(1);
        let mut last = f64::MAX;
        for i in 0..300 {
            last = t.step(&batch(), 1e-2, 1.0, i).unwrap().loss;
        }
        let entropy = -(0.75f64 * 0.75f64.ln() + 0.25 * 0.25f64.ln());
        assert!(last > entropy - 1e-6 && last < entropy + 0.01, "{last} against {entropy}");
    }

    #[test]
    fn steps_repeat_bit_for_bit_and_threads_agree_up_to_rounding() {
        let run = |threads| {
            let mut t = trainer(threads);
            (0..10).map(|i| t.step(&batch(), 1e-2, 1.0, i).unwrap().loss).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_eq!(run(3), run(3));
        for (a, b) in run(1).iter().zip(run(3)) {
            assert!((a - b).abs() < 1e-4, "{a} against {b}");
        }
    }

    #[test]
    fn a_nan_is_reported_and_the_weights_stay() {
        let mut t = trainer(1);
        t.model.weights[0] = f32::NAN;
        let before = t.model.weights.clone();
        let mut b = batch();
        b[0].prompt[0] = 0;
        let r = t.step(&b, 1e-2, 1.0, 0).unwrap();
        assert!(r.loss.is_nan());
        assert!(before.iter().zip(&t.model.weights).skip(1).all(|(a, b)| a == b));
    }
}
