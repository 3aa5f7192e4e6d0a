//! The body of a call.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::dialect::{Dialect, Sent};
use crate::providers::{ChatRequest, ProviderError};

/// A call's body, in the dialect of the service.
struct Body<'a> {
    model: &'a str,
    request: &'a ChatRequest,
    log_probs: bool,
    dialect: &'a Dialect,
    extra: &'a Map<String, Value>,
}

impl Body<'_> {
    fn sent(&self) -> Sent {
        let (s, d) = (&self.request.sampling, self.dialect);
        Sent {
            shape: d.response_format(self.request.schema.as_ref()).is_some(),
            max_tokens: d.max_tokens_field().is_some(),
            temperature: d.temperature,
            top_p: d.top_p && s.top_p < 1.0,
            seed: d.seed && s.seed.is_some(),
            stop: d.stop && !s.stop.is_empty(),
            log_probs: self.log_probs && d.log_probs > 0,
        }
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (s, d, sent) = (&self.request.sampling, self.dialect, self.sent());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("model", self.model)?;
        map.serialize_entry("messages", &self.request.messages)?;
        if sent.temperature {
            map.serialize_entry("temperature", &s.temperature)?;
        }
        if sent.top_p {
            map.serialize_entry("top_p", &s.top_p)?;
        }
        if let Some(field) = d.max_tokens_field() {
            map.serialize_entry(field, &s.max_tokens)?;
        }
        if sent.stop {
            map.serialize_entry("stop", &s.stop)?;
        }
        if let (true, Some(seed)) = (sent.seed, s.seed) {
            // Draws of one prompt differ; services take 31 bits at least.
            map.serialize_entry(
                "seed",
                &(seed.wrapping_add(self.request.draw.into()) & 0x7fff_ffff),
            )?;
        }
        if sent.log_probs {
            map.serialize_entry("logprobs", &true)?;
            map.serialize_entry("top_logprobs", &d.log_probs)?;
        }
        if let Some(format) = d.response_format(self.request.schema.as_ref()) {
            map.serialize_entry("response_format", &format)?;
        }
        for (name, value) in self.extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Writes the body of a call; with it, which options stand in it.
///
/// # Errors
/// A number in the request that JSON cannot write.
pub fn body(
    model: &str,
    request: &ChatRequest,
    log_probs: bool,
    dialect: &Dialect,
    extra: &Map<String, Value>,
) -> Result<(Vec<u8>, Sent), ProviderError> {
    let body = Body { model, request, log_probs, dialect, extra };
    let text: usize = request.messages.iter().map(|m| m.content.len() + 40).sum();
    let mut bytes = Vec::with_capacity(text + 256);
    serde_json::to_writer(&mut bytes, &body).map_err(|e| ProviderError::Config(e.to_string()))?;
    Ok((bytes, body.sent()))
}
