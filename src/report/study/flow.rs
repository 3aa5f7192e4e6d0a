//! From the plan to the figures: how many there were at each step, and where the others went.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::StudyId;
use crate::report::ReportError;
use crate::store::{EventKind, RaterKind, Reader, Reason};

/// Items and ratings of people (scripts too, which are marked elsewhere) at each step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// Items.
    pub items: usize,
    /// Of these, samples and anchors: what estimates are made of.
    pub estimated: usize,
    /// Of these, with a rating that stands.
    pub rated_items: usize,
    /// Assignments ever made to people.
    pub assigned: usize,
    /// Of these, taken back: leases that ran out, raters who left, amendments.
    pub released: usize,
    /// Of those that stand: with a score that stands.
    pub rated: usize,
    /// Without one: "cannot judge".
    pub cannot_judge: usize,
    /// Without one: put off or skipped for another reason.
    pub skipped: usize,
    /// Without one and never touched.
    pub open: usize,
    /// Marked as broken text, rated or not.
    pub broken: usize,
    /// Scores of controls and repeats: they enter no estimate.
    pub checks: usize,
    /// Scores that enter estimates.
    pub entered: usize,
    /// Raters who left.
    pub withdrawn: usize,
    /// Scores erased with them.
    pub erased: u64,
}

/// Counts them; and the first and the last event of a person.
pub(super) fn flow(
    reader: Reader<'_>,
    study: &StudyId,
) -> Result<(Flow, Option<(Timestamp, Timestamp)>), ReportError> {
    let items = reader.items(study)?;
    let kinds: BTreeMap<_, _> = items.iter().map(|i| (&i.id, i.kind)).collect();
    let judges: BTreeSet<_> = reader
        .raters(study)?
        .into_iter()
        .filter(|r| r.kind == RaterKind::Judge)
        .map(|r| r.id)
        .collect();
    let mut out = Flow {
        items: items.len(),
        estimated: items.iter().filter(|i| i.kind.enters_estimates()).count(),
        ..Flow::default()
    };
    let mut skipped: BTreeMap<i64, Option<Reason>> = BTreeMap::new();
    let mut broken: BTreeSet<i64> = BTreeSet::new();
    let mut dates: Option<(Timestamp, Timestamp)> = None;
    for e in reader.rating_events(study)?.iter().filter(|e| e.rater_kind != RaterKind::Judge) {
        let at = e.rated_at.unwrap_or(e.at);
        dates = Some(dates.map_or((at, at), |(a, b)| (a.min(at), b.max(at))));
        match e.kind {
            EventKind::Skip => drop(skipped.insert(e.assignment, e.reason)),
            EventKind::Flag if e.reason == Some(Reason::BrokenText) => {
                broken.insert(e.assignment);
            }
            _ => {}
        }
    }
    let standing: BTreeMap<i64, bool> = reader
        .current_ratings(study)?
        .into_iter()
        .filter(|r| r.score.is_some())
        .map(|r| (r.assignment, r.item_kind.enters_estimates()))
        .collect();
    let mut rated_items = BTreeSet::new();
    for a in reader.assignments(study)? {
        if judges.contains(&a.content.rater) {
            continue;
        }
        out.assigned += 1;
        if a.released_at.is_some() {
            out.released += 1;
            continue;
        }
        out.broken += usize::from(broken.contains(&a.id));
        match (standing.get(&a.id), skipped.get(&a.id)) {
            (Some(enters), _) => {
                out.rated += 1;
                out.entered += usize::from(*enters);
                out.checks += usize::from(!*enters);
                if kinds.get(&a.content.item).is_some_and(|k| k.enters_estimates()) {
                    rated_items.insert(a.content.item);
                }
            }
            (None, Some(Some(Reason::CannotJudge))) => out.cannot_judge += 1,
            (None, Some(_)) => out.skipped += 1,
            (None, None) => out.open += 1,
        }
    }
    out.rated_items = rated_items.len();
    for w in reader.withdrawals(study)? {
        out.withdrawn += 1;
        out.erased += w.ratings;
    }
    Ok((out, dates))
}
