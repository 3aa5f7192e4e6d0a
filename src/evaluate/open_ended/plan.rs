//! The plan of a win rate: two models, a judge, the questions and the prompts, all fixed before
//! anything is asked.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::OpenQuestion;
use crate::evaluate::EvaluateError;
use crate::evaluate::locked::{Inputs, Locked};
use crate::providers::ModelSource;
use crate::providers::prompts::{self, PromptFile};

/// How figures are summed up, in words; a program with another rule refuses the plan.
pub const WIN_RATE_RULE: &str = "1: each question is answered by both models and judged in both \
orders; it is a win or a loss of the first model where both orders choose the same model, a tie \
where both say tie or the orders disagree; win rate = (wins - losses) / questions with a verdict in \
both orders; refused, cut-off and unparsable verdicts and missing answers are classes of their own; \
95 % percentile interval by bootstrap over questions; two-sided sign-flip test over questions";

/// A model of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// How tables call it.
    pub name: String,
    /// Where its answers come from.
    pub source: ModelSource,
}

/// `plan.json` of a win rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WinRatePlan {
    /// Form of this file: 1.
    pub version: u32,
    /// Always `win-rate`.
    pub task: String,
    /// The model whose win rate it is.
    pub first: Party,
    /// The model it is held against.
    pub second: Party,
    /// Who chooses.
    pub judge: Party,
    /// How questions are put: the prompt's file.
    pub answer_prompt: String,
    /// How the judge is asked: the prompt's file.
    pub judge_prompt: String,
    /// Longest answer, in tokens.
    pub answer_tokens: u32,
    /// Longest verdict, in tokens.
    pub verdict_tokens: u32,
    /// [`WIN_RATE_RULE`].
    pub rule: String,
    /// `questions.jsonl`, by its bytes.
    pub inputs: Inputs,
    /// Bootstrap draws.
    pub draws: usize,
    /// Seed of draws and sign flips.
    pub seed: u64,
}

/// The prompts, the user's own where there are any: to answer, to choose.
///
/// # Errors
/// A file of the user that is wrong.
pub fn open_prompts() -> Result<[PromptFile; 2], EvaluateError> {
    Ok([prompts::load("open-answer")?, prompts::load("open-pairwise")?])
}

impl WinRatePlan {
    /// A plan with the usual lengths and 10,000 draws, for these questions as they are frozen.
    pub fn new(
        [first, second, judge]: [Party; 3],
        [answer, pairwise]: &[PromptFile; 2],
        questions: &[u8],
        seed: u64,
    ) -> Self {
        Self {
            version: 1,
            task: "win-rate".into(),
            first,
            second,
            judge,
            answer_prompt: answer.source.clone(),
            judge_prompt: pairwise.source.clone(),
            answer_tokens: 512,
            verdict_tokens: 1024,
            rule: WIN_RATE_RULE.into(),
            inputs: Inputs::default().with("questions.jsonl", questions),
            draws: 10_000,
            seed,
        }
    }

    /// The prompts, read back: to answer, to choose.
    ///
    /// # Errors
    /// A prompt that does not parse.
    pub fn prompts(&self) -> Result<[PromptFile; 2], EvaluateError> {
        Ok([
            prompts::parse_like(&self.answer_prompt, Path::new("plan.json"), "open-answer")?,
            prompts::parse_like(&self.judge_prompt, Path::new("plan.json"), "open-pairwise")?,
        ])
    }

    /// Locks the plan.
    ///
    /// # Errors
    /// A model against itself, too few draws, a rule that this program does not follow, a prompt
    /// that does not parse.
    pub fn lock(self) -> Result<Locked<Self>, EvaluateError> {
        self.check()?;
        Locked::new(self)
    }

    /// What a plan must satisfy, also when it is read back.
    ///
    /// # Errors
    /// As [`WinRatePlan::lock`].
    pub fn check(&self) -> Result<(), EvaluateError> {
        let bad = |what: String| Err(EvaluateError::BadPlan(what));
        if self.version != 1 || self.task != "win-rate" {
            return bad(format!(
                "task `{}`, form {}: expected win-rate, form 1",
                self.task, self.version
            ));
        }
        if self.rule != WIN_RATE_RULE {
            return bad(format!(
                "it sums up by another rule than this program:\n  plan: {}\n  here: {WIN_RATE_RULE}",
                self.rule
            ));
        }
        if self.first.name == self.second.name || self.first.source == self.second.source {
            return bad(format!(
                "{} against itself wins and loses nothing: name two models",
                self.first.name
            ));
        }
        if self.draws < 100 {
            return bad("fewer than 100 bootstrap draws make no interval".into());
        }
        self.prompts().map(drop)
    }

    /// The lines of `questions.jsonl`.
    ///
    /// # Errors
    /// A question cannot be written as JSON.
    pub fn frozen(questions: &[OpenQuestion]) -> Result<Vec<u8>, EvaluateError> {
        let mut out = Vec::new();
        for q in questions {
            serde_json::to_writer(&mut out, q)
                .map_err(|e| EvaluateError::BadPlan(e.to_string()))?;
            out.push(b'\n');
        }
        Ok(out)
    }
}
