//! Sizes of a decoder, as `config.json` of the Hugging Face layout says them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rope::RopeScaling;
use crate::embedded::EmbeddedError;

/// The families that are computed, by `model_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Llama 2, 3, 3.1, 3.2, and what was published in their shape.
    Llama,
    /// Qwen2 and Qwen2.5: biases on q, k and v.
    Qwen2,
    /// Qwen3: each head's query and key are normalised.
    Qwen3,
}

impl Family {
    const KNOWN: [(&'static str, Self); 3] =
        [("llama", Self::Llama), ("qwen2", Self::Qwen2), ("qwen3", Self::Qwen3)];

    /// The class that transformers loads it with.
    fn architecture(self) -> &'static str {
        match self {
            Self::Llama => "LlamaForCausalLM",
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Qwen3 => "Qwen3ForCausalLM",
        }
    }
}

/// One token id or several: `eos_token_id` comes in both forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TokenIds {
    /// `2`
    One(u32),
    /// `[128001, 128009]`
    Many(Vec<u32>),
}

impl TokenIds {
    /// All of them.
    pub fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }
}

/// A decoder of a known family. Field names are those of `config.json`; what we do not use of a
/// config is kept and written back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecoderConfig {
    /// Written for readers of the folder (`LlamaForCausalLM`).
    #[serde(default)]
    pub architectures: Vec<String>,
    /// Family.
    pub model_type: Family,
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
    /// Width of a head; `hidden_size / num_attention_heads` when absent (Qwen3: 128).
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
    /// How they are stretched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_scaling: Option<RopeScaling>,
    /// The head uses the embedding's weights.
    #[serde(default)]
    pub tie_word_embeddings: bool,
    /// Biases on q, k, v and o (Qwen2 has those on q, k, v whatever stands here).
    #[serde(default)]
    pub attention_bias: bool,
    /// Activation of the gate: `silu`.
    #[serde(default = "silu")]
    pub hidden_act: String,
    /// Begin-of-sequence id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bos_token_id: Option<TokenIds>,
    /// End-of-sequence ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eos_token_id: Option<TokenIds>,
    /// Padding id; some publish -1 for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad_token_id: Option<i64>,
    /// Type of the weights as we write them: `float32`.
    #[serde(default = "float32")]
    pub torch_dtype: String,
    /// The rest of the file.
    #[serde(flatten)]
    pub other: Map<String, Value>,
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
            architectures: vec![Family::Llama.architecture().into()],
            model_type: Family::Llama,
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
            hidden_act: silu(),
            bos_token_id: None,
            eos_token_id: None,
            pad_token_id: None,
            torch_dtype: float32(),
            other: Map::new(),
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
        Self::parse(&text, &path)
    }

    /// Reads the text of a `config.json`; `path` is how errors name it.
    ///
    /// # Errors
    /// See [`DecoderConfig::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, EmbeddedError> {
        let malformed = |reason: String| EmbeddedError::Malformed { path: path.to_owned(), reason };
        let refused = |reason: String| EmbeddedError::Refused { path: path.to_owned(), reason };
        let mut object: Map<String, Value> =
            serde_json::from_str(text).map_err(|e| malformed(format!("not a JSON object: {e}")))?;
        let family = object.get("model_type").and_then(Value::as_str).unwrap_or("none");
        let Some((name, family)) = Family::KNOWN.into_iter().find(|k| k.0 == family) else {
            return Err(refused(format!(
                "model_type `{family}` is not computed here: expected `llama`, `qwen2` or `qwen3` \
                 (other models: through a server, as an endpoint)"
            )));
        };
        tidy(&mut object, family).map_err(refused)?;
        let config: Self = serde_json::from_value(Value::Object(object))
            .map_err(|e| malformed(format!("not a config of {name}: {e}")))?;
        config.check().map_err(|e| malformed(e.to_string()))?;
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

    /// Biases on q, k and v.
    pub fn qkv_bias(&self) -> bool {
        self.attention_bias || self.model_type == Family::Qwen2
    }

    /// A bias on o.
    pub fn o_bias(&self) -> bool {
        self.attention_bias && self.model_type != Family::Qwen2
    }

    /// Each head's query and key are normalised.
    pub fn qk_norm(&self) -> bool {
        self.model_type == Family::Qwen3
    }

    /// Ids that end an answer; empty where the config names none.
    pub fn eos_ids(&self) -> &[u32] {
        self.eos_token_id.as_ref().map_or(&[], TokenIds::as_slice)
    }

    /// Inverse rotary frequencies, one a pair, scaled as the config says.
    pub fn inv_freq(&self) -> Vec<f64> {
        super::rope::inv_freq(self.head_dim(), self.rope_theta, self.rope_scaling.as_ref())
    }
}

