//! What makes two requests the same: their content and the model's name. Not the key, the host or
//! the provider's name, so that a model that moved, or was bought elsewhere, is not paid for twice.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::providers::{ChatRequest, Message};

/// SHA-256 of a request's content; 64 hexadecimal digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyKey([u8; 32]);

/// The fields in the order in which they are hashed. A change here makes every stored reply
/// unknown, so a new field is left out while it has its old meaning.
#[derive(Serialize)]
struct Canonical<'a> {
    version: u8,
    content: &'a str,
    messages: &'a [Message],
    temperature: f64,
    top_p: f64,
    max_tokens: u32,
    stop: &'a [String],
    seed: Option<u64>,
    draw: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    log_probs: bool,
}

impl ReplyKey {
    /// The key of a request to a model. `content` is what the model adds: its name, and whatever
    /// else changes its replies (extra body fields, an adapter).
    pub fn of(content: &str, request: &ChatRequest, log_probs: bool) -> Self {
        let s = &request.sampling;
        let canonical = Canonical {
            version: 1,
            content,
            messages: &request.messages,
            temperature: s.temperature,
            top_p: s.top_p,
            max_tokens: s.max_tokens,
            stop: &s.stop,
            seed: s.seed,
            draw: request.draw,
            schema: request.schema.as_ref().map(|s| sorted(&s.schema)),
            log_probs,
        };
        let mut hasher = Sha256::new();
        // Strings, numbers and lists only: writing them to memory cannot fail.
        if let Ok(bytes) = serde_json::to_vec(&canonical) {
            hasher.update(bytes);
        }
        Self(hasher.finalize().into())
    }
}

/// The same JSON with the fields of every object in alphabetical order.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            let pairs = names.into_iter().map(|n| (n.clone(), sorted(&fields[n])));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

impl fmt::Display for ReplyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for ReplyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for ReplyKey {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let bad = || format!("`{s}` is no key of a reply: expected 64 hexadecimal digits");
        if s.len() != 64 || !s.is_ascii() {
            return Err(bad());
        }
        let mut key = [0; 32];
        for (i, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&s[2 * i..2 * i + 2], 16).map_err(|_| bad())?;
        }
        Ok(Self(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ReplySchema;

    #[test]
    fn everything_that_changes_a_reply_changes_the_key_and_nothing_else_does() {
        let base = ChatRequest::greedy("Be brief.", "Say yes.", 10);
        let key = |r: &ChatRequest| ReplyKey::of("m", r, false);
        let mut seen = vec![key(&base)];
        let mut other = |change: &dyn Fn(&mut ChatRequest)| {
            let mut r = base.clone();
            change(&mut r);
            let k = key(&r);
            assert!(!seen.contains(&k), "{r:?}");
            seen.push(k);
        };
        other(&|r| r.messages[0].content.push('!'));
        other(&|r| r.messages[0].role = crate::providers::Role::User);
        other(&|r| r.sampling.temperature = 0.7);
        other(&|r| r.sampling.top_p = 0.9);
        other(&|r| r.sampling.max_tokens = 11);
        other(&|r| r.sampling.stop = vec!["\n".into()]);
        other(&|r| r.sampling.seed = Some(1));
        other(&|r| r.draw = 1);
        let schema = |text: &str| ReplySchema {
            name: "s".into(),
            schema: serde_json::from_str(text).unwrap(),
        };
        let (a, b) =
            (schema(r#"{"a":1,"b":{"c":1,"d":2}}"#), schema(r#"{"b":{"d":2,"c":1},"a":1}"#));
        let with = |s: ReplySchema| ChatRequest { schema: Some(s), ..base.clone() };
        assert_eq!(key(&with(a)), key(&with(b)), "the order of fields means nothing");
        assert_ne!(ReplyKey::of("m", &base, true), key(&base));
        assert_ne!(ReplyKey::of("n", &base, false), key(&base));
        assert_eq!(key(&base.clone()), key(&base));
    }

    #[test]
    fn a_key_stays_the_same_from_release_to_release() {
        let k = ReplyKey::of("m", &ChatRequest::greedy("", "Say yes.", 10), false);
        let text = k.to_string();
        assert_eq!(text.parse::<ReplyKey>().unwrap(), k);
        assert_eq!(&text[..8], GOLDEN, "stored replies would be paid for again");
        for bad in ["", "zz", &"g".repeat(64), &"é".repeat(32)] {
            assert!(bad.parse::<ReplyKey>().unwrap_err().contains("64 hexadecimal"));
        }
    }

    /// `sha256sum` of the JSON written out by hand.
    const GOLDEN: &str = "0b73c171";
}
