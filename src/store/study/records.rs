//! What the study's tables hold, as types.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{
    CultureId, ItemId, QuestionId, RaterId, Sample, SampleId, Score, Stage, StudyId, StudyType,
};

/// What an item is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// A sample beside its seed, rated by k raters.
    Sample,
    /// A sample that everybody rates: it ties all raters together.
    Anchor,
    /// A sample shown a second time to the same raters, unannounced.
    Repeat,
    /// The seed beside itself: expected at the top.
    ControlIdentical,
    /// The seed beside another seed: expected at the bottom.
    ControlUnrelated,
    /// The seed beside its negation: expected at the bottom.
    ControlNegated,
}

impl ItemKind {
    /// True for pairs with a known answer.
    pub fn is_control(self) -> bool {
        matches!(self, Self::ControlIdentical | Self::ControlUnrelated | Self::ControlNegated)
    }

    /// True for what means and coefficients are computed from: samples and anchors.
    pub fn enters_estimates(self) -> bool {
        matches!(self, Self::Sample | Self::Anchor)
    }
}

/// Where an item's text came from, as it was when the item was made. All of it may be unknown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ItemOrigin {
    /// Stage of the augmentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// The run that grew the sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// `offline`, `openai:NAME`, `file:NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Version of the rules or of the prompt file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Similarity with the seed that the encoder gave, -1 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f64>,
    /// That encoder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    /// Template family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Where the wording of the seed comes from: `survey`, or `translation` for a model's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wording: Option<String>,
    /// The models that wrote the texts, first and second, for answers of models.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
}

impl ItemOrigin {
    /// Of a sample.
    pub fn of(sample: &Sample) -> Self {
        let p = &sample.provenance;
        Self {
            stage: Some(sample.stage),
            run: p.run.clone(),
            provider: Some(p.provider.clone()),
            version: Some(p.version.clone()),
            similarity: sample.similarity.map(|s| s.get()),
            family: p.family.clone(),
            ..Self::default()
        }
    }
}

/// One pair of texts, frozen when the study was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its name in the study.
    pub id: ItemId,
    /// What it is for.
    pub kind: ItemKind,
    /// Raters it gets; `None`: everybody.
    pub k: Option<u32>,
    /// The seed question.
    pub seed: QuestionId,
    /// The sample; `None` for controls.
    pub sample: Option<SampleId>,
    /// BCP 47 tag: only raters who declare it get the item.
    pub language: String,
    /// The culture the pair belongs to, where it belongs to one.
    pub culture: Option<CultureId>,
    /// The seed as raters see it.
    pub seed_text: String,
    /// The other text as raters see it.
    pub sample_text: String,
    /// The question that the texts answer, for answers of models.
    #[serde(default)]
    pub context: Option<String>,
    /// True: the texts are hidden until a key, and never in reports by default.
    #[serde(default)]
    pub sensitive: bool,
    /// SHA-256 of language and both texts (and of the context, where there is one), in hexadecimal.
    pub sha256: String,
    /// The item that this one repeats.
    pub repeat_of: Option<ItemId>,
    /// Scores a careful rater gives, both ends included; controls only.
    pub expected: Option<(u8, u8)>,
    /// Where the texts came from. Raters never see it.
    #[serde(default)]
    pub origin: ItemOrigin,
}

/// A study as it was set up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyRecord {
    /// Its name.
    pub id: StudyId,
    /// What raters are asked.
    #[serde(default)]
    pub study_type: StudyType,
    /// When it was made.
    pub created: Timestamp,
    /// Raters an item.
    pub k: u32,
    /// Random seed of selection and plan.
    pub seed: u64,
    /// All settings, as the study room wrote them.
    pub spec: serde_json::Value,
    /// When its plan was made; from then on items stay as they are.
    pub fixed: Option<Timestamp>,
}

/// Who rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RaterKind {
    /// A person.
    Human,
    /// A rule of ours that stands in for a person in demonstrations. Never to be taken for one.
    Scripted,
    /// A language model.
    Judge,
}

/// What a person agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Version of the text.
    pub version: String,
    /// When.
    pub at: Timestamp,
}

/// A rater of one study, by pseudonym.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rater {
    /// Pseudonym; the map to names is kept apart, never here.
    pub id: RaterId,
    /// Person, script or model.
    pub kind: RaterKind,
    /// BCP 47 tags of the languages they declared.
    pub languages: Vec<String>,
    /// Cultures they declared as their own.
    #[serde(default)]
    pub cultures: Vec<CultureId>,
    /// Their consent; `None` for scripts and models, and for people until they gave it.
    pub consent: Option<Consent>,
}

/// An item given to a rater, before it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAssignment {
    /// The item.
    pub item: ItemId,
    /// Which of the item's places, from 0.
    pub slot: u32,
    /// Who.
    pub rater: RaterId,
    /// Place in the rater's order, from 0.
    pub position: u32,
    /// True: the sample stands on the left.
    pub swap: bool,
    /// Until when it is theirs; `None`: without an end.
    pub lease_until: Option<Timestamp>,
}

/// A stored assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Number in the database.
    pub id: i64,
    /// The rest.
    #[serde(flatten)]
    pub content: NewAssignment,
    /// When it was taken back; `None` while it stands.
    pub released_at: Option<Timestamp>,
}

/// Kind of an event, as stored and exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A first score.
    Submit,
    /// Another score in the place of the one that stands.
    Edit,
    /// Not rated.
    Skip,
    /// Marked for the researcher.
    Flag,
    /// The rating that stands is taken back.
    Undo,
}