/// Brings the forms that transformers has written over the years into one, and refuses settings
/// that we would leave out.
fn tidy(object: &mut Map<String, Value>, family: Family) -> Result<(), String> {
    if let Some(q) = object.get("quantization_config").filter(|q| !q.is_null()) {
        let how = q.get("quant_method").and_then(Value::as_str).unwrap_or("unknown");
        return Err(format!(
            "the weights are quantised (quantization_config, `{how}`): expected the folder of the \
             unquantised model (F32, F16 or BF16), which the same publisher usually has"
        ));
    }
    let yes = |name: &str| object.get(name).and_then(Value::as_bool).unwrap_or(false);
    if yes("mlp_bias") {
        return Err("mlp_bias: biases in the MLP are not computed here".into());
    }
    let window = object.get("sliding_window").filter(|w| !w.is_null());
    let layers = object.get("layer_types").and_then(Value::as_array);
    let windowed = yes("use_sliding_window") && window.is_some()
        || family == Family::Llama && window.is_some()
        || layers.is_some_and(|l| l.iter().any(|t| t != "full_attention"));
    if windowed {
        return Err(format!(
            "sliding-window attention (sliding_window {}) is not computed here. For prompts shorter \
             than the window it makes no difference: set use_sliding_window to false, sliding_window \
             to null and layer_types to full_attention in a copy of the folder",
            window.unwrap_or(&Value::Null)
        ));
    }
    // transformers 5 puts base and scaling into `rope_parameters`; older ones have them apart.
    let parameters = object.remove("rope_parameters").filter(|p| !p.is_null());
    let scaling = object.remove("rope_scaling").filter(|p| !p.is_null());
    for p in [parameters, scaling].into_iter().flatten() {
        let Value::Object(p) = p else {
            return Err(format!("rope_scaling is {p}: expected an object or null"));
        };
        if let Some(theta) = p.get("rope_theta") {
            object.insert("rope_theta".into(), theta.clone());
        }
        if let Some(s) = RopeScaling::read(&p)? {
            let s = serde_json::to_value(s).map_err(|e| e.to_string())?;
            object.insert("rope_scaling".into(), s);
        }
    }
    if family == Family::Qwen3 && object.get("head_dim").is_none_or(Value::is_null) {
        object.insert("head_dim".into(), 128.into());
    }
    object.entry("architectures").or_insert_with(|| vec![family.architecture()].into());
    // Whatever the weights were stored as, we hold and write f32.
    object.remove("dtype");
    object.insert("torch_dtype".into(), float32().into());
    object.retain(|_, v| !v.is_null());
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A config with one field changed, read back.
    fn read(field: &str, value: &Value) -> Result<DecoderConfig, String> {
        let good = DecoderConfig::llama(50, 16, 32, 1, 2, 1).unwrap();
        let mut c = serde_json::to_value(good).unwrap();
        c[field] = value.clone();
        DecoderConfig::parse(&c.to_string(), Path::new("config.json")).map_err(|e| e.to_string())
    }

    #[test]
    fn what_we_do_not_compute_is_refused_by_name() {
        let cases = [
            ("model_type", json!("qwen9"), "qwen9"),
            ("rope_scaling", json!({"rope_type": "yarn", "factor": 4.0}), "yarn"),
            ("rope_scaling", json!({"rope_type": "llama3", "factor": 4.0}), "low_freq_factor"),
            ("rope_scaling", json!({"type": "linear", "factor": 0.0}), "rope_scaling"),
            ("rope_scaling", json!(3), "expected an object"),
            ("rope_parameters", json!({"full_attention": {"rope_theta": 1e4}}), "by layer"),
            ("rope_parameters", json!({"partial_rotary_factor": 0.5}), "partial_rotary_factor"),
            ("mlp_bias", json!(true), "mlp_bias"),
            ("sliding_window", json!(4096), "sliding_window 4096"),
            ("layer_types", json!(["sliding_attention"]), "sliding"),
            ("quantization_config", json!({"quant_method": "gptq"}), "gptq"),
            ("num_key_value_heads", json!(3), "num_key_value_heads"),
            ("num_attention_heads", json!(5), "num_attention_heads"),
            ("hidden_size", json!(0), "hidden_size"),
            ("head_dim", json!(7), "head_dim"),
            ("hidden_act", json!("gelu"), "gelu"),
            ("vocab_size", json!("many"), "config.json"),
        ];
        for (field, value, word) in cases {
            let e = read(field, &value).unwrap_err();
            assert!(e.contains(word), "{field}: {e}");
        }
    }

    #[test]
    fn old_and_new_forms_of_a_config_are_the_same_model() {
        let llama3 = json!({"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192, "rope_type": "llama3"});
        let old = read("rope_scaling", &llama3).unwrap();
        let mut new = llama3;
        new["rope_theta"] = json!(10_000.0);
        assert_eq!(read("rope_parameters", &new).unwrap(), old);
        assert!(old.rope_scaling.is_some());
        let plain = read("rope_parameters", &json!({"rope_type": "default", "rope_theta": 5e5}));
        let plain = plain.unwrap();
        assert_eq!((plain.rope_theta, plain.rope_scaling), (5e5, None));
        assert_eq!(read("dtype", &json!("bfloat16")).unwrap().torch_dtype, "float32");
        assert_eq!(read("eos_token_id", &json!(7)).unwrap().eos_ids(), [7]);
        assert_eq!(read("eos_token_id", &json!([7, 9])).unwrap().eos_ids(), [7, 9]);
        assert_eq!(read("sliding_window", &Value::Null).unwrap().kv_heads(), 1);
        let qwen = read("model_type", &json!("qwen3")).unwrap();
        assert_eq!((qwen.head_dim(), qwen.qk_norm(), qwen.qkv_bias()), (128, true, false));
        let qwen = read("model_type", &json!("qwen2")).unwrap();
        assert_eq!((qwen.qkv_bias(), qwen.o_bias()), (true, false));
    }

    #[test]
    fn what_we_do_not_use_of_a_config_is_written_back() {
        let c = read("initializer_range", &json!(0.02)).unwrap();
        let text = serde_json::to_string(&c).unwrap();
        let again = DecoderConfig::parse(&text, Path::new("config.json")).unwrap();
        assert_eq!(again, c);
        assert!(text.contains("initializer_range"));
    }
}
