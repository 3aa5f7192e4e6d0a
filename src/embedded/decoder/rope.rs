//! Rotary frequencies by config, scaled ones included.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How the rotary frequencies were stretched for long texts. `rope_scaling` of `config.json`, or
/// `rope_parameters` of newer ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rope_type", rename_all = "lowercase")]
pub enum RopeScaling {
    /// Every frequency divided by one factor.
    Linear {
        /// The divisor.
        factor: f64,
    },
    /// Llama 3.1 and later: long waves are divided, short ones kept, those between interpolated.
    Llama3 {
        /// The divisor of long waves.
        factor: f64,
        /// Waves longer than `original_max_position_embeddings` / this are long.
        low_freq_factor: f64,
        /// Waves shorter than `original_max_position_embeddings` / this are short.
        high_freq_factor: f64,
        /// Length that the model was trained on before it was stretched.
        original_max_position_embeddings: usize,
    },
}

impl RopeScaling {
    /// Reads the object of a config, in its old (`type`) or new (`rope_type`) form; `None` is no
    /// scaling.
    ///
    /// # Errors
    /// In words: a kind that we do not compute, or a number that is missing.
    pub(crate) fn read(object: &Map<String, Value>) -> Result<Option<Self>, String> {
        let kind = object.get("rope_type").or_else(|| object.get("type"));
        let kind = match kind {
            None if object.values().any(Value::is_object) => {
                return Err("rope_parameters differ by layer, which is not computed here".into());
            }
            None => "default",
            Some(v) => v.as_str().unwrap_or("?"),
        };
        if let Some(share) = object.get("partial_rotary_factor").and_then(Value::as_f64)
            && share != 1.0
        {
            return Err(format!("partial_rotary_factor {share} is not computed here: expected 1"));
        }
        match kind {
            "default" => Ok(None),
            "linear" | "llama3" => {
                let mut copy = object.clone();
                copy.insert("rope_type".into(), kind.into());
                let read: Self = serde_json::from_value(Value::Object(copy))
                    .map_err(|e| format!("rope_scaling of type `{kind}`: {e}"))?;
                read.check()?;
                Ok(Some(read))
            }
            other => Err(format!(
                "rope_scaling of type `{other}` is not computed here: expected `default`, `linear` \
                 or `llama3`; a model that was never stretched (no rope_scaling) serves prompts of \
                 this length as well"
            )),
        }
    }

    fn check(&self) -> Result<(), String> {
        let fits = match *self {
            Self::Linear { factor } => factor >= 1.0,
            Self::Llama3 {
                factor,
                low_freq_factor: low,
                high_freq_factor: high,
                original_max_position_embeddings: n,
            } => factor >= 1.0 && low > 0.0 && high > low && n > 0,
        };
        if fits { Ok(()) } else { Err(format!("rope_scaling {self:?} makes no sense")) }
    }

    /// The scaled form of one inverse frequency. Source: transformers,
    /// `_compute_llama3_parameters` and `_compute_linear_scaling_rope_parameters`.
    fn scale(&self, f: f64) -> f64 {
        match *self {
            Self::Linear { factor } => f / factor,
            Self::Llama3 {
                factor,
                low_freq_factor: low,
                high_freq_factor: high,
                original_max_position_embeddings: n,
            } => {
                let turns = n as f64 * f / std::f64::consts::TAU;
                if turns < low {
                    f / factor
                } else if turns > high {
                    f
                } else {
                    let smooth = (turns - low) / (high - low);
                    (1.0 - smooth) * f / factor + smooth * f
                }
            }
        }
    }
}

/// Inverse frequencies of the pairs of one head. Source: Su et al. 2021.
pub(crate) fn inv_freq(head_dim: usize, theta: f64, scaling: Option<&RopeScaling>) -> Vec<f64> {
    (0..head_dim / 2)
        .map(|i| {
            let f = theta.powf(-2.0 * i as f64 / head_dim as f64);
            scaling.map_or(f, |s| s.scale(f))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_waves_are_divided_short_ones_kept_and_those_between_interpolated() {
        let s = RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 8192,
        };
        let plain = inv_freq(128, 500_000.0, None);
        let scaled = inv_freq(128, 500_000.0, Some(&s));
        assert_eq!(plain[0], scaled[0]);
        assert_eq!(plain[63] / 8.0, scaled[63]);
        assert!(plain.iter().zip(&scaled).any(|(p, s)| s < p && *s > p / 8.0));
        let half = inv_freq(8, 100.0, Some(&RopeScaling::Linear { factor: 2.0 }));
        assert_eq!(half[0], 0.5);
    }
}
