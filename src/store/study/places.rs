//! Places of items that nobody has: after a withdrawal, after a release, after an amendment.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::{ItemId, RaterId, StudyId};
use crate::store::{Reader, StoreError, Tx};

use super::reclaim::Unwanted;
use super::{Assignment, Item, JUDGE_SLOTS, NewAssignment, Rater, RaterKind, Reclaimed};

impl Reader<'_> {
    /// Raters an item of k has: as it was set up, or as the newest amendment says.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn k_of(&self, study: &StudyId) -> Result<u32, StoreError> {
        let set_up = self.need_study(study)?.k;
        let amended = self.amendments(study)?;
        let newest = amended.iter().rev().find_map(|a| a.change.more.get("k")?.as_u64());
        Ok(newest.and_then(|k| u32::try_from(k).ok()).unwrap_or(set_up))
    }

    /// Places of k items that nobody has, as assignments without a number: whoever had the place
    /// last is named as its rater, or nobody in particular where it is new (`None`).
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn vacant(&self, study: &StudyId) -> Result<Vec<(NewAssignment, bool)>, StoreError> {
        let k = self.k_of(study)?;
        let mut held: BTreeSet<(ItemId, u32)> = BTreeSet::new();
        let mut last: BTreeMap<(ItemId, u32), Assignment> = BTreeMap::new();
        for a in self.assignments(study)? {
            let place = (a.content.item.clone(), a.content.slot);
            if a.released_at.is_none() {
                held.insert(place.clone());
            }
            last.insert(place, a);
        }
        let anybody = self.raters(study)?.into_iter().find(|r| r.kind != RaterKind::Judge);
        let mut out = Vec::new();
        for item in self.items(study)?.into_iter().filter(|i| i.k.is_some()) {
            for slot in 0..k {
                let place = (item.id.clone(), slot);
                if held.contains(&place) {
                    continue;
                }
                match (last.remove(&place), &anybody) {
                    (Some(a), _) => out.push((a.content, true)),
                    (None, Some(r)) => out.push((
                        NewAssignment {
                            item: item.id.clone(),
                            slot,
                            rater: r.id.clone(),
                            position: 0,
                            // by chance of the item, and not the same for all
                            swap: (item.sha256.bytes().map(u32::from).sum::<u32>() + slot) % 2 == 1,
                            lease_until: None,
                        },
                        false,
                    )),
                    (None, None) => {}
                }
            }
        }
        Ok(out)
    }
}

