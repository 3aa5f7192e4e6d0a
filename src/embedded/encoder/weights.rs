//! The tensors of an encoder, by their names in the file.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::EncoderConfig;
use crate::embedded::EmbeddedError;

/// y = x W^T + b, with W of `out` rows.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// Scale and shift of a layer norm.
#[derive(Debug, Clone)]
pub(super) struct Norm {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// One layer.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// Query, key and value, one below the other: 3 x hidden rows.
    pub(super) qkv: Linear,
    pub(super) attended: Linear,
    pub(super) attended_norm: Norm,
    pub(super) up: Linear,
    pub(super) down: Linear,
    pub(super) norm: Norm,
}

/// All of them.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    /// vocab x hidden
    pub(super) words: Vec<f32>,
    /// positions x hidden, from the family's first position on, the first token type added.
    pub(super) positions: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
}

/// What a checkpoint may hold beside the encoder: heads of its training, and constants.
const BESIDE: [&str; 6] = [
    "pooler.",
    "cls.",
    "lm_head.",
    "classifier.",
    "embeddings.position_ids",
    "embeddings.token_type_ids",
];
/// What stands before the names when the encoder was saved inside a larger model.
const PREFIXES: [&str; 2] = ["bert.", "roberta."];

/// Tensors of a file by their names without prefix; taken one by one, so that what is left shows.
struct Tensors<'a>(BTreeMap<String, TensorView<'a>>);

impl Tensors<'_> {
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EmbeddedError> {
        let bad = |reason: String| EmbeddedError::Tensor { name: name.to_owned(), reason };
        let view = self
            .0
            .remove(name)
            .ok_or_else(|| bad(format!("missing: expected it with shape {shape:?}")))?;
        if view.shape() != shape {
            return Err(bad(format!("shape {:?}: expected {shape:?}", view.shape())));
        }
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => {
                view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
            }
            Dtype::BF16 => {
                let bits = |b: &[u8; 2]| u32::from(u16::from_le_bytes(*b)) << 16;
                view.data().as_chunks::<2>().0.iter().map(|b| f32::from_bits(bits(b))).collect()
            }
            Dtype::F16 => {
                let bits = |b: &[u8; 2]| u16::from_le_bytes(*b);
                view.data().as_chunks::<2>().0.iter().map(|b| half(bits(b))).collect()
            }
            other => return Err(bad(format!("type {other:?}: expected F32, BF16 or F16"))),
        };
        if let Some(i) = values.iter().position(|x| !x.is_finite()) {
            return Err(bad(format!("element {i} is {}: the weights are broken", values[i])));
        }
        Ok(values)
    }

    fn linear(&mut self, name: &str, out: usize, inn: usize) -> Result<Linear, EmbeddedError> {
        Ok(Linear {
            weight: self.take(&format!("{name}.weight"), &[out, inn])?,
            bias: self.take(&format!("{name}.bias"), &[out])?,
        })
    }

    fn norm(&mut self, name: &str, width: usize) -> Result<Norm, EmbeddedError> {
        Ok(Norm {
            weight: self.take(&format!("{name}.weight"), &[width])?,
            bias: self.take(&format!("{name}.bias"), &[width])?,
        })
    }

    fn layer(&mut self, i: usize, c: &EncoderConfig) -> Result<Layer, EmbeddedError> {
        let (h, ff) = (c.hidden_size, c.intermediate_size);
        let at = format!("encoder.layer.{i}");
        let mut qkv = Linear { weight: Vec::new(), bias: Vec::new() };
        for part in ["query", "key", "value"] {
            let part = self.linear(&format!("{at}.attention.self.{part}"), h, h)?;
            qkv.weight.extend(part.weight);
            qkv.bias.extend(part.bias);
        }
        Ok(Layer {
            qkv,
            attended: self.linear(&format!("{at}.attention.output.dense"), h, h)?,
            attended_norm: self.norm(&format!("{at}.attention.output.LayerNorm"), h)?,
            up: self.linear(&format!("{at}.intermediate.dense"), ff, h)?,
            down: self.linear(&format!("{at}.output.dense"), h, ff)?,
            norm: self.norm(&format!("{at}.output.LayerNorm"), h)?,
        })
    }
}

/// Half precision to single (IEEE 754-2008 binary16).
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff) / 1024.0;
    match (bits >> 10) & 0x1f {
        0 => sign * fraction * 2f32.powi(-14),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        exponent => sign * (1.0 + fraction) * 2f32.powi(i32::from(exponent) - 15),
    }
}

impl Weights {
    /// Reads `model.safetensors`.
    ///
    /// # Errors
    /// No such file (or a pickle instead), a tensor that is missing, of another shape, broken, or
    /// that this encoder has no place for: by name.
    pub(super) fn load(dir: &Path, config: &EncoderConfig) -> Result<Self, EmbeddedError> {
        let path = dir.join("model.safetensors");
        if !path.exists() {
            let reason = if dir.join("pytorch_model.bin").exists() {
                "only pytorch_model.bin is there, and a pickle runs code when it is opened: convert \
                 it to safetensors first"
            } else if dir.join("model.safetensors.index.json").exists() {
                "the weights are split into several files: save them as one model.safetensors"
            } else {
                "no such file: expected the weights here"
            };
            return Err(EmbeddedError::Refused { path, reason: reason.into() });
        }
        let bytes = std::fs::read(&path).map_err(EmbeddedError::io(&path))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| EmbeddedError::Malformed {
            path,
            reason: format!("not a safetensors file (a pickle, or a large-file pointer?): {e}"),
        })?;
        let plain = |name: String| {
            PREFIXES.iter().find_map(|p| name.strip_prefix(p).map(str::to_owned)).unwrap_or(name)
        };
        let mut tensors =
            Tensors(file.tensors().into_iter().map(|(name, view)| (plain(name), view)).collect());
        let h = config.hidden_size;
        let words = tensors.take("embeddings.word_embeddings.weight", &[config.vocab_size, h])?;
        let positions = tensors
            .take("embeddings.position_embeddings.weight", &[config.max_position_embeddings, h])?;
        let types = tensors
            .take("embeddings.token_type_embeddings.weight", &[config.type_vocab_size, h])?;
        let mut positions = positions[config.first_position() * h..].to_vec();
        for row in positions.chunks_exact_mut(h) {
            crate::embedded::kernels::add(row, &types[..h]);
        }
        let norm = tensors.norm("embeddings.LayerNorm", h)?;
        let layers = (0..config.num_hidden_layers)
            .map(|i| tensors.layer(i, config))
            .collect::<Result<_, _>>()?;
        let known = |name: &str| BESIDE.iter().any(|b| name.starts_with(b));
        if let Some(name) = tensors.0.into_keys().find(|name| !known(name)) {
            return Err(EmbeddedError::Tensor {
                name,
                reason: "this encoder has no place for it: the config does not belong to these \
                         weights"
                    .into(),
            });
        }
        Ok(Self { words, positions, norm, layers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_read_as_the_standard_says() {
        for (bits, want) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_5e-8),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(half(bits), want, "{bits:#x}");
        }
        assert!(half(0x7e00).is_nan());
    }
}
