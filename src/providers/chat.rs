//! The one door to language models that answer in words: an endpoint behind HTTP, or a decoder
//! inside the binary. Callers hand over an iterator of requests and hear of each as it ends, in any
//! order; how many are in flight, how limits are kept, what is paid for and what comes from the
//! reply store is behind the door.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ProviderError;
use super::budget::Meter;
use crate::domain::OptionScores;
use crate::domain::prompt::Prompt;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A system message.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Role::System, content: content.into() }
    }

    /// A user message.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// A reply of the model, given as an example or as history.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// How a reply is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 = the likeliest token each time.
    pub temperature: f64,
    /// Nucleus, 0 to 1; 1 = all.
    pub top_p: f64,
    /// Longest reply, in tokens.
    pub max_tokens: u32,
    /// Texts at which the reply ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Random seed, where the model takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Sampling {
    /// Temperature 0: judges, parsers, classification.
    pub fn greedy(max_tokens: u32) -> Self {
        Self { temperature: 0.0, top_p: 1.0, max_tokens, stop: Vec::new(), seed: None }
    }
}

/// A shape the reply should have, for endpoints that can hold a model to it. It is asked for, never
/// relied on: every reply goes through a parser of ours all the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplySchema {
    /// A name for the endpoint: letters, digits, `_`.
    pub name: String,
    /// JSON Schema.
    pub schema: serde_json::Value,
}

/// One thing asked of a model. Equal requests (same model) are one reply in the reply store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The conversation; the last message is the user's.
    pub messages: Vec<Message>,
    /// How the reply is drawn.
    pub sampling: Sampling,
    /// 0, 1, ..: tells k draws of one prompt apart; part of the reply's key.
    #[serde(default)]
    pub draw: u32,
    /// The shape wished for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<ReplySchema>,
}

impl ChatRequest {
    /// One draw of a prompt.
    pub fn new(messages: Vec<Message>, sampling: Sampling) -> Self {
        Self { messages, sampling, draw: 0, schema: None }
    }

    /// System (left out when empty) and user message, temperature 0.
    pub fn greedy(system: &str, user: impl Into<String>, max_tokens: u32) -> Self {
        let mut messages = Vec::with_capacity(2);
        if !system.is_empty() {
            messages.push(Message::system(system));
        }
        messages.push(Message::user(user));
        Self::new(messages, Sampling::greedy(max_tokens))
    }
}

/// Why a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// The model was done, or met a stop text.
    Stop,
    /// It met `max_tokens` or the end of its context: cut off.
    Length,
    /// A filter of the service held it back.
    Filtered,
    /// The service does not say, or says something else.
    Unknown,
}

/// Tokens of one call, as the service counts them (or we do, where it does not).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Of the prompt.
    pub prompt: u64,
    /// Of the reply, reasoning included.
    pub completion: u64,
}

/// A reply, parsed out of its envelope but not yet read for meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatReply {
    /// What the model said; reasoning that the service sends apart is not in it.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// The service's own refusal text, where it has a field for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Tokens; zero when it came from the reply store.
    pub usage: Usage,
    /// The model that the service says answered.
    pub model: String,
    /// Its key in the reply store: goes into provenance, opens the raw reply later.
    pub key: String,
    /// True when it was in the reply store already: nothing was paid.
    pub stored: bool,
}

/// One request that got no usable reply; the others go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFailed {
    /// A word for counts: `refused` (by a filter of the service), `bad-request`, `timeout`,
    /// `too-long`, `bad-reply`, `rate-limit`, `server`, `connection`.
    pub code: String,
    /// What happened, in words, without secrets.
    pub detail: String,
}

/// What a batch of requests took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Requests answered or failed.
    pub requests: u64,
    /// Replies found in the reply store.
    pub stored: u64,
    /// Calls sent, tries included.
    pub calls: u64,
    /// Requests without a usable reply.
    pub failed: u64,
    /// Tokens of calls that were paid for.
    pub usage: Usage,
    /// In the currency of the user's price list; `None` where no price is known.
    pub cost: Option<f64>,
}

/// Hears how each request ended: its place in the iterator, and the reply or why there is none.
/// `Break` stops the batch: no further request is taken, those in flight are waited for or dropped.
pub type OnReply<'a> = dyn FnMut(u64, Result<ChatReply, CallFailed>) -> ControlFlow<()> + 'a;

/// A model that answers in words.
pub trait ChatModel: Send {
    /// For provenance and tables: `openai:NAME/MODEL`, `local:NAME`.
    fn name(&self) -> String;

    /// Puts every request of the iterator, which is drawn from only as fast as there is room.
    /// Each is reported once, in any order.
    ///
    /// # Errors
    /// The provider as a whole cannot work (no key, no such model, the budget is spent, the disk
    /// is full). Replies that were reported before are stored and will not be paid for again.
    fn ask(
        &mut self,
        requests: &mut (dyn Iterator<Item = ChatRequest> + Send),
        on_reply: &mut OnReply<'_>,
    ) -> Result<Totals, ProviderError>;

    /// What the run of this model has spent so far, and may spend: for showing it as it goes.
    /// `None` for models that count nothing.
    fn meter(&self) -> Option<Arc<Meter>> {
        None
    }

    /// Log-probabilities of complete answers, for models that give them: by rank, in the order of
    /// the prompts. `None`: this one gives none, so answers are drawn instead.
    ///
    /// # Errors
    /// In words: the model could not score them.
    fn score(&mut self, prompts: &[Prompt]) -> Option<Result<Vec<OptionScores>, String>> {
        let _ = prompts;
        None
    }
}

/// Asks and collects the replies in the order of the requests.
///
/// # Errors
/// See [`ChatModel::ask`].
pub fn ask_all(
    model: &mut dyn ChatModel,
    requests: &[ChatRequest],
) -> Result<(Vec<Result<ChatReply, CallFailed>>, Totals), ProviderError> {
    let mut replies: Vec<Option<Result<ChatReply, CallFailed>>> = vec![None; requests.len()];
    let totals = model.ask(&mut requests.iter().cloned(), &mut |i, r| {
        if let Some(place) = replies.get_mut(i as usize) {
            *place = Some(r);
        }
        ControlFlow::Continue(())
    })?;
    let missing = || {
        Err(CallFailed { code: "connection".into(), detail: "the batch ended before it".into() })
    };
    Ok((replies.into_iter().map(|r| r.unwrap_or_else(missing)).collect(), totals))
}

#[cfg(test)]
pub mod testing {
    //! A model that says what a closure says: for tests of the rooms above.

    use super::*;

    /// Answers by a closure; `Err` is a failed call.
    pub struct Scripted<F>(pub F);

    impl<F: FnMut(&ChatRequest) -> Result<String, CallFailed> + Send> ChatModel for Scripted<F> {
        fn name(&self) -> String {
            "scripted:test".into()
        }

        fn ask(
            &mut self,
            requests: &mut (dyn Iterator<Item = ChatRequest> + Send),
            on_reply: &mut OnReply<'_>,
        ) -> Result<Totals, ProviderError> {
            let mut totals = Totals::default();
            for (i, request) in requests.enumerate() {
                let reply = (self.0)(&request).map(|text| ChatReply {
                    text,
                    finish: Finish::Stop,
                    refusal: None,
                    usage: Usage::default(),
                    model: "test".into(),
                    key: format!("{i:064x}"),
                    stored: false,
                });
                totals.requests += 1;
                totals.failed += u64::from(reply.is_err());
                if on_reply(i as u64, reply).is_break() {
                    break;
                }
            }
            Ok(totals)
        }
    }
}
