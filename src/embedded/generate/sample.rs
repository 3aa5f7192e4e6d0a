//! From the numbers of the vocabulary to the next token.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::embedded::kernels::{exp, max, vectorised};

/// How tokens are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// 0 = the likeliest token each time.
    pub temperature: f64,
    /// The smallest set of likeliest tokens whose shares reach this is drawn from; 1 = all.
    pub top_p: f64,
    /// Longest reply, in tokens, its end token included.
    pub max_tokens: usize,
    /// Texts at which the reply ends; they are not part of it.
    pub stop: Vec<String>,
    /// The same seed draws the same reply, whatever else is asked beside it.
    pub seed: u64,
}

/// The dice of one reply.
#[derive(Debug)]
pub(super) struct Dice {
    rng: Xoshiro256PlusPlus,
    temperature: f32,
    top_p: f64,
    shares: Vec<(f32, u32)>,
}

impl Dice {
    pub(super) fn new(draw: &Draw) -> Self {
        Self {
            rng: Xoshiro256PlusPlus::seed_from_u64(draw.seed),
            temperature: draw.temperature as f32,
            top_p: draw.top_p,
            shares: Vec::new(),
        }
    }

    /// The next token; `None` where a number is NaN or none is finite.
    pub(super) fn next(&mut self, logits: &[f32]) -> Option<u32> {
        let (top, broken) = vectorised(|| (max(logits), logits.iter().any(|x| x.is_nan())));
        if broken || !top.is_finite() {
            return None;
        }
        if self.temperature <= 0.0 {
            return logits.iter().position(|x| *x == top).map(|i| i as u32);
        }
        let inv = 1.0 / self.temperature;
        self.shares.clear();
        self.shares.resize(logits.len(), (0.0, 0));
        let shares = &mut self.shares;
        vectorised(|| {
            for ((s, x), i) in shares.iter_mut().zip(logits).zip(0u32..) {
                *s = (exp((x - top) * inv), i);
            }
        });
        let mut total: f64 = self.shares.iter().map(|s| f64::from(s.0)).sum();
        if self.top_p < 1.0 {
            // What lies below this adds up to less than what the nucleus leaves out.
            let least = (1.0 - self.top_p) * total / logits.len() as f64;
            self.shares.retain(|s| f64::from(s.0) >= least);
            self.shares.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let (mut sum, mut n) = (0.0, 0);
            for s in &self.shares {
                if n > 0 && sum >= self.top_p * total {
                    break;
                }
                sum += f64::from(s.0);
                n += 1;
            }
            self.shares.truncate(n);
            total = sum;
        }
        let mut at = self.rng.random::<f64>() * total;
        let mut token = None;
        for s in self.shares.iter().filter(|s| s.0 > 0.0) {
            token = Some(s.1);
            at -= f64::from(s.0);
            if at < 0.0 {
                break;
            }
        }
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dice(temperature: f64, top_p: f64, seed: u64) -> Dice {
        Dice::new(&Draw { temperature, top_p, max_tokens: 1, stop: vec![], seed })
    }

    #[test]
    fn broken_numbers_draw_nothing() {
        for bad in [&[f32::NAN, 1.0][..], &[1.0, f32::NAN], &[f32::NEG_INFINITY], &[]] {
            assert_eq!(dice(0.0, 1.0, 1).next(bad), None);
            assert_eq!(dice(1.0, 0.9, 1).next(bad), None);
        }
    }

    #[test]
    fn zero_temperature_takes_the_first_of_the_largest() {
        assert_eq!(dice(0.0, 1.0, 1).next(&[0.0, 3.0, 3.0, -1.0]), Some(1));
    }

    #[test]
    fn shares_are_those_of_the_softmax_and_the_nucleus_keeps_the_likeliest() {
        let logits = [(0.5f32).ln(), (0.3f32).ln(), (0.15f32).ln(), (0.05f32).ln()];
        let count = |top_p: f64, temperature: f64| {
            let mut d = dice(temperature, top_p, 7);
            let mut n = [0usize; 4];
            for _ in 0..20_000 {
                n[d.next(&logits).unwrap() as usize] += 1;
            }
            n.map(|n| n as f64 / 20_000.0)
        };
        let near = |got: [f64; 4], want: [f64; 4]| {
            for (g, w) in got.iter().zip(want) {
                assert!((g - w).abs() < 0.015, "{got:?} against {want:?}");
            }
        };
        near(count(1.0, 1.0), [0.5, 0.3, 0.15, 0.05]);
        near(count(0.75, 1.0), [0.625, 0.375, 0.0, 0.0]);
        near(count(0.1, 1.0), [1.0, 0.0, 0.0, 0.0]);
        // Temperature 1/2 squares the shares.
        let sum = 0.25 + 0.09 + 0.0225 + 0.0025;
        near(count(1.0, 0.5), [0.25 / sum, 0.09 / sum, 0.0225 / sum, 0.0025 / sum]);
    }

    #[test]
    fn a_seed_repeats_itself() {
        let logits: Vec<f32> = (0..50).map(|i| (i as f32 * 0.7).sin()).collect();
        let draw = |seed| {
            let mut d = dice(1.0, 0.9, seed);
            (0..20).map(|_| d.next(&logits).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }
}
