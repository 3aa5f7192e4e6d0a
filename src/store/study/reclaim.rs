//! Items of raters who do not come: they go to whoever has least to do.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, Lease, RaterId, StudyId};
use crate::store::codec::{from_count, from_word, time};
use crate::store::{Reader, StoreError, Tx, Workspace};

use super::assignments::{COLUMNS, assignment_row};
use super::{Assignment, Item, NewAssignment, Rater};

/// An assignment is done when a rating stands, or when its rater skipped it for a reason. What was
/// only put off is not done, and a rating that was taken back is none.
const DONE: &str = "(EXISTS (SELECT 1 FROM current_rating c WHERE c.assignment = a.id) \
     OR EXISTS (SELECT 1 FROM rating_event e WHERE e.assignment = a.id \
                AND e.kind = 'skip' AND e.reason IS NOT NULL))";

/// An assignment that was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reclaimed {
    /// The item.
    pub item: ItemId,
    /// Who had it.
    pub from: RaterId,
    /// Who has it now; `None` where nobody else may have it (language, or they have it already).
    pub to: Option<RaterId>,
}

/// What becomes of places that nobody else may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwanted {
    /// They stay with whoever has them: a lease that ran out is no reason to lose an anchor.
    Stays,
    /// They are released all the same.
    Goes,
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
        self.write(|tx| tx.reclaim(study, now, until))
    }
}

impl Tx<'_> {
    /// [`Workspace::reclaim_leases`] inside a transaction.
    ///
    /// # Errors
    /// No such study; the database cannot be written.
    pub fn reclaim(
        &self,
        study: &StudyId,
        now: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<Vec<Reclaimed>, StoreError> {
        self.need_study(study)?;
        let expired = self.all(
            &format!(
                "SELECT {COLUMNS} FROM assignment a WHERE a.study = ?1 \
                 AND a.released_at IS NULL AND a.lease_until < ?2 AND NOT {DONE} ORDER BY a.id"
            ),
            (study.as_str(), time(now)),
            assignment_row,
        )?;
        if expired.is_empty() {
            return Ok(Vec::new());
        }
        self.hand_over(study, expired, until, Unwanted::Stays)
    }

    /// Releases all that a rater has not rated and gives each item to whoever has least to do.
    ///
    /// # Errors
    /// No such rater; the database cannot be written.
    pub fn release_rater(
        &self,
        study: &StudyId,
        rater: &RaterId,
        until: Option<Timestamp>,
    ) -> Result<Vec<Reclaimed>, StoreError> {
        if self.rater(study, rater)?.is_none() {
            return Err(StoreError::not_found(self.path, "rater", rater.as_str()));
        }
        let open = self.all(
            &format!(
                "SELECT {COLUMNS} FROM assignment a WHERE a.study = ?1 AND a.rater = ?2 \
                 AND a.released_at IS NULL AND NOT {DONE} ORDER BY a.id"
            ),
            (study.as_str(), rater.as_str()),
            assignment_row,
        )?;
        self.hand_over(study, open, until, Unwanted::Goes)
    }

    /// Gives places to whoever has least to do: those of `old`, which are released,
    /// but for those that nobody takes where `unwanted` says so. A repeat only goes to who rates its original. Nobody gets an item that
    /// they had before.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn hand_over(
        &self,
        study: &StudyId,
        old: Vec<Assignment>,
        until: Option<Timestamp>,
        unwanted: Unwanted,
    ) -> Result<Vec<Reclaimed>, StoreError> {
        let items: BTreeMap<ItemId, Item> =
            self.items(study)?.into_iter().map(|i| (i.id.clone(), i)).collect();
        let gone: Vec<RaterId> = self.withdrawals(study)?.into_iter().map(|w| w.rater).collect();
        // who was released, or is away now, gets nothing of it
        let mut away = BTreeSet::new();
        for a in self.amendments(study)? {
            for r in &a.change.raters {
                away.remove(r);
            }
            away.extend(a.change.released);
        }
        away.extend(old.iter().filter(|a| a.id != 0).map(|a| a.content.rater.clone()));
        let raters: Vec<Rater> = self
            .raters(study)?
            .into_iter()
            .filter(|r| !gone.contains(&r.id) && !away.contains(&r.id))
            .collect();
        let kinds: BTreeMap<RaterId, _> =
            self.raters(study)?.into_iter().map(|r| (r.id, r.kind)).collect();
        let mut left = self.left_to_do(study)?;
        let keep = unwanted == Unwanted::Stays;
        for a in old.iter().filter(|_| !keep) {
            if self.release(a.id)? {
                left.entry(a.content.rater.clone()).and_modify(|n| *n = n.saturating_sub(1));
            }
        }
        // originals before their repeats: a repeat follows its original
        let (first, again): (Vec<_>, Vec<_>) = old
            .into_iter()
            .partition(|a| items.get(&a.content.item).is_none_or(|i| i.repeat_of.is_none()));
        let mut out = Vec::new();
        for a in first.into_iter().chain(again) {
            let Some(item) = items.get(&a.content.item) else { continue };
            let from = a.content.rater.clone();
            let kind = kinds.get(&from);
            let mut to = None;
            let mut able: Vec<&Rater> =
                raters.iter().filter(|r| Some(&r.kind) == kind && r.may_rate(item)).collect();
            able.sort_by_key(|r| (left.get(&r.id).copied().unwrap_or(0), &r.id));
            for r in able {
                if !self.had(study, &item.id, &r.id)?
                    && (item.repeat_of.as_ref())
                        .is_none_or(|of| self.has(study, of, &r.id).unwrap_or(false))
                {
                    to = Some(r.id.clone());
                    break;
                }
            }
            if keep && to.is_none() {
                continue;
            }
            if let Some(rater) = &to {
                if keep {
                    self.release(a.id)?;
                }
                let position = self.end_of_order(study, rater)?;
                self.assign(
                    study,
                    &NewAssignment {
                        rater: rater.clone(),
                        position,
                        lease_until: until,
                        ..a.content
                    },
                )?;
                *left.entry(rater.clone()).or_default() += 1;
            }
            out.push(Reclaimed { item: item.id.clone(), from, to });
        }
        Ok(out)
    }

    /// Moves the end of a rater's leases on: they are here. Answers how many were moved; those
    /// that end within `slack` of the new end stay, so that not every rating writes them all.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn extend_leases(
        &self,
        study: &StudyId,
        rater: &RaterId,
        until: Timestamp,
        slack: SignedDuration,
    ) -> Result<usize, StoreError> {
        let before = until.checked_sub(slack).unwrap_or(Timestamp::MIN);
        self.run(
            "UPDATE assignment SET lease_until = ?3 WHERE study = ?1 AND rater = ?2 \
             AND released_at IS NULL AND lease_until < ?4",
            (study.as_str(), rater.as_str(), time(until), time(before)),
        )
    }

    /// Extends the leases of whoever just did something, where the assignment has one.
    pub(super) fn extend_by_activity(&self, assignment: i64) -> Result<(), StoreError> {
        let found = self.one(
            "SELECT a.study, a.rater FROM assignment a \
             WHERE a.id = ?1 AND a.lease_until IS NOT NULL",
            [assignment],
            |r| Ok((from_word::<StudyId>(r, 0)?, from_word::<RaterId>(r, 1)?)),
        )?;
        let Some((study, rater)) = found else { return Ok(()) };
        if let Some(lease) = self.lease_of(&study)? {
            let slack = SignedDuration::from_mins(i64::from(lease.hours()).min(12) * 5);
            self.extend_leases(&study, &rater, lease.until(Timestamp::now()), slack)?;
        }
        Ok(())
    }

    /// Where the order of a rater ends.
    pub(super) fn end_of_order(&self, study: &StudyId, rater: &RaterId) -> Result<u32, StoreError> {
        let end = self.one(
            "SELECT ifnull(max(position) + 1, 0) FROM assignment WHERE study = ?1 AND rater = ?2",
            (study.as_str(), rater.as_str()),
            |r| r.get(0),
        )?;
        Ok(end.unwrap_or(0))
    }

    pub(super) fn had(
        &self,
        study: &StudyId,
        item: &ItemId,
        rater: &RaterId,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM assignment WHERE study = ?1 AND item = ?2 AND rater = ?3";
        let key = (study.as_str(), item.as_str(), rater.as_str());
        Ok(self.one(sql, key, |_| Ok(()))?.is_some())
    }

    fn has(&self, study: &StudyId, item: &ItemId, rater: &RaterId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM assignment WHERE study = ?1 AND item = ?2 AND rater = ?3 \
                   AND released_at IS NULL";
        let key = (study.as_str(), item.as_str(), rater.as_str());
        Ok(self.one(sql, key, |_| Ok(()))?.is_some())
    }
}

