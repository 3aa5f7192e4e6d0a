//! A write as plain data: made once, with its uuid, and carried out as often as it takes.

use serde::{Deserialize, Serialize};

use crate::domain::{RaterId, StudyId};
use crate::store::{Consent, NewEvent};

/// What is to be stored for a rater. Carried out twice, it is stored once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The study.
    pub study: StudyId,
    /// Who.
    pub rater: RaterId,
    /// What.
    pub what: What,
}

/// The content of a [`Write`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The rater agreed to be part of the study.
    Consent(Consent),
    /// Something done about a pair.
    Event(NewEvent),
}
