//! The plan of a run over classification tasks: everything that decides the table, locked by its
//! checksum before anything is asked.

use serde::{Deserialize, Serialize};

use super::ClassifyError;
use super::check::Finding;
use super::parser::ParserName;
use super::task::Task;
use crate::domain::prompt::Prompt;
use crate::evaluate::locked::Locked;
use crate::job::{Attempt, JobError};
use crate::providers::ChatRequest;

/// What `plan.json` says under `task`, and the dispatcher looks at.
pub const TASK: &str = "classification";

/// How figures are summed up, in words: a program with another rule refuses the plan.
pub const AGGREGATION: &str = "1: macro-F1 is the mean of F1 over the declared labels; refusals and \
invalid replies are wrong and stand in columns of their own; items without a gold label are left \
out (they are scored as wrong by parser paper); intervals are 95 % percentiles over texts drawn \
with replacement; pairs are tested by exchanging the two answers to a text, two-sided, Holm over \
the printed table, and no claim is made where a label has fewer than 20 items; means by kind and \
culture count a pool of texts once and centre their draws, pools that share a tenth of the smaller one are one, sets with \
a ceiling below 1 are left out";

/// How a model gives a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// It answers in words, and the reply is parsed.
    Generate,
    /// The label words are scored as complete answers, and the likeliest is taken.
    Score,
}

/// What becomes of items that got no reply in the end (time-outs, server errors).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unanswered {
    /// No table: the run fails, and retried asks for those items alone.
    Stop,
    /// They count as invalid replies, and are shown.
    Wrong,
}

/// One set of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSet {
    /// The task as declared: labels, prompt with its version.
    pub task: Task,
    /// How replies are read.
    pub parser: ParserName,
    /// The data file in the run's `input/`.
    pub data: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Items in it.
    pub items: u64,
    /// The system message, culture included.
    pub system: String,
    /// What the check found.
    pub findings: Vec<Finding>,
}

impl PlannedSet {
    /// What a model is asked about a text, `max_tokens` long at most.
    pub fn request(&self, text: &str, max_tokens: u32) -> ChatRequest {
        ChatRequest::greedy(&self.system, self.user(text), max_tokens)
    }

    /// The same with the label words as complete answers.
    pub fn prompt(&self, text: &str) -> Prompt {
        Prompt {
            system: self.system.clone(),
            user: self.user(text),
            answers: self.task.labels.iter().map(|l| l.say.clone()).collect(),
        }
    }

    fn user(&self, text: &str) -> String {
        // Once, and not in the text itself: a text that holds `{text}` stays as it is.
        self.task.prompt.user.replacen("{text}", text.trim(), 1)
    }

    /// True where the check found what stops a run: left out of means.
    pub fn is_degenerate(&self) -> bool {
        self.findings.iter().any(|f| f.stops)
    }
}

/// What is asked of whom, and how it is summed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassifyPlan {
    /// Form of this file: 1.
    pub version: u32,
    /// [`TASK`].
    pub task: String,
    /// Model references; `models.json` says where each is. Others are compared with the first.
    pub models: Vec<String>,
    /// The sets.
    pub sets: Vec<PlannedSet>,
    /// How labels are given.
    pub method: Method,
    /// Longest reply.
    pub max_tokens: u32,
    /// Which culture prompts name: `none`, `own`, or a culture's id.
    pub culture_prompt: String,
    /// What becomes of items without a reply.
    pub unanswered: Unanswered,
    /// [`AGGREGATION`].
    pub aggregation: String,
    /// Draws of each interval.
    pub draws: usize,
    /// Draws of means by kind and culture.
    pub mean_draws: usize,
    /// Exchanges of each test.
    pub swaps: usize,
    /// Seed of all of them.
    pub seed: u64,
}

impl ClassifyPlan {
    /// The plan of a table: 50,000 draws, 20,000 exchanges.
    pub fn new(models: Vec<String>, sets: Vec<PlannedSet>, seed: u64) -> Self {
        Self {
            version: 1,
            task: TASK.to_owned(),
            models,
            sets,
            method: Method::Generate,
            max_tokens: 64,
            culture_prompt: "none".into(),
            unanswered: Unanswered::Stop,
            aggregation: AGGREGATION.to_owned(),
            draws: 50_000,
            mean_draws: 10_000,
            swaps: 20_000,
            seed,
        }
    }

    /// Locks the plan.
    ///
    /// # Errors
    /// No model, no set, a model or a set twice, too few draws, nothing to say a label in.
    pub fn lock(&self) -> Result<Locked<Self>, ClassifyError> {
        self.check()?;
        Locked::new(self.clone()).map_err(|e| ClassifyError::Plan(e.to_string()))
    }

    /// Reads a locked plan back.
    ///
    /// # Errors
    /// It is not the one that was locked, or cannot be carried out by this program.
    pub fn read(attempt: &Attempt) -> Result<Locked<Self>, JobError> {
        let locked = Locked::<Self>::read(attempt)?;
        locked.plan.check()?;
        Ok(locked)
    }

    fn check(&self) -> Result<(), ClassifyError> {
        let bad = |what: String| Err(ClassifyError::Plan(what));
        if self.version != 1 || self.task != TASK {
            return bad(format!(
                "it is of form {} for `{}`: expected form 1 for `{TASK}`",
                self.version, self.task
            ));
        }
        if self.aggregation != AGGREGATION {
            return bad(format!(
                "it sums up by another rule than this program:\n  plan: {}\n  here: {AGGREGATION}",
                self.aggregation
            ));
        }
        if self.models.is_empty() || self.sets.is_empty() {
            return bad("it needs a model and a task".into());
        }
        for (i, m) in self.models.iter().enumerate() {
            if self.models[..i].contains(m) {
                return bad(format!("the model `{m}` is named twice"));
            }
        }
        for (i, s) in self.sets.iter().enumerate() {
            if self.sets[..i].iter().any(|o| o.task.name == s.task.name) {
                return bad(format!("the task `{}` is named twice", s.task.name));
            }
        }
        if self.draws < 100 || self.mean_draws < 100 || self.swaps < 100 {
            return bad("fewer than 100 draws make no interval".into());
        }
        if self.max_tokens == 0 {
            return bad("max_tokens is 0: no label could be said".into());
        }
        if self.method == Method::Score
            && let Some(s) = self.sets.iter().find(|s| s.parser == ParserName::Paper)
        {
            return bad(format!(
                "{}: scored labels are not parsed; `--parser paper` goes with `--method generate`",
                s.task.name
            ));
        }
        Ok(())
    }
}
