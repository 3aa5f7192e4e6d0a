//! Sizes of a decoder, as `config.json` of the Hugging Face layout says them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::embedded::EmbeddedError;

/// A Llama-shaped decoder. Field names are those of `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecoderConfig {
    /// Written for readers of the folder (`LlamaForCausalLM`).
    #[serde(default = "llama_architectures")]
    pub architectures: Vec<String>,
    /// Family; `llama` is what this version computes.
    pub model_type: String,
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the SwiGLU block.
    pub intermediate_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; fewer than query heads = grouped-query attention.
    #[serde(default)]
    pub num_key_value_heads: Option<usize>,
    /// Width of a head; `hidden_size / num_attention_heads` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<usize>,
    /// Longest sequence, in tokens.
    #[serde(default = "default_positions")]
    pub max_position_embeddings: usize,
    /// Inside the root of RMSNorm.
    #[serde(default = "default_eps")]
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    #[serde(default = "default_theta")]
    pub rope_theta: f64,
    /// Set by Llama 3.1 and later; not computed yet, so refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_scaling: Option<serde_json::Value>,
    /// The head uses the embedding's weights.
    #[serde(default)]
    pub tie_word_embeddings: bool,
    /// Biases on q, k, v, o; not computed yet, so refused.
    #[serde(default)]
    pub attention_bias: bool,
    /// Biases in the SwiGLU block; not computed yet, so refused.
    #[serde(default)]
    pub mlp_bias: bool,
    /// Activation of the gate: `silu`.
    #[serde(default = "silu")]
    pub hidden_act: String,
    /// Begin-of-sequence id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bos_token_id: Option<u32>,
    /// End-of-sequence id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eos_token_id: Option<u32>,
    /// Padding id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad_token_id: Option<u32>,
    /// Type of the stored weights.
    #[serde(default = "float32")]
    pub torch_dtype: String,
}

fn llama_architectures() -> Vec<String> {
    vec!["LlamaForCausalLM".into()]
}
fn default_positions() -> usize {
    2048
}
fn default_eps() -> f64 {
    1e-6
}
fn default_theta() -> f64 {
    10_000.0
}
fn silu() -> String {
    "silu".into()
}
fn float32() -> String {
    "float32".into()
}

impl DecoderConfig {
    /// A small Llama with tied embeddings.
    ///
    /// # Errors
    /// See [`DecoderConfig::check`].
    pub fn llama(
        vocab_size: usize,
        hidden_size: usize,
        intermediate_size: usize,
        layers: usize,
        heads: usize,
        kv_heads: usize,
    ) -> Result<Self, EmbeddedError> {
        let c = Self {
            architectures: llama_architectures(),
            model_type: "llama".into(),
            vocab_size,
            hidden_size,
            intermediate_size,
            num_hidden_layers: layers,
            num_attention_heads: heads,
            num_key_value_heads: Some(kv_heads),
            head_dim: None,
            max_position_embeddings: default_positions(),
            rms_norm_eps: 1e-5,
            rope_theta: default_theta(),
            rope_scaling: None,
            tie_word_embeddings: true,
            attention_bias: false,
            mlp_bias: false,
            hidden_act: silu(),
            bos_token_id: None,
            eos_token_id: None,
            pad_token_id: None,
            torch_dtype: float32(),
        };
        c.check()?;
        Ok(c)
    }

