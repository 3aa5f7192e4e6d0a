//! What a person with a GPU runs in a minute: products beside the processor's, with their speed,
//! and a few steps of training beside the processor's.

use std::time::Instant;

use super::held::STAGE;
use super::{Device, Fault, Held, SelfCheck};
use crate::embedded::EmbeddedError;
use crate::embedded::decoder::{Adapter, Decoder, DecoderConfig, LoraSettings};
use crate::embedded::matmul::{Into, Mat, MatMut, matmul_on};
use crate::embedded::parallel::Threads;
use crate::embedded::training::{AdamWSettings, AnswerTarget, StepSettings, TailTargets, Trainer};

/// One product by both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrialProduct {
    /// Rows that travel.
    pub rows: usize,
    /// Of the weight.
    pub out: usize,
    /// Of the weight.
    pub inputs: usize,
    /// Seconds of the processor.
    pub processor: f64,
    /// Seconds of the device, with all that travels.
    pub device: f64,
}

/// What a trial found.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The device.
    pub about: String,
    /// The check of each run, on a larger model than the trainings'.
    pub check: SelfCheck,
    /// Speeds.
    pub products: Vec<TrialProduct>,
    /// Largest relative difference between the losses of a training by the processor and by the
    /// device: an adapter's, all weights'.
    pub losses: [f64; 2],
}

/// Steps of each training.
const STEPS: u64 = 8;

/// Tries a device; `open` gives it, three times. Sizes are `width` and a few times that.
///
/// # Errors
/// What is wrong with it.
pub fn trial(
    open: &dyn Fn() -> Result<Box<dyn Device>, Fault>,
    width: usize,
    threads: usize,
) -> Result<Trial, EmbeddedError> {
    let large = DecoderConfig::llama(8 * width, width, 3 * width, 2, 4, 2)?;
    let model = Decoder::random(large, 0.02, 1)?;
    let held = Held::new(open()?, &model, true, 256, STAGE)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
    let pool = pool.map_err(|e| EmbeddedError::Input(format!("{threads} threads: {e}")))?;
    let (check, products) = pool.install(|| -> Result<_, Fault> {
        let check = held.check(&model, true, Threads::new(threads))?;
        let products = [16, 256].map(|rows| timed(&held, &model, rows, Threads::new(threads)));
        Ok((check, products.into_iter().collect::<Result<Vec<_>, _>>()?))
    })?;
    let about = held.about().to_string();
    drop((held, model));
    let losses = [train(open, true)?, train(open, false)?];
    Ok(Trial { about, check, products, losses })
}

/// The product with gate and up of the first layer.
fn timed(
    held: &Held,
    model: &Decoder,
    rows: usize,
    threads: Threads,
) -> Result<TrialProduct, Fault> {
    let (at, inputs) = (&model.layout().layers[0].gate_up, model.config().hidden_size);
    let w = &model.weights[at.clone()];
    let out = w.len() / inputs;
    let x = vec![0.5f32; rows * inputs];
    let mut y = vec![0.0f32; rows * out];
    let (mut processor, mut device) = (f64::MAX, f64::MAX);
    for _ in 0..3 {
        let began = Instant::now();
        let (to, from) = (MatMut::new(&mut y, rows, out), Mat::new(&x, rows, inputs));
        matmul_on(threads, to, Into::Replace, 1.0, from, Mat::new(w, out, inputs).t());
        processor = processor.min(began.elapsed().as_secs_f64());
        let began = Instant::now();
        held.linear(&mut y, Into::Replace, &x, at, w, rows, inputs)?;
        device = device.min(began.elapsed().as_secs_f64());
    }
    Ok(TrialProduct { rows, out, inputs, processor, device })
}

/// The largest relative difference of the losses of a small training.
fn train(
    open: &dyn Fn() -> Result<Box<dyn Device>, Fault>,
    adapter: bool,
) -> Result<f64, EmbeddedError> {
    let config = DecoderConfig::llama(40, 32, 48, 2, 4, 2)?;
    let batch: Vec<AnswerTarget> = (0..12u32)
        .map(|i| AnswerTarget {
            prompt: (0..9).map(|p| (i * 7 + p * 3) % 40).collect(),
            answers: vec![(vec![2 + i % 3, 0], 0.75), (vec![9, 0], 0.25)],
        })
        .collect();
    let settings = StepSettings { tails: TailTargets::All, ..StepSettings::default() };
    let run = |device: Option<Box<dyn Device>>| -> Result<Vec<f64>, EmbeddedError> {
        let model = Decoder::random(config.clone(), 0.1, 5)?;
        let lora = LoraSettings { r: 4, alpha: 8.0, ..LoraSettings::default() };
        let a = if adapter { Some(Adapter::new(&config, lora, 1)?) } else { None };
        let mut t = Trainer::new(model, a, AdamWSettings::default(), settings)?;
        if let Some(device) = device {
            t.on_device(device)?;
        }
        (0..STEPS).map(|i| Ok(t.step(&batch, 1e-2, 1.0, i)?.loss)).collect()
    };
    let (a, b) = (run(None)?, run(Some(open()?))?);
    Ok(a.iter().zip(&b).map(|(a, b)| ((a - b) / a).abs()).fold(0.0, f64::max))
}
