//! How replies are drawn.

use serde::{Deserialize, Serialize};

use crate::providers::{ReplySchema, Sampling};

/// How replies are drawn and asked for; frozen with a run's settings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manner {
    /// 0 = the likeliest token each time.
    pub temperature: f64,
    /// Nucleus, 0 to 1; 1 = all.
    pub top_p: f64,
    /// Longest reply, in tokens, reasoning included.
    pub max_tokens: u32,
    /// Ask for JSON of a given shape where the endpoint offers it. It is not needed.
    pub structured: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self { temperature: 0.8, top_p: 1.0, max_tokens: 2048, structured: true }
    }
}

impl Manner {
    /// What is wrong with the numbers, in words.
    ///
    /// # Errors
    /// A temperature outside 0 to 2, a nucleus outside 0 to 1, no tokens.
    pub fn check(&self) -> Result<(), String> {
        if !(0.0..=2.0).contains(&self.temperature) {
            return Err(format!("the temperature is {}: expected 0 to 2", self.temperature));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(format!("top-p is {}: expected above 0, at most 1", self.top_p));
        }
        if self.max_tokens == 0 {
            return Err(
                "no tokens are allowed for a reply: expected 1 or more, such as 2048".into()
            );
        }
        Ok(())
    }

    pub(super) fn sampling(&self, seed: u64) -> Sampling {
        Sampling {
            temperature: self.temperature,
            top_p: self.top_p,
            max_tokens: self.max_tokens,
            stop: Vec::new(),
            seed: Some(seed),
        }
    }

    pub(super) fn schema(&self, name: &str, schema: serde_json::Value) -> Option<ReplySchema> {
        self.structured.then(|| ReplySchema { name: name.into(), schema })
    }
}
