//! Sizes of an encoder and how its token vectors become one, from the JSON files of its folder.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::embedded::EmbeddedError;

/// Families that are computed: all are BERT; the last two number positions from `pad_token_id` + 1.
const FAMILIES: [&str; 3] = ["bert", "roberta", "xlm-roberta"];
/// Most tokens of a sentence; what is longer is cut. The published tokenizer of MiniLM says 128,
/// the model behind it was tuned at 256.
const LONGEST: usize = 256;

/// An encoder of BERT's shape. Field names are those of `config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EncoderConfig {
    /// Family: `bert`, `roberta` or `xlm-roberta`.
    pub model_type: String,
    /// Rows of the word embedding.
    pub vocab_size: usize,
    /// Width of a token's vector and of the sentence's.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Heads; they share the width equally.
    pub num_attention_heads: usize,
    /// Width inside the feed-forward block.
    pub intermediate_size: usize,
    /// Activation there.
    #[serde(default = "gelu")]
    pub hidden_act: String,
    /// Rows of the position embedding.
    pub max_position_embeddings: usize,
    /// Rows of the token-type embedding; only the first is used.
    pub type_vocab_size: usize,
    /// Added to the variance in layer norms.
    #[serde(default = "epsilon")]
    pub layer_norm_eps: f64,
    /// Kind of positions; only `absolute` is computed.
    #[serde(default)]
    pub position_embedding_type: Option<String>,
    /// Id of the padding token: the XLM-R family numbers positions from one above it.
    #[serde(default)]
    pub pad_token_id: Option<usize>,
}

fn gelu() -> String {
    "gelu".into()
}

fn epsilon() -> f64 {
    1e-12
}

/// How the vectors of tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Mean over all tokens, the special ones included.
    Mean,
    /// The first token's.
    Cls,
}

/// Reads a JSON file.
fn json<T: DeserializeOwned>(path: &Path) -> Result<T, EmbeddedError> {
    let bytes = std::fs::read(path).map_err(EmbeddedError::io(path))?;
    serde_json::from_slice(&bytes)
        .map_err(|e| EmbeddedError::Malformed { path: path.to_owned(), reason: e.to_string() })
}

impl EncoderConfig {
    /// Reads and checks `config.json`.
    ///
    /// # Errors
    /// No such file, another family, or sizes that make no encoder: by name.
    pub fn load(dir: &Path) -> Result<Self, EmbeddedError> {
        let path = dir.join("config.json");
        let value: serde_json::Value = json(&path)?;
        let family = value.get("model_type").and_then(|v| v.as_str()).unwrap_or("(none)");
        // Before the sizes: another family may not have these fields at all.
        if !FAMILIES.contains(&family) {
            return Err(EmbeddedError::Refused {
                path,
                reason: format!(
                    "model_type `{family}` is not computed here: expected one of {}",
                    FAMILIES.join(", ")
                ),
            });
        }
        let config: Self = serde_json::from_value(value)
            .map_err(|e| EmbeddedError::Malformed { path, reason: e.to_string() })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), EmbeddedError> {
        let bad = |reason: String| Err(EmbeddedError::Config(reason));
        for (name, size) in [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("type_vocab_size", self.type_vocab_size),
        ] {
            if size == 0 {
                return bad(format!("{name} is 0: expected 1 or more"));
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return bad(format!(
                "hidden_size {} is no multiple of num_attention_heads {}",
                self.hidden_size, self.num_attention_heads
            ));
        }
        if self.max_position_embeddings <= self.first_position() + 1 {
            return bad(format!(
                "max_position_embeddings is {}: expected more than {}",
                self.max_position_embeddings,
                self.first_position() + 1
            ));
        }
        let positions = self.position_embedding_type.as_deref().unwrap_or("absolute");
        if positions != "absolute" {
            return bad(format!("position_embedding_type is `{positions}`: expected `absolute`"));
        }
        let epsilon_ok = self.layer_norm_eps >= 0.0 && self.layer_norm_eps < 1.0;
        if !epsilon_ok {
            return bad(format!("layer_norm_eps is {}: expected 0 to 1", self.layer_norm_eps));
        }
        Ok(())
    }

    /// Row of the position embedding that the first token takes.
    pub(super) fn first_position(&self) -> usize {
        if self.model_type == "bert" { 0 } else { self.pad_token_id.unwrap_or(1) + 1 }
    }

    /// Most tokens of one sentence, special ones included.
    pub fn longest(&self) -> usize {
        LONGEST.min(self.max_position_embeddings - self.first_position())
    }

    /// Width of one head.
    pub(super) fn head(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }
}

impl Pooling {
    /// Reads `modules.json` and `1_Pooling/config.json` where they are; the mean where not.
    ///
    /// # Errors
    /// A module or a way of pooling that is not computed here: by name.
    pub fn load(dir: &Path) -> Result<Self, EmbeddedError> {
        let modules = dir.join("modules.json");
        let mut folder = "1_Pooling".to_owned();
        if modules.exists() {
            #[derive(Deserialize)]
            struct Module {
                #[serde(rename = "type")]
                kind: String,
                #[serde(default)]
                path: String,
            }
            for module in json::<Vec<Module>>(&modules)? {
                match module.kind.rsplit('.').next().unwrap_or_default() {
                    "Transformer" | "Normalize" => {}
                    "Pooling" => folder = module.path,
                    other => {
                        return Err(EmbeddedError::Refused {
                            path: modules,
                            reason: format!(
                                "module `{other}` is not computed here: expected Transformer, \
                                 Pooling and Normalize"
                            ),
                        });
                    }
                }
            }
        }
        let path = dir.join(folder).join("config.json");
        if !path.exists() {
            return Ok(Self::Mean);
        }
        let config: serde_json::Map<String, serde_json::Value> = json(&path)?;
        // Older files have a switch for each way, newer ones a name.
        let mut ways: Vec<&str> = config
            .iter()
            .filter(|(_, on)| on.as_bool() == Some(true))
            .filter_map(|(key, _)| key.strip_prefix("pooling_mode_"))
            .collect();
        ways.extend(config.get("pooling_mode").and_then(|v| v.as_str()));
        match ways[..] {
            [] | ["mean_tokens" | "mean"] => Ok(Self::Mean),
            ["cls_token" | "cls"] => Ok(Self::Cls),
            _ => Err(EmbeddedError::Refused {
                path,
                reason: format!("pooling by {}: expected mean or cls", ways.join(" and ")),
            }),
        }
    }
}
