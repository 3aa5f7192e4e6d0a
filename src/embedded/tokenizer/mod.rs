//! Text to tokens: a tokenizer read from a model folder or trained on the training text, and the
//! rendering of a prompt (system, user) and of a complete answer.

mod chat;
mod train;

pub use chat::{ChatTokenizer, PromptReader};
pub use train::train;
