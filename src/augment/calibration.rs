//! Calibration: what a threshold means for this similarity model on these seeds. Two different
//! seeds never say the same, so their pairs (1,225 for 50 seeds) show what the model gives to texts
//! of other meaning; the threshold is where the chosen share of them would pass.

use serde::{Deserialize, Serialize};

use super::AugmentError;
use super::similarity::SimilarityModel;
use crate::domain::{Question, Similarity};

/// Bins of the histogram between -1 and 1.
const BINS: usize = 40;

/// The calibration of one run, stored with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The similarity model.
    pub model: String,
    /// Cross-seed pairs.
    pub pairs: usize,
    /// Pairs by similarity: 40 bins of 0.05 from -1 to 1.
    pub histogram: Vec<usize>,
    /// The share of cross-seed pairs that may pass, as chosen.
    pub false_accept: f64,
    /// The share that does pass at the threshold.
    pub passing: f64,
    /// The threshold: texts at or above it pass.
    pub threshold: f64,
    /// True when the threshold was given and not found here.
    pub fixed: bool,
    /// What a reader must know of the model.
    pub note: Option<String>,
}

/// Compares all pairs of seeds. With `fixed` the threshold is that one, and only its false-accept
/// rate is found.
///
/// # Errors
/// Fewer than two seeds, a rate outside 0 to 1, or no usable number from the model.
pub fn calibrate(
    seeds: &[Question],
    model: &dyn SimilarityModel,
    false_accept: f64,
    fixed: Option<f64>,
) -> Result<Calibration, AugmentError> {
    if !(0.0..1.0).contains(&false_accept) {
        return Err(AugmentError::Settings(format!(
            "the false-accept rate is {false_accept}: expected 0 to 1, such as 0.01"
        )));
    }
    let mut values = Vec::new();
    for (i, seed) in seeds.iter().enumerate() {
        let others: Vec<&str> = seeds[i + 1..].iter().map(|q| q.text.as_str()).collect();
        if !others.is_empty() {
            values.extend(model.similarity(&seed.text, &others)?.into_iter().map(Similarity::get));
        }
    }
    if values.is_empty() && fixed.is_none() {
        return Err(AugmentError::Settings(
            "a threshold is calibrated on pairs of seeds, and there are none: give --threshold"
                .into(),
        ));
    }
    let mut histogram = vec![0; BINS];
    for v in &values {
        let bin = ((v + 1.0) / 2.0 * BINS as f64) as usize;
        histogram[bin.min(BINS - 1)] += 1;
    }
    values.sort_by(f64::total_cmp);
    let threshold = fixed.unwrap_or_else(|| {
        // The lowest value that at most `allowed` pairs reach.
        let allowed = (false_accept * values.len() as f64).floor() as usize;
        let last_out = values[values.len() - 1 - allowed.min(values.len() - 1)];
        (last_out + 1e-6).min(1.0)
    });
    let passing = values.iter().filter(|v| **v >= threshold).count();
    Ok(Calibration {
        model: model.name(),
        pairs: values.len(),
        histogram,
        false_accept,
        passing: passing as f64 / values.len().max(1) as f64,
        threshold,
        fixed: fixed.is_some(),
        note: model.note(),
    })
}
