//! A model's weights on a device: uploaded once, and again after they changed; activations and
//! gradients travel, through blocks of a fixed size. What does not fit there goes in parts.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::blas::{Factor, Sgemm};
use super::{About, Block, Device, Fault};
use crate::embedded::decoder::{Decoder, DecoderConfig, Layout};
use crate::embedded::kernels::{add, vectorised};
use crate::embedded::matmul::Into;

/// Floats of a block through which matrices travel (128 MiB), unless a single row is longer.
pub const STAGE: usize = 1 << 25;

/// A weight that products are worked out with: `[out, inputs]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) name: String,
    pub(super) at: Range<usize>,
    pub(super) out: usize,
    pub(super) inputs: usize,
}

/// The weights that lie on a device: projections and head. Norms, biases and the embedding (where
/// it is not the head) stay with the processor.
pub(super) fn weights(c: &DecoderConfig, layout: &Layout) -> Vec<Weight> {
    let (d, ff, qd) = (c.hidden_size, c.intermediate_size, c.q_dim());
    let mut out = Vec::new();
    let mut put = |name: String, at: &Range<usize>, inputs: usize| {
        out.push(Weight { name, at: at.clone(), out: at.len() / inputs, inputs });
    };
    for (i, l) in layout.layers.iter().enumerate() {
        put(format!("q of layer {i}"), &l.q, d);
        put(format!("k and v of layer {i}"), &l.kv, d);
        put(format!("o of layer {i}"), &l.o, qd);
        put(format!("gate and up of layer {i}"), &l.gate_up, d);
        put(format!("down of layer {i}"), &l.down, ff);
    }
    put("the head".into(), &layout.head, d);
    out
}

/// Floats of each travelling block, for passes of at most `rows` rows.
fn stage_floats(weights: &[Weight], rows: usize, stage: usize) -> usize {
    let wide = weights.iter().map(|w| w.out.max(w.inputs)).max().unwrap_or(0);
    wide.saturating_mul(rows.max(1)).min(stage).max(wide)
}

/// How many travelling blocks there are; a gradient of weights takes two factors.
fn stages(all: bool) -> usize {
    if all { 3 } else { 2 }
}

/// Bytes of device memory that training a model takes, `all` its weights or an adapter's alone, in
/// pieces of `rows` tokens.
pub fn device_bytes(config: &DecoderConfig, all: bool, rows: usize) -> u64 {
    let list = weights(config, &Layout::new(config));
    let held: usize = list.iter().map(|w| w.at.len()).sum();
    4 * (held + stages(all) * stage_floats(&list, rows, STAGE)) as u64
}

/// A weight on the device.
#[derive(Debug)]
struct Tensor {
    block: Block,
    /// The processor's has changed since.
    stale: bool,
}

/// The weights of one model on a device, until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    about: About,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    device: Box<dyn Device>,
    tensors: BTreeMap<usize, Tensor>,
    /// Where factors and results travel.
    stages: Vec<Block>,
    /// Floats of each.
    stage: usize,
    /// A result that is added to something, and columns that were gathered.
    host: Vec<f32>,
    packed: Vec<f32>,
    /// It was lost: nothing is asked of it any more.
    lost: Option<Fault>,
}

impl Held {
    /// Uploads a model's weights; `all` are trained, or none of them. Passes have `rows` rows.
    ///
    /// # Errors
    /// There is no room for them, said before the first is uploaded; or the device is lost.
    pub(crate) fn new(
        mut device: Box<dyn Device>,
        model: &Decoder,
        all: bool,
        rows: usize,
        stage: usize,
    ) -> Result<Self, Fault> {
        let about = device.about().clone();
        let list = weights(model.config(), model.layout());
        let stage = stage_floats(&list, rows, stage);
        let held: usize = list.iter().map(|w| w.at.len()).sum();
        let wanted = 4 * (held + stages(all) * stage) as u64;
        let free = device.memory()?.free;
        if free < wanted {
            return Err(Fault::NoRoom {
                about: about.to_string(),
                what: "the model and what travels to it".into(),
                wanted,
                free: Some(free),
            });
        }
        // From here on, dropping gives back what was taken.
        let mut inner = Inner {
            device,
            tensors: BTreeMap::new(),
            stages: Vec::new(),
            stage,
            host: Vec::new(),
            packed: Vec::new(),
            lost: None,
        };
        for w in &list {
            let block = inner.device.allocate(w.at.len()).map_err(|f| for_what(f, &w.name))?;
            inner.tensors.insert(w.at.start, Tensor { block, stale: true });
            inner.fresh(&w.at, &model.weights[w.at.clone()])?;
        }
        for _ in 0..stages(all) {
            let block = inner.device.allocate(stage).map_err(|f| for_what(f, "activations"))?;
            inner.stages.push(block);
        }
        Ok(Self { about, inner: Mutex::new(inner) })
    }

    /// Which device it is.
    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// The processor's weights changed: each is uploaded again before it is used.
    pub(crate) fn changed(&self) {
        for t in self.lock().tensors.values_mut() {
            t.stale = true;
        }
    }

    /// y [+]= x W^T; `w`: what the processor has at `at`, `[out, cols]`.
    #[allow(clippy::too_many_arguments, reason = "matrices with their sizes")]
    pub(crate) fn linear(
        &self,
        y: &mut [f32],
        how: Into,
        x: &[f32],
        at: &Range<usize>,
        w: &[f32],
        rows: usize,
        cols: usize,
    ) -> Result<(), Fault> {
        let weight = Factor::turned(w.len() / cols, cols);
        self.lock().times(y, how, x, at, w, rows, weight)
    }

