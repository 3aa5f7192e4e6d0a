//! The learning rate by step.

use serde::{Deserialize, Serialize};

/// How the learning rate goes after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Stays.
    Constant,
    /// Falls to zero in a straight line.
    Linear,
    /// Falls to zero along half a cosine.
    #[default]
    Cosine,
}

impl Schedule {
    /// Share of the top rate at step `step` (0-based) of `total`, with `warmup` steps of linear
    /// rise first; the formulas are those of transformers' schedulers.
    pub fn factor(self, step: u64, warmup: u64, total: u64) -> f64 {
        if step < warmup {
            return step as f64 / warmup as f64;
        }
        let done = (step - warmup) as f64 / (total.saturating_sub(warmup)).max(1) as f64;
        let done = done.min(1.0);
        match self {
            Self::Constant => 1.0,
            Self::Linear => 1.0 - done,
            Self::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_rise_then_fall_as_named() {
        let table = [
            (Schedule::Constant, 0, 0.0),
            (Schedule::Constant, 5, 0.5),
            (Schedule::Constant, 10, 1.0),
            (Schedule::Constant, 99, 1.0),
            (Schedule::Linear, 10, 1.0),
            (Schedule::Linear, 55, 0.5),
            (Schedule::Linear, 100, 0.0),
            (Schedule::Linear, 400, 0.0),
            (Schedule::Cosine, 10, 1.0),
            (Schedule::Cosine, 55, 0.5),
            (Schedule::Cosine, 100, 0.0),
        ];
        for (s, step, want) in table {
            let got = s.factor(step, 10, 100);
            assert!((got - want).abs() < 1e-12, "{s:?} at {step}: {got}");
        }
        assert_eq!(Schedule::Linear.factor(0, 0, 0), 1.0);
    }
}
