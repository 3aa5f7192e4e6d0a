//! Step times of models from scratch, all weights trained, on one thread.
//!
//! `prototype` is a shape of 256 wide, 4 layers, 8 x 128 tokens, every position supervised; `survey`
//! that of the tiny recipe: 13 texts x 10 cultures that share their prompt, one answer each.

use std::error::Error;
use std::time::Instant;

use polyculture::embedded::training::{
    AdamWSettings, AnswerTarget, StepSettings, TailTargets, Trainer,
};
use polyculture::embedded::{Decoder, DecoderConfig};

fn measure(name: &str, c: DecoderConfig, batch: &[AnswerTarget]) -> Result<(), Box<dyn Error>> {
    let model = Decoder::random(c, 0.05, 1)?;
    let n = model.weights.len();
    let settings = StepSettings { tails: TailTargets::All, ..StepSettings::default() };
    let mut trainer = Trainer::new(model, None, AdamWSettings::default(), settings)?;
    let mut times = Vec::new();
    let mut rows = 0;
    for i in 0..30 {
        let began = Instant::now();
        rows = trainer.step(batch, 1e-3, 1.0, i)?.rows;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{name}: {} weights, {rows} rows a step: median {:.1} ms, best {:.1} ms",
        n,
        times[times.len() / 2],
        times[0]
    );
    Ok(())
}

/// Both shapes.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let vocab = 2048;
    // The whole sequence after its first token is the "answer", so every position is supervised.
    let full: Vec<AnswerTarget> = (0..8u32)
        .map(|s| AnswerTarget {
            prompt: vec![s],
            answers: vec![((0..128).map(|i| (i * 31 + s * 7) % vocab as u32).collect(), 1.0)],
        })
        .collect();
    measure("prototype", DecoderConfig::llama(vocab, 256, 688, 4, 8, 8)?, &full)?;
    let survey: Vec<AnswerTarget> = (0..130u32)
        .map(|i| {
            let (text, culture) = (i / 10, i % 10);
            let mut prompt: Vec<u32> = (0..50).map(|k| 20 + (k * 13 + text * 29) % 600).collect();
            prompt.extend([5, 6, 7, 630 + culture, 8]);
            AnswerTarget { prompt, answers: (1..5).map(|o| (vec![o, 0], 0.25)).collect() }
        })
        .collect();
    measure("survey", DecoderConfig::llama(700, 64, 256, 1, 8, 8)?, &survey)
}
