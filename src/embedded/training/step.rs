//! One training step: the batch in pieces that fit the memory, pieces on one thread or several,
//! gradients summed in a fixed order, clipped, and one step of the optimiser.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::targets::pack_targets;
use super::{AdamW, AdamWSettings, AnswerTarget, OptimizerState, TailTargets, clip_grad_norm};
use crate::embedded::EmbeddedError;
use crate::embedded::decoder::{Adapter, Decoder, Region, Workspace};
use crate::embedded::device::{About, Device, Held, STAGE, SelfCheck};
use crate::embedded::parallel::Threads;

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

/// How a step is carried out. Results depend on it in the last bits only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepSettings {
    /// What is supervised below the first token of the answers.
    pub tails: TailTargets,
    /// Threads, at least 1.
    pub threads: usize,
    /// Most tokens (shared beginnings counted once) that go through the model at once: gradients of
    /// the pieces are added up. At least one prompt is taken, however long.
    pub piece: usize,
    /// Keep each layer's input only and work the rest out again on the way back.
    pub recompute: bool,
}

impl Default for StepSettings {
    fn default() -> Self {
        Self { tails: TailTargets::default(), threads: 1, piece: 8192, recompute: false }
    }
}

/// Models of at least this many weights spread each product over the threads; smaller ones give
/// each thread a part of the batch, which needs gradients and buffers for each.
const LARGE: usize = 20_000_000;

/// Whether a model of so many weights spreads its products over the threads, or the batch.
pub fn by_product(weights: usize) -> bool {
    weights >= LARGE
}

/// A model, an adapter where one is trained, the optimiser and the buffers of each thread.
#[derive(Debug)]
pub struct Trainer {
    model: Decoder,
    adapter: Option<Adapter>,
    /// The optimiser.
    pub optimizer: AdamW,
    settings: StepSettings,
    lanes: Vec<Lane>,
    grads: Vec<f32>,
    pool: Option<rayon::ThreadPool>,
    /// Holds the model's weights, as they were when it was last told.
    held: Option<Arc<Held>>,
}

#[derive(Debug, Default)]
struct Lane {
    ws: Workspace,
    grads: Vec<f32>,
}

impl Trainer {
    /// Trains all weights of the model, or the adapter's alone.
    ///
    /// # Errors
    /// Threads cannot be started.
    pub fn new(
        model: Decoder,
        adapter: Option<Adapter>,
        optimizer: AdamWSettings,
        settings: StepSettings,
    ) -> Result<Self, EmbeddedError> {
        let threads = settings.threads.max(1);
        let pool = if threads == 1 {
            None
        } else {
            let p = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            Some(p.map_err(|e| EmbeddedError::Input(format!("{threads} threads: {e}")))?)
        };
        let by_product = by_product(model.weights.len());
        let mut lanes = Vec::new();
        lanes.resize_with(if by_product { 1 } else { threads }, || Lane {
            ws: Workspace::new().with_recompute(settings.recompute).with_threads(if by_product {
                threads
            } else {
                1
            }),
            grads: Vec::new(),
        });
        let regions = adapter.as_ref().map_or(&model.layout().regions[..], |a| a.regions());
        let n = regions.iter().map(|r| r.range().end).max().unwrap_or(0);
        let optimizer = AdamW::new(optimizer, regions, n).with_threads(threads);
        Ok(Self {
            model,
            adapter,
            optimizer,
            settings,
            lanes,
            grads: vec![0.0; n],
            pool,
            held: None,
        })
    }

    /// Moves the products with the model's weights to a device: they are uploaded, and compared with
    /// the processor's first. One lane then works on the whole batch.
    ///
    /// # Errors
    /// No room, another result, or a device that is lost; the trainer then stays on the processor.
    pub fn on_device(&mut self, device: Box<dyn Device>) -> Result<SelfCheck, EmbeddedError> {
        let (all, piece) = (self.adapter.is_none(), self.settings.piece);
        let threads = self.settings.threads.max(1);
        let held = Held::new(device, &self.model, all, piece, STAGE)?;
        let check = || held.check(&self.model, all, Threads::new(threads));
        let found = match &self.pool {
            None => check(),
            Some(pool) => pool.install(check),
        }?;
        let held = Arc::new(held);
        let ws = Workspace::new()
            .with_recompute(self.settings.recompute)
            .with_threads(threads)
            .on_device(Arc::clone(&held));
        self.lanes = vec![Lane { ws, grads: Vec::new() }];
        self.held = Some(held);
        Ok(found)
    }

    /// Which device works out the products; none where the processor does.
    pub fn device(&self) -> Option<&About> {
        self.held.as_ref().map(|h| h.about())
    }

    /// The model; it stays as it is where an adapter is trained.
    pub fn model(&self) -> &Decoder {
        &self.model
    }

    /// The adapter that is trained.
    pub fn adapter(&self) -> Option<&Adapter> {
        self.adapter.as_ref()
    }

