//! Stage 1: one request a seed and family, asking for n sentences of that structure.

use serde_json::json;

use super::{Answer, Manner, call_failed};
use crate::domain::{FailReason, Form, Question, language_name};
use crate::providers::prompts::{PromptError, PromptFile};
use crate::providers::reading::{Item, read_list};
use crate::providers::{ChatRequest, Outcome, Proposal, ProviderError, Scope};

/// Asks for paraphrases and reads them.
#[derive(Debug, Clone, PartialEq)]
pub struct Paraphrases {
    prompt: PromptFile,
    manner: Manner,
}

impl Paraphrases {
    /// With the prompt `paraphrase`.
    pub fn new(prompt: PromptFile, manner: Manner) -> Self {
        Self { prompt, manner }
    }

    /// Version of the prompt, for the provenance.
    pub fn version(&self) -> String {
        self.prompt.tag()
    }

    /// The families in scope that apply to texts of this form, in order.
    ///
    /// # Errors
    /// The scope names a family that the prompt does not have.
    pub fn families(&self, form: Form, scope: &Scope) -> Result<Vec<&str>, ProviderError> {
        let all = &self.prompt.families;
        if let Some(name) = scope.families.iter().find(|f| !all.contains_key(*f)) {
            return Err(ProviderError::UnknownFamily {
                name: name.clone(),
                expected: all.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
            });
        }
        Ok(all
            .iter()
            .filter(|(_, f)| scope.allows_side(f.side) && f.instruction(form).is_some())
            .map(|(name, _)| name.as_str())
            .filter(|n| scope.families.is_empty() || scope.families.iter().any(|f| f == n))
            .collect())
    }

    /// The request for `n` sentences of one family.
    ///
    /// # Errors
    /// The prompt fails on these values.
    pub fn request(
        &self,
        seed: &Question,
        family: &str,
        n: usize,
        rng_seed: u64,
    ) -> Result<ChatRequest, PromptError> {
        let kind = match seed.form {
            Form::Statement => "statement",
            Form::Question => "question",
        };
        let instruction =
            self.prompt.families.get(family).and_then(|f| f.instruction(seed.form)).unwrap_or("");
        let messages = self.prompt.render(json!({
            "text": seed.text,
            "n": n,
            "instruction": instruction,
            "kind": kind,
            "language": language_name(&seed.language),
            "topic": seed.topic.0,
        }))?;
        let mut request = ChatRequest::new(messages, self.manner.sampling(rng_seed));
        request.schema = self.manner.schema(
            "sentences",
            json!({
                "type": "object",
                "properties": {"sentences": {"type": "array", "items": {"type": "string"}}},
                "required": ["sentences"],
                "additionalProperties": false,
            }),
        );
        Ok(request)
    }

    /// Exactly `n` proposals of a reply.
    pub fn read(&self, family: &str, n: usize, answer: &Answer) -> Vec<Proposal> {
        let items: Vec<Item> = match answer {
            Ok(reply) => read_list(reply).exactly(n),
            Err(f) => vec![Err(call_failed(f)); n],
        };
        let reply = answer.as_ref().ok().map(|r| r.key.clone());
        let proposal = |outcome: Result<String, FailReason>| Proposal {
            outcome: outcome.map_or_else(Outcome::Failed, Outcome::Text),
            template: Some(format!("paraphrase/{family}")),
            family: Some(family.to_owned()),
            substitutions: Vec::new(),
            reply: reply.clone(),
        };
        items.into_iter().map(proposal).collect()
    }
}
