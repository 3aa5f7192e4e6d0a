//! Which options a service takes. Each is sent until the service says that it does not know it; then
//! it is left out for good, and the call is made again. Replies are parsed by us in any case.

use serde_json::{Value, json};

use super::envelope::Complaint;
use crate::config::{ProviderSettings, Structured};
use crate::providers::ReplySchema;

/// What the longest reply is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaxTokens {
    /// `max_tokens`: everybody but the newest.
    Old,
    /// `max_completion_tokens`: reasoning models of OpenAI.
    New,
    /// As the user says.
    Named(String),
    /// Not sent.
    No,
}

/// How far the service can be held to a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// By JSON Schema.
    Schema,
    /// To any JSON object.
    Object,
    /// Not at all.
    No,
}

/// The options that are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// The name of the longest reply.
    pub max_tokens: MaxTokens,
    /// Shapes.
    pub shape: Shape,
    /// After `Schema`, `Object` may be tried.
    falls_back: bool,
    /// Temperature.
    pub temperature: bool,
    /// Nucleus.
    pub top_p: bool,
    /// Random seed.
    pub seed: bool,
    /// Stop texts.
    pub stop: bool,
    /// Log-probabilities; how many likeliest tokens. 0: none.
    pub log_probs: u8,
}

impl Dialect {
    /// What is tried first.
    pub fn new(settings: &ProviderSettings) -> Self {
        Self {
            max_tokens: match settings.max_tokens_field.as_deref() {
                None | Some("max_tokens") => MaxTokens::Old,
                Some("max_completion_tokens") => MaxTokens::New,
                Some(other) => MaxTokens::Named(other.to_owned()),
            },
            shape: match settings.structured {
                Structured::Auto | Structured::JsonSchema => Shape::Schema,
                Structured::JsonObject => Shape::Object,
                Structured::None => Shape::No,
            },
            falls_back: settings.structured == Structured::Auto,
            temperature: true,
            top_p: true,
            seed: true,
            stop: true,
            log_probs: 20,
        }
    }

    /// The field's name for the longest reply.
    pub fn max_tokens_field(&self) -> Option<&str> {
        match &self.max_tokens {
            MaxTokens::Old => Some("max_tokens"),
            MaxTokens::New => Some("max_completion_tokens"),
            MaxTokens::Named(name) => Some(name),
            MaxTokens::No => None,
        }
    }

    /// The field `response_format`, where one is sent.
    pub fn response_format(&self, schema: Option<&ReplySchema>) -> Option<Value> {
        let schema = schema?;
        match self.shape {
            Shape::Schema => Some(json!({"type": "json_schema", "json_schema":
                {"name": schema.name, "strict": true, "schema": schema.schema}})),
            Shape::Object => Some(json!({"type": "json_object"})),
            Shape::No => None,
        }
    }

    /// The dialect without what a complaint is about; `None` when it is about none of the options
    /// that were sent in this one.
    pub fn without(&self, complaint: &Complaint, sent: &Sent) -> Option<Self> {
        let about = |names: &[&str]| complaint.is_about(names);
        let mut next = self.clone();
        // The longer names first: a complaint about `top_logprobs` has `logprobs` in it.
        if sent.log_probs && self.log_probs > 0 && about(&["top_logprobs", "logprobs"]) {
            // Some allow five at most.
            next.log_probs = if self.log_probs > 5 && complaint.is_about_size() { 5 } else { 0 };
            return Some(next);
        }
        if !complaint.is_about_an_option() {
            return None;
        }
        if sent.shape
            && self.shape != Shape::No
            && about(&[
                "response_format",
                "json_schema",
                "json_object",
                "structured output",
                "guided_json",
                "grammar",
            ])
        {
            next.shape = match self.shape {
                Shape::Schema if self.falls_back => Shape::Object,
                _ => Shape::No,
            };
            return Some(next);
        }
        if sent.max_tokens
            && self.max_tokens != MaxTokens::No
            && about(&["max_tokens", "max_completion_tokens"])
        {
            next.max_tokens = match (&self.max_tokens, complaint.names("max_completion_tokens")) {
                (MaxTokens::Old, true) => MaxTokens::New,
                (MaxTokens::New | MaxTokens::Named(_), _) if complaint.suggests("max_tokens") => {
                    MaxTokens::Old
                }
                _ => MaxTokens::No,
            };
            return Some(next);
        }
        let switches: [(Switch, bool, &str); 4] = [
            (|d| &mut d.temperature, sent.temperature, "temperature"),
            (|d| &mut d.top_p, sent.top_p, "top_p"),
            (|d| &mut d.seed, sent.seed, "seed"),
            (|d| &mut d.stop, sent.stop, "stop"),
        ];
        for (switch, was_sent, name) in switches {
            if was_sent && about(&[name]) {
                let on = switch(&mut next);
                if *on {
                    *on = false;
                    return Some(next);
                }
            }
        }
        None
    }
}

/// Where an option is turned off.
type Switch = fn(&mut Dialect) -> &mut bool;

/// Which options stood in a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// `response_format`
    pub shape: bool,
    /// The longest reply.
    pub max_tokens: bool,
    /// `temperature`
    pub temperature: bool,
    /// `top_p`
    pub top_p: bool,
    /// `seed`
    pub seed: bool,
    /// `stop`
    pub stop: bool,
    /// `logprobs`
    pub log_probs: bool,
}
