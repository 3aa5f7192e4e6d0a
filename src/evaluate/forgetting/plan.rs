//! The plan of a forgetting run: the models, the first of them the one that the others grew from.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::items::parse_gsm8k;
use super::{Bench, ForgettingItem};
use crate::evaluate::EvaluateError;
use crate::evaluate::locked::{Inputs, Locked};
use crate::evaluate::open_ended::Party;
use crate::providers::prompts::{self, PromptFile};

const SHOTS: &str = include_str!("gsm8k_shots.jsonl");

/// How figures are summed up, in words; a program with another rule refuses the plan.
pub const FORGETTING_RULE: &str = "1: greedy replies; strict = GSM8K: the number after the first \
####, BBH: the text after the first `the answer is `, as the harness cuts it; flexible = GSM8K: the \
last number, BBH: the last text called the answer, or the last line; numbers by value; refusals, \
cut-off and unreadable replies are wrong and counted apart; calls without a reply are left out and \
counted; Wilson 95 % intervals; the difference to the first model over items that both answered, \
bootstrap over items, exact McNemar test";

/// `plan.json` of a forgetting run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForgettingPlan {
    /// Form of this file: 1.
    pub version: u32,
    /// `gsm8k` or `bbh`.
    pub task: Bench,
    /// The models; all others are held against the first.
    pub models: Vec<Party>,
    /// The prompt's file.
    pub prompt: String,
    /// GSM8K: worked examples of every prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shots: Vec<ForgettingItem>,
    /// BBH: worked examples by subtask.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub worked: BTreeMap<String, String>,
    /// Longest reply, in tokens.
    pub tokens: u32,
    /// [`FORGETTING_RULE`].
    pub rule: String,
    /// `items.jsonl`, by its bytes.
    pub inputs: Inputs,
    /// Bootstrap draws.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
}

/// The prompt of a set, the user's own where there is one.
///
/// # Errors
/// A file of the user that is wrong.
pub fn forgetting_prompt(bench: Bench) -> Result<PromptFile, EvaluateError> {
    Ok(prompts::load(bench.word())?)
}

/// Five worked sums of our own, for users without a file of examples.
///
/// # Errors
/// None in practice: a test reads them.
pub fn own_shots() -> Result<Vec<ForgettingItem>, EvaluateError> {
    parse_gsm8k(SHOTS, Path::new("gsm8k_shots.jsonl"))
}

impl ForgettingPlan {
    /// A plan with the usual length and 10,000 draws, for these items as they are frozen.
    pub fn new(
        task: Bench,
        models: Vec<Party>,
        prompt: &PromptFile,
        items: &[u8],
        seed: u64,
    ) -> Self {
        Self {
            version: 1,
            task,
            models,
            prompt: prompt.source.clone(),
            shots: Vec::new(),
            worked: BTreeMap::new(),
            tokens: 1024,
            rule: FORGETTING_RULE.into(),
            inputs: Inputs::default().with("items.jsonl", items),
            draws: 10_000,
            seed,
        }
    }

    /// Locks the plan.
    ///
    /// # Errors
    /// As [`ForgettingPlan::check`].
    pub fn lock(self) -> Result<Locked<Self>, EvaluateError> {
        self.check()?;
        Locked::new(self)
    }

    /// What a plan must satisfy, also when it is read back.
    ///
    /// # Errors
    /// No model, one twice, too few draws, another rule, a prompt that does not parse.
    pub fn check(&self) -> Result<(), EvaluateError> {
        let bad = |what: String| Err(EvaluateError::BadPlan(what));
        if self.version != 1 {
            return bad(format!("form {}: this polyculture reads form 1", self.version));
        }
        if self.rule != FORGETTING_RULE {
            return bad(format!(
                "it sums up by another rule than this program:\n  plan: {}\n  here: {FORGETTING_RULE}",
                self.rule
            ));
        }
        if self.models.is_empty() {
            return bad("it names no model".into());
        }
        for (i, m) in self.models.iter().enumerate() {
            if self.models[..i].iter().any(|o| o.name == m.name || o.source == m.source) {
                return bad(format!("{} stands in it twice", m.name));
            }
        }
        if self.draws < 100 {
            return bad("fewer than 100 bootstrap draws make no interval".into());
        }
        self.prompt_file().map(drop)
    }

    /// The prompt, read back.
    ///
    /// # Errors
    /// It does not parse.
    pub fn prompt_file(&self) -> Result<PromptFile, EvaluateError> {
        Ok(prompts::parse_like(&self.prompt, Path::new("plan.json"), self.task.word())?)
    }
}