impl Reader<'_> {
    /// How much each rater has left to do; raters with nothing assigned are left out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn left_to_do(&self, study: &StudyId) -> Result<BTreeMap<RaterId, u64>, StoreError> {
        let rows = self.all(
            &format!(
                "SELECT a.rater, count(*) FILTER (WHERE NOT {DONE}) FROM assignment a \
                 WHERE a.study = ?1 AND a.released_at IS NULL GROUP BY a.rater"
            ),
            [study.as_str()],
            |r| Ok((from_word(r, 0)?, from_count(r, 1)?)),
        )?;
        Ok(rows.into_iter().collect())
    }

    /// How long items wait for raters of this study: the newest amendment that says so, or the
    /// study as it was set up.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn lease_of(&self, study: &StudyId) -> Result<Option<Lease>, StoreError> {
        let text = self.one(
            "SELECT ifnull((SELECT json_extract(m.change, '$.more.lease') \
                            FROM study_amendment m WHERE m.study = s.id \
                            AND json_extract(m.change, '$.more.lease') IS NOT NULL \
                            ORDER BY m.n DESC LIMIT 1), \
                           json_extract(s.spec, '$.lease')) FROM study s WHERE s.id = ?1",
            [study.as_str()],
            |r| r.get::<_, Option<String>>(0),
        )?;
        Ok(text.flatten().and_then(|t| t.parse().ok()))
    }
}
