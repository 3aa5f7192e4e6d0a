//! Ratings with their items: the whole log, or what stands.

use rusqlite::Row;

use crate::domain::{RaterId, StudyId};
use crate::store::codec::{from_json, from_time, from_word, from_word_opt};
use crate::store::{Reader, StoreError};

use super::RatingRow;
use super::studies::{from_time_opt, range};

const COLUMNS: &str = "e.id, e.event_uuid, e.assignment, i.id, i.kind, i.seed, i.sample, \
    i.culture, i.language, i.repeat_of, i.lo, i.hi, e.rater, r.kind, a.swap, a.position, e.at, \
    e.kind, e.score, e.comment, e.shown_at, e.active_ms, e.diff_visible, e.guideline_version, \
    e.app_version, e.previous, e.reason, i.origin, r.cultures, e.source, e.rated_at";

const JOINS: &str = "JOIN assignment a ON a.id = e.assignment \
    JOIN item i ON i.study = a.study AND i.id = a.item \
    JOIN rater r ON r.study = a.study AND r.id = a.rater";

impl Reader<'_> {
    /// The ratings that stand, by item and rater. Those of assignments taken back are left out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn current_ratings(&self, study: &StudyId) -> Result<Vec<RatingRow>, StoreError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM current_rating e {JOINS} \
                 WHERE a.study = ?1 AND a.released_at IS NULL ORDER BY i.position, e.rater"
            ),
            [study.as_str()],
            rating_row,
        )
    }

    /// The whole log in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn rating_events(&self, study: &StudyId) -> Result<Vec<RatingRow>, StoreError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM rating_event e {JOINS} WHERE a.study = ?1 ORDER BY e.id"
            ),
            [study.as_str()],
            rating_row,
        )
    }

    /// The log of one rater in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn events_of(
        &self,
        study: &StudyId,
        rater: &RaterId,
    ) -> Result<Vec<RatingRow>, StoreError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM rating_event e {JOINS} \
                 WHERE e.rater = ?2 AND a.study = ?1 ORDER BY e.id"
            ),
            (study.as_str(), rater.as_str()),
            rating_row,
        )
    }

    /// The rating of an assignment that stands.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn current_rating(&self, assignment: i64) -> Result<Option<RatingRow>, StoreError> {
        self.one(
            &format!("SELECT {COLUMNS} FROM current_rating e {JOINS} WHERE e.assignment = ?1"),
            [assignment],
            rating_row,
        )
    }
}

fn rating_row(r: &Row<'_>) -> rusqlite::Result<RatingRow> {
    Ok(RatingRow {
        event: r.get(0)?,
        uuid: r.get(1)?,
        assignment: r.get(2)?,
        item: from_word(r, 3)?,
        item_kind: from_word(r, 4)?,
        seed: from_word(r, 5)?,
        sample: from_word_opt(r, 6)?,
        culture: from_word_opt(r, 7)?,
        language: r.get(8)?,
        repeat_of: from_word_opt(r, 9)?,
        expected: range(r, 10, 11)?,
        rater: from_word(r, 12)?,
        rater_kind: from_word(r, 13)?,
        swap: r.get(14)?,
        position: r.get(15)?,
        at: from_time(r, 16)?,
        kind: from_word(r, 17)?,
        score: r.get(18)?,
        reason: from_word_opt(r, 26)?,
        comment: r.get(19)?,
        shown_at: from_time_opt(r, 20)?,
        active_ms: r.get(21)?,
        diff_visible: r.get(22)?,
        guideline_version: r.get(23)?,
        app_version: r.get(24)?,
        previous: r.get(25)?,
        origin: from_json(r, 27)?,
        rater_cultures: from_json(r, 28)?,
        source: r.get(29)?,
        rated_at: from_time_opt(r, 30)?,
    })
}
