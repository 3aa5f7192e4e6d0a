//! Provider kind `openai`: any service that speaks chat completions as OpenAI does (vLLM, llama.cpp,
//! Ollama, TGI, Azure, gateways). The user's configuration defines it; a run names it.
//!
//! A call travels through: `dialect` (which options the service takes) → `wire` (its body) →
//! `limits` (when it may go) → `call` (over the wire) → `judge` (what the answer means) → the
//! desk of the reply store (stored, then parsed by `envelope`). `drive` is the loop around it.

mod call;
mod dialect;
mod drive;
mod envelope;
mod headers;
mod judge;
mod limits;
mod probe;
mod rest;
mod scores;
mod secret;
mod wire;

#[cfg(test)]
#[path = "../../../tests/endpoint/mod.rs"]
mod endpoint;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::runtime::Runtime;

use self::call::Caller;
use self::dialect::Dialect;
use self::limits::Gate;
pub use self::probe::{Probe, probe};
pub use self::rest::{Rest, RestAnswer};
pub use self::secret::Secret;
use super::budget::Price;
use super::replies::{Backend, Desk, Recorded, Replies, sorted};
use super::{CallFailed, ChatReply, ProviderError, ReplyPlaces};
use crate::config::{ProviderSettings, UserConfig};
use crate::domain::OptionScores;
use crate::domain::prompt::Prompt;

/// First wait before a call is tried again, in seconds; it doubles.
const FIRST_BACKOFF: f64 = 0.5;
/// How long calls under way are waited for once no more is wanted, in seconds. Shorter than the
/// grace of a run that is stopped.
const GRACE: f64 = 5.0;

/// One model of one provider.
#[derive(Debug)]
pub struct OpenAi {
    provider: String,
    model: String,
    settings: ProviderSettings,
    dialect: Arc<Dialect>,
    caller: Caller,
    price: Option<Price>,
    gate: Gate,
    first_backoff: f64,
    grace: f64,
    /// Tokens of replies so far and their number: what the next is guessed to take.
    replies: (u64, u64),
    /// Usable replies so far, and requests given up since the last.
    successes: u64,
    given_up: u32,
    runtime: Arc<Runtime>,
    start: tokio::time::Instant,
}

impl OpenAi {
    /// Makes the client; fetches the key. Nothing is sent.
    ///
    /// # Errors
    /// No model is named, the key is missing, an address or header cannot be used.
    pub fn new(settings: &ProviderSettings, model: &str) -> Result<Self, ProviderError> {
        let model = match (model, &settings.model) {
            ("", Some(default)) => default.clone(),
            ("", None) => {
                return Err(ProviderError::Config(format!(
                    "provider `{}` has no default model: name one, as {}/MODEL",
                    settings.name, settings.name
                )));
            }
            (named, _) => named.to_owned(),
        };
        let secret = secret::fetch(settings)?;
        let price = settings.prices(&model).map(|p| Price {
            prompt: p.prompt,
            completion: p.completion,
            currency: p.currency.clone(),
        });
        // One thread, the caller's: waking others for each call took most of the time of a call.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| ProviderError::Config(format!("no threads for calls: {e}")))?;
        // Only the jitter comes from it.
        let seed = u64::from(std::process::id()) ^ jiff::Timestamp::now().as_nanosecond() as u64;
        Ok(Self {
            provider: settings.name.clone(),
            dialect: Arc::new(Dialect::new(settings)),
            caller: Caller::new(settings, secret)?,
            gate: Gate::new(
                settings.requests_per_minute,
                settings.tokens_per_minute,
                settings.in_flight,
                seed,
            ),
            first_backoff: FIRST_BACKOFF,
            grace: GRACE,
            replies: (0, 0),
            successes: 0,
            given_up: 0,
            start: tokio::time::Instant::now(),
            runtime: Arc::new(runtime),
            settings: settings.clone(),
            model,
            price,
        })
    }

    /// Seconds since this client was made.
    fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }
}

impl Backend for OpenAi {
    fn name(&self) -> String {
        format!("openai:{}/{}", self.provider, self.model)
    }

    fn content(&self) -> String {
        if self.settings.extra_body.is_empty() {
            return self.model.clone();
        }
        let extra = serde_json::Value::Object(self.settings.extra_body.clone());
        format!("{}\n{}", self.model, sorted(&extra))
    }

    fn answer(&mut self, desk: &mut Desk<'_>) -> Result<(), ProviderError> {
        let runtime = Arc::clone(&self.runtime);
        runtime.block_on(drive::drive(self, desk))
    }

    fn parse(raw: &str) -> Result<ChatReply, CallFailed> {
        envelope::reply(raw)
    }

    fn score(
        &mut self,
        prompts: &[Prompt],
        replies: &Arc<Replies>,
    ) -> Option<Result<Vec<OptionScores>, String>> {
        scores::score(self, prompts, replies)
    }
}

/// Opens a model of a provider of the user's configuration, with a memory.
///
/// # Errors
/// No such provider, no key, a limit in money without a price, a store that cannot be used.
pub fn open(
    config: &UserConfig,
    provider: &str,
    model: &str,
    places: &ReplyPlaces,
) -> Result<Recorded<OpenAi>, ProviderError> {
    let settings = config.provider(provider).map_err(|e| ProviderError::Config(e.to_string()))?;
    let backend = OpenAi::new(settings, model)?;
    let price = backend.price.clone();
    let recorded = Recorded::new(backend, places)?;
    let meter = recorded.replies().meter();
    match price {
        Some(p) => meter
            .use_currency(&p.currency)
            .map_err(|detail| ProviderError::Config(format!("provider `{provider}`: {detail}")))?,
        None if meter.budget().max_cost.is_some() => {
            return Err(ProviderError::Config(format!(
                "provider `{provider}`: the run has a limit in money, and no price is known: add \
                 `price = {{ prompt = .., completion = .. }}` (per million tokens) to {}",
                config.file.display()
            )));
        }
        None => {}
    }
    Ok(recorded)
}