impl Tx<'_> {
    /// Gives all places that nobody has to raters who may have them, least loaded first.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn fill_vacant(
        &self,
        study: &StudyId,
        until: Option<Timestamp>,
    ) -> Result<Vec<Reclaimed>, StoreError> {
        let places = self.vacant(study)?;
        let old = places
            .into_iter()
            .map(|(content, _)| Assignment { id: 0, content, released_at: None })
            .collect();
        self.hand_over(study, old, until, Unwanted::Goes)
    }

    /// Gives a rater all anchors and controls that they may rate and never had. Answers how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn give_common(
        &self,
        study: &StudyId,
        rater: &Rater,
        until: Option<Timestamp>,
    ) -> Result<usize, StoreError> {
        let mut next: BTreeMap<ItemId, u32> = BTreeMap::new();
        let mut mine: BTreeSet<ItemId> = BTreeSet::new();
        for a in self.assignments(study)? {
            if a.content.slot < JUDGE_SLOTS {
                let slot = next.entry(a.content.item.clone()).or_default();
                *slot = (*slot).max(a.content.slot + 1);
            }
            if a.content.rater == rater.id {
                mine.insert(a.content.item);
            }
        }
        let common = |i: &Item| i.k.is_none() && rater.may_rate(i) && !mine.contains(&i.id);
        let mut n = 0;
        for item in self.items(study)?.into_iter().filter(common) {
            let slot = next.get(&item.id).copied().unwrap_or(0);
            let position = self.end_of_order(study, &rater.id)?;
            self.assign(
                study,
                &NewAssignment {
                    swap: (item.sha256.bytes().map(u32::from).sum::<u32>() + slot) % 2 == 1,
                    item: item.id,
                    slot,
                    rater: rater.id.clone(),
                    position,
                    lease_until: until,
                },
            )?;
            n += 1;
        }
        Ok(n)
    }

    /// Moves items that nobody began from the ends of the busiest raters' orders to `new` ones,
    /// until none of them has fewer left than the busiest by more than one. Answers how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn even_out(
        &self,
        study: &StudyId,
        new: &[RaterId],
        until: Option<Timestamp>,
    ) -> Result<usize, StoreError> {
        let items: BTreeMap<ItemId, Item> =
            self.items(study)?.into_iter().map(|i| (i.id.clone(), i)).collect();
        let tied: BTreeSet<ItemId> = items
            .values()
            .filter_map(|i| i.repeat_of.clone().map(|of| [i.id.clone(), of]))
            .flatten()
            .collect();
        let raters: BTreeMap<RaterId, Rater> =
            self.raters(study)?.into_iter().map(|r| (r.id.clone(), r)).collect();
        let mut moved = 0;
        for id in new {
            let Some(rater) = raters.get(id) else { continue };
            let mut left = self.left_to_do(study)?;
            let mut stuck: BTreeSet<RaterId> = new.iter().cloned().collect();
            loop {
                let mine = left.get(id).copied().unwrap_or(0);
                let busiest = left
                    .iter()
                    .filter(|(r, _)| {
                        !stuck.contains(*r) && raters.get(*r).is_some_and(|r| r.kind == rater.kind)
                    })
                    .max_by_key(|(_, n)| **n)
                    .map(|(r, n)| (r.clone(), *n));
                let Some((from, _)) = busiest.filter(|(_, n)| *n > mine + 1) else { break };
                let give = self.untouched(study, &from)?.into_iter().rev().find(|a| {
                    items.get(&a.content.item).is_some_and(|i| {
                        i.k.is_some() && !tied.contains(&i.id) && rater.may_rate(i)
                    }) && !self.had(study, &a.content.item, id).unwrap_or(true)
                });
                let Some(a) = give else {
                    stuck.insert(from);
                    continue;
                };
                self.release(a.id)?;
                let position = self.end_of_order(study, id)?;
                let content =
                    NewAssignment { rater: id.clone(), position, lease_until: until, ..a.content };
                self.assign(study, &content)?;
                left.entry(from).and_modify(|n| *n = n.saturating_sub(1));
                *left.entry(id.clone()).or_default() += 1;
                moved += 1;
            }
        }
        Ok(moved)
    }

    /// Assignments of a rater that they never saw, in their order.
    fn untouched(&self, study: &StudyId, rater: &RaterId) -> Result<Vec<Assignment>, StoreError> {
        self.all(
            &format!(
                "SELECT {} FROM assignment a WHERE a.study = ?1 AND a.rater = ?2 \
                 AND a.released_at IS NULL \
                 AND NOT EXISTS (SELECT 1 FROM rating_event e WHERE e.assignment = a.id) \
                 AND NOT EXISTS (SELECT 1 FROM view_event v WHERE v.assignment = a.id) \
                 ORDER BY a.position",
                super::assignments::COLUMNS
            ),
            (study.as_str(), rater.as_str()),
            super::assignments::assignment_row,
        )
    }

    /// Changes the settings of a study that is not fixed yet.
    ///
    /// # Errors
    /// It is fixed; it is not there.
    pub fn set_spec(&self, study: &StudyId, spec: &serde_json::Value) -> Result<(), StoreError> {
        self.need_study(study)?;
        self.run("UPDATE study SET spec = ?2 WHERE id = ?1", (study.as_str(), spec.to_string()))?;
        Ok(())
    }
}
