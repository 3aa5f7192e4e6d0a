//! `polyculture providers test`: a few tiny requests that tell what a service offers.

use std::time::Instant;

use serde::Serialize;

use super::dialect::{MaxTokens, Shape};
use super::{OpenAi, open};
use crate::config::UserConfig;
use crate::domain::prompt::Prompt;
use crate::providers::{
    ChatModel, ChatRequest, ProviderError, ReplyPlaces, ReplySchema, Usage, ask_all,
};

/// What a service offers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probe {
    /// The provider.
    pub provider: String,
    /// The model that was asked for.
    pub model: String,
    /// The model that says it answered.
    pub answered_by: String,
    /// Time from the call to its whole reply, in milliseconds.
    pub latency_ms: f64,
    /// What it said (raw: for display it passes the door of `text/`).
    pub said: String,
    /// `json_schema`, `json_object`, `none`: how far it can be held to a shape.
    pub structured: &'static str,
    /// Whether it gives log-probabilities.
    pub log_probs: bool,
    /// Whether it counts tokens.
    pub usage: bool,
    /// Options that it does not take, comma separated.
    pub refuses: String,
    /// Calls that the test took.
    pub calls: u64,
    /// Tokens that the test took.
    pub tokens: Usage,
    /// What that cost, where a price is known.
    pub cost: Option<f64>,
}

/// Asks a provider for a word, for a shape and for log-probabilities. Stores nothing.
///
/// # Errors
/// No such provider, no key, or it does not answer.
pub fn probe(config: &UserConfig, provider: &str, model: &str) -> Result<Probe, ProviderError> {
    let mut api = open(config, provider, model, &ReplyPlaces::default())?;
    let settings = &mut api.backend().settings;
    // A person waits for it.
    settings.retries = settings.retries.min(1);
    let start = Instant::now();
    let hello = ChatRequest::greedy("", "Reply with the single word: yes", 16);
    let (replies, _) = ask_all(&mut api, &[hello])?;
    let latency_ms = start.elapsed().as_secs_f64() * 1000.0;
    let first = match replies.into_iter().next() {
        Some(Ok(reply)) => reply,
        Some(Err(e)) => return Err(silent(provider, &e.detail)),
        None => return Err(silent(provider, "no reply")),
    };
    let stored =
        api.replies().get(&first.key.parse().map_err(|e: String| silent(provider, &e))?)?;
    let usage = stored.is_some_and(|s| super::envelope::usage(&s.body).is_some());
    let mut shaped = ChatRequest::greedy("", "Reply with JSON: {\"answer\": \"yes\"}", 32);
    shaped.schema = Some(ReplySchema {
        name: "answer".into(),
        schema: serde_json::json!({"type": "object", "properties": {"answer": {"type": "string"}},
            "required": ["answer"], "additionalProperties": false}),
    });
    let (replies, _) = ask_all(&mut api, &[shaped])?;
    let held = replies.first().is_some_and(Result::is_ok);
    let prompt = Prompt {
        system: String::new(),
        user: "Reply with the single word: yes".into(),
        answers: vec!["yes".into(), "no".into()],
    };
    // Whether they come at all, not whether this model says yes or no.
    let _ = api.score(std::slice::from_ref(&prompt));
    let asked = ChatRequest::greedy("", prompt.user, 1);
    let content = super::Backend::content(api.backend());
    let key = crate::providers::replies::ReplyKey::of(&content, &asked, true);
    let log_probs =
        api.replies().get(&key)?.is_some_and(|s| super::envelope::first_token(&s.body).is_some());
    let spent = api.replies().meter().spent();
    let backend = api.backend();
    Ok(Probe {
        provider: provider.to_owned(),
        model: backend.model.clone(),
        answered_by: first.model,
        latency_ms,
        said: first.text,
        structured: match backend.dialect.shape {
            Shape::Schema if held => "json_schema",
            Shape::Object if held => "json_object",
            _ => "none",
        },
        log_probs,
        usage,
        refuses: refuses(backend),
        calls: spent.calls,
        tokens: spent.usage,
        cost: spent.cost,
    })
}

fn silent(provider: &str, detail: &str) -> ProviderError {
    ProviderError::Unreachable { provider: provider.to_owned(), detail: detail.to_owned() }
}

fn refuses(api: &OpenAi) -> String {
    let d = &api.dialect;
    [
        (d.temperature, "temperature"),
        (d.top_p, "top_p"),
        (d.seed, "seed"),
        (d.stop, "stop"),
        (d.max_tokens != MaxTokens::No, "max_tokens"),
    ]
    .iter()
    .filter(|(takes, _)| !takes)
    .map(|(_, name)| *name)
    .collect::<Vec<_>>()
    .join(", ")
}
