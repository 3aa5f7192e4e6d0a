//! The desk between the caller and a backend: hands out requests that nobody has answered yet,
//! takes in raw replies, stores, parses and reports them. Everything on it happens on the thread of
//! the caller, whose iterator and closure need not be thread safe.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::{Replies, ReplyKey, StoredReply};
use crate::providers::budget::Meter;
use crate::providers::{CallFailed, ChatReply, ChatRequest, OnReply, ProviderError, Totals, Usage};

/// Bodies of replies that failed are kept up to here.
const FAILED_BODY: usize = 64 << 10;

/// A request that must be put to the model. It goes back to the desk by [`Desk::reply`] or
/// [`Desk::fail`]; one that is dropped is put again by the next attempt of the run.
#[derive(Debug)]
pub struct Job {
    /// The request.
    pub request: ChatRequest,
    /// Its key in the reply store.
    pub key: ReplyKey,
    /// Log-probabilities of the first tokens are wanted too.
    pub log_probs: bool,
    /// Calls sent for it so far: counted by [`Desk::sent`].
    pub tries: u32,
    /// Those that a stored line tells of.
    told: u32,
}

/// What the desk has next.
#[derive(Debug)]
pub enum Next {
    /// A request to put to the model.
    Job(Box<Job>),
    /// A request was answered from the store, or waits for an equal one under way.
    Stored,
    /// The caller has no more, or wants no more.
    End,
}

/// What came back for a job.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    /// The body, as received.
    pub body: String,
    /// HTTP status; 200 for embedded models.
    pub status: u16,
    /// Tokens of the call.
    pub usage: Usage,
    /// What it cost, where a price is known.
    pub cost: Option<f64>,
}

