//! Which model a recipe trains.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::{FinetuneError, ModelRef};

/// Sizes of a model trained from scratch, its tokenizer included. For demos and tests only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TinyModel {
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the SwiGLU block.
    pub intermediate_size: usize,
    /// Layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Most tokens of the tokenizer.
    pub vocab_size: usize,
    /// The tokenizer reads capitals as small letters.
    pub lower_case: bool,
    /// Standard deviation of the new weights.
    pub init_std: f32,
}

impl Default for TinyModel {
    fn default() -> Self {
        Self {
            hidden_size: 64,
            intermediate_size: 384,
            layers: 1,
            heads: 8,
            kv_heads: 8,
            vocab_size: 800,
            lower_case: true,
            init_std: 0.08,
        }
    }
}

/// What is trained: a new small model, or one that exists.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelChoice {
    /// `[model.tiny]` with its sizes.
    Tiny(TinyModel),
    /// `[model]` with `from = "path:DIR"` or another name of a model.
    #[serde(rename = "from")]
    Named(ModelRef),
    /// `[model]` with `from = "--base"`: the recipe serves any model, which is named when it runs.
    #[serde(untagged)]
    Asked(Asked),
}

/// How a recipe says that its model is named when it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Asked {
    from: &'static str,
}

/// What stands in `from` of such a recipe.
const ASKED: &str = "--base";

impl ModelChoice {
    /// The choice of a recipe that serves any model.
    pub const ANY: Self = Self::Asked(Asked { from: ASKED });

    fn read(name: &str) -> Result<Self, FinetuneError> {
        match name {
            "tiny" => Ok(Self::Tiny(TinyModel::default())),
            ASKED => Ok(Self::ANY),
            name => ModelRef::from_str(name).map(Self::Named),
        }
    }
}

impl<'de> Deserialize<'de> for ModelChoice {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            tiny: Option<TinyModel>,
            from: Option<String>,
        }
        struct Choice;
        impl<'de> Visitor<'de> for Choice {
            type Value = ModelChoice;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table [model.tiny], or [model] with from = \"path:DIR\"")
            }
            fn visit_str<E: de::Error>(self, s: &str) -> Result<ModelChoice, E> {
                ModelChoice::read(s).map_err(E::custom)
            }
            fn visit_map<M: MapAccess<'de>>(self, m: M) -> Result<ModelChoice, M::Error> {
                let t = Table::deserialize(MapAccessDeserializer::new(m))?;
                match (t.tiny, t.from) {
                    (Some(t), None) => Ok(ModelChoice::Tiny(t)),
                    (None, Some(from)) => ModelChoice::read(&from).map_err(de::Error::custom),
                    _ => Err(de::Error::custom(
                        "expected either [model.tiny] with its sizes or from = \"path:DIR\"",
                    )),
                }
            }
        }
        d.deserialize_any(Choice)
    }
}
