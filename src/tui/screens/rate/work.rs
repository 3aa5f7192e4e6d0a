//! What the screen reads and writes, off its task.

use serde::{Deserialize, Serialize};

use super::words::Purpose;
use crate::domain::{RaterId, StudyId};
use crate::launch::{Place, drafts};
use crate::store::refuse_network_file_system;
use crate::study::begin_rating;
use crate::study::session::{Loaded, PATIENCE, SaveError, Saved, Write, load, save};
use crate::tui::data::{Access, WorkError};

/// Words typed and not sent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Unsent {
    /// The pair they belong to.
    pub(super) assignment: i64,
    #[serde(default)]
    pub(super) purpose: Purpose,
    pub(super) text: String,
}

/// What is kept when the program ends in the middle: words being typed, and a write that could not
/// be carried out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Draft {
    pub(super) words: Vec<Unsent>,
    pub(super) unsaved: Option<Write>,
}

impl Draft {
    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.unsaved.is_none()
    }

    /// The words of a pair.
    pub(super) fn text(&self, assignment: i64, purpose: Purpose) -> Option<&str> {
        let of = |w: &&Unsent| w.assignment == assignment && w.purpose == purpose;
        self.words.iter().find(of).map(|w| w.text.as_str())
    }

    /// Other words for a pair; empty ones are forgotten.
    pub(super) fn set(&mut self, assignment: i64, purpose: Purpose, text: &str) {
        self.words.retain(|w| w.assignment != assignment || w.purpose != purpose);
        if !text.trim().is_empty() {
            self.words.push(Unsent { assignment, purpose, text: text.to_owned() });
        }
    }
}

/// A study opened for a rater.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) loaded: Loaded,
    pub(super) draft: Draft,
    /// A write of an earlier day was carried out now.
    pub(super) sent: bool,
}

/// Opens a study for a rater: first carries out what an earlier day left, then reads.
pub(super) fn open(a: &mut Access, study: &StudyId, rater: &RaterId) -> Result<Opened, WorkError> {
    // broken locks lose ratings: better to say so before the first one
    refuse_network_file_system(a.place().folder().root())?;
    let mut draft = read_draft(a.place(), study, rater);
    let mut sent = false;
    let tried = draft.unsaved.is_some();
    let store = a.writer()?;
    if let Some(write) = draft.unsaved.take() {
        // what is refused now was rated or taken back meanwhile: there is nothing to send any more
        match save(store, &write, PATIENCE) {
            Ok(_) => sent = true,
            Err(SaveError::Refused { .. }) => {}
            Err(e) => return Err(WorkError::new(format!("an earlier rating is {e}"))),
        }
    }
    begin_rating(store, study, rater)?;
    let loaded = match load(store.read(), study, rater) {
        Ok(loaded) => loaded,
        Err(e) => {
            // who left the study takes along what they typed and never sent
            let left = store.read().withdrawals(study)?.iter().any(|w| w.rater == *rater);
            if left && let Err(e) = drafts::erase(a.place(), study, rater) {
                return Err(WorkError::new(format!("words not sent could not be erased: {e}")));
            }
            return Err(e.into());
        }
    };
    if tried {
        // what was sent, or refused for good, is not sent once more another day
        write_draft(a.place(), study, rater, &draft)?;
    }
    Ok(Opened { loaded, draft, sent })
}

/// Carries a write out. A database that cannot be opened is a write that failed.
pub(super) fn carry_out(a: &mut Access, write: &Write) -> Result<Saved, SaveError> {
    match a.writer() {
        Ok(store) => save(store, write, PATIENCE),
        Err(e) => Err(SaveError::Failed { why: e.to_string() }),
    }
}

/// Reads the study again.
pub(super) fn reload(
    a: &mut Access,
    study: &StudyId,
    rater: &RaterId,
) -> Result<Loaded, crate::study::StudyError> {
    let place = a.place().clone();
    let store = place.read().map_err(|e| match e {
        crate::launch::PlaceError::Store(e) => crate::study::StudyError::Store(e),
        other => crate::study::StudyError::Write(std::io::Error::other(other.to_string())),
    })?;
    load(store.read(), study, rater)
}

fn read_draft(place: &Place, study: &StudyId, rater: &RaterId) -> Draft {
    drafts::file(place, study, rater)
        .and_then(|f| std::fs::read_to_string(f).ok())
        .and_then(|t| serde_json::from_str(&t).ok())
        .unwrap_or_default()
}

/// Keeps a draft, or forgets it where it is empty. The file appears whole or not at all, and is on
/// the disk when this answers.
pub(super) fn write_draft(
    place: &Place,
    study: &StudyId,
    rater: &RaterId,
    draft: &Draft,
) -> Result<(), WorkError> {
    // who left the study leaves no words behind, whatever window is still open
    let left = place
        .read()
        .ok()
        .and_then(|s| s.read().withdrawals(study).ok())
        .is_some_and(|w| w.iter().any(|w| w.rater == *rater));
    let kept = if left || draft.is_empty() {
        drafts::erase(place, study, rater)
    } else {
        drafts::keep(place, study, rater, &serde_json::json!(draft).to_string())
    };
    kept.map_err(|e| WorkError::new(format!("what you type is not kept: {e}")))
}
