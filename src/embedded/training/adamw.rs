//! AdamW over one flat buffer. Source: Loshchilov and Hutter 2019, Algorithm 2, in the order of
//! operations of `torch.optim.AdamW`: decay first, epsilon after the bias correction of the root.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::embedded::decoder::Region;
use crate::embedded::kernels::{dot, vectorised};

/// Constants of the optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdamWSettings {
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of their squares.
    pub beta2: f64,
    /// Added to the root.
    pub eps: f64,
    /// Decoupled weight decay, on matrices only (norms and biases have none, as in transformers).
    pub weight_decay: f64,
}

impl Default for AdamWSettings {
    /// torch's constants, without decay.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 }
    }
}

/// What must be kept to continue: both means and the count of steps.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OptimizerState {
    /// Steps done.
    pub step: u64,
    /// Mean of gradients.
    pub mean: Vec<f32>,
    /// Mean of squared gradients.
    pub square: Vec<f32>,
}

/// Elements that one thread takes at a time.
const PIECE: usize = 1 << 16;

/// The optimiser.
#[derive(Debug, Clone)]
pub struct AdamW {
    settings: AdamWSettings,
    /// `(range, decayed)` in order.
    parts: Vec<(std::ops::Range<usize>, bool)>,
    threads: usize,
    /// Means and steps.
    pub state: OptimizerState,
}

impl AdamW {
    /// Over the tensors of a flat buffer of `len` weights.
    pub fn new(settings: AdamWSettings, regions: &[Region], len: usize) -> Self {
        Self {
            settings,
            parts: regions.iter().map(|r| (r.range(), r.shape.len() > 1)).collect(),
            threads: 1,
            state: OptimizerState { step: 0, mean: vec![0.0; len], square: vec![0.0; len] },
        }
    }

    /// Spreads large tensors over threads of the current rayon pool; results stay the same.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// One step with this learning rate.
    pub fn step(&mut self, weights: &mut [f32], grads: &[f32], lr: f64) {
        let s = self.settings;
        self.state.step += 1;
        let t = self.state.step as f64;
        let correction1 = 1.0 - s.beta1.powf(t);
        let correction2 = 1.0 - s.beta2.powf(t);
        let step_size = (lr / correction1) as f32;
        let root = correction2.sqrt() as f32;
        let (b1, b2, eps) = (s.beta1 as f32, s.beta2 as f32, s.eps as f32);
        let (keep1, keep2) = ((1.0 - s.beta1) as f32, (1.0 - s.beta2) as f32);
        for (range, decayed) in &self.parts {
            let decay = if *decayed { (1.0 - lr * s.weight_decay) as f32 } else { 1.0 };
            let w = &mut weights[range.clone()];
            let g = &grads[range.clone()];
            let m = &mut self.state.mean[range.clone()];
            let v = &mut self.state.square[range.clone()];
            let update = |w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]| {
                vectorised(|| {
                    for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
                        *m = b1 * *m + keep1 * g;
                        *v = b2 * *v + keep2 * g * g;
                        let denominator = v.sqrt() / root + eps;
                        *w = *w * decay - step_size * *m / denominator;
                    }
                });
            };
            if self.threads == 1 || w.len() < 2 * PIECE {
                update(w, g, m, v);
            } else {
                w.par_chunks_mut(PIECE)
                    .zip(g.par_chunks(PIECE))
                    .zip(m.par_chunks_mut(PIECE).zip(v.par_chunks_mut(PIECE)))
                    .for_each(|((w, g), (m, v))| update(w, g, m, v));
            }
        }
    }
}

