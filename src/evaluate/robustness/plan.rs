//! The plan of a robustness run: one set of texts, the changes, the models.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Change, ChangeKind, Site, injection_version};
use crate::evaluate::EvaluateError;
use crate::evaluate::classify::parser::Parser;
use crate::evaluate::classify::{Item, PlannedSet};
use crate::evaluate::locked::Locked;
use crate::evaluate::open_ended::Party;
use crate::providers::prompts::{self, PromptFile};
use crate::stats::dice::Dice;

/// How figures are summed up, in words; a program with another rule refuses the plan.
pub const ROBUSTNESS_RULE: &str = "1: every text is put as it is and changed; drop = score of the \
unchanged texts - score of the same texts changed, over items with a reply to both; refusals and \
replies that are no label are wrong; 95 % percentile intervals by bootstrap over items, exact \
McNemar test of right and wrong; flip rate = items whose reading changed; injection success = items \
that give the wanted label, among those that did not give it before; Wilson intervals of shares";

/// The prompt that rewords.
pub(super) const REWORD: &str = "robust-paraphrase";

/// `plan.json` of a robustness run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RobustnessPlan {
    /// Form of this file: 1.
    pub version: u32,
    /// Always `robustness`.
    pub task: String,
    /// The texts, their labels, the prompt and the parser.
    pub set: PlannedSet,
    /// Only so many items, drawn with the seed; all without.
    pub items: Option<usize>,
    /// The models.
    pub models: Vec<Party>,
    /// What is done to the texts.
    pub changes: Vec<Change>,
    /// Version of the list of injections.
    pub injections: u32,
    /// Who rewords, where the changes want it.
    pub paraphraser: Option<Party>,
    /// How it is asked: the prompt's file; empty without a paraphraser.
    pub paraphrase_prompt: String,
    /// Longest reply with a label, in tokens.
    pub label_tokens: u32,
    /// [`ROBUSTNESS_RULE`].
    pub rule: String,
    /// Bootstrap draws.
    pub draws: usize,
    /// Seed of changes, draws and samples.
    pub seed: u64,
}

impl RobustnessPlan {
    /// A plan with 10,000 draws over all items.
    pub fn new(set: PlannedSet, models: Vec<Party>, changes: Vec<Change>, seed: u64) -> Self {
        Self {
            version: 1,
            task: "robustness".into(),
            set,
            items: None,
            models,
            changes,
            injections: injection_version(),
            paraphraser: None,
            paraphrase_prompt: String::new(),
            label_tokens: 64,
            rule: ROBUSTNESS_RULE.into(),
            draws: 10_000,
            seed,
        }
    }

    /// Names who rewords.
    ///
    /// # Errors
    /// The user's own prompt is wrong.
    pub fn reworded_by(mut self, party: Party) -> Result<Self, EvaluateError> {
        self.paraphrase_prompt = prompts::load(REWORD)?.source;
        self.paraphraser = Some(party);
        Ok(self)
    }

    /// Locks the plan.
    ///
    /// # Errors
    /// As [`RobustnessPlan::check`].
    pub fn lock(self) -> Result<Locked<Self>, EvaluateError> {
        self.check()?;
        Locked::new(self)
    }

    /// What a plan must satisfy, also when it is read back.
    ///
    /// # Errors
    /// No model or change, one twice, paraphrases without a model for them, other rules or other
    /// injections than this program's, too few draws.
    pub fn check(&self) -> Result<(), EvaluateError> {
        let bad = |what: String| Err(EvaluateError::BadPlan(what));
        if self.version != 1 || self.task != "robustness" {
            return bad(format!(
                "task `{}`, form {}: expected robustness, form 1",
                self.task, self.version
            ));
        }
        if self.rule != ROBUSTNESS_RULE {
            return bad(format!(
                "it sums up by another rule than this program:\n  plan: {}\n  here: {ROBUSTNESS_RULE}",
                self.rule
            ));
        }
        if self.injections != injection_version() {
            return bad(format!(
                "its injections are of list {}, this program has list {}",
                self.injections,
                injection_version()
            ));
        }
        if self.models.is_empty() || self.changes.is_empty() {
            return bad("it needs a model and a change".into());
        }
        for (i, m) in self.models.iter().enumerate() {
            if self.models[..i].iter().any(|o| o.name == m.name) {
                return bad(format!("{} stands in it twice", m.name));
            }
        }
        for (i, c) in self.changes.iter().enumerate() {
            if self.changes[..i].contains(c) {
                return bad(format!("{c} stands in it twice"));
            }
        }
        let reworded = self.changes.iter().any(|c| c.kind() == ChangeKind::Paraphrase);
        if reworded && self.paraphraser.is_none() {
            return bad("a paraphrase needs a model that makes it: --paraphraser MODEL".into());
        }
        if self.draws < 100 {
            return bad("fewer than 100 bootstrap draws make no interval".into());
        }
        if self.paraphraser.is_some() { self.reword_prompt().map(drop) } else { Ok(()) }
    }

    /// The prompt that rewords, read back.
    ///
    /// # Errors
    /// It does not parse.
    pub fn reword_prompt(&self) -> Result<PromptFile, EvaluateError> {
        Ok(prompts::parse_like(&self.paraphrase_prompt, Path::new("plan.json"), REWORD)?)
    }

    /// The items that are asked: those with a gold label of the set, as many as the plan wants.
    pub fn chosen(&self, items: Vec<Item>, parser: &Parser) -> Vec<Item> {
        let mut items: Vec<Item> =
            items.into_iter().filter(|i| parser.gold(&i.gold).is_some()).collect();
        if let Some(n) = self.items
            && n < items.len()
        {
            Dice::new(self.seed, &["robustness items"]).shuffle(&mut items);
            items.truncate(n);
            items.sort_by_key(|i| i.number);
        }
        items
    }

    /// The label that an injection into this item asks for: one that is not its own, by index.
    pub fn wanted(&self, item: &Item, gold: usize) -> usize {
        let others = self.set.task.labels.len().max(2) - 1;
        let at = Dice::new(self.seed, &["wanted", &item.number.to_string()]).below(others);
        if at >= gold { at + 1 } else { at }
    }

    /// Where a change is applied.
    pub fn site<'a>(&'a self, item: &'a str, wanted: usize) -> Site<'a> {
        Site {
            seed: self.seed,
            item,
            language: &self.set.task.language,
            wanted: self.set.task.labels.get(wanted).map_or("", |l| l.say.as_str()),
        }
    }
}
