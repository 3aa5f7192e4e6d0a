//! Spikes: values far above what was usual before them.
//!
//! The rule: over the values before, a mean and a mean distance from it are kept with a memory of
//! twenty values; each value enters them cut to four distances, so that a spike moves them little.
//! After twenty values, one is a spike when it lies above the mean by more than eight distances and
//! by more than a quarter of the mean. Spikes within ten values of each other are one, and its
//! highest value is kept.

/// Values that must have come before.
const LEAST: u64 = 20;
const MEMORY: f64 = 0.05;
const FAR: f64 = 8.0;
const CUT: f64 = 4.0;
const SHARE: f64 = 0.25;
/// Values between two spikes that are one.
const NEAR: u64 = 10;
/// Spikes kept of a curve, the newest.
const KEPT: usize = 32;

/// A spike.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Spike {
    /// The step of its highest value.
    pub step: u64,
    /// That value.
    pub value: f64,
    /// The mean before it.
    pub usual: f64,
}

/// What is usual.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Level {
    pub(super) n: u64,
    pub(super) mean: f64,
    pub(super) distance: f64,
    /// Values since the last spike.
    pub(super) since: u64,
}

impl Level {
    /// Takes a finite value in, and notes a spike.
    pub fn take(&mut self, step: u64, value: f64, spikes: &mut Vec<Spike>) {
        let above = value - self.mean;
        let far = self.n >= LEAST
            && above > FAR * self.distance
            && above > SHARE * self.mean.abs()
            && above > 1e-9;
        self.since += 1;
        if far {
            let spike = Spike { step, value, usual: self.mean };
            match spikes.last_mut().filter(|_| self.since <= NEAR) {
                Some(last) if last.value < value => {
                    (last.step, last.value) = (step, value);
                }
                Some(_) => {}
                None => {
                    if spikes.len() == KEPT {
                        spikes.remove(0);
                    }
                    spikes.push(spike);
                }
            }
            self.since = 0;
        }
        let weight = MEMORY.max(1.0 / (self.n + 1) as f64);
        let known = self.n >= LEAST && self.distance > 0.0;
        let most = CUT * self.distance;
        let moved = if known { above.clamp(-most, most) } else { above };
        self.mean += weight * moved;
        self.distance += weight * (moved.abs() - self.distance);
        self.n += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn found(values: impl IntoIterator<Item = f64>) -> Vec<Spike> {
        let (mut level, mut out) = (Level::default(), Vec::new());
        values.into_iter().enumerate().for_each(|(i, v)| level.take(i as u64, v, &mut out));
        out
    }

    #[test]
    fn a_loss_that_falls_in_noise_has_no_spike() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for _ in 0..20 {
            let mut noise = || (0..6).map(|_| rng.random::<f64>() - 0.5).sum::<f64>();
            let loss =
                (0..2_000).map(|i| 1.0 + 9.0 * (-f64::from(i) / 300.0).exp() + 0.1 * noise());
            assert_eq!(found(loss.collect::<Vec<_>>()), []);
        }
        assert_eq!(found([1.0; 500]), []);
    }

    #[test]
    fn a_spike_is_one_and_its_highest_value_is_told() {
        let mut values: Vec<f64> = (0..300).map(|i| 2.0 + 0.1 * f64::from(i % 7)).collect();
        (values[100], values[101], values[102]) = (9.0, 30.0, 5.0);
        values[250] = 8.0;
        let got = found(values);
        assert_eq!(
            got.iter().map(|s| (s.step, s.value)).collect::<Vec<_>>(),
            [(101, 30.0), (250, 8.0)]
        );
        assert!((got[1].usual - 2.3).abs() < 0.3, "a spike moves the mean little: {got:?}");
    }

    #[test]
    fn a_new_level_is_told_once_and_then_is_usual() {
        let values = (0..400).map(|i| if i < 200 { 1.0 } else { 3.0 } + 0.05 * f64::from(i % 5));
        assert_eq!(found(values.collect::<Vec<_>>()).len(), 1);
    }
}
