//! Items on which raters differ, decided by whoever leads the study: what there is to read before,
//! and the decision. Decisions stand beside the ratings and change none of them; the newest of an
//! item stands, none is ever lost.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, RaterId, Score, StudyId, StudyType};
use crate::store::{
    Adjudication, EventKind, Item, RaterKind, RatingRow, Reader, Reason, StoreError, Workspace,
};

use super::StudyError;

/// What one rater said of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseScore {
    /// Who, by pseudonym.
    pub rater: RaterId,
    /// Person, script or model.
    pub kind: RaterKind,
    /// The score that stands; `None`: none does.
    pub score: Option<u8>,
    /// When it was given.
    pub at: Option<Timestamp>,
    /// True: the second text stood on the left for them.
    pub swap: bool,
    /// Whether they saw the word difference.
    pub diff: bool,
    /// Marked as broken text.
    pub broken: bool,
    /// Marked for another reason.
    pub flagged: bool,
    /// Could not judge it.
    pub cannot_judge: bool,
    /// Their words, oldest first.
    pub comments: Vec<String>,
}

/// An item with all that was said of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// What raters are asked.
    pub study_type: StudyType,
    /// The item.
    pub item: Item,
    /// Who rated it, by pseudonym; models last.
    pub scores: Vec<CaseScore>,
    /// Decisions, oldest first.
    pub decisions: Vec<Adjudication>,
}

impl Case {
    /// Scores of people that stand, ascending.
    pub fn given(&self) -> Vec<u8> {
        let people = self.scores.iter().filter(|s| s.kind != RaterKind::Judge);
        let mut out: Vec<u8> = people.filter_map(|s| s.score).collect();
        out.sort_unstable();
        out
    }

    /// The score that stands by decision.
    pub fn decided(&self) -> Option<Score> {
        self.decisions.last().and_then(|d| d.score)
    }
}

/// A decision to store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The item.
    pub item: ItemId,
    /// Who decides.
    pub who: String,
    /// The score; `None` takes the decision before back.
    pub score: Option<Score>,
    /// Why.
    pub reason: String,
    /// What else there is to say.
    pub note: Option<String>,
}

/// What there is to read before a decision.
///
/// # Errors
/// No such study or item; the database cannot be read.
pub fn case(reader: Reader<'_>, study: &StudyId, item: &ItemId) -> Result<Case, StudyError> {
    let record = reader.need_study(study)?;
    let Some(found) = reader.item(study, item)? else {
        return Err(StudyError::NoItem { study: study.clone(), item: item.clone() });
    };
    let mut by_rater: BTreeMap<i64, Vec<RatingRow>> = BTreeMap::new();
    for e in reader.rating_events(study)?.into_iter().filter(|e| e.item == *item) {
        by_rater.entry(e.assignment).or_default().push(e);
    }
    let released: Vec<i64> = reader
        .assignments(study)?
        .into_iter()
        .filter(|a| a.released_at.is_some())
        .map(|a| a.id)
        .collect();
    let mut scores: Vec<CaseScore> = by_rater
        .into_iter()
        .filter(|(a, _)| !released.contains(a))
        .filter_map(|(_, events)| of_rater(&events))
        .collect();
    scores.sort_by(|a, b| {
        (a.kind == RaterKind::Judge, &a.rater).cmp(&(b.kind == RaterKind::Judge, &b.rater))
    });
    let all = reader.adjudications(study)?;
    Ok(Case {
        study_type: record.study_type,
        item: found,
        scores,
        decisions: all.into_iter().filter(|d| d.item == *item).collect(),
    })
}

fn of_rater(events: &[RatingRow]) -> Option<CaseScore> {
    let last = events.last()?;
    let undone =
        |id: i64| events.iter().any(|u| u.kind == EventKind::Undo && u.previous == Some(id));
    let standing = events
        .iter()
        .rev()
        .find(|e| matches!(e.kind, EventKind::Submit | EventKind::Edit) && !undone(e.event));
    let flag = |broken: bool| {
        events.iter().any(|e| {
            e.kind == EventKind::Flag
                && e.reason != Some(Reason::Comment)
                && (e.reason == Some(Reason::BrokenText)) == broken
        })
    };
    let skip = events.iter().rev().find(|e| e.kind == EventKind::Skip);
    Some(CaseScore {
        rater: last.rater.clone(),
        kind: last.rater_kind,
        score: standing.and_then(|s| s.score),
        at: standing.map(|s| s.at),
        swap: last.swap,
        diff: events.iter().any(|e| e.diff_visible == Some(true)),
        broken: flag(true),
        flagged: flag(false),
        cannot_judge: standing.is_none()
            && skip.is_some_and(|s| s.reason == Some(Reason::CannotJudge)),
        comments: events.iter().filter_map(|e| e.comment.clone()).collect(),
    })
}

/// Stores a decision in a transaction of its own; answers it as it stands.
///
/// # Errors
/// No such study or item; an item with a known answer; no reason; a score that the type of study
/// does not know; nothing to take back; the database cannot be written.
pub fn adjudicate(
    store: &mut Workspace,
    study: &StudyId,
    decision: &Decision,
) -> Result<Adjudication, StudyError> {
    let record = store.read().need_study(study)?;
    let Some(item) = store.read().item(study, &decision.item)? else {
        return Err(StudyError::NoItem { study: study.clone(), item: decision.item.clone() });
    };
    let bad = |what, value: String, expected| StudyError::BadSetting { what, value, expected };
    if !item.kind.enters_estimates() {
        return Err(bad(
            "item to decide on",
            format!("{}, a control or a repeat", item.id),
            "a sample or an anchor: the others enter no estimate",
        ));
    }
    if decision.reason.trim().is_empty() {
        return Err(bad("reason", "empty".into(), "some words: they stand beside the score"));
    }
    if decision.who.trim().is_empty() {
        return Err(bad("name of who decides", "empty".into(), "a name: --who NAME"));
    }
    if let Some(score) = decision.score.filter(|s| s.get() > record.study_type.top()) {
        return Err(bad(
            "score",
            score.get().to_string(),
            "1 (the first), 2 (a tie) or 3 (the second) in a study of preferences",
        ));
    }
    let standing = decisions(store.read(), study)?.remove(&decision.item);
    if decision.score.is_none() && standing.is_none() {
        return Err(bad("decision to take back", "not there".into(), "an item that has one"));
    }
    let note = decision.note.as_deref().map(str::trim).filter(|n| !n.is_empty());
    let n = store.write(|tx| {
        tx.adjudicate(
            study,
            &decision.item,
            decision.who.trim(),
            decision.score,
            decision.reason.trim(),
            note,
        )
    })?;
    let all = store.read().adjudications(study)?;
    all.into_iter()
        .find(|d| d.item == decision.item && d.n == n)
        .ok_or_else(|| StudyError::NoItem { study: study.clone(), item: decision.item.clone() })
}

/// The decisions that stand, by item: the newest of each, unless it took one back.
///
/// # Errors
/// The database cannot be read.
pub fn decisions(
    reader: Reader<'_>,
    study: &StudyId,
) -> Result<BTreeMap<ItemId, Adjudication>, StoreError> {
    let newest: BTreeMap<ItemId, Adjudication> =
        reader.adjudications(study)?.into_iter().map(|d| (d.item.clone(), d)).collect();
    Ok(newest.into_iter().filter(|(_, d)| d.score.is_some()).collect())
}
