//! Leases that ran out: the item goes to whoever has least to do.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, RaterId, StudyId};
use crate::store::codec::{from_word, time};
use crate::store::{StoreError, Tx, Workspace};

use super::NewAssignment;
use super::assignments::{COLUMNS, assignment_row};

/// An assignment that was taken back because its lease ran out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reclaimed {
    /// The item.
    pub item: ItemId,
    /// Who had it.
    pub from: RaterId,
    /// Who has it now; `None` where nobody else may have it (language, or they have it already).
    pub to: Option<RaterId>,
}

impl Workspace {
    /// Takes back the leases that ran out before `now` without a rating, and gives each item to
    /// the rater with the least left to do, until `until`. One transaction: two who reclaim at
    /// once never give an item away twice.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn reclaim_leases(
        &mut self,
        study: &StudyId,
        now: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<Vec<Reclaimed>, StoreError> {
        self.write(|tx| {
            tx.need_study(study)?;
            let expired = tx.all(
                &format!(
                    "SELECT {COLUMNS} FROM assignment a WHERE a.study = ?1 \
                     AND a.released_at IS NULL AND a.lease_until < ?2 \
                     AND NOT EXISTS (SELECT 1 FROM current_rating c WHERE c.assignment = a.id) \
                     ORDER BY a.id"
                ),
                (study.as_str(), time(now)),
                assignment_row,
            )?;
            let mut out = Vec::new();
            for old in expired {
                tx.release(old.id)?;
                let to = tx.least_loaded(study, &old.content.item, &old.content.rater)?;
                if let Some((rater, position)) = &to {
                    tx.assign(
                        study,
                        &NewAssignment {
                            rater: rater.clone(),
                            position: *position,
                            lease_until: until,
                            ..old.content.clone()
                        },
                    )?;
                }
                out.push(Reclaimed {
                    item: old.content.item,
                    from: old.content.rater,
                    to: to.map(|t| t.0),
                });
            }
            Ok(out)
        })
    }
}

impl Tx<'_> {
    /// The rater with the least left to do among those of the same kind who declared the item's
    /// language and never had the item, and the end of their order. A repeat only goes to who rates its original.
    fn least_loaded(
        &self,
        study: &StudyId,
        item: &ItemId,
        from: &RaterId,
    ) -> Result<Option<(RaterId, u32)>, StoreError> {
        self.one(
            "SELECT r.id, (SELECT ifnull(max(p.position) + 1, 0) FROM assignment p \
                           WHERE p.study = r.study AND p.rater = r.id) \
             FROM rater r JOIN item i ON i.study = r.study AND i.id = ?2 \
             WHERE r.study = ?1 \
             AND r.kind = (SELECT kind FROM rater WHERE study = ?1 AND id = ?3) \
             AND EXISTS (SELECT 1 FROM json_each(r.languages) l WHERE l.value = i.language) \
             AND NOT EXISTS (SELECT 1 FROM assignment h \
                             WHERE h.study = r.study AND h.rater = r.id AND h.item = i.id) \
             AND (i.repeat_of IS NULL OR EXISTS (SELECT 1 FROM assignment o \
                  WHERE o.study = r.study AND o.rater = r.id AND o.item = i.repeat_of \
                  AND o.released_at IS NULL)) \
             ORDER BY (SELECT count(*) FROM assignment w WHERE w.study = r.study \
                       AND w.rater = r.id AND w.released_at IS NULL AND NOT EXISTS \
                       (SELECT 1 FROM rating_event e WHERE e.assignment = w.id \
                        AND e.kind IN ('submit', 'skip'))), r.id LIMIT 1",
            (study.as_str(), item.as_str(), from.as_str()),
            |r| Ok((from_word(r, 0)?, r.get(1)?)),
        )
    }
}
