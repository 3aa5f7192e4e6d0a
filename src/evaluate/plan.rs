//! The plan: everything that decides the table, locked by its checksum before anything is scored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::robustness::Change;
use super::{EvaluateError, Framing, Metric};
use crate::domain::prompt::{OptionOrder, PromptForm, Symbols, Variant, variants};
use crate::domain::{CultureId, Question, QuestionId, Split};

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
    /// How its prompts name the people who answer.
    #[serde(default, skip_serializing_if = "is_named")]
    pub framing: Framing,
    /// What is done to the texts before they are put to it, for arms of robustness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Change>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_named(f: &Framing) -> bool {
    *f == Framing::Named
}

impl PlannedModel {
    /// A model as one arm of its own, its prompts naming the culture.
    pub fn new(reference: impl Into<String>, arm: impl Into<String>) -> Self {
        Self {
            reference: reference.into(),
            arm: arm.into(),
            seed: 0,
            trained_for: None,
            framing: Framing::Named,
            changed: None,
        }
    }

    /// The same model asked in another way, as an arm of its own.
    #[must_use]
    pub fn framed(&self, framing: Framing) -> Self {
        let arm = match framing.label() {
            "" => self.arm.clone(),
            label => format!("{}, {label}", self.arm),
        };
        Self { arm, framing, ..self.clone() }
    }

    /// The same model with changed texts, as an arm of its own.
    #[must_use]
    pub fn under(&self, change: Change) -> Self {
        Self { arm: format!("{}, {change}", self.arm), changed: Some(change), ..self.clone() }
    }

    /// What its lines in `results.jsonl` are called: a model that is asked in two ways has two.
    pub fn key(&self) -> String {
        let key = match self.framing.label() {
            "" => self.reference.clone(),
            label => format!("{} [{label}]", self.reference),
        };
        self.changed.map_or(key.clone(), |c| format!("{key} [{c}]"))
    }
}

/// How figures are summed up, in words. A plan carries it, so that a program with another rule
/// refuses the plan and does not quietly apply its own.
pub const AGGREGATION: &str = "2: shares over the listed options, by rank, prompts without a listed \
answer left out (their share is missing from listed-mass), averaged over prompt forms, orders and symbols of a text; scored; scores averaged over the texts of a question, then \
over cultures; the unit is the question; all training seeds count and are nested in the \
bootstrap; skill is a ratio of means; 95 % percentile intervals; two-sided sign-flip tests of \
1-jsd over all cultures against the mixture of the others, Holm over the model rows of the table";

/// Which orders of the options are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orders {
    /// Printed and reversed; every rotation of nominal scales.
    All,
    /// Printed only, for quick looks: the scores then hold the model's liking for a place.
    PrintedOnly,
}