/// Scales gradients so that their Euclidean norm is at most `limit`; gives the norm before.
/// A norm that is not finite is given back and nothing is scaled.
pub fn clip_grad_norm(grads: &mut [f32], limit: f64) -> f64 {
    // In pieces, so that the sum of squares is added up in f64.
    let square: f64 = vectorised(|| grads.chunks(4096).map(|c| f64::from(dot(c, c))).sum::<f64>());
    let norm = square.sqrt();
    if norm.is_finite() && norm > limit {
        let factor = (limit / (norm + 1e-6)) as f32;
        vectorised(|| {
            for g in grads.iter_mut() {
                *g *= factor;
            }
        });
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::decoder::golden_tests::weights as hashed;

    fn regions() -> Vec<Region> {
        vec![
            Region { name: "w".into(), shape: vec![1, 2], start: 0 },
            Region { name: "norm".into(), shape: vec![1], start: 2 },
        ]
    }

    /// The published update in f64, term by term.
    fn reference(steps: u32, s: AdamWSettings, lr: impl Fn(u32) -> f64) -> Vec<f64> {
        let mut w = vec![1.0, -2.0, 0.5];
        let (mut m, mut v) = (vec![0.0; 3], vec![0.0; 3]);
        for t in 1..=steps {
            for i in 0..3 {
                let g = gradient(t, i);
                if i < 2 {
                    w[i] -= lr(t) * s.weight_decay * w[i];
                }
                m[i] = s.beta1 * m[i] + (1.0 - s.beta1) * g;
                v[i] = s.beta2 * v[i] + (1.0 - s.beta2) * g * g;
                let m_hat = m[i] / (1.0 - s.beta1.powi(t as i32));
                let v_hat = v[i] / (1.0 - s.beta2.powi(t as i32));
                w[i] -= lr(t) * m_hat / (v_hat.sqrt() + s.eps);
            }
        }
        w
    }

    fn gradient(t: u32, i: usize) -> f64 {
        f64::from((f64::from(t) * 0.7 + i as f64).sin() as f32)
    }

    #[test]
    fn a_hundred_steps_are_those_of_the_published_formula() {
        let s = AdamWSettings { weight_decay: 0.1, ..AdamWSettings::default() };
        let lr = |t: u32| 1e-2 / f64::from(t).sqrt();
        let mut w = vec![1.0f32, -2.0, 0.5];
        let mut o = AdamW::new(s, &regions(), 3);
        for t in 1..=100 {
            let g: Vec<f32> = (0..3).map(|i| gradient(t, i) as f32).collect();
            o.step(&mut w, &g, lr(t));
        }
        for (w, r) in w.iter().zip(reference(100, s, lr)) {
            assert!((f64::from(*w) - r).abs() < 2e-6, "{w} against {r}");
        }
    }

    #[test]
    fn the_first_step_is_the_learning_rate_in_the_direction_of_the_gradient() {
        // By hand: m_hat = g, v_hat = g^2, so the step is lr * g / (|g| + eps), after the decay.
        let s = AdamWSettings { weight_decay: 0.5, ..AdamWSettings::default() };
        let mut w = vec![1.0f32, -2.0, 0.5];
        AdamW::new(s, &regions(), 3).step(&mut w, &[0.3, -0.2, 4.0], 0.1);
        for (w, want) in w.iter().zip([1.0 * 0.95 - 0.1, -2.0 * 0.95 + 0.1, 0.5 - 0.1]) {
            assert!((w - want).abs() < 1e-6, "{w} against {want}");
        }
    }

    #[test]
    fn clipping_keeps_the_direction_and_says_the_norm_before() {
        let mut g = vec![3.0f32, 4.0];
        assert!((clip_grad_norm(&mut g, 1.0) - 5.0).abs() < 1e-9);
        assert!((g[0] - 0.6).abs() < 1e-5 && (g[1] - 0.8).abs() < 1e-5);
        let mut g = vec![0.3f32, 0.4];
        clip_grad_norm(&mut g, 1.0);
        assert_eq!(g, [0.3, 0.4]);
        assert!(clip_grad_norm(&mut [f32::NAN, 1.0], 1.0).is_nan());
    }

    #[derive(Deserialize)]
    struct Golden {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        lr: f64,
        betas: (f64, f64),
        weight_decay: f64,
        clip: Option<f64>,
        last_norm: Option<f64>,
        matrix: Vec<f64>,
        bias: Vec<f64>,
    }

    #[test]
    fn a_hundred_steps_are_those_of_torch_on_the_same_gradients() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../../tests/golden/adamw.json")).unwrap();
        for c in golden.cases {
            let regions = [
                Region { name: "w".into(), shape: vec![4, 6], start: 0 },
                Region { name: "b".into(), shape: vec![6], start: 24 },
            ];
            let settings = AdamWSettings {
                beta1: c.betas.0,
                beta2: c.betas.1,
                weight_decay: c.weight_decay,
                ..AdamWSettings::default()
            };
            let mut o = AdamW::new(settings, &regions, 30);
            let mut w: Vec<f32> = hashed("w", 24, 1.0).chain(hashed("b", 6, 1.0)).collect();
            let mut norm = None;
            for step in 0..100usize {
                let size = 0.5f32.powi((step % 13) as i32);
                let mut g: Vec<f32> = hashed(&format!("w.{step}"), 24, size)
                    .chain(hashed(&format!("b.{step}"), 6, size))
                    .collect();
                for (i, g) in g.iter_mut().enumerate() {
                    let i = if i < 24 { i } else { i - 24 };
                    if i % 5 == step % 5 {
                        *g = 0.0;
                    }
                }
                if let Some(limit) = c.clip {
                    norm = Some(clip_grad_norm(&mut g, limit));
                }
                o.step(&mut w, &g, c.lr);
            }
            let want = c.matrix.iter().chain(&c.bias);
            let gap =
                w.iter().zip(want).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
            println!("{}: largest difference {gap:.1e}", c.name);
            assert!(gap < 2e-6, "{}: {gap}", c.name);
            if let (Some(a), Some(b)) = (norm, c.last_norm) {
                assert!((a - b).abs() < 1e-6 * b, "{a} against {b}");
            }
        }
    }
}
