//! The reply store: every raw reply is appended to `replies.jsonl` before it is read for meaning,
//! keyed by the content of its request, so that a killed run resumes and pays for nothing twice.
//!
//! A model becomes a [`ChatModel`](super::ChatModel) with a memory by implementing [`Backend`] and
//! being wrapped in [`Recorded`]: the wrapper looks requests up, merges equal ones that are under
//! way, stores, parses and reports; the backend only answers.

mod desk;
mod key;
mod record;
mod recorded;
mod said;
mod store;
#[cfg(test)]
mod tests;

pub use desk::{Desk, Job, Next, Raw};
pub use key::{ReplyKey, sorted};
pub use record::StoredReply;
pub(super) use recorded::ask_recorded;
pub use recorded::{Backend, Recorded};
pub use said::{reply_text, said, stores_of};
pub use store::{Replies, find, find_all};
