//! A sample: a text that grew from a seed, with its whole ancestry and what became of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{DomainError, QuestionId, SampleId, Similarity};

/// Where in the augmentation a text was made (paper, section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Paraphrase: other structure, same meaning.
    Template,
    /// Synonyms in context, put into a text of the first stage.
    Synonym,
    /// Written or edited by a person, or read from a file.
    Imported,
    /// A seed or a sample in another language.
    Translation,
}

impl Stage {
    /// `template`, `synonym`, `imported`, `translation`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Synonym => "synonym",
            Self::Imported => "imported",
            Self::Translation => "translation",
        }
    }
}

impl std::str::FromStr for Stage {
    type Err = DomainError;
    fn from_str(s: &str) -> Result<Self, DomainError> {
        [Self::Template, Self::Synonym, Self::Imported, Self::Translation]
            .into_iter()
            .find(|x| x.as_str() == s)
            .ok_or_else(|| DomainError::UnknownWord {
                what: "stage",
                value: s.into(),
                expected: "template, synonym, imported, translation".into(),
            })
    }
}

/// One word exchanged for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Substitution {
    /// The words as they stood in the parent text.
    pub from: String,
    /// The words that stand there now.
    pub to: String,
    /// The lexicon entry or the reply that allowed it.
    pub rule: String,
}

/// Where a text came from, back to its seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// `offline`, `openai:NAME`, `file:NAME`.
    pub provider: String,
    /// Version of the rules or of the prompt file.
    pub version: String,
    /// The run that made it; `None` for imports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Name of the template, `None` for imports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Template family. Whole families are held out, so that a test paraphrase shares no rule with
    /// a training one (science: "held-out paraphrase").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// True for the fixed test set: made from held-out families and words, never trained on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_out: bool,
    /// The sample of the first stage that this one was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SampleId>,
    /// Words exchanged in the second stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substitutions: Vec<Substitution>,
    /// Random seed of the run.
    #[serde(default)]
    pub seed: u64,
    /// Key of the raw reply in the reply store; `None` for rules and imports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
}

/// Why a proposal was turned down. The wording is what a screen shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum RejectReason {
    /// Below the threshold of the semantic filter.
    Dissimilar {
        /// Similarity with the seed.
        similarity: f64,
        /// The threshold in force.
        threshold: f64,
    },
    /// The seed itself, or a text that was kept before.
    Duplicate {
        /// The text it repeats.
        of: String,
    },
    /// Too near to a text that was kept before.
    NearDuplicate {
        /// That text.
        of: String,
        /// Tokens that differ.
        edits: usize,
        /// Cosine of their sentence embeddings, where that is why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        likeness: Option<f64>,
    },
    /// A broken sentence: what is wrong with it.
    Broken {
        /// Which guard: `word-fragment`, `deleted-word`, `quotes`, `lower-case-start`,
        /// `doubled-word`, `article`, `agreement`, `auxiliary`, `fixed-phrase`, `unfinished`.
        guard: String,
        /// What it saw.
        detail: String,
    },
    /// Another meaning: what changed.
    MeaningChanged {
        /// Which guard: `negation`, `number`, `named-place`, `antonym`, `roles`, `form`.
        guard: String,
        /// What it saw.
        detail: String,
    },
    /// A translation that cannot be one, or not of this text.
    Translation {
        /// Which check: `unchanged`, `script`, `language`, `length`, `digits`, `options`, `form`.
        check: String,
        /// What it saw.
        detail: String,
    },
    /// Good, but not among the `keep` best of its seed.
    NotAmongBest {
        /// How many were kept.
        keep: usize,
    },
    /// A person said no.
    ByHand {
        /// Their words.
        note: String,
    },
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dissimilar { similarity, threshold } => {
                write!(f, "similarity {similarity:.3} is below the threshold {threshold:.3}")
            }
            Self::Duplicate { of } => write!(f, "the same as \"{of}\""),
            Self::NearDuplicate { of, likeness: Some(x), .. } => {
                write!(f, "likeness {x:.3} with \"{of}\"")
            }
            Self::NearDuplicate { of, edits, likeness: None } => {
                write!(f, "only {edits} token(s) away from \"{of}\"")
            }
            Self::Broken { guard, detail } => write!(f, "broken sentence ({guard}): {detail}"),
            Self::MeaningChanged { guard, detail } => {
                write!(f, "changed meaning ({guard}): {detail}")
            }
            Self::Translation { check, detail } => {
                write!(f, "no plausible translation ({check}): {detail}")
            }
            Self::NotAmongBest { keep } => write!(f, "not among the {keep} best of its seed"),
            Self::ByHand { note } => write!(f, "rejected by hand: {note}"),
        }
    }
}

