//! A rater comes: what is theirs stays theirs, and what others left undone is given out.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{RaterId, StudyId};
use crate::store::{Reclaimed, Workspace};

use super::StudyError;

/// To be called when a rater starts, and when they run out of items: their leases go on, and items
/// of raters whose leases ran out go to whoever has least to do. Studies without leases are left
/// alone. Answers what was given out.
///
/// # Errors
/// No such study; the database cannot be written.
pub fn begin_rating(
    workspace: &mut Workspace,
    study: &StudyId,
    rater: &RaterId,
) -> Result<Vec<Reclaimed>, StudyError> {
    let Some(lease) = workspace.read().lease_of(study)? else { return Ok(Vec::new()) };
    workspace.write_as(|tx| {
        if tx.need_study(study)?.fixed.is_none() {
            return Ok(Vec::new());
        }
        let now = Timestamp::now();
        let until = lease.until(now);
        // first: whoever comes late, but before anybody else asked, keeps what they have
        tx.extend_leases(study, rater, until, SignedDuration::ZERO)?;
        Ok(tx.reclaim(study, now, Some(until))?)
    })
}
