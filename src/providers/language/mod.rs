//! Language models as proposers: which requests a stage takes, and how a reply becomes proposals.
//! Pure: nothing here calls a model. A reply is read by [`super::reading`]; a call that failed, a
//! refusal, a reply that was cut and a text that is missing are failed proposals with their reason,
//! so that as many proposals come out as were asked for.

mod manner;
mod paraphrase;
mod synonyms;
mod translate;
mod words;

pub use manner::Manner;
pub use paraphrase::Paraphrases;
pub use synonyms::SynonymsInContext;
pub use translate::Translations;

use super::{CallFailed, ChatReply};
use crate::domain::FailReason;

/// How one request ended: the reply, or why there is none.
pub type Answer = Result<ChatReply, CallFailed>;

/// A failed call as the fate of what it was to bring.
fn call_failed(f: &CallFailed) -> FailReason {
    FailReason::CallFailed { code: f.code.clone(), detail: f.detail.clone() }
}

#[cfg(test)]
mod tests;
