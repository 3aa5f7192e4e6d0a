//! Who rates what: written by the plan, read as each rater's queue.

use jiff::Timestamp;
use rusqlite::Row;

use crate::domain::{RaterId, StudyId};
use crate::store::codec::{from_count, from_word, now, time};
use crate::store::{Reader, StoreError, Tx};

use super::studies::from_time_opt;
use super::{Assignment, NewAssignment, RaterProgress};

pub(super) const COLUMNS: &str =
    "a.id, a.item, a.slot, a.rater, a.position, a.swap, a.lease_until, a.released_at";

impl Tx<'_> {
    /// Gives an item to a rater. Answers the assignment's number.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the item has all its raters, this place is taken, the rater
    /// has the item already, or item or rater are not in the study.
    pub fn assign(&self, study: &StudyId, a: &NewAssignment) -> Result<i64, StoreError> {
        self.run(
            "INSERT INTO assignment (study, item, slot, rater, position, swap, lease_until) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                study.as_str(),
                a.item.as_str(),
                a.slot,
                a.rater.as_str(),
                a.position,
                a.swap,
                a.lease_until.map(time),
            ),
        )?;
        Ok(self.conn.last_insert_rowid())
    }

    /// Takes an assignment back; it stays in the table. False where it was taken back before.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn release(&self, assignment: i64) -> Result<bool, StoreError> {
        let n = self.run(
            "UPDATE assignment SET released_at = ?2 WHERE id = ?1 AND released_at IS NULL",
            (assignment, now()),
        )?;
        Ok(n > 0)
    }

    /// Sets until when an assignment is its rater's. False where it was taken back.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn lease(&self, assignment: i64, until: Option<Timestamp>) -> Result<bool, StoreError> {
        let n = self.run(
            "UPDATE assignment SET lease_until = ?2 WHERE id = ?1 AND released_at IS NULL",
            (assignment, until.map(time)),
        )?;
        Ok(n > 0)
    }
}

impl Reader<'_> {
    /// All assignments of a study, released ones too, in order of making.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn assignments(&self, study: &StudyId) -> Result<Vec<Assignment>, StoreError> {
        self.all(
            &format!("SELECT {COLUMNS} FROM assignment a WHERE a.study = ?1 ORDER BY a.id"),
            [study.as_str()],
            assignment_row,
        )
    }

    /// All assignments of one rater in their order, released ones too.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn assignments_of(
        &self,
        study: &StudyId,
        rater: &RaterId,
    ) -> Result<Vec<Assignment>, StoreError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM assignment a WHERE a.study = ?1 AND a.rater = ?2 \
                 ORDER BY a.position, a.id"
            ),
            (study.as_str(), rater.as_str()),
            assignment_row,
        )
    }

    /// What a rater still has to do, in their order: neither rated, nor skipped for a reason, nor
    /// taken back. Pairs that were only put off come last.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn queue(
        &self,
        study: &StudyId,
        rater: &RaterId,
        limit: u32,
    ) -> Result<Vec<Assignment>, StoreError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM assignment a \
                 WHERE a.study = ?1 AND a.rater = ?2 AND a.released_at IS NULL \
                 AND NOT EXISTS (SELECT 1 FROM current_rating c WHERE c.assignment = a.id) \
                 AND NOT EXISTS (SELECT 1 FROM rating_event e \
                                 WHERE e.assignment = a.id AND e.kind = 'skip' \
                                 AND e.reason IS NOT NULL) \
                 ORDER BY EXISTS (SELECT 1 FROM rating_event e \
                                  WHERE e.assignment = a.id AND e.kind = 'skip'), \
                 a.position LIMIT ?3"
            ),
            (study.as_str(), rater.as_str(), limit),
            assignment_row,
        )
    }

    /// How far each rater is, by name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn progress(&self, study: &StudyId) -> Result<Vec<RaterProgress>, StoreError> {
        self.all(
            "SELECT r.id, r.kind, \
               count(a.id) FILTER (WHERE a.released_at IS NULL), \
               count(c.id) FILTER (WHERE a.released_at IS NULL), \
               count(a.id) FILTER (WHERE a.released_at IS NULL AND c.id IS NULL AND EXISTS \
                 (SELECT 1 FROM rating_event e WHERE e.assignment = a.id AND e.kind = 'skip')), \
               count(a.released_at) \
             FROM rater r \
             LEFT JOIN assignment a ON a.study = r.study AND a.rater = r.id \
             LEFT JOIN current_rating c ON c.assignment = a.id \
             WHERE r.study = ?1 GROUP BY r.id, r.kind ORDER BY r.id",
            [study.as_str()],
            |r| {
                Ok(RaterProgress {
                    rater: from_word(r, 0)?,
                    kind: from_word(r, 1)?,
                    assigned: from_count(r, 2)?,
                    rated: from_count(r, 3)?,
                    skipped: from_count(r, 4)?,
                    released: from_count(r, 5)?,
                })
            },
        )
    }
}

pub(super) fn assignment_row(r: &Row<'_>) -> rusqlite::Result<Assignment> {
    Ok(Assignment {
        id: r.get(0)?,
        content: NewAssignment {
            item: from_word(r, 1)?,
            slot: r.get(2)?,
            rater: from_word(r, 3)?,
            position: r.get(4)?,
            swap: r.get(5)?,
            lease_until: from_time_opt(r, 6)?,
        },
        released_at: from_time_opt(r, 7)?,
    })
}