/// What is scored and how it is summed up.
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
    /// Prompt forms.
    pub forms: Vec<PromptForm>,
    /// Option orders.
    pub orders: Orders,
    /// What options are called; every form is put in every order with each of these.
    pub symbols: Vec<Symbols>,
    /// Arms that were trained without cultures: their prompts name none, and one answer to a text
    /// is compared with every culture.
    #[serde(default)]
    pub culture_blind: Vec<String>,
    /// Control: every model whose prompts name the culture gets a second row, in which it is asked
    /// as each other culture and scored against this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub foreign_control: bool,
    /// The arm that every other one is compared with, pair by pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// Answers drawn to each prompt from models that give no log-probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draws_per_prompt: Option<u32>,
    /// [`AGGREGATION`].
    pub aggregation: String,
    /// SHA-256 of the input files by name, in hexadecimal; see [`Plan::with_input`].
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
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
            forms: PromptForm::ALL.to_vec(),
            orders: Orders::All,
            symbols: vec![Symbols::Codes],
            culture_blind: Vec::new(),
            foreign_control: false,
            against: None,
            draws_per_prompt: None,
            aggregation: AGGREGATION.to_owned(),
            inputs: BTreeMap::new(),
            trained_questions,
            draws: 10_000,
            seed,
        }
    }

    /// Ties an input file (`survey.json`, `texts.jsonl`) to the plan by its bytes: the job refuses
    /// another one, so that the lock holds for what is asked too.
    #[must_use]
    pub fn with_input(mut self, name: &str, bytes: &[u8]) -> Self {
        self.inputs.insert(name.to_owned(), checksum(bytes));
        self
    }

    /// # Errors
    /// The file was tied to the plan with other bytes.
    pub fn check_input(&self, name: &str, bytes: &[u8]) -> Result<(), EvaluateError> {
        let found = checksum(bytes);
        match self.inputs.get(name) {
            Some(locked) if *locked != found => Err(EvaluateError::PlanChanged {
                file: name.to_owned(),
                found,
                locked: locked.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// The prompt variants of a question.
    pub fn variants(&self, question: &Question) -> Vec<Variant> {
        variants(question, &self.symbols)
            .into_iter()
            .filter(|v| self.forms.contains(&v.form))
            .filter(|v| self.orders == Orders::All || v.order == OptionOrder::Printed)
            .collect()
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
        if self.splits.is_empty() || self.metrics.is_empty() {
            return bad("it needs a split and a metric");
        }
        if self.symbols.is_empty() || self.forms.is_empty() {
            return bad("it needs a prompt form and a kind of symbols");
        }
        self.check_rules()?;
        if self.draws_per_prompt.is_some_and(|k| k == 0 || k > 10_000) {
            return bad("answers drawn to a prompt: expected 1 to 10,000");
        }
        if self.draws < 100 {
            return bad("fewer than 100 bootstrap draws make no interval");
        }
        for (i, m) in self.models.iter().enumerate() {
            let same = |o: &&PlannedModel| {
                (&o.arm, o.seed, &o.trained_for, o.framing, o.changed)
                    == (&m.arm, m.seed, &m.trained_for, m.framing, m.changed)
            };
            if self.models[..i].iter().any(|o| same(&o)) {
                return Err(EvaluateError::BadPlan(format!(
                    "arm `{}` has two models of training seed {}: give each seed once",
                    m.arm, m.seed
                )));
            }
        }
        self.check_one_culture_arms()?;
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| EvaluateError::BadPlan(e.to_string()))?;
        let sha256 = checksum(text.as_bytes());
        Ok(LockedPlan { plan: self.clone(), text, sha256 })
    }

    /// What a plan that is read back must satisfy too.
    fn check_rules(&self) -> Result<(), EvaluateError> {
        if self.task != "survey" {
            return Err(EvaluateError::BadPlan(format!(
                "task `{}`: this job knows `survey` only",
                self.task
            )));
        }
        if self.aggregation != AGGREGATION {
            return Err(EvaluateError::BadPlan(format!(
                "it sums up by another rule than this program:\n  plan: {}\n  here: {AGGREGATION}",
                self.aggregation
            )));
        }
        if self.models.iter().any(|m| m.framing == Framing::Context)
            && !self.inputs.contains_key("contexts.json")
        {
            return Err(EvaluateError::BadPlan(
                "an arm is put with a text about the culture, but no context file is tied to the \
                 plan"
                    .into(),
            ));
        }
        if let Some(arm) = &self.against
            && self.models.iter().all(|m| &m.arm != arm)
        {
            return Err(EvaluateError::BadPlan(format!(
                "everything is compared with `{arm}`, but no model is of that arm"
            )));
        }
        if let Some(arm) =
            self.culture_blind.iter().find(|a| self.models.iter().all(|m| m.arm != **a))
        {
            return Err(EvaluateError::BadPlan(format!("no model is of the arm `{arm}`")));
        }
        Ok(())
    }

    /// The seeds of a one-culture arm are nested in its cultures: each culture needs all of them.
    fn check_one_culture_arms(&self) -> Result<(), EvaluateError> {
        let mut seeds: BTreeMap<&str, BTreeMap<&Option<CultureId>, BTreeSet<u64>>> =
            BTreeMap::new();
        for m in &self.models {
            seeds.entry(&m.arm).or_default().entry(&m.trained_for).or_default().insert(m.seed);
        }
        for (arm, by_culture) in seeds {
            let mut sets = by_culture.values();
            let first = sets.next();
            if by_culture.len() > 1
                && (by_culture.contains_key(&None) || sets.any(|s| Some(s) != first))
            {
                return Err(EvaluateError::BadPlan(format!(
                    "arm `{arm}` needs the same training seeds for each of its cultures, and every \
                     model of it a culture"
                )));
            }
        }
        Ok(())
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
            return Err(EvaluateError::PlanChanged {
                file: "plan.json".to_owned(),
                found,
                locked: locked.trim().to_owned(),
            });
        }
        let plan: Plan =
            serde_json::from_str(text).map_err(|e| EvaluateError::BadPlan(e.to_string()))?;
        if plan.version != 1 {
            return Err(EvaluateError::BadPlan(format!(
                "form {}: this polyculture reads form 1",
                plan.version
            )));
        }
        plan.check_rules()?;
        Ok(Self { plan, text: text.to_owned(), sha256: found })
    }
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, b| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{b:02x}");
        hex
    })
}