/// Why a rater skipped or flagged a pair. To have nothing to say about a pair is not the same as to
/// put it off, and a broken text is not a different meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A text is broken: cut off, garbled, in another language.
    BrokenText,
    /// The rater cannot judge the pair; it is not shown again.
    CannotJudge,
    /// The rater does not understand a text; the pair is not shown again.
    NotUnderstood,
    /// A text offends; the pair is not shown again.
    Offensive,
    /// Only words for the researcher.
    Comment,
    /// Something else; the comment says what.
    Other,
}

/// What a rater did. The number named is that of the rating that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// A first score.
    Submit(Score),
    /// Another score.
    Edit {
        /// The new score.
        score: Score,
        /// The event it replaces.
        previous: i64,
    },
    /// Not rated.
    Skip,
    /// Marked for the researcher.
    Flag,
    /// Taken back.
    Undo {
        /// The event taken back.
        previous: i64,
    },
}

impl Action {
    /// Kind, score and changed event, as columns.
    pub fn parts(self) -> (EventKind, Option<u8>, Option<i64>) {
        match self {
            Self::Submit(s) => (EventKind::Submit, Some(s.get()), None),
            Self::Edit { score, previous } => (EventKind::Edit, Some(score.get()), Some(previous)),
            Self::Skip => (EventKind::Skip, None, None),
            Self::Flag => (EventKind::Flag, None, None),
            Self::Undo { previous } => (EventKind::Undo, None, Some(previous)),
        }
    }
}

/// An event to store. Sent again with the same `uuid` and content it is stored once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    /// Made by the caller before the first try, so that a retry is recognised.
    pub uuid: Uuid,
    /// The assignment.
    pub assignment: i64,
    /// Who; must be the assignment's rater.
    pub rater: RaterId,
    /// What.
    pub action: Action,
    /// Why, for a skip or a flag.
    pub reason: Option<Reason>,
    /// The rater's words.
    pub comment: Option<String>,
    /// When the pair appeared.
    pub shown_at: Option<Timestamp>,
    /// Time spent on the pair in milliseconds, pauses left out.
    pub active_ms: Option<u32>,
    /// Whether the word difference was shown.
    pub diff_visible: Option<bool>,
    /// Version of the guideline in force.
    pub guideline_version: Option<String>,
    /// Where it comes from, when it was made elsewhere.
    #[serde(default)]
    pub source: Option<String>,
    /// When it was made there.
    #[serde(default)]
    pub rated_at: Option<Timestamp>,
}

impl NewEvent {
    /// An event with a new uuid and nothing but the action.
    pub fn new(assignment: i64, rater: RaterId, action: Action) -> Self {
        Self {
            uuid: Uuid::now_v7(),
            assignment,
            rater,
            action,
            reason: None,
            comment: None,
            shown_at: None,
            active_ms: None,
            diff_visible: None,
            guideline_version: None,
            source: None,
            rated_at: None,
        }
    }
}

/// A stored event, or the rating that stands, with its item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatingRow {
    /// Number in the log.
    pub event: i64,
    /// The caller's mark.
    pub uuid: String,
    /// The assignment.
    pub assignment: i64,
    /// The item.
    pub item: ItemId,
    /// What the item is for.
    pub item_kind: ItemKind,
    /// Its seed question.
    pub seed: QuestionId,
    /// Its sample.
    pub sample: Option<SampleId>,
    /// Its culture.
    pub culture: Option<CultureId>,
    /// Its language.
    pub language: String,
    /// Where its text came from.
    #[serde(default)]
    pub origin: ItemOrigin,
    /// The item it repeats.
    pub repeat_of: Option<ItemId>,
    /// Scores expected of a control.
    pub expected: Option<(u8, u8)>,
    /// Who.
    pub rater: RaterId,
    /// Person, script or model.
    pub rater_kind: RaterKind,
    /// Cultures the rater declared.
    #[serde(default)]
    pub rater_cultures: Vec<CultureId>,
    /// Whether the sample stood on the left.
    pub swap: bool,
    /// Place in the rater's order.
    pub position: u32,
    /// When it was stored.
    pub at: Timestamp,
    /// What was done.
    pub kind: EventKind,
    /// The score, for a submit or an edit.
    pub score: Option<u8>,
    /// Why, for a skip or a flag.
    pub reason: Option<Reason>,
    /// The rater's words.
    pub comment: Option<String>,
    /// When the pair appeared.
    pub shown_at: Option<Timestamp>,
    /// Active time in milliseconds.
    pub active_ms: Option<u32>,
    /// Whether the word difference was shown.
    pub diff_visible: Option<bool>,
    /// Version of the guideline.
    pub guideline_version: Option<String>,
    /// Version of the program.
    pub app_version: String,
    /// The event that this one changes.
    pub previous: Option<i64>,
    /// The tool, file or workspace that it was brought from; `None`: made here.
    #[serde(default)]
    pub source: Option<String>,
    /// When it was made there.
    #[serde(default)]
    pub rated_at: Option<Timestamp>,
}

/// How far a rater is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaterProgress {
    /// Who.
    pub rater: RaterId,
    /// Person, script or model.
    pub kind: RaterKind,
    /// Assignments that stand.
    pub assigned: u64,
    /// Those with a rating that stands.
    pub rated: u64,
    /// Those without one that were skipped.
    pub skipped: u64,
    /// Assignments taken back from them.
    pub released: u64,
}
