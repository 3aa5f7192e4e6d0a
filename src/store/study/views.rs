//! What raters looked at, and what they practised: logged as it happens, so that a lost connection
//! takes nothing of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{RaterId, Score, StudyId};
use crate::store::codec::{from_time, from_word, now, word};
use crate::store::{Reader, StoreError, Tx};

/// What happened on a rater's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewKind {
    /// The pair appeared.
    Shown,
    /// The word difference was shown.
    Diff,
    /// A sensitive text was uncovered.
    Revealed,
    /// The rater paused.
    Pause,
    /// The rater left the pair without rating it.
    Leave,
}

/// A view to store. Sent again with the same `uuid` it is stored once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewView {
    /// Made by the caller before the first try.
    pub uuid: Uuid,
    /// The assignment.
    pub assignment: i64,
    /// Who; must be the assignment's rater.
    pub rater: RaterId,
    /// What.
    pub kind: ViewKind,
    /// Active time on the pair until then, in milliseconds.
    pub active_ms: Option<u32>,
}

/// A stored view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The assignment.
    pub assignment: i64,
    /// Who.
    pub rater: RaterId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: ViewKind,
    /// Active time on the pair until then, in milliseconds.
    pub active_ms: Option<u32>,
}

/// An answer in the practice before a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Practice {
    /// Made by the caller before the first try.
    pub uuid: Uuid,
    /// Who.
    pub rater: RaterId,
    /// Which round, from 1.
    pub round: u32,
    /// The pair's name in the practice text.
    pub item: String,
    /// What they gave.
    pub given: Score,
    /// Scores expected, both ends included.
    pub expected: (Score, Score),
}

impl Tx<'_> {
    /// Adds a view to the log.
    ///
    /// # Errors
    /// The assignment is another rater's or does not exist.
    pub fn put_view(&self, v: &NewView) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO view_event (event_uuid, assignment, rater, at, kind, active_ms) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (event_uuid) DO NOTHING",
            (
                v.uuid.to_string(),
                v.assignment,
                v.rater.as_str(),
                now(),
                self.sql(word(&v.kind))?,
                v.active_ms,
            ),
        )?;
        Ok(())
    }

    /// Adds a practice answer to the log.
    ///
    /// # Errors
    /// The rater is not in the study.
    pub fn put_practice(&self, study: &StudyId, p: &Practice) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO qualification_event \
             (event_uuid, study, rater, round, item, given, lo, hi, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (event_uuid) DO NOTHING",
            (
                p.uuid.to_string(),
                study.as_str(),
                p.rater.as_str(),
                p.round,
                &p.item,
                p.given.get(),
                p.expected.0.get(),
                p.expected.1.get(),
                now(),
            ),
        )?;
        Ok(())
    }
}

impl Reader<'_> {
    /// What a rater looked at, in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn views_of(&self, study: &StudyId, rater: &RaterId) -> Result<Vec<View>, StoreError> {
        self.all(
            "SELECT v.assignment, v.rater, v.at, v.kind, v.active_ms FROM assignment a \
             JOIN view_event v ON v.assignment = a.id \
             WHERE a.study = ?1 AND a.rater = ?2 ORDER BY v.id",
            (study.as_str(), rater.as_str()),
            |r| {
                Ok(View {
                    assignment: r.get(0)?,
                    rater: from_word(r, 1)?,
                    at: from_time(r, 2)?,
                    kind: from_word(r, 3)?,
                    active_ms: r.get(4)?,
                })
            },
        )
    }

    /// Practice answers of all raters of a study, in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn practice(&self, study: &StudyId) -> Result<Vec<Practice>, StoreError> {
        self.all(
            "SELECT event_uuid, rater, round, item, given, lo, hi FROM qualification_event \
             WHERE study = ?1 ORDER BY id",
            [study.as_str()],
            |r| {
                let score = |i: usize| -> rusqlite::Result<Score> {
                    let n: u8 = r.get(i)?;
                    Score::new(n)
                        .map_err(|e| crate::store::codec::unreadable(r, i, e, &n.to_string()))
                };
                Ok(Practice {
                    uuid: from_word(r, 0)?,
                    rater: from_word(r, 1)?,
                    round: r.get(2)?,
                    item: r.get(3)?,
                    given: score(4)?,
                    expected: (score(5)?, score(6)?),
                })
            },
        )
    }
}
