//! Storing what was read: assignments, raters, events.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{ItemId, RaterId, Score, StudyId};
use crate::store::{
    Action, Assignment, Change, EventKind, Item, NewAssignment, NewEvent, Rater, RaterKind,
    StoreError, Tx,
};
use crate::study::rating_file::{BadLine, Beside, RatingFile};
use crate::study::{Rating, StudyError};

use super::{ImportReport, RatingFormat};

/// Where ratings go.
pub(super) struct Into<'a> {
    /// The study.
    pub study: &'a StudyId,
    /// Its items.
    pub items: &'a [Item],
    /// By all their names.
    pub names: &'a BTreeMap<String, usize>,
    /// What every event says of where it comes from.
    pub source: &'a str,
}

/// Stores what the file holds; `top` is the highest score of the study.
pub(super) fn store(
    tx: &Tx<'_>,
    into: &Into<'_>,
    file: &RatingFile,
    format: RatingFormat,
    top: u8,
) -> Result<ImportReport, StudyError> {
    let Into { study, items, names, source } = *into;
    let mut report = ImportReport {
        format,
        rows: file.rows,
        stored: 0,
        known: 0,
        new_raters: 0,
        notes: file.notes.clone(),
        bad: Vec::new(),
    };
    let k_now = tx.k_of(study)?;
    let gone: BTreeSet<RaterId> = tx.withdrawals(study)?.into_iter().map(|w| w.rater).collect();
    let mut raters: BTreeMap<RaterId, Rater> =
        tx.raters(study)?.into_iter().map(|r| (r.id.clone(), r)).collect();
    amend(tx, study, file, items, names, &raters)?;
    let mut held: BTreeMap<ItemId, Vec<Assignment>> = BTreeMap::new();
    for a in tx.assignments(study)?.into_iter().filter(|a| a.released_at.is_none()) {
        held.entry(a.content.item.clone()).or_default().push(a);
    }
    for (n, (rating, line)) in file.ratings.iter().zip(&file.lines).enumerate() {
        let beside = file.beside.get(n).cloned().unwrap_or_default();
        let Some(item) = names.get(&rating.item).and_then(|i| items.get(*i)) else { continue };
        let record = beside.record.clone();
        let mut refuse = |reason: String| {
            report.bad.push(BadLine { line: *line, record: record.clone(), reason });
        };
        if rating.score > top {
            refuse(format!("score {}: expected 1 to {top} in this study", rating.score));
            continue;
        }
        let id = match RaterId::new(rating.rater.clone()) {
            Ok(id) => id,
            Err(e) => {
                refuse(e.to_string());
                continue;
            }
        };
        if let Some(known) = raters.get(&id).filter(|r| r.kind != RaterKind::Human) {
            let what = if known.kind == RaterKind::Judge { "a model judge" } else { "a script" };
            refuse(format!("{id} is {what} in this study: no person's rating is stored there"));
            continue;
        }
        if gone.contains(&id) {
            refuse(format!("{id} left the study: nothing of theirs is taken again"));
            continue;
        }
        let here = held.entry(item.id.clone()).or_default();
        let assignment = if let Some(a) = here.iter().find(|a| a.content.rater == id) {
            a.id
        } else {
            let taken: BTreeSet<u32> = here.iter().map(|a| a.content.slot).collect();
            let slot = first_free(&taken);
            if item.k.is_some_and(|k| slot >= k.max(k_now)) {
                refuse(format!("item `{}` has all its raters", item.id));
                continue;
            }
            report.new_raters += usize::from(declare(tx, study, &mut raters, &id, item)?);
            let content = NewAssignment {
                item: item.id.clone(),
                slot,
                rater: id.clone(),
                // file order: the order of showing is not known
                position: u32::try_from(*line).unwrap_or(u32::MAX),
                swap: false,
                lease_until: None,
            };
            let number = tx.assign(study, &content)?;
            here.push(Assignment { id: number, content, released_at: None });
            number
        };
        match put(tx, assignment, id, rating, (source, beside))? {
            Put::Stored => report.stored += 1,
            Put::Known => report.known += 1,
            Put::Differs(stands) => refuse(format!(
                "rater `{}` rated item `{}` {stands} in this study, the file says {}; an import \
                 never changes a rating",
                rating.rater, rating.item, rating.score
            )),
        }
    }
    Ok(report)
}

/// A fixed study takes raters that an amendment names, and no others: names those of the file who
/// are new, or who rate in a language that they did not declare.
fn amend(
    tx: &Tx<'_>,
    study: &StudyId,
    file: &RatingFile,
    items: &[Item],
    names: &BTreeMap<String, usize>,
    raters: &BTreeMap<RaterId, Rater>,
) -> Result<(), StudyError> {
    if tx.need_study(study)?.fixed.is_none() {
        return Ok(());
    }
    let mut new = BTreeSet::new();
    for rating in &file.ratings {
        let item = names.get(&rating.item).and_then(|i| items.get(*i));
        if let (Some(item), Ok(id)) = (item, RaterId::new(rating.rater.clone()))
            && !raters.get(&id).is_some_and(|r| r.languages.contains(&item.language))
        {
            new.insert(id);
        }
    }
    if !new.is_empty() {
        let change = Change { raters: new.into_iter().collect(), ..Change::default() };
        tx.amend(study, "ratings import", "ratings made elsewhere were read", &change)?;
    }
    Ok(())
}

/// The lowest place that nobody has.
fn first_free(taken: &BTreeSet<u32>) -> u32 {
    // places are few and ascending: the first gap is where place and index part
    (0u32..).zip(taken).take_while(|(want, have)| want == *have).count() as u32
}

/// Makes a new rater, or adds the item's language to a known one. True for a new one.
fn declare(
    tx: &Tx<'_>,
    study: &StudyId,
    raters: &mut BTreeMap<RaterId, Rater>,
    id: &RaterId,
    item: &Item,
) -> Result<bool, StoreError> {
    let new = !raters.contains_key(id);
    let rater = raters.entry(id.clone()).or_insert_with(|| Rater {
        id: id.clone(),
        kind: RaterKind::Human,
        languages: Vec::new(),
        cultures: Vec::new(),
        consent: None,
    });
    if !rater.languages.contains(&item.language) {
        rater.languages.push(item.language.clone());
        tx.put_rater(study, rater)?;
    }
    Ok(new)
}

enum Put {
    Stored,
    Known,
    Differs(u8),
}

fn put(
    tx: &Tx<'_>,
    assignment: i64,
    rater: RaterId,
    rating: &Rating,
    (source, beside): (&str, Beside),
) -> Result<Put, StudyError> {
    if let Some(score) = tx
        .current_rating(assignment)?
        .filter(|r| matches!(r.kind, EventKind::Submit | EventKind::Edit))
        .and_then(|r| r.score)
    {
        return Ok(if score == rating.score { Put::Known } else { Put::Differs(score) });
    }
    let action = Action::Submit(Score::new(rating.score)?);
    let event = NewEvent {
        comment: beside.comment,
        active_ms: beside.active_ms,
        rated_at: beside.rated_at,
        source: Some(source.to_owned()),
        ..NewEvent::new(assignment, rater, action)
    };
    tx.put_event(&event)?;
    Ok(Put::Stored)
}
