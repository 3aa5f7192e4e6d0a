//! Stage 2: one request a sentence for synonyms in its context; the program exchanges the words,
//! on token boundaries, with the substitution of the offline provider.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::json;

use super::words::{as_in_text, may_stand_in, worth_asking};
use super::{Answer, Manner, call_failed};
use crate::domain::{FailReason, Question, language_name, same_language};
use crate::providers::offline::lexicon::{Entry, variants};
use crate::providers::offline::mix;
use crate::providers::prompts::{PromptError, PromptFile};
use crate::providers::reading::{Synonyms, read_synonyms};
use crate::providers::{ChatRequest, Outcome, Parent, Partition, Proposal};

/// Synonyms asked for, for every word.
const EACH: usize = 5;

/// Asks for synonyms and puts them in their place.
#[derive(Debug, Clone, PartialEq)]
pub struct SynonymsInContext {
    prompt: PromptFile,
    manner: Manner,
}

impl SynonymsInContext {
    /// With the prompt `synonyms`.
    pub fn new(prompt: PromptFile, manner: Manner) -> Self {
        Self { prompt, manner }
    }

    /// Version of the prompt, for the provenance.
    pub fn version(&self) -> String {
        self.prompt.tag()
    }

    /// The one request for a sentence.
    ///
    /// # Errors
    /// The prompt fails on these values.
    pub fn request(
        &self,
        seed: &Question,
        text: &str,
        rng_seed: u64,
    ) -> Result<ChatRequest, PromptError> {
        let messages = self.prompt.render(json!({
            "text": text,
            "n": EACH,
            "words": worth_asking(text, &seed.language),
            "language": language_name(&seed.language),
        }))?;
        let mut request = ChatRequest::new(messages, self.manner.sampling(rng_seed));
        let texts = json!({"type": "array", "items": {"type": "string"}});
        request.schema = self.manner.schema(
            "synonyms",
            json!({
                "type": "object",
                "properties": {"words": {"type": "array", "items": {
                    "type": "object",
                    "properties": {"word": {"type": "string"}, "synonyms": texts},
                    "required": ["word", "synonyms"],
                    "additionalProperties": false,
                }}},
                "required": ["words"],
                "additionalProperties": false,
            }),
        );
        Ok(request)
    }

    /// Exactly `n` proposals: the parent with words of the reply in it, chosen by the random seed.
    pub fn read(
        &self,
        seed: &Question,
        parent: Parent<'_>,
        n: usize,
        rng_seed: u64,
        answer: &Answer,
    ) -> Vec<Proposal> {
        let reply = answer.as_ref().ok().map(|r| r.key.clone());
        let proposal = |outcome, substitutions| Proposal {
            outcome,
            template: parent.template.map(str::to_owned),
            family: parent.family.map(str::to_owned),
            substitutions,
            reply: reply.clone(),
        };
        let found = match answer {
            Err(f) => Err(call_failed(f)),
            Ok(reply) => read_synonyms(reply),
        };
        let entries = match found {
            Ok(found) => entries(parent.text, &found),
            Err(reason) => {
                return vec![proposal(Outcome::Failed(reason), Vec::new()); n];
            }
        };
        let refs: Vec<&Entry> = entries.iter().collect();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(mix(rng_seed, parent.text));
        let english = same_language(&seed.language, "en");
        let made = variants(&refs, parent.text, n, english, &mut rng);
        let came = made.len();
        let mut proposals: Vec<Proposal> = made
            .into_iter()
            .map(|(text, mut substitutions)| {
                for s in &mut substitutions {
                    s.rule = format!("reply {}", reply.as_deref().unwrap_or_default());
                }
                proposal(Outcome::Text(text), substitutions)
            })
            .collect();
        let reason = if entries.is_empty() {
            FailReason::Unreadable {
                detail: "no word of the reply stands in the sentence with a synonym that fits"
                    .into(),
            }
        } else {
            FailReason::TooFew { asked: n, came }
        };
        proposals.resize_with(n, || proposal(Outcome::Failed(reason.clone()), Vec::new()));
        proposals
    }
}

/// One entry a synonym, for words that stand in the parent.
fn entries(parent: &str, found: &Synonyms) -> Vec<Entry> {
    let mut out: Vec<Entry> = Vec::new();
    for (word, synonyms) in found {
        let Some(from) = as_in_text(parent, word) else { continue };
        for to in synonyms.iter().filter(|s| may_stand_in(s, parent)) {
            let known = out.iter().any(|e| e.from[0] == from && e.to[0] == *to);
            if !known && crate::text::fold(to) != crate::text::fold(&from) {
                out.push(Entry {
                    from: vec![from.clone()],
                    to: vec![to.clone()],
                    of: Vec::new(),
                    side: Partition::Train,
                });
            }
        }
    }
    out
}
