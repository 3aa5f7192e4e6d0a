//! A model folder as a backend of the reply store.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::identity;
use crate::domain::OptionScores;
use crate::domain::prompt::Prompt;
use crate::embedded::generate::{Ask, Draw, GenerateSettings, Generator, Unanswered, Written};
use crate::embedded::tokenizer::{ChatOptions, Speaker, Turn};
use crate::embedded::{EmbeddedError, ScoreSettings, Scorer, score_with};
use crate::providers::replies::{Backend, Desk, Job, Raw, Replies, ReplyKey};
use crate::providers::{CallFailed, Finish, Message, ProviderError, Role, Usage};

/// How a folder is run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LocalOptions {
    /// How it is spoken to.
    pub chat: ChatOptions,
    /// Threads, lanes, memory.
    pub generate: GenerateSettings,
}

impl LocalOptions {
    /// The usual ones on so many threads.
    pub fn on(threads: usize) -> Self {
        Self { generate: GenerateSettings { threads, ..Default::default() }, ..Self::default() }
    }
}

/// Prompts scored together; neighbours share their prefix.
const PROMPTS_A_PACK: usize = 64;

/// A decoder with its tokenizer, ready to answer.
#[derive(Debug)]
pub struct LocalFolder {
    name: String,
    content: String,
    generator: Generator,
    threads: usize,
}

/// What can end a batch: the model, or the desk.
enum Trouble {
    Model(EmbeddedError),
    Provider(ProviderError),
}

impl From<EmbeddedError> for Trouble {
    fn from(e: EmbeddedError) -> Self {
        Self::Model(e)
    }
}

impl LocalFolder {
    /// Reads a folder.
    ///
    /// # Errors
    /// What is wrong with it, by name.
    pub fn open(
        name: &str,
        dir: &Path,
        adapter: Option<&Path>,
        options: LocalOptions,
    ) -> Result<Self, ProviderError> {
        let no =
            |detail: String| ProviderError::NotHere { provider: format!("local:{name}"), detail };
        let Scorer { model, tokenizer } =
            Scorer::open(dir, adapter, options.chat).map_err(|e| no(e.to_string()))?;
        let folders: Vec<&Path> = [Some(dir), adapter].into_iter().flatten().collect();
        let id = identity(&folders).map_err(|(p, e)| no(format!("{}: {e}", p.display())))?;
        let generator =
            Generator::new(model, tokenizer, options.generate).map_err(|e| no(e.to_string()))?;
        let ChatOptions { plain, thinking } = options.chat;
        Ok(Self {
            name: name.to_owned(),
            content: format!("local 1 {id} plain={plain} thinking={thinking}"),
            generator,
            threads: options.generate.threads,
        })
    }

    /// What it runs.
    pub fn generator(&self) -> &Generator {
        &self.generator
    }
}

impl Backend for LocalFolder {
    fn name(&self) -> String {
        format!("local:{}", self.name)
    }

    fn content(&self) -> String {
        self.content.clone()
    }

    fn answer(&mut self, desk: &mut Desk<'_>) -> Result<(), ProviderError> {
        let tokenizer = self.generator.tokenizer().clone();
        let mut reader = tokenizer.reader();
        let by = self.name();
        let desk = RefCell::new(desk);
        let jobs = RefCell::new(HashMap::new());
        let mut count = 0u64;
        let next = &mut || -> Result<Option<(u64, Ask)>, Trouble> {
            loop {
                let mut desk = desk.borrow_mut();
                let Some(mut job) = desk.job().map_err(Trouble::Provider)? else { return Ok(None) };
                match reader.chat(&turns(&job.request.messages)) {
                    Err(e) => {
                        let failed = CallFailed { code: "refused".into(), detail: e.to_string() };
                        desk.fail(job, failed, None).map_err(Trouble::Provider)?;
                    }
                    Ok(prompt) => {
                        desk.sent(&mut job);
                        let ask = Ask { prompt, draw: draw(&job) };
                        count += 1;
                        jobs.borrow_mut().insert(count, job);
                        return Ok(Some((count, ask)));
                    }
                }
            }
        };
        let done = &mut |id: u64, result: Result<Written, Unanswered>| {
            let mut desk = desk.borrow_mut();
            if let Some(job) = jobs.borrow_mut().remove(&id) {
                report(&mut desk, job, result, &by).map_err(Trouble::Provider)?;
            }
            // A closed desk gives no more jobs; what is under way is written to its end and kept.
            Ok(ControlFlow::Continue(()))
        };
        self.generator.run(next, done).map_err(|e| match e {
            Trouble::Provider(e) => e,
            Trouble::Model(e) => {
                ProviderError::NotHere { provider: by.clone(), detail: e.to_string() }
            }
        })
    }

    fn score(
        &mut self,
        prompts: &[Prompt],
        _: &Arc<Replies>,
    ) -> Option<Result<Vec<OptionScores>, String>> {
        let settings = ScoreSettings { threads: self.threads, prompts_a_pack: PROMPTS_A_PACK };
        let scores =
            score_with(self.generator.model(), self.generator.tokenizer(), prompts, settings);
        Some(scores.map_err(|e| e.to_string()))
    }
}

fn turns(messages: &[Message]) -> Vec<Turn<'_>> {
    let role = |r: Role| match r {
        Role::System => Speaker::System,
        Role::User => Speaker::User,
        Role::Assistant => Speaker::Assistant,
    };
    messages.iter().map(|m| Turn { role: role(m.role), content: &m.content }).collect()
}

/// The seed of a reply is its key: it has the request's own seed and draw in it.
fn draw(job: &Job) -> Draw {
    let s = &job.request.sampling;
    Draw {
        temperature: s.temperature,
        top_p: s.top_p,
        max_tokens: s.max_tokens as usize,
        stop: s.stop.clone(),
        seed: seed(&job.key),
    }
}

fn seed(key: &ReplyKey) -> u64 {
    let text = key.to_string();
    text.get(..16).and_then(|t| u64::from_str_radix(t, 16).ok()).unwrap_or(0)
}

fn report(
    desk: &mut Desk<'_>,
    job: Job,
    result: Result<Written, Unanswered>,
    by: &str,
) -> Result<(), ProviderError> {
    match result {
        Ok(w) => {
            let finish = if w.ended { Finish::Stop } else { Finish::Length };
            let usage = Usage { prompt: w.prompt as u64, completion: w.tokens.len() as u64 };
            match desk.reply(job, Raw::plain(&w.text, finish, by, usage))? {
                None => Ok(()),
                Some((job, failed)) => desk.fail(job, failed, None),
            }
        }
        Err(e) => {
            let code = match e {
                Unanswered::TooLong { .. } => "too-long",
                Unanswered::Prompt(_) => "refused",
            };
            desk.fail(job, CallFailed { code: code.into(), detail: e.to_string() }, None)
        }
    }
}
