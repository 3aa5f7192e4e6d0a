//! A write as plain data: made once, with its uuid, and carried out as often as it takes.

use serde::{Deserialize, Serialize};

use crate::domain::{RaterId, StudyId};
use crate::store::{ConsentGiven, NewEvent, NewView, Practice, StudyText};

/// What is to be stored for a rater. Carried out twice, it is stored once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The study.
    pub study: StudyId,
    /// Who.
    pub rater: RaterId,
    /// What.
    pub what: What,
    /// What was looked at meanwhile; stored in the same transaction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<NewView>,
    /// The program's words that this rater reads, where the study does not hold them yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<StudyText>,
}

/// The content of a [`Write`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The rater agreed to be part of the study.
    Consent(ConsentGiven),
    /// Something done about a pair.
    Event(NewEvent),
    /// Something looked at that is logged before it is shown.
    View(NewView),
    /// An answer in practice.
    Practice(Practice),
    /// Nothing but what was looked at.
    Views,
}
