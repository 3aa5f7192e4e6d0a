//! A backend with a memory.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Desk, Raw, Replies};
use crate::domain::OptionScores;
use crate::domain::prompt::Prompt;
use crate::providers::budget::Meter;
use crate::providers::{
    CallFailed, ChatModel, ChatReply, ChatRequest, Finish, OnReply, ProviderError, ReplyPlaces,
    Totals, Usage,
};

/// Something that answers requests; [`Recorded`] gives it a memory and makes it a [`ChatModel`].
pub trait Backend: Send {
    /// For provenance and tables: `openai:NAME/MODEL`, `local:NAME`.
    fn name(&self) -> String;

    /// What besides the request decides the reply, for its key: the model's name (for an embedded
    /// one a hash of its weights is better), extra body fields, an adapter. Never a host or a key.
    fn content(&self) -> String;

    /// Takes jobs from the desk until there are no more, and gives each back by [`Desk::reply`] or
    /// [`Desk::fail`]. When the desk is no longer open, those under way are brought to an end.
    ///
    /// # Errors
    /// The provider as a whole cannot work, or the desk says so.
    fn answer(&mut self, desk: &mut Desk<'_>) -> Result<(), ProviderError>;

    /// Reads a raw body: as [`answer`](Self::answer) gives it to the desk, now or in an earlier
    /// attempt. `usage`, `key` and `stored` are filled in by the desk. By default the body is what
    /// [`Raw::plain`] made.
    ///
    /// # Errors
    /// It says nothing that could be read.
    fn parse(raw: &str) -> Result<ChatReply, CallFailed>
    where
        Self: Sized,
    {
        Plain::read(raw)
    }

    /// See [`ChatModel::score`]. `replies` is for backends that pay for scores.
    fn score(
        &mut self,
        prompts: &[Prompt],
        replies: &Arc<Replies>,
    ) -> Option<Result<Vec<OptionScores>, String>> {
        let _ = (prompts, replies);
        None
    }
}

/// A raw reply of an embedded model: what it generated and why it stopped.
#[derive(Serialize, Deserialize)]
struct Plain {
    text: String,
    finish: Finish,
    model: String,
}

impl Plain {
    fn read(raw: &str) -> Result<ChatReply, CallFailed> {
        let p: Self = serde_json::from_str(raw)
            .map_err(|e| CallFailed { code: "bad-reply".into(), detail: e.to_string() })?;
        Ok(ChatReply {
            text: p.text,
            finish: p.finish,
            refusal: None,
            usage: Usage::default(),
            model: p.model,
            key: String::new(),
            stored: false,
        })
    }
}

impl Raw {
    /// The raw reply of an embedded model, which has no envelope of its own.
    pub fn plain(text: &str, finish: Finish, model: &str, usage: Usage) -> Self {
        let plain = Plain { text: text.to_owned(), finish, model: model.to_owned() };
        // Two strings and a word: writing them to memory cannot fail.
        let body = serde_json::to_string(&plain).unwrap_or_default();
        Self { body, status: 200, usage, cost: None }
    }
}

/// A backend whose replies are stored before they are read, and looked up before they are asked
/// for.
#[derive(Debug)]
pub struct Recorded<B> {
    backend: B,
    replies: Arc<Replies>,
}

impl<B: Backend> Recorded<B> {
    /// Opens the store beside the backend.
    ///
    /// # Errors
    /// The places cannot be read or written.
    pub fn new(backend: B, places: &ReplyPlaces) -> Result<Self, ProviderError> {
        Ok(Self { backend, replies: Replies::open(places)? })
    }

    /// The backend.
    pub fn backend(&mut self) -> &mut B {
        &mut self.backend
    }

    /// The store.
    pub fn replies(&self) -> &Arc<Replies> {
        &self.replies
    }
}

/// Puts requests through the store and the backend.
///
/// # Errors
/// See [`ChatModel::ask`].
pub fn ask_recorded<B: Backend>(
    backend: &mut B,
    replies: &Replies,
    log_probs: bool,
    requests: &mut dyn Iterator<Item = ChatRequest>,
    on_reply: &mut OnReply<'_>,
) -> Result<Totals, ProviderError> {
    let about = (backend.name(), backend.content());
    let mut report = |place, reply| -> ControlFlow<()> { on_reply(place, reply) };
    let mut desk = Desk::new(requests, &mut report, replies, B::parse, about, log_probs);
    let answered = backend.answer(&mut desk);
    let totals = desk.finish();
    // Durable whether it ended well or not; its own trouble comes first.
    let synced = replies.sync();
    answered?;
    synced?;
    Ok(totals)
}

impl<B: Backend> ChatModel for Recorded<B> {
    fn name(&self) -> String {
        self.backend.name()
    }

    fn ask(
        &mut self,
        requests: &mut (dyn Iterator<Item = ChatRequest> + Send),
        on_reply: &mut OnReply<'_>,
    ) -> Result<Totals, ProviderError> {
        ask_recorded(&mut self.backend, &self.replies, false, &mut { requests }, on_reply)
    }

    fn meter(&self) -> Option<Arc<Meter>> {
        Some(Arc::clone(self.replies.meter()))
    }

    fn score(&mut self, prompts: &[Prompt]) -> Option<Result<Vec<OptionScores>, String>> {
        self.backend.score(prompts, &self.replies)
    }
}