    /// Reads `config.json` of a model folder.
    ///
    /// # Errors
    /// No such file, not a config, or a model that this version does not compute.
    pub fn load(dir: &Path) -> Result<Self, EmbeddedError> {
        let path = dir.join("config.json");
        let text = std::fs::read_to_string(&path).map_err(EmbeddedError::io(&path))?;
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| {
            EmbeddedError::Malformed { path: path.clone(), reason: format!("not JSON: {e}") }
        })?;
        let family = value.get("model_type").and_then(|v| v.as_str()).unwrap_or("none");
        if family != "llama" {
            return Err(EmbeddedError::Refused {
                path,
                reason: format!("model_type `{family}` is not known here: expected `llama`"),
            });
        }
        let config: Self = serde_json::from_value(value).map_err(|e| EmbeddedError::Malformed {
            path: path.clone(),
            reason: format!("not a Llama config: {e}"),
        })?;
        config.check().map_err(|e| EmbeddedError::Malformed { path, reason: e.to_string() })?;
        Ok(config)
    }

    /// Sizes that fit each other, and nothing that we would compute wrongly in silence.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), EmbeddedError> {
        let no = |why: String| Err(EmbeddedError::Config(why));
        for (name, n) in [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.kv_heads()),
            ("max_position_embeddings", self.max_position_embeddings),
        ] {
            if n == 0 || n > 1 << 24 {
                return no(format!("{name} is {n}: expected 1 to {}", 1 << 24));
            }
        }
        if self.head_dim.is_none() && !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return no(format!(
                "hidden_size {} is no multiple of num_attention_heads {}",
                self.hidden_size, self.num_attention_heads
            ));
        }
        if self.head_dim() == 0 || !self.head_dim().is_multiple_of(2) {
            return no(format!("head_dim is {}: rotary pairs need an even one", self.head_dim()));
        }
        if !self.num_attention_heads.is_multiple_of(self.kv_heads()) {
            return no(format!(
                "num_attention_heads {} is no multiple of num_key_value_heads {}",
                self.num_attention_heads,
                self.kv_heads()
            ));
        }
        if self.attention_bias || self.mlp_bias {
            return no("biases in attention or MLP are not computed by this version".into());
        }
        if self.rope_scaling.is_some() {
            return no("rope_scaling is not computed by this version".into());
        }
        if self.hidden_act != "silu" {
            return no(format!("hidden_act `{}`: expected `silu`", self.hidden_act));
        }
        if !(self.rms_norm_eps > 0.0 && self.rope_theta > 1.0) {
            return no("rms_norm_eps must be above 0 and rope_theta above 1".into());
        }
        Ok(())
    }

    /// Key and value heads.
    pub fn kv_heads(&self) -> usize {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    /// Width of one head.
    pub fn head_dim(&self) -> usize {
        self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads.max(1))
    }

    /// Width of all query heads.
    pub fn q_dim(&self) -> usize {
        self.head_dim() * self.num_attention_heads
    }

    /// Width of all key (or value) heads.
    pub fn kv_dim(&self) -> usize {
        self.head_dim() * self.kv_heads()
    }

    /// Inverse rotary frequencies, one a pair. Rope scaling of later families goes here.
    pub fn inv_freq(&self) -> Vec<f64> {
        let d = self.head_dim();
        (0..d / 2).map(|i| self.rope_theta.powf(-2.0 * i as f64 / d as f64)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_do_not_compute_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let good =
            serde_json::to_value(DecoderConfig::llama(50, 16, 32, 1, 2, 1).unwrap()).unwrap();
        let cases = [
            ("model_type", serde_json::json!("qwen9"), "qwen9"),
            ("rope_scaling", serde_json::json!({"rope_type": "llama3"}), "rope_scaling"),
            ("attention_bias", serde_json::json!(true), "bias"),
            ("num_key_value_heads", serde_json::json!(3), "num_key_value_heads"),
            ("num_attention_heads", serde_json::json!(5), "num_attention_heads"),
            ("hidden_size", serde_json::json!(0), "hidden_size"),
            ("hidden_act", serde_json::json!("gelu"), "gelu"),
            ("vocab_size", serde_json::json!("many"), "config.json"),
        ];
        for (field, value, word) in cases {
            let mut c = good.clone();
            c[field] = value;
            std::fs::write(dir.path().join("config.json"), c.to_string()).unwrap();
            let e = DecoderConfig::load(dir.path()).unwrap_err().to_string();
            assert!(e.contains(word), "{field}: {e}");
        }
        std::fs::write(dir.path().join("config.json"), good.to_string()).unwrap();
        assert_eq!(DecoderConfig::load(dir.path()).unwrap().kv_heads(), 1);
    }
}
