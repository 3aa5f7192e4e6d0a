//! Text to tokens and back: a tokenizer read from a model folder or trained on the training text,
//! and how a conversation, a prompt (system, user) and a complete answer are put to a model.

mod chat;
mod files;
mod folder;
mod guard;
mod markers;
mod template;
#[cfg(test)]
mod template_tests;
#[cfg(test)]
pub mod testing;
mod train;

pub use chat::{ChatOptions, ChatTokenizer, PromptReader};
pub use template::{Speaker, Turn};
pub use train::train;

/// How a base model is spoken to where that was asked for: our own few-shot form, without roles.
const PLAIN: &str = "{{ bos_token }}{% for m in messages %}\
    {% if m['role'] == 'system' %}{{ m['content'] + '\\n\\n' }}\
    {% elif m['role'] == 'user' %}{{ 'Question: ' + m['content'] + '\\n' }}\
    {% else %}{{ 'Answer: ' + m['content'] + eos_token }}{% endif %}{% endfor %}\
    {% if add_generation_prompt %}{{ 'Answer:' }}{% endif %}";
