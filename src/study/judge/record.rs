//! A judge's verdicts into the study: the rater, the verdicts of both orders, and one rating event
//! where seed first gave a score. Merged twice they are there once.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{JudgeSpec, VerdictLine, orders_of};
use crate::domain::{ItemId, RaterId, RunId, Score, StudyId};
use crate::store::{
    Action, Assignment, Item, JUDGE_SLOTS, NewAssignment, NewEvent, Rater, RaterKind, Reader,
    Shown, Tx, VerdictClass, VerdictRow,
};
use crate::study::StudyError;

/// The items that a judge of this name has not answered in all orders of the study's type.
///
/// # Errors
/// No such study; the name is a person's; the database cannot be read.
pub fn open_items(
    reader: Reader<'_>,
    study: &StudyId,
    rater: &RaterId,
) -> Result<Vec<Item>, StudyError> {
    let study_type = reader.need_study(study)?.study_type;
    if let Some(known) = reader.rater(study, rater)?
        && known.kind != RaterKind::Judge
    {
        return Err(StudyError::BadSetting {
            what: "the judge's rater name",
            value: rater.to_string(),
            expected: "a name that no person or script of the study has",
        });
    }
    let answered: BTreeSet<(ItemId, Shown)> = reader
        .verdicts(study, rater)?
        .into_iter()
        .filter(|v| v.outcome != VerdictClass::Failed)
        .map(|v| (v.item, v.shown))
        .collect();
    let done = |i: &Item, shown| answered.contains(&(i.id.clone(), shown));
    Ok(reader
        .items(study)?
        .into_iter()
        .filter(|i| orders_of(study_type).iter().any(|shown| !done(i, *shown)))
        .collect())
}

/// Stores verdicts in the transaction of the caller. Answers how many were new.
///
/// # Errors
/// No such study, an item that is not the study's, a rater name that is another judge's.
pub fn put_verdicts(
    tx: &Tx<'_>,
    spec: &JudgeSpec,
    run: &RunId,
    lines: &[VerdictLine],
) -> Result<usize, StudyError> {
    let study = &spec.study;
    let items: BTreeMap<ItemId, Item> =
        tx.items(study)?.into_iter().map(|i| (i.id.clone(), i)).collect();
    let languages: BTreeSet<String> = items.values().map(|i| i.language.clone()).collect();
    tx.put_rater(
        study,
        &Rater {
            id: spec.rater.clone(),
            kind: RaterKind::Judge,
            languages: languages.into_iter().collect(),
            cultures: Vec::new(),
            consent: None,
        },
    )?;
    tx.put_judge(study, &spec.record()?)?;
    let mut held: BTreeMap<ItemId, Vec<Assignment>> = BTreeMap::new();
    for a in tx.assignments(study)?.into_iter().filter(|a| a.released_at.is_none()) {
        held.entry(a.content.item.clone()).or_default().push(a);
    }
    let position: BTreeMap<&ItemId, u32> = items.keys().zip(0u32..).collect();
    let mut new = 0;
    for line in lines {
        let item = items.get(&line.item).filter(|i| i.sha256 == line.sha256).ok_or_else(|| {
            StudyError::BadSetting {
                what: "a verdict's item",
                value: line.item.to_string(),
                expected: "an item of the study with the texts that were judged",
            }
        })?;
        let row = VerdictRow {
            item: line.item.clone(),
            shown: line.shown,
            outcome: line.outcome,
            score: line.score,
            detail: line.detail.clone(),
            reply: line.key.clone(),
            model: line.model.clone(),
            run: run.clone(),
            at: jiff::Timestamp::now(),
        };
        let stored = tx.put_verdict(study, &spec.rater, &row)?;
        new += usize::from(stored);
        // the order that gives the score; the other one is a measurement
        if !stored || line.shown != Shown::SeedFirst || line.outcome == VerdictClass::Failed {
            continue;
        }
        let here = held.entry(item.id.clone()).or_default();
        let place = position.get(&item.id).copied().unwrap_or(0);
        let assignment = assignment(tx, study, spec, item, place, here)?;
        rate(tx, spec, item, assignment, line)?;
    }
    Ok(new)
}

/// The judge's assignment of an item, made where there is none.
fn assignment(
    tx: &Tx<'_>,
    study: &StudyId,
    spec: &JudgeSpec,
    item: &Item,
    position: u32,
    here: &mut Vec<Assignment>,
) -> Result<i64, StudyError> {
    if let Some(a) = here.iter().find(|a| a.content.rater == spec.rater) {
        return Ok(a.id);
    }
    let taken: BTreeSet<u32> = here.iter().map(|a| a.content.slot).collect();
    let slot = (JUDGE_SLOTS..).find(|s| !taken.contains(s)).unwrap_or(u32::MAX);
    let content = NewAssignment {
        item: item.id.clone(),
        slot,
        rater: spec.rater.clone(),
        position,
        swap: false,
        lease_until: None,
    };
    let id = tx.assign(study, &content)?;
    here.push(Assignment { id, content, released_at: None });
    Ok(id)
}

fn rate(
    tx: &Tx<'_>,
    spec: &JudgeSpec,
    item: &Item,
    assignment: i64,
    line: &VerdictLine,
) -> Result<(), StudyError> {
    let (action, comment) = match line.score {
        Some(score) => (Action::Submit(Score::new(score)?), None),
        None => (Action::Skip, Some(format!("{:?}: {}", line.outcome, line.detail))),
    };
    let event = NewEvent {
        uuid: event_uuid(spec, item),
        comment,
        guideline_version: Some(spec.guideline_in(&item.language).reference()),
        ..NewEvent::new(assignment, spec.rater.clone(), action)
    };
    tx.put_event(&event)?;
    Ok(())
}

/// The same for the same judge and item, so that a merge made twice is known again.
fn event_uuid(spec: &JudgeSpec, item: &Item) -> Uuid {
    let mut hash = Sha256::new();
    for part in ["judge", spec.study.as_str(), spec.rater.as_str(), item.id.as_str()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
