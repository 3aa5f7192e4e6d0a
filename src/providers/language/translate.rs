//! One request a text: the same in another language.

use serde_json::json;

use super::{Answer, Manner, call_failed};
use crate::domain::{Form, language_name};
use crate::providers::ChatRequest;
use crate::providers::prompts::{PromptError, PromptFile};
use crate::providers::reading::{Item, read_one};

/// Asks for translations and reads them.
#[derive(Debug, Clone, PartialEq)]
pub struct Translations {
    prompt: PromptFile,
    manner: Manner,
}

impl Translations {
    /// With the prompt `translate`.
    pub fn new(prompt: PromptFile, manner: Manner) -> Self {
        Self { prompt, manner }
    }

    /// Version of the prompt, for the provenance.
    pub fn version(&self) -> String {
        self.prompt.tag()
    }

    /// The request for a text. Tags are BCP 47.
    ///
    /// # Errors
    /// The prompt fails on these values.
    pub fn request(
        &self,
        text: &str,
        form: Form,
        source: &str,
        target: &str,
        rng_seed: u64,
    ) -> Result<ChatRequest, PromptError> {
        let kind = match form {
            Form::Statement => "statement",
            Form::Question => "question",
        };
        let messages = self.prompt.render(json!({
            "text": text,
            "kind": kind,
            "source": language_name(source),
            "target": language_name(target),
            "target_tag": target,
        }))?;
        Ok(ChatRequest::new(messages, self.manner.sampling(rng_seed)))
    }

    /// The translation, or why there is none.
    ///
    /// # Errors
    /// The call failed, or the reply is a refusal, cut, empty, or several texts.
    pub fn read(&self, answer: &Answer) -> Item {
        match answer {
            Ok(reply) => read_one(reply),
            Err(f) => Err(call_failed(f)),
        }
    }
}
