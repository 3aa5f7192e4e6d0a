//! Who rates what, on which side, in which order: pure, and the same for the same seed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, RaterId, StudyId, primary_language};
use crate::stats::dice::Dice;
use crate::store::{Item, NewAssignment, Rater, Tx, Workspace};

use super::StudyError;
use super::order::in_order;
use super::spec::StudySpec;

/// Plans tried until one ties all raters together.
const TRIES: usize = 50;

/// Items with their raters, both as indexes.
type Given = Vec<(usize, Vec<usize>)>;

/// A plan of a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// By rater, then in the rater's order.
    pub assignments: Vec<NewAssignment>,
    /// How many items each rater has.
    pub load: BTreeMap<RaterId, usize>,
    /// Groups of raters that share no item with the others; 1 where all are tied together. More
    /// than 1 where languages keep them apart, or where items are too few.
    pub groups: usize,
}

/// Plans a study: `k` different raters an item (everybody for anchors and controls), only raters
/// who declare the item's language and culture ([`Rater::may_rate`]), loads as even as can be,
/// raters tied together by shared items, side and order by chance for each rater, a repeat for the
/// raters of its original and well after it.
///
/// # Errors
/// [`StudyError::TooFewRaters`] where an item has fewer possible raters than it needs.
pub fn plan(items: &[Item], raters: &[Rater], seed: u64) -> Result<Plan, StudyError> {
    check(items, raters)?;
    let able: Given = items
        .iter()
        .map(|item| (0..raters.len()).filter(|r| raters[*r].may_rate(item)).collect())
        .enumerate()
        .collect();
    // languages and cultures may keep raters apart whatever is tried
    let fewest_possible = groups(&able, raters.len());
    let mut best: Option<(usize, Given)> = None;
    for attempt in 0..TRIES {
        let mut dice = Dice::new(seed, &["plan", &attempt.to_string()]);
        let given = give(items, &able, raters.len(), &mut dice);
        let groups = groups(&given, raters.len());
        if best.as_ref().is_none_or(|(fewest, _)| groups < *fewest) {
            best = Some((groups, given));
        }
        if groups <= fewest_possible {
            break;
        }
    }
    let (groups, given) = best.unwrap_or_default();
    Ok(order(items, raters, &given, groups, seed))
}

fn check(items: &[Item], raters: &[Rater]) -> Result<(), StudyError> {
    let mut names = BTreeSet::new();
    if let Some(twice) = raters.iter().find(|r| !names.insert(&r.id)) {
        return Err(StudyError::BadSetting {
            what: "a rater's name",
            value: twice.id.to_string(),
            expected: "each rater once",
        });
    }
    // items of one language and culture have the same raters
    let mut needs: BTreeMap<(String, Option<&str>), (&Item, usize, u32)> = BTreeMap::new();
    for item in items {
        let group = (primary_language(&item.language), item.culture.as_ref().map(AsRef::as_ref));
        let need = needs.entry(group).or_insert((item, 0, 0));
        need.1 += 1;
        need.2 = need.2.max(item.k.unwrap_or(1));
    }
    for ((_, culture), (item, n, needed)) in needs {
        let eligible = raters.iter().filter(|r| r.may_rate(item)).count();
        if eligible < needed as usize {
            let language = match culture {
                None => item.language.clone(),
                Some(c) => format!("{} for culture {c}", item.language),
            };
            return Err(StudyError::TooFewRaters { language, items: n, needed, eligible });
        }
    }
    Ok(())
}

