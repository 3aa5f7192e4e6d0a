//! Providers of text: rules of our own (`offline`), and language models behind [`ChatModel`].
//!
//! [`Augmenter`] is what augmentation asks for paraphrases and synonyms. Nothing here filters,
//! judges or stores a text: that is the work of `augment`, one floor up.

mod augmenter;
pub mod budget;
pub mod chat;
mod error;
pub mod estimate;
pub mod language;
pub mod local;
pub mod offline;
mod open;
pub mod openai;
pub mod prompts;
pub mod reading;
pub mod replies;
mod said;

pub use augmenter::{Ask, Augmenter, Family, Outcome, Parent, Partition, Proposal, Scope};
pub use chat::{
    CallFailed, ChatModel, ChatReply, ChatRequest, Finish, Message, OnReply, ReplySchema, Role,
    Sampling, Totals, Usage, ask_all,
};
pub use error::ProviderError;
pub use offline::Offline;
pub use open::{ModelSource, ReplyPlaces, open};
pub use said::{declines, excerpt, sounds_declining, without_reasoning};
