//! The trait of everything that makes paraphrases and synonyms.

use serde::{Deserialize, Serialize};

use super::ProviderError;
use crate::domain::{FailReason, Question, Substitution};

/// On which side of the split a template family or a lexicon entry stands. Test paraphrases are
/// made from held-out ones only, so that they share no rule with training (science: "held-out
/// paraphrase").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partition {
    /// May grow training samples.
    Train,
    /// Kept for the fixed test set.
    HeldOut,
}

impl Partition {
    /// `train`, `held-out`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::HeldOut => "held-out",
        }
    }
}

/// A template family: the unit that is held out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Family {
    /// Its name, `order`.
    pub name: String,
    /// The side it stands on unless the caller splits the families in another way.
    pub partition: Partition,
}

/// Which rules may be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Only families and lexicon entries of this side; `None` for both.
    pub partition: Option<Partition>,
    /// Only these families (first stage); empty for all of the side.
    pub families: Vec<String>,
}

impl Scope {
    /// One side of the split.
    pub fn of(partition: Partition) -> Self {
        Self { partition: Some(partition), families: Vec::new() }
    }

    /// Whether the family may be used.
    pub fn allows(&self, family: &Family) -> bool {
        self.allows_side(family.partition)
            && (self.families.is_empty() || self.families.contains(&family.name))
    }

    /// Whether rules of this side may be used.
    pub fn allows_side(&self, partition: Partition) -> bool {
        self.partition.is_none_or(|p| p == partition)
    }
}

/// How many texts are asked for, from which rules, by which random seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Proposals wanted; exactly as many come back, failed ones included.
    pub n: usize,
    /// Equal asks with equal seeds get equal answers (language models: as far as they can).
    pub rng_seed: u64,
    /// Which rules may be used.
    pub scope: Scope,
}

/// The text of the first stage in which words are exchanged, with where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent<'a> {
    /// The text.
    pub text: &'a str,
    /// Its template.
    pub template: Option<&'a str>,
    /// Its template family.
    pub family: Option<&'a str>,
}

/// A text, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// One sentence (or two), capital first, with its final mark.
    Text(String),
    /// None was made.
    Failed(FailReason),
}

/// One proposal of a provider, before any guard or filter has seen it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// The text, or why there is none.
    pub outcome: Outcome,
    /// The template: of the rules, or of the prompt. `None` only where it failed before one was
    /// chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The template family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Words exchanged (second stage).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substitutions: Vec<Substitution>,
    /// Key of the raw reply, for providers that get one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
}

impl Proposal {
    /// The text, where there is one.
    pub fn text(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Text(t) => Some(t),
            Outcome::Failed(_) => None,
        }
    }

    /// A proposal that no rule could fill.
    pub(crate) fn no_rule(detail: String, parent: Option<&Parent<'_>>) -> Self {
        Self {
            outcome: Outcome::Failed(FailReason::NoRule { detail }),
            template: parent.and_then(|p| p.template).map(str::to_owned),
            family: parent.and_then(|p| p.family).map(str::to_owned),
            substitutions: Vec::new(),
            reply: None,
        }
    }
}

/// Makes paraphrases (stage 1) and exchanges words for synonyms (stage 2).
///
/// Methods take `&self` and an implementation is `Send + Sync`, so that a caller may keep several
/// asks in flight where an answer takes seconds. A call that fails is a failed proposal
/// ([`Outcome::Failed`]); [`ProviderError`] is for a provider that cannot work at all.
pub trait Augmenter: Send + Sync {
    /// `offline`, `openai:NAME`: goes into the provenance.
    fn name(&self) -> String;

    /// Version of the rules or of the prompts: goes into the provenance.
    fn version(&self) -> String;

    /// The template families that apply to this seed.
    fn families(&self, seed: &Question) -> Vec<Family>;

    /// Texts of other structure and the same meaning. Exactly `ask.n` proposals come back.
    ///
    /// # Errors
    /// The provider cannot work, or `ask.scope` names a family it does not have.
    fn paraphrase(&self, seed: &Question, ask: &Ask) -> Result<Vec<Proposal>, ProviderError>;

    /// The parent with words exchanged for synonyms in context. Exactly `ask.n` proposals come
    /// back; they carry the parent's template and family.
    ///
    /// # Errors
    /// The provider cannot work.
    fn substitute(
        &self,
        seed: &Question,
        parent: Parent<'_>,
        ask: &Ask,
    ) -> Result<Vec<Proposal>, ProviderError>;

    /// Calls to something slow or paid that this many asks of each stage will take.
    fn plan(&self, paraphrase_asks: usize, substitute_asks: usize) -> usize;
}
