//! Single replies of a survey: the answers that were drawn to each prompt, found again by the
//! content of their requests, and the option that each was read as.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::Section;
use crate::config::UserConfig;
use crate::domain::Question;
use crate::domain::prompt::Prompt;
use crate::evaluate::drawn::request;
use crate::evaluate::{DEFAULT_DRAWS, Draws, EvaluateError, PlannedModel, chosen_option};
use crate::job::{Attempt, JobError};
use crate::providers::ModelSource;
use crate::providers::replies::{ReplyKey, StoredReply, find_all, said, sorted, stores_of};

/// The replies of one model, where it is one that answers in words.
pub(super) struct Drawn {
    stores: Vec<PathBuf>,
    /// What a request's key may begin with: the model's name alone, or with the extra fields that
    /// the user's configuration gives it now.
    contents: Vec<String>,
    draws: Draws,
}

impl Drawn {
    /// `None` where the model is no endpoint, or no reply was kept.
    pub(super) fn of(
        attempts: &[Attempt],
        model: &PlannedModel,
    ) -> Result<Option<Self>, EvaluateError> {
        let Some(last) = attempts.last() else { return Ok(None) };
        let sources: BTreeMap<String, ModelSource> = match last.input("models.json") {
            path if path.exists() => last.read_input("models.json")?,
            _ => return Ok(None),
        };
        let Some(ModelSource::Endpoint { provider, model }) = sources.get(&model.reference) else {
            return Ok(None);
        };
        let stores: Vec<PathBuf> = stores_of(attempts).into_iter().filter(|p| p.exists()).collect();
        if stores.is_empty() {
            return Ok(None);
        }
        let draws = match last.input("draws.json") {
            path if path.exists() => last.read_input("draws.json")?,
            _ => Draws::of(DEFAULT_DRAWS),
        };
        let mut contents = vec![model.clone()];
        let config = UserConfig::load().ok();
        let extra = config.as_ref().and_then(|c| Some(&c.provider(provider).ok()?.extra_body));
        if let Some(extra) = extra.filter(|e| !e.is_empty()) {
            let extra = serde_json::Value::Object(extra.clone());
            contents.push(format!("{model}\n{}", sorted(&extra)));
        }
        Ok(Some(Self { stores, contents, draws }))
    }

    /// The replies to prompts, a section each; prompts without one are left out.
    ///
    /// # Errors
    /// A file of replies that cannot be read.
    pub(super) fn sections(
        &self,
        question: &Question,
        prompts: &[(String, Prompt)],
    ) -> Result<Vec<Section>, EvaluateError> {
        let keys_of = |p: &Prompt| -> Vec<(u32, ReplyKey)> {
            let one = |draw| {
                let asked = request(p, draw, self.draws);
                self.contents.iter().map(move |c| (draw, ReplyKey::of(c, &asked, false)))
            };
            (0..self.draws.k.max(1)).flat_map(|draw| one(draw).collect::<Vec<_>>()).collect()
        };
        let wanted = prompts.iter().flat_map(|(_, p)| keys_of(p)).map(|(_, k)| k).collect();
        let found = find_all(&self.stores, &wanted)
            .map_err(|e| EvaluateError::from(JobError::Work(e.to_string())))?;
        let mut out = Vec::new();
        for (name, prompt) in prompts {
            let mut body = String::new();
            for (draw, key) in keys_of(prompt) {
                if let Some(reply) = found.get(&key) {
                    let _ = writeln!(body, "{}", line(question, prompt, draw, reply));
                }
            }
            if !body.is_empty() {
                out.push(Section::new(format!("Replies to {name}"), body));
            }
        }
        Ok(out)
    }
}

/// `#3  4 Not at all important  <- "4."`
fn line(question: &Question, prompt: &Prompt, draw: u32, reply: &StoredReply) -> String {
    if let Some(why) = &reply.failed {
        return format!("#{}  no reply: {why}", draw + 1);
    }
    let text = said(reply);
    let option = chosen_option(&text, &prompt.answers).and_then(|rank| {
        let (answer, code) = (prompt.answers.get(rank)?, question.scale.codes().get(rank)?);
        let label = question.scale.label(*code)?;
        Some(if answer == label { answer.clone() } else { format!("{answer} ({label})") })
    });
    let read = option.unwrap_or_else(|| "names no option".into());
    format!("#{}  {read}  <- {}", draw + 1, text.trim())
}
