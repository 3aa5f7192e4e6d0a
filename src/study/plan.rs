//! Who rates what, on which side, in which order: pure, and the same for the same seed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, RaterId, StudyId};
use crate::stats::dice::Dice;
use crate::store::{Item, NewAssignment, Rater, Tx, Workspace};

use super::StudyError;

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
/// who declare the item's language, loads as even as can be, raters tied together by shared items,
/// side and order by chance for each rater, a repeat for the raters of its original and after it.
///
/// # Errors
/// [`StudyError::TooFewRaters`] where an item has fewer possible raters than it needs.
pub fn plan(items: &[Item], raters: &[Rater], seed: u64) -> Result<Plan, StudyError> {
    check(items, raters)?;
    let mut best: Option<(usize, Given)> = None;
    for attempt in 0..TRIES {
        let given = give(items, raters, &mut Dice::new(seed, &["plan", &attempt.to_string()]));
        let groups = groups(&given, raters.len());
        if best.as_ref().is_none_or(|(fewest, _)| groups < *fewest) {
            best = Some((groups, given));
        }
        if groups <= 1 {
            break;
        }
    }
    let (groups, given) = best.unwrap_or_default();
    Ok(order(items, raters, &given, groups, seed))
}

fn speaks(rater: &Rater, item: &Item) -> bool {
    rater.languages.contains(&item.language)
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
    let mut needs: BTreeMap<&str, (usize, u32)> = BTreeMap::new();
    for item in items {
        let need = needs.entry(&item.language).or_default();
        need.0 += 1;
        need.1 = need.1.max(item.k.unwrap_or(1));
    }
    for (language, (n, needed)) in needs {
        let eligible = raters.iter().filter(|r| r.languages.iter().any(|l| l == language)).count();
        if eligible < needed as usize {
            let language = language.to_owned();
            return Err(StudyError::TooFewRaters { language, items: n, needed, eligible });
        }
    }
    Ok(())
}

/// Items with their raters, as indexes. Items with repeats come first: they weigh more, and what
/// weighs little evens out the loads at the end.
fn give(items: &[Item], raters: &[Rater], dice: &mut Dice) -> Given {
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
        (item.k.is_some(), std::cmp::Reverse(repeats.get(&item.id).map_or(0, Vec::len)))
    });
    let mut load = vec![0usize; raters.len()];
    let mut given = Vec::with_capacity(items.len());
    for i in todo {
        let item = &items[i];
        let mut able: Vec<usize> =
            (0..raters.len()).filter(|r| speaks(&raters[*r], item)).collect();
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
        for pair in who.windows(2) {
            let (a, b) = (group[pair[0]], group[pair[1]]);
            group.iter_mut().filter(|g| **g == b).for_each(|g| *g = a);
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
        dice.shuffle(&mut mine);
        let mut place: BTreeMap<&ItemId, usize> =
            mine.iter().enumerate().map(|(at, (i, _))| (&items[*i].id, at)).collect();
        for at in 0..mine.len() {
            let item = &items[mine[at].0];
            let original = item.repeat_of.as_ref().and_then(|of| place.get(of).copied());
            if let Some(later) = original.filter(|o| *o > at) {
                mine.swap(at, later);
                place.insert(&item.id, later);
                place.insert(&items[mine[at].0].id, at);
            }
        }
        plan.load.insert(rater.id.clone(), mine.len());
        for (position, (i, slot)) in (0u32..).zip(mine) {
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
/// transaction. A fixed study is not planned again.
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
    let plan = plan(&tx.items(study)?, raters, record.seed)?;
    for rater in raters {
        tx.put_rater(study, rater)?;
    }
    tx.fix_study(study)?;
    for a in &plan.assignments {
        tx.assign(study, a)?;
    }
    Ok(plan)
}