/// Items with their raters, as indexes. Anchors and controls come first, then items that few may
/// rate, then items with repeats: they weigh more, and what weighs little evens out the loads at
/// the end.
fn give(items: &[Item], able: &Given, raters: usize, dice: &mut Dice) -> Given {
    let mut repeats: BTreeMap<&ItemId, Vec<usize>> = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        if let Some(of) = &item.repeat_of {
            repeats.entry(of).or_default().push(i);
        }
    }
    let mut todo: Vec<usize> = (0..items.len()).filter(|i| items[*i].repeat_of.is_none()).collect();
    dice.shuffle(&mut todo);
    todo.sort_by_key(|i| {
        let item = &items[*i];
        let again = repeats.get(&item.id).map_or(0, Vec::len);
        (item.k.is_some(), able[*i].1.len(), std::cmp::Reverse(again))
    });
    let mut load = vec![0usize; raters];
    let mut given = Vec::with_capacity(items.len());
    for i in todo {
        let item = &items[i];
        let mut able = able[i].1.clone();
        dice.shuffle(&mut able);
        able.sort_by_key(|r| load[*r]);
        if let Some(k) = item.k {
            able.truncate(k as usize);
        }
        let again = repeats.get(&item.id).map_or(&[][..], Vec::as_slice);
        for r in &able {
            load[*r] += 1 + again.len();
        }
        for repeat in again {
            given.push((*repeat, able.clone()));
        }
        given.push((i, able));
    }
    given
}

/// Number of groups of raters tied by shared items; raters without an item are not counted.
fn groups(given: &[(usize, Vec<usize>)], raters: usize) -> usize {
    let mut group: Vec<usize> = (0..raters).collect();
    for (_, who) in given {
        let Some(first) = who.first() else { continue };
        let to = group[*first];
        for r in who {
            let from = group[*r];
            if from != to {
                for g in &mut group {
                    if *g == from {
                        *g = to;
                    }
                }
            }
        }
    }
    let busy: BTreeSet<usize> = given.iter().flat_map(|(_, who)| who).copied().collect();
    busy.iter().map(|r| group[*r]).collect::<BTreeSet<_>>().len()
}

fn order(
    items: &[Item],
    raters: &[Rater],
    given: &[(usize, Vec<usize>)],
    groups: usize,
    seed: u64,
) -> Plan {
    let mut of_rater: Vec<Vec<(usize, u32)>> = vec![Vec::new(); raters.len()];
    for (item, who) in given {
        for (slot, r) in (0u32..).zip(who) {
            of_rater[*r].push((*item, slot));
        }
    }
    let mut plan = Plan { assignments: Vec::new(), load: BTreeMap::new(), groups };
    for (rater, mut mine) in raters.iter().zip(of_rater) {
        // a stream of their own: another rater in the study does not change this order
        let mut dice = Dice::new(seed, &["order", rater.id.as_str()]);
        mine.sort_unstable();
        let order = in_order(items, mine, &mut dice);
        plan.load.insert(rater.id.clone(), order.len());
        for (position, (i, slot)) in (0u32..).zip(order) {
            plan.assignments.push(NewAssignment {
                item: items[i].id.clone(),
                slot,
                rater: rater.id.clone(),
                position,
                swap: dice.coin(),
                lease_until: None,
            });
        }
    }
    plan
}

/// Plans a stored study for these raters and fixes it: raters, assignments and the mark in one
/// transaction. A fixed study is not planned again; an amendment changes it.
///
/// # Errors
/// As [`plan`]; no such study, or fixed before; the database cannot be written.
pub fn fix_plan(
    workspace: &mut Workspace,
    study: &StudyId,
    raters: &[Rater],
) -> Result<Plan, StudyError> {
    workspace.write_as(|tx| fix(tx, study, raters))
}

/// [`fix_plan`] inside a transaction of the caller.
pub(super) fn fix(tx: &Tx<'_>, study: &StudyId, raters: &[Rater]) -> Result<Plan, StudyError> {
    let record = tx.need_study(study)?;
    if record.fixed.is_some() {
        // says why, before the tables refuse the raters
        tx.fix_study(study)?;
    }
    let mut plan = plan(&tx.items(study)?, raters, record.seed)?;
    let lease = StudySpec::stored(&record.spec).and_then(|s| s.lease);
    let until = lease.map(|l| l.until(Timestamp::now()));
    for rater in raters {
        tx.put_rater(study, rater)?;
    }
    for a in &mut plan.assignments {
        a.lease_until = until;
        tx.assign(study, a)?;
    }
    tx.fix_study(study)?;
    Ok(plan)
}