/// See the module.
pub struct Desk<'a> {
    requests: &'a mut dyn Iterator<Item = ChatRequest>,
    on_reply: &'a mut OnReply<'a>,
    replies: &'a Replies,
    parse: fn(&str) -> Result<ChatReply, CallFailed>,
    by: String,
    content: String,
    log_probs: bool,
    place: u64,
    open: bool,
    enough: bool,
    /// Places that wait for a key under way.
    waiting: HashMap<ReplyKey, Vec<u64>>,
    totals: Totals,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        requests: &'a mut dyn Iterator<Item = ChatRequest>,
        on_reply: &'a mut OnReply<'a>,
        replies: &'a Replies,
        parse: fn(&str) -> Result<ChatReply, CallFailed>,
        (by, content): (String, String),
        log_probs: bool,
    ) -> Self {
        Self {
            requests,
            on_reply,
            replies,
            parse,
            by,
            content,
            log_probs,
            place: 0,
            open: true,
            enough: false,
            waiting: HashMap::new(),
            totals: Totals::default(),
        }
    }

    /// Draws one request.
    ///
    /// # Errors
    /// The reply store cannot be read.
    #[allow(clippy::should_implement_trait, reason = "it can fail, which an iterator cannot")]
    pub fn next(&mut self) -> Result<Next, ProviderError> {
        if !self.open {
            return Ok(Next::End);
        }
        let Some(request) = self.requests.next() else {
            self.open = false;
            return Ok(Next::End);
        };
        let place = self.place;
        self.place += 1;
        let key = ReplyKey::of(&self.content, &request, self.log_probs);
        if let Some(places) = self.waiting.get_mut(&key) {
            places.push(place);
            return Ok(Next::Stored);
        }
        if let Some(stored) = self.replies.get(&key)?
            // What cannot be read is asked again.
            && let Ok(reply) = (self.parse)(&stored.body)
        {
            self.report(place, Ok(stored_copy(reply, &key)));
            return Ok(Next::Stored);
        }
        self.waiting.insert(key, vec![place]);
        Ok(Next::Job(Box::new(Job { request, key, log_probs: self.log_probs, tries: 0, told: 0 })))
    }

    /// The next request that must be put to the model; `None` at the end.
    ///
    /// # Errors
    /// As [`Desk::next`].
    pub fn job(&mut self) -> Result<Option<Job>, ProviderError> {
        loop {
            match self.next()? {
                Next::Job(job) => return Ok(Some(*job)),
                Next::Stored => {}
                Next::End => return Ok(None),
            }
        }
    }

    /// False once nothing further will be drawn.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// True once the caller wants no more: what is not under way is not begun.
    pub fn has_enough(&self) -> bool {
        self.enough
    }

    /// What the run has spent and may spend.
    pub fn meter(&self) -> &Arc<Meter> {
        self.replies.meter()
    }

    /// Counts a call that is sent for a job.
    pub fn sent(&mut self, job: &mut Job) {
        job.tries += 1;
        self.totals.calls += 1;
    }

    /// Takes in a reply: stores it, then parses and reports it. A reply that says nothing usable
    /// comes back with its job, to be tried again or failed; it is stored all the same.
    ///
    /// # Errors
    /// The reply cannot be stored.
    pub fn reply(
        &mut self,
        mut job: Job,
        raw: Raw,
    ) -> Result<Option<(Job, CallFailed)>, ProviderError> {
        self.totals.usage.prompt += raw.usage.prompt;
        self.totals.usage.completion += raw.usage.completion;
        if let Some(cost) = raw.cost {
            self.totals.cost = Some(self.totals.cost.unwrap_or(0.0) + cost);
        }
        let usage = raw.usage;
        let line = self.line(&job, raw, None);
        self.replies.keep(&line)?;
        job.told = job.tries;
        match (self.parse)(&line.body) {
            Err(failed) => Ok(Some((job, failed))),
            Ok(mut reply) => {
                let places = self.waiting.remove(&job.key).unwrap_or_default();
                reply.usage = usage;
                reply.key.clone_from(&line.key);
                reply.stored = false;
                let mut places = places.into_iter();
                if let Some(first) = places.next() {
                    for place in places {
                        self.report(place, Ok(stored_copy(reply.clone(), &job.key)));
                    }
                    self.report(first, Ok(reply));
                }
                Ok(None)
            }
        }
    }

    /// Gives a job up. `body` is what came back, where something did: it is kept for looking at.
    ///
    /// # Errors
    /// The reply cannot be stored.
    #[allow(clippy::needless_pass_by_value, reason = "a job that was given back is nobody's")]
    pub fn fail(
        &mut self,
        job: Job,
        failed: CallFailed,
        last: Option<Raw>,
    ) -> Result<(), ProviderError> {
        if let Some(mut raw) = last {
            raw.body.truncate(raw.body.floor_char_boundary(FAILED_BODY));
            let line = self.line(&job, raw, Some(failed.code.clone()));
            self.replies.keep(&line)?;
        }
        for place in self.waiting.remove(&job.key).unwrap_or_default() {
            self.report(place, Err(failed.clone()));
        }
        Ok(())
    }

    fn line(&self, job: &Job, raw: Raw, failed: Option<String>) -> StoredReply {
        StoredReply {
            key: job.key.to_string(),
            status: raw.status,
            at: crate::job::now().to_string(),
            by: self.by.clone(),
            usage: raw.usage,
            tries: job.tries - job.told,
            cost: raw.cost,
            failed,
            body: raw.body,
        }
    }

    fn report(&mut self, place: u64, reply: Result<ChatReply, CallFailed>) {
        self.totals.requests += 1;
        match &reply {
            Ok(r) => self.totals.stored += u64::from(r.stored),
            Err(_) => self.totals.failed += 1,
        }
        if let ControlFlow::Break(()) = (self.on_reply)(place, reply) {
            (self.open, self.enough) = (false, true);
        }
    }

    pub(super) fn finish(self) -> Totals {
        self.totals
    }
}

fn stored_copy(mut reply: ChatReply, key: &ReplyKey) -> ChatReply {
    reply.usage = Usage::default();
    reply.key = key.to_string();
    reply.stored = true;
    reply
}