    /// dx [+]= dy W
    #[allow(clippy::too_many_arguments, reason = "matrices with their sizes")]
    pub(crate) fn linear_dx(
        &self,
        dx: &mut [f32],
        how: Into,
        dy: &[f32],
        at: &Range<usize>,
        w: &[f32],
        rows: usize,
        cols: usize,
    ) -> Result<(), Fault> {
        let weight = Factor::plain(w.len() / cols, cols);
        self.lock().times(dx, how, dy, at, w, rows, weight)
    }

    /// dW += dy^T x
    pub(crate) fn linear_dw(
        &self,
        dw: &mut [f32],
        dy: &[f32],
        x: &[f32],
        rows: usize,
        cols: usize,
    ) -> Result<(), Fault> {
        self.lock().gradient(dw, dy, x, rows, cols)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn for_what(fault: Fault, name: &str) -> Fault {
    match fault {
        Fault::NoRoom { about, wanted, free, .. } => {
            Fault::NoRoom { about, what: name.into(), wanted, free }
        }
        other => other,
    }
}

impl Inner {
    /// One request. After a loss there are none.
    fn ask<T>(&mut self, f: impl FnOnce(&mut dyn Device) -> Result<T, Fault>) -> Result<T, Fault> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        let done = f(self.device.as_mut());
        if let Err(fault @ Fault::Lost { .. }) = &done {
            self.lost = Some(fault.clone());
        }
        done
    }

    /// The block of a weight, as the processor has it.
    fn fresh(&mut self, at: &Range<usize>, w: &[f32]) -> Result<Block, Fault> {
        let Some(Tensor { block, stale }) = self.tensors.get(&at.start) else {
            return Err(self.unknown(at));
        };
        let (block, stale) = (*block, *stale);
        if block.floats != w.len() {
            return Err(self.unknown(at));
        }
        if stale {
            self.ask(|d| d.upload(block, w))?;
            if let Some(t) = self.tensors.get_mut(&at.start) {
                t.stale = false;
            }
        }
        Ok(block)
    }

    fn unknown(&self, at: &Range<usize>) -> Fault {
        let about = self.device.about().to_string();
        Fault::Lost { about, reason: format!("no weight {}..{} lies there", at.start, at.end) }
    }

    /// y [+]= x w, in as many rows at a time as can travel.
    #[allow(clippy::too_many_arguments, reason = "matrices with their sizes")]
    fn times(
        &mut self,
        y: &mut [f32],
        how: Into,
        x: &[f32],
        at: &Range<usize>,
        w: &[f32],
        rows: usize,
        weight: Factor,
    ) -> Result<(), Fault> {
        let block = self.fresh(at, w)?;
        let (from, to) = (weight.rows, weight.cols);
        let step = (self.stage / from.max(to)).max(1);
        let (up, down) = (self.stages[0], self.stages[1]);
        for start in (0..rows).step_by(step) {
            let end = (start + step).min(rows);
            let x = &x[start * from..end * from];
            let call = Sgemm::of(Factor::plain(end - start, from), weight);
            self.ask(|d| {
                d.upload(up, x)?;
                d.sgemm(&call, block, up, down)
            })?;
            self.fetch(down, &mut y[start * to..end * to], how)?;
        }
        Ok(())
    }

    /// dW += dy^T x: so many rows of dW, from so many rows of dy and x, as can travel at a time.
    fn gradient(
        &mut self,
        dw: &mut [f32],
        dy: &[f32],
        x: &[f32],
        rows: usize,
        cols: usize,
    ) -> Result<(), Fault> {
        let out = dw.len() / cols;
        let wide = (self.stage / cols).clamp(1, out.max(1));
        let deep = (self.stage / cols.max(wide)).clamp(1, rows.max(1));
        let Some(&[left, down, right]) = self.stages.get(..3).and_then(|s| s.first_chunk()) else {
            return Err(self.unknown(&(0..dw.len())));
        };
        for from in (0..out).step_by(wide) {
            let to = (from + wide).min(out);
            for start in (0..rows).step_by(deep) {
                let end = (start + deep).min(rows);
                let n = end - start;
                let mut packed = std::mem::take(&mut self.packed);
                packed.clear();
                for row in dy[start * out..end * out].chunks_exact(out) {
                    packed.extend_from_slice(&row[from..to]);
                }
                let x = &x[start * cols..end * cols];
                let call = Sgemm::of(Factor::turned(n, to - from), Factor::plain(n, cols));
                let done = self.ask(|d| {
                    d.upload(left, &packed)?;
                    d.upload(right, x)?;
                    d.sgemm(&call, right, left, down)
                });
                self.packed = packed;
                done?;
                self.fetch(down, &mut dw[from * cols..to * cols], Into::Add)?;
            }
        }
        Ok(())
    }

    /// A result from the device.
    fn fetch(&mut self, from: Block, to: &mut [f32], how: Into) -> Result<(), Fault> {
        if how == Into::Replace {
            return self.ask(|d| d.download(from, to));
        }
        let mut host = std::mem::take(&mut self.host);
        host.resize(to.len(), 0.0);
        let done = self.ask(|d| d.download(from, &mut host));
        if done.is_ok() {
            vectorised(|| add(to, &host));
        }
        self.host = host;
        done
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for block in self.tensors.values().map(|t| t.block).chain(self.stages.drain(..)) {
            self.device.free(block);
        }
    }
}
