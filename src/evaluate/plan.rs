//! The plan: everything that decides the table, locked by its checksum before anything is scored.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{EvaluateError, Metric};
use crate::domain::prompt::Symbols;
use crate::domain::{CultureId, QuestionId, Split};

/// One model of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedModel {
    /// Where its weights are: a model reference.
    pub reference: String,
    /// The arm it belongs to: models of one arm are its training seeds.
    pub arm: String,
    /// Its training seed.
    pub seed: u64,
    /// The culture it was trained for, for one-culture models. Such an arm makes two rows: each
    /// model on its own culture, and on the foreign ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_for: Option<CultureId>,
}

/// What is scored and how it is summed up. The aggregation rule is part of it: prompts and orders
/// are averaged first, then texts of a question, then cultures, then training seeds; the unit of
/// intervals is the question; no run is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Form of this file: 1.
    pub version: u32,
    /// Always `survey`.
    pub task: String,
    /// The models, all of them.
    pub models: Vec<PlannedModel>,
    /// Cultures in view; empty = all of the survey.
    pub cultures: Vec<CultureId>,
    /// Splits of the printed table, in its order.
    pub splits: Vec<Split>,
    /// Metrics of the table; others may be looked at and are exploratory.
    pub metrics: Vec<Metric>,
    /// What options are called; every form is put in every order with each of these.
    pub symbols: Vec<Symbols>,
    /// Questions that training rows mention: where the lookup baselines look.
    pub trained_questions: Vec<QuestionId>,
    /// Bootstrap draws.
    pub draws: usize,
    /// Seed of draws, halvings and sign flips.
    pub seed: u64,
}

impl Plan {
    /// The plan of a table: all splits, the headline metric and its companions, 10,000 draws.
    pub fn new(models: Vec<PlannedModel>, trained_questions: Vec<QuestionId>, seed: u64) -> Self {
        Self {
            version: 1,
            task: "survey".into(),
            models,
            cultures: Vec::new(),
            splits: Split::ALL.to_vec(),
            metrics: Metric::ALL.to_vec(),
            symbols: vec![Symbols::Codes],
            trained_questions,
            draws: 10_000,
            seed,
        }
    }

    /// The text that is locked, and its checksum.
    ///
    /// # Errors
    /// No model, no split, no metric, no symbols, or two models of one arm with one seed and one
    /// culture.
    pub fn lock(&self) -> Result<LockedPlan, EvaluateError> {
        let bad = |what: &str| Err(EvaluateError::BadPlan(what.to_owned()));
        if self.models.is_empty() {
            return bad("it names no model");
        }
        if self.splits.is_empty() || self.metrics.is_empty() || self.symbols.is_empty() {
            return bad("it needs a split, a metric and a kind of symbols");
        }
        if self.draws < 100 {
            return bad("fewer than 100 bootstrap draws make no interval");
        }
        for (i, m) in self.models.iter().enumerate() {
            let same = |o: &&PlannedModel| {
                (&o.arm, o.seed, &o.trained_for) == (&m.arm, m.seed, &m.trained_for)
            };
            if self.models[..i].iter().any(|o| same(&o)) {
                return Err(EvaluateError::BadPlan(format!(
                    "arm `{}` has two models of training seed {}: give each seed once",
                    m.arm, m.seed
                )));
            }
        }
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| EvaluateError::BadPlan(e.to_string()))?;
        let sha256 = checksum(text.as_bytes());
        Ok(LockedPlan { plan: self.clone(), text, sha256 })
    }
}

/// A plan with the text and checksum under which it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPlan {
    /// The plan.
    pub plan: Plan,
    /// `plan.json`.
    pub text: String,
    /// Of the text, in hexadecimal.
    pub sha256: String,
}

impl LockedPlan {
    /// Reads a plan back and checks its lock.
    ///
    /// # Errors
    /// The text is not the one that was locked, or no plan.
    pub fn read(text: &str, locked: &str) -> Result<Self, EvaluateError> {
        let found = checksum(text.as_bytes());
        if found != locked.trim() {
            return Err(EvaluateError::PlanChanged { found, locked: locked.trim().to_owned() });
        }
        let plan: Plan =
            serde_json::from_str(text).map_err(|e| EvaluateError::BadPlan(e.to_string()))?;
        if plan.version != 1 {
            return Err(EvaluateError::BadPlan(format!(
                "form {}: this polyculture reads form 1",
                plan.version
            )));
        }
        Ok(Self { plan, text: text.to_owned(), sha256: found })
    }
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}