impl RejectReason {
    /// A short name for counting: `dissimilar`, `broken/quotes`.
    pub fn kind(&self) -> String {
        match self {
            Self::Dissimilar { .. } => "dissimilar".into(),
            Self::Duplicate { .. } => "duplicate".into(),
            Self::NearDuplicate { .. } => "near-duplicate".into(),
            Self::Broken { guard, .. } => format!("broken/{guard}"),
            Self::MeaningChanged { guard, .. } => format!("meaning/{guard}"),
            Self::Translation { check, .. } => format!("translation/{check}"),
            Self::NotAmongBest { .. } => "not-among-best".into(),
            Self::ByHand { .. } => "by-hand".into(),
        }
    }
}

/// Why a proposal never became a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "failure", rename_all = "kebab-case")]
pub enum FailReason {
    /// The rule does not apply to this seed, or ran out of words to exchange.
    NoRule {
        /// Which.
        detail: String,
    },
    /// The provider gave no usable reply.
    Provider {
        /// What it said.
        detail: String,
    },
    /// A model said no.
    Refused {
        /// Its first words.
        detail: String,
    },
    /// A reply, or this part of it, that holds no sentence.
    Unreadable {
        /// What was found instead.
        detail: String,
    },
    /// The reply ended in the middle of this text, or before it.
    CutOff,
    /// Fewer texts came than were asked for.
    TooFew {
        /// Asked for.
        asked: usize,
        /// What came.
        came: usize,
    },
    /// The call itself failed: there is no reply.
    CallFailed {
        /// The provider's word for it: `rate-limit`, `timeout`, ..
        code: String,
        /// What happened.
        detail: String,
    },
}

impl FailReason {
    /// A short name for counting: `no-rule`, `cut-off`, `call-failed/timeout`.
    pub fn kind(&self) -> String {
        match self {
            Self::NoRule { .. } => "no-rule".into(),
            Self::Provider { .. } => "provider".into(),
            Self::Refused { .. } => "refused".into(),
            Self::Unreadable { .. } => "unreadable".into(),
            Self::CutOff => "cut-off".into(),
            Self::TooFew { .. } => "too-few".into(),
            Self::CallFailed { code, .. } => format!("call-failed/{code}"),
        }
    }
}

impl fmt::Display for FailReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRule { detail } => write!(f, "no rule applies: {detail}"),
            Self::Provider { detail } => write!(f, "no usable reply: {detail}"),
            Self::Refused { detail } => write!(f, "the model refused: {detail}"),
            Self::Unreadable { detail } => write!(f, "the reply cannot be read: {detail}"),
            Self::CutOff => f.write_str("the reply was cut off here"),
            Self::TooFew { asked, came } => {
                write!(f, "{asked} texts were asked for and {came} came")
            }
            Self::CallFailed { code, detail } => write!(f, "the call failed ({code}): {detail}"),
        }
    }
}

/// What became of a proposal. Every proposal has exactly one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// In use.
    Kept,
    /// Turned down; stays visible.
    Rejected(RejectReason),
    /// Never became a text.
    Failed(FailReason),
}

impl Decision {
    /// `kept`, `rejected`, `failed`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Rejected(_) => "rejected",
            Self::Failed(_) => "failed",
        }
    }
}

/// A proposal and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Hash of seed, language and text.
    pub id: SampleId,
    /// The seed it grew from.
    pub seed: QuestionId,
    /// BCP 47 tag.
    pub language: String,
    /// The text; empty for failed proposals.
    pub text: String,
    /// Where it was made.
    pub stage: Stage,
    /// Similarity with the seed by the run's filter; `None` before the filter and for failures.
    pub similarity: Option<Similarity>,
    /// What became of it.
    pub decision: Decision,
    /// Its ancestry.
    pub provenance: Provenance,
}
