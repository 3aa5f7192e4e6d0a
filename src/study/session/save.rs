//! Carrying out a write: durable before it answers, patient with a locked database.

use std::time::{Duration, Instant};

use thiserror::Error;
use uuid::Uuid;

use crate::store::{StoreError, Workspace};

use super::{What, Write};

/// How long a locked database is waited for. A backup or another program may hold it for a while;
/// whoever waits longer is told so and can try again.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A write that is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// Number of the event in the log; `None` for anything but an event.
    pub event: Option<i64>,
    /// The event's uuid.
    pub uuid: Option<Uuid>,
}

/// A write of which nothing is to be believed stored. Sent again it is stored at most once.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SaveError {
    /// Another process held the database all the time.
    #[error("not saved: another program kept the database locked for {seconds} s; `r` tries again")]
    Busy {
        /// How long was waited.
        seconds: u64,
    },
    /// The study changed under the rater: the pair was given to somebody else, or rated in another
    /// window.
    #[error("not saved: {rule}; the study is read again")]
    Refused {
        /// The rule of the database.
        rule: String,
    },
    /// The disk is full, the file is read-only or damaged, ..
    #[error("not saved: {why}; then `r` tries again")]
    Failed {
        /// What the database said, with the way out.
        why: String,
    },
}

/// Carries out a write in one `BEGIN IMMEDIATE` transaction with full synchronisation: when this
/// answers `Ok`, it survives a kill and a power cut. A lock is waited for, in jittered steps of a
/// few milliseconds, until `patience` is over.
///
/// # Errors
/// See [`SaveError`]; the write can be carried out again as it is.
pub fn save(store: &mut Workspace, write: &Write, patience: Duration) -> Result<Saved, SaveError> {
    let start = Instant::now();
    loop {
        // each try waits for up to ten seconds in the store's busy handler
        match once(store, write) {
            Err(StoreError::Busy { .. }) if start.elapsed() < patience => {}
            Err(StoreError::Busy { .. }) => {
                return Err(SaveError::Busy { seconds: start.elapsed().as_secs() });
            }
            Err(StoreError::Refused { rule, .. }) => return Err(SaveError::Refused { rule }),
            Err(e) => return Err(SaveError::Failed { why: e.to_string() }),
            Ok(saved) => return Ok(saved),
        }
    }
}

fn once(store: &mut Workspace, write: &Write) -> Result<Saved, StoreError> {
    store.write(|tx| {
        // a session that was open when its rater left writes nothing any more
        if tx.withdrawals(&write.study)?.iter().any(|w| w.rater == write.rater) {
            return Err(StoreError::Refused {
                path: std::path::PathBuf::new(),
                rule: format!("rater {} left study {}", write.rater, write.study),
            });
        }
        for text in &write.texts {
            tx.put_study_text(&write.study, text)?;
        }
        // before the rating: what it supersedes is older than it
        for view in &write.views {
            tx.put_view(view)?;
        }
        let none = Saved { event: None, uuid: None };
        match &write.what {
            What::Event(event) => {
                let number = tx.put_event(event)?;
                Ok(Saved { event: Some(number), uuid: Some(event.uuid) })
            }
            What::View(view) => tx.put_view(view).map(|()| none),
            What::Practice(answer) => tx.put_practice(&write.study, answer).map(|()| none),
            What::Views => Ok(none),
            What::Consent(given) => {
                let (study, rater) = (&write.study, &write.rater);
                if tx.rater(study, rater)?.is_none() {
                    return Err(StoreError::Refused {
                        path: std::path::PathBuf::new(),
                        rule: format!("rater {rater} is no longer in study {study}"),
                    });
                }
                // sent again after an answer was lost, it is there already
                if !tx.consents(study, rater)?.contains(given) {
                    tx.put_consent(study, rater, given)?;
                }
                Ok(none)
            }
        }
    })
}