    /// Goes on from a state that was saved.
    ///
    /// # Errors
    /// It is of another count of weights.
    pub fn resume(&mut self, state: OptimizerState) -> Result<(), EmbeddedError> {
        if state.mean.len() != self.grads.len() || state.square.len() != self.grads.len() {
            return Err(EmbeddedError::Input(format!(
                "an optimiser state of {} weights for a training of {}",
                state.mean.len(),
                self.grads.len()
            )));
        }
        self.optimizer.state = state;
        Ok(())
    }

    /// The tensors that are trained.
    pub fn trained(&self) -> &[Region] {
        self.adapter.as_ref().map_or(&self.model.layout().regions[..], |a| a.regions())
    }

    /// Gradients of the last step, after clipping, in the order of [`Trainer::trained`].
    pub fn gradients(&self) -> &[f32] {
        &self.grads
    }

    /// Works out loss and gradient of the batch, clips, and changes the weights. `seed` draws the
    /// sampled tails and what dropout leaves out. A loss or gradient that is not finite is reported
    /// and changes nothing.
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
        let (loss, rows) = self.gradient(batch, seed)?;
        let Self { model, adapter, optimizer, grads, pool, held, .. } = self;
        let whole = adapter.is_none();
        let weights = adapter.as_mut().map_or(&mut model.weights, |a| &mut a.weights);
        let mut finish = || {
            let norm = clip_grad_norm(grads, max_grad_norm);
            if loss.is_finite() && norm.is_finite() {
                optimizer.step(weights, grads, lr);
                if let Some(held) = held.as_ref().filter(|_| whole) {
                    held.changed();
                }
            }
            norm
        };
        let grad_norm = match pool {
            None => finish(),
            Some(pool) => pool.install(finish),
        };
        let tokens = batch.iter().map(|b| b.prompt.len() + 1).sum();
        Ok(StepReport { loss, grad_norm, rows, tokens })
    }

    /// Mean loss of a batch, in nats: nothing is learned, nothing is dropped.
    ///
    /// # Errors
    /// An example that does not fit the model.
    pub fn loss(&mut self, batch: &[AnswerTarget], seed: u64) -> Result<f64, EmbeddedError> {
        let scale = 1.0 / batch.len().max(1) as f32;
        let (model, adapter, settings) = (&self.model, self.adapter.as_ref(), self.settings);
        let run = |part: &[AnswerTarget], ws: &mut Workspace| {
            let mut sum = 0.0;
            for piece in pieces(part, settings.piece) {
                let (pack, wanted) = pack_targets(&part[piece], settings.tails, seed);
                sum += match adapter {
                    None => model.loss(&pack, &wanted, scale, ws, None)?,
                    Some(a) => model.adapted_loss(a, None, &pack, &wanted, scale, ws, None)?,
                };
            }
            Ok::<_, EmbeddedError>(sum)
        };
        let sum = match &self.pool {
            None => run(batch, &mut self.lanes[0].ws)?,
            Some(pool) if self.lanes.len() == 1 => {
                let ws = &mut self.lanes[0].ws;
                pool.install(|| run(batch, ws))?
            }
            Some(pool) => {
                let parts = split(batch, self.lanes.len());
                let done: Result<Vec<f64>, EmbeddedError> = pool.install(|| {
                    self.lanes
                        .par_iter_mut()
                        .zip(parts)
                        .map(|(lane, part)| run(part, &mut lane.ws))
                        .collect()
                });
                done?.into_iter().sum()
            }
        };
        Ok(sum / batch.len().max(1) as f64)
    }

    /// Mean loss and rows of the batch; leaves its gradient in `grads`.
    fn gradient(
        &mut self,
        batch: &[AnswerTarget],
        seed: u64,
    ) -> Result<(f64, usize), EmbeddedError> {
        let n = batch.len().max(1);
        let scale = 1.0 / n as f32;
        let len = self.grads.len();
        let (model, adapter, settings) = (&self.model, self.adapter.as_ref(), self.settings);
        let run = |part: &[AnswerTarget], lane: usize, ws: &mut Workspace, grads: &mut [f32]| {
            let mut done = (0.0, 0);
            for (i, piece) in pieces(part, settings.piece).into_iter().enumerate() {
                let seed = seed
                    .wrapping_add(lane as u64)
                    .wrapping_add((i as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93));
                let (pack, wanted) = pack_targets(&part[piece], settings.tails, seed);
                let grads = Some(&mut *grads);
                let loss = match adapter {
                    None => model.loss(&pack, &wanted, scale, ws, grads)?,
                    Some(a) => {
                        let masks = Some((seed ^ seed >> 32) as u32);
                        model.adapted_loss(a, masks, &pack, &wanted, scale, ws, grads)?
                    }
                };
                done = (done.0 + loss, done.1 + pack.len());
            }
            Ok::<_, EmbeddedError>(done)
        };
        let grads = &mut self.grads;
        grads.fill(0.0);
        let (loss, rows) = match &self.pool {
            None => run(batch, 0, &mut self.lanes[0].ws, grads)?,
            Some(pool) if self.lanes.len() == 1 => {
                let ws = &mut self.lanes[0].ws;
                pool.install(|| run(batch, 0, ws, grads))?
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
                for lane in &self.lanes {
                    crate::embedded::kernels::add(grads, &lane.grads);
                }
                done?.into_iter().fold((0.0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
            }
        };
        Ok((loss / n as f64, rows))
    }
}

/// Cuts a batch, in order, into pieces of at most `most` tokens; what a prompt shares with the one
/// before it counts once, and its longest answer comes on top.
fn pieces(batch: &[AnswerTarget], most: usize) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (i, b) in batch.iter().enumerate() {
        let answer: usize = b.answers.iter().map(|a| a.0.len().saturating_sub(1)).sum();
        let shared = if i == start {
            0
        } else {
            let before = &batch[i - 1].prompt;
            before.iter().zip(&b.prompt).take_while(|(x, y)| x == y).count()
        };
        if i > start && tokens + b.prompt.len() - shared + answer > most {
            out.push(start..i);
            (start, tokens) = (i, b.prompt.len() + answer);
        } else {
            tokens += b.prompt.len() - shared + answer;
        }
    }
    if start < batch.len() {
        out.push(start..batch.len());
    }
    out
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
    use crate::embedded::decoder::{DecoderConfig, LoraSettings};

    fn batch() -> Vec<AnswerTarget> {
        (0..12u32)
            .map(|i| AnswerTarget {
                prompt: vec![1, 2 + i % 3, 5 + i % 4, 3],
                answers: vec![(vec![2 + i % 3, 0], 0.75), (vec![9, 0], 0.25)],
            })
            .collect()
    }

    fn model() -> Decoder {
        Decoder::random(DecoderConfig::llama(10, 16, 24, 2, 2, 1).unwrap(), 0.1, 5).unwrap()
    }

    fn settings(threads: usize) -> StepSettings {
        StepSettings { tails: TailTargets::All, threads, ..StepSettings::default() }
    }

    fn trainer(threads: usize) -> Trainer {
        Trainer::new(model(), None, AdamWSettings::default(), settings(threads)).unwrap()
    }

    fn adapted(dropout: f64, settings: StepSettings) -> Trainer {
        let lora = LoraSettings { r: 4, alpha: 8.0, dropout, ..LoraSettings::default() };
        let a = Adapter::new(model().config(), lora, 1).unwrap();
        Trainer::new(model(), Some(a), AdamWSettings::default(), settings).unwrap()
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

    #[test]
    fn an_adapter_learns_while_its_base_stays_as_it_was() {
        let mut t = adapted(0.05, settings(1));
        let first = t.step(&batch(), 0.0, 1.0, 0).unwrap().loss;
        let mut last = f64::MAX;
        for i in 0..200 {
            last = t.step(&batch(), 2e-2, 1.0, i).unwrap().loss;
        }
        assert!(last < 0.6 * first, "{last} after {first}");
        assert_eq!(t.model, model());
    }

    #[test]
    fn pieces_of_a_batch_add_up_to_its_gradient() {
        for (a, b) in [
            (trainer(1), Trainer::new(model(), None, AdamWSettings::default(), small()).unwrap()),
            (adapted(0.0, settings(1)), adapted(0.0, small())),
        ] {
            let (mut a, mut b) = (a, b);
            for step in 0..3 {
                let (x, y) = (a.step(&batch(), 1e-2, 1.0, step), b.step(&batch(), 1e-2, 1.0, step));
                let (x, y) = (x.unwrap(), y.unwrap());
                assert!((x.loss - y.loss).abs() < 1e-5 && y.rows > x.rows);
                let top = a.gradients().iter().fold(0.0f32, |t, g| t.max(g.abs()));
                for (g, h) in a.gradients().iter().zip(b.gradients()) {
                    assert!((g - h).abs() <= 1e-4 * top, "{g} against {h}");
                }
            }
        }
    }

    fn small() -> StepSettings {
        StepSettings { piece: 9, ..settings(1) }
    }

    #[test]
    fn pieces_hold_every_prompt_once_and_no_more_than_asked() {
        let b = batch();
        let cut = pieces(&b, 9);
        assert!(cut.len() > 2);
        let all: Vec<usize> = cut.iter().cloned().flatten().collect();
        assert_eq!(all, (0..b.len()).collect::<Vec<_>>());
        assert_eq!(pieces(&b, 1).len(), b.len());
        assert_eq!(pieces(&b, 1000).len(), 1);
        assert!(pieces(&[], 5).is_empty());
        for p in cut {
            let (pack, _) = pack_targets(&b[p], TailTargets::All, 0);
            assert!(pack.len() <= 9, "{}", pack.len());
        }
    }

    #[test]
    fn dropout_repeats_with_its_seed_and_differs_with_another() {
        let run = |seed: u64| {
            let mut t = adapted(0.3, settings(2));
            (0..4).map(|i| t.step(&batch(), 1e-2, 1.0, seed + i).unwrap().loss).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn an_optimiser_state_of_another_model_is_refused() {
        let mut t = adapted(0.0, settings(1));
        let other = trainer(1).optimizer.state;
        assert!(t.resume(other).unwrap_err().to_string().contains("optimiser state"));
    }
}
