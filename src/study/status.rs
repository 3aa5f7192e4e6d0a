//! How far a study is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{RaterId, StudyId};
use crate::store::{ItemKind, RaterKind, RaterProgress, RatingRow, Reader};

use super::StudyError;

/// The state of a study, without a single score: raters and managers may see it while it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyStatus {
    /// Its name.
    pub study: StudyId,
    /// When it was made.
    pub created: Timestamp,
    /// When it was planned; `None` before.
    pub planned: Option<Timestamp>,
    /// Raters an item.
    pub k: u32,
    /// Random seed.
    pub seed: u64,
    /// Items by kind.
    pub items: BTreeMap<ItemKind, usize>,
    /// Assignments that stand; judges are left out of this and the next two.
    pub assigned: u64,
    /// Those rated.
    pub rated: u64,
    /// Those skipped and not rated.
    pub skipped: u64,
    /// Each rater, with kind and load.
    pub raters: Vec<RaterProgress>,
    /// Scripted raters among them: their ratings are a demonstration, not a study with people.
    pub scripted: usize,
    /// One sentence to show with every number of such a study.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The state of a study.
///
/// # Errors
/// No such study; the database cannot be read.
pub fn status(reader: Reader<'_>, study: &StudyId) -> Result<StudyStatus, StudyError> {
    let record = reader.need_study(study)?;
    let mut items = BTreeMap::new();
    for item in reader.items(study)? {
        *items.entry(item.kind).or_default() += 1;
    }
    let raters = reader.progress(study)?;
    let scripted = raters.iter().filter(|r| r.kind == RaterKind::Scripted).count();
    // model judges stand in the list, not in the sums: a study is done when its people are
    let people = || raters.iter().filter(|r| r.kind != RaterKind::Judge);
    Ok(StudyStatus {
        study: record.id,
        created: record.created,
        planned: record.fixed,
        k: record.k,
        seed: record.seed,
        items,
        assigned: people().map(|r| r.assigned).sum(),
        rated: people().map(|r| r.rated).sum(),
        skipped: people().map(|r| r.skipped).sum(),
        note: scripted_note(scripted, people().count()),
        scripted,
        raters,
    })
}

/// What changed since the plan was fixed, a sentence each: amendments with who and why, and who
/// left.
///
/// # Errors
/// The database cannot be read.
pub fn changes_since_plan(reader: Reader<'_>, study: &StudyId) -> Result<Vec<String>, StudyError> {
    let day = |t: Timestamp| t.to_string().chars().take(10).collect::<String>();
    let mut out: Vec<String> = Vec::new();
    for a in reader.amendments(study)? {
        let mut what = Vec::new();
        let mut count = |n: usize, of: &str| {
            if n > 0 {
                what.push(format!("{n} {of}"));
            }
        };
        count(a.change.raters.len(), "raters come or declare anew");
        count(a.change.items.len(), "items come");
        count(a.change.texts.len(), "texts come");
        count(a.change.released.len(), "raters give their open items to others");
        for (name, value) in &a.change.more {
            what.push(format!("{name} = {}", value.to_string().trim_matches('"')));
        }
        let what = if what.is_empty() { "nothing".to_owned() } else { what.join(", ") };
        out.push(format!("amendment {} of {} by {}: {what} ({})", a.n, day(a.at), a.who, a.reason));
    }
    for w in reader.withdrawals(study)? {
        out.push(format!("{} left on {}: {} ratings were erased", w.rater, day(w.at), w.ratings));
    }
    Ok(out)
}

/// The sentence that goes with every number that scripted raters had a part in.
/// [`scripted_note`] of those who gave these ratings, judges left out.
pub(super) fn scripted_among(rows: &[RatingRow]) -> Option<String> {
    let raters: BTreeMap<&RaterId, RaterKind> = rows
        .iter()
        .filter(|r| r.rater_kind != RaterKind::Judge)
        .map(|r| (&r.rater, r.rater_kind))
        .collect();
    let scripted = raters.values().filter(|k| **k == RaterKind::Scripted).count();
    scripted_note(scripted, raters.len())
}

pub(super) fn scripted_note(scripted: usize, raters: usize) -> Option<String> {
    (scripted > 0).then(|| {
        format!(
            "{scripted} of {raters} raters are scripted: rules that count words, not people; \
             these numbers show the procedure and say nothing on quality"
        )
    })
}
