//! The log of ratings: only ever longer.

use crate::store::codec::{now, time, word};
use crate::store::{StoreError, Tx, Workspace};

use super::NewEvent;

impl Workspace {
    /// Stores what a rater did, in a transaction of its own. When this returns a number, the event
    /// is on the disk; when it returns an error, it is not, and the rater's screen must not move
    /// on. Called again with the same event (a reply was lost), it answers the same number.
    ///
    /// # Errors
    /// As [`Tx::put_event`]; [`StoreError::Busy`], [`StoreError::DiskFull`],
    /// [`StoreError::ReadOnly`].
    pub fn submit_rating(&mut self, event: &NewEvent) -> Result<i64, StoreError> {
        self.write(|tx| tx.put_event(event))
    }
}

impl Tx<'_> {
    /// Adds an event to the log; many in one transaction for imports and scripts.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the assignment is another rater's, was taken back or does not
    /// exist, where a rating stands already, where the rating to change does not stand any more,
    /// or where the uuid was used for something else.
    pub fn put_event(&self, e: &NewEvent) -> Result<i64, StoreError> {
        let (kind, score, previous) = e.action.parts();
        let kind = self.sql(word(&kind))?;
        let uuid = e.uuid.to_string();
        let same = self.one(
            "SELECT id, assignment = ?2 AND rater = ?3 AND kind = ?4 AND score IS ?5 \
             AND previous IS ?6 FROM rating_event WHERE event_uuid = ?1",
            (&uuid, e.assignment, e.rater.as_str(), &kind, score, previous),
            |r| Ok((r.get::<_, i64>(0)?, r.get::<_, bool>(1)?)),
        )?;
        match same {
            Some((id, true)) => return Ok(id),
            Some((id, false)) => {
                return Err(self.refused(format!(
                    "event {uuid} is stored as number {id} with another content; each event \
                     needs a uuid of its own"
                )));
            }
            None => {}
        }
        self.run(
            "INSERT INTO rating_event (event_uuid, assignment, rater, at, kind, score, comment, \
             shown_at, active_ms, diff_visible, guideline_version, app_version, previous, \
             reason, source, rated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            (
                &uuid,
                e.assignment,
                e.rater.as_str(),
                now(),
                kind,
                score,
                &e.comment,
                e.shown_at.map(time),
                e.active_ms,
                e.diff_visible,
                &e.guideline_version,
                env!("CARGO_PKG_VERSION"),
                previous,
                self.sql(e.reason.map(|r| word(&r)).transpose())?,
                &e.source,
                e.rated_at.map(time),
            ),
        )?;
        let number = self.conn.last_insert_rowid();
        self.extend_by_activity(e.assignment)?;
        Ok(number)
    }
}
