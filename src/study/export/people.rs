//! Raters by pseudonym, what they were given, and what model judges said.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::{RaterId, StudyId};
use crate::store::{
    Assignment, JudgeRecord, Rater, RaterProgress, Reader, Shown, VerdictRow, Withdrawal,
};
use crate::study::StudyError;
use crate::table::typed::{Cell, Kind, TypedTable};

use super::ratings::{list, word};
use super::{ExportOptions, Field, When, build};

/// All that is said of a rater.
pub(super) struct RaterRow {
    rater: Rater,
    progress: Option<RaterProgress>,
    withdrawal: Option<Withdrawal>,
    judge: Option<JudgeRecord>,
    practice: (i64, i64),
}

/// A verdict and whose it is.
pub(super) struct Judged {
    judge: RaterId,
    verdict: VerdictRow,
}

/// The raters of a study with what is known of them.
pub(super) fn read(reader: Reader<'_>, study: &StudyId) -> Result<Vec<RaterRow>, StudyError> {
    let mut progress: BTreeMap<RaterId, RaterProgress> =
        reader.progress(study)?.into_iter().map(|p| (p.rater.clone(), p)).collect();
    let mut gone: BTreeMap<RaterId, Withdrawal> =
        reader.withdrawals(study)?.into_iter().map(|w| (w.rater.clone(), w)).collect();
    let mut judges: BTreeMap<RaterId, JudgeRecord> =
        reader.judges(study)?.into_iter().map(|j| (j.rater.clone(), j)).collect();
    let mut practice: BTreeMap<RaterId, (i64, i64)> = BTreeMap::new();
    for p in reader.practice(study)? {
        let (given, right) = practice.entry(p.rater).or_default();
        *given += 1;
        *right += i64::from((p.expected.0..=p.expected.1).contains(&p.given));
    }
    let row = |rater: Rater| RaterRow {
        progress: progress.remove(&rater.id),
        withdrawal: gone.remove(&rater.id),
        judge: judges.remove(&rater.id),
        practice: practice.remove(&rater.id).unwrap_or_default(),
        rater,
    };
    Ok(reader.raters(study)?.into_iter().map(row).collect())
}

/// What all judges said.
pub(super) fn judged(reader: Reader<'_>, study: &StudyId) -> Result<Vec<Judged>, StudyError> {
    let mut out = Vec::new();
    for j in reader.judges(study)? {
        let verdicts = reader.verdicts(study, &j.rater)?;
        out.extend(verdicts.into_iter().map(|v| Judged { judge: j.rater.clone(), verdict: v }));
    }
    Ok(out)
}

fn count(r: &RaterRow, of: fn(&RaterProgress) -> u64) -> Cell {
    Cell::int(r.progress.as_ref().map(of))
}

fn gone(r: &RaterRow) -> Option<Timestamp> {
    r.withdrawal.as_ref().map(|w| w.at)
}

const RATERS: &[Field<RaterRow>] = &[
    Field("rater", Kind::Text, When::Always, "pseudonym; names are not in the workspace", |r| {
        Cell::text(Some(&r.rater.id))
    }),
    Field(
        "rater_kind",
        Kind::Text,
        When::Always,
        "human, scripted (a rule, for demonstrations) or judge (a model)",
        |r| word(r.rater.kind),
    ),
    Field("languages", Kind::Text, When::Always, "BCP 47 tags they declared", |r| {
        list(&r.rater.languages)
    }),
    Field("cultures", Kind::Text, When::Always, "cultures they declared as their own", |r| {
        list(&r.rater.cultures)
    }),
    Field("consent_version", Kind::Text, When::Always, "version of the text agreed to", |r| {
        Cell::text(r.rater.consent.as_ref().map(|c| &c.version))
    }),
    Field("practice_given", Kind::Int, When::Always, "answers in the qualification", |r| {
        Cell::Int(r.practice.0)
    }),
    Field("practice_right", Kind::Int, When::Always, "of these, as expected", |r| {
        Cell::Int(r.practice.1)
    }),
    Field("assigned", Kind::Int, When::Always, "items that are theirs", |r| {
        count(r, |p| p.assigned)
    }),
    Field("rated", Kind::Int, When::Always, "of these, with a rating that stands", |r| {
        count(r, |p| p.rated)
    }),
    Field("skipped", Kind::Int, When::Always, "of these, skipped and not rated", |r| {
        count(r, |p| p.skipped)
    }),
    Field("released", Kind::Int, When::Always, "items taken back from them", |r| {
        count(r, |p| p.released)
    }),
    Field(
        "withdrawn",
        Kind::Bool,
        When::Always,
        "true: they left and all they did was erased",
        |r| Cell::Bool(r.withdrawal.is_some()),
    ),
    Field("model", Kind::Text, When::Always, "a judge's model", |r| {
        Cell::text(r.judge.as_ref().map(|j| &j.model))
    }),
    Field("prompt", Kind::Text, When::Always, "a judge's prompt, name and version", |r| {
        Cell::text(r.judge.as_ref().map(|j| &j.prompt))
    }),
    Field("prompt_sha256", Kind::Text, When::Always, "of the prompt's file", |r| {
        Cell::text(r.judge.as_ref().map(|j| &j.prompt_sha256))
    }),
    Field("guideline", Kind::Text, When::Always, "the guideline in a judge's prompt", |r| {
        Cell::text(r.judge.as_ref().map(|j| &j.guideline))
    }),
    Field("consent_at", Kind::Time, When::Timings, "when they agreed", |r| {
        Cell::time(r.rater.consent.as_ref().map(|c| c.at))
    }),
    Field("withdrawn_at", Kind::Time, When::Timings, "when they left", |r| Cell::time(gone(r))),
];

pub(super) fn raters(rows: &[RaterRow], options: &ExportOptions) -> TypedTable {
    build("one row for every rater, by pseudonym", RATERS, rows, options)
}

const ASSIGNMENTS: &[Field<Assignment>] = &[
    Field("assignment", Kind::Int, When::Always, "its number", |a| Cell::Int(a.id)),
    Field("item", Kind::Text, When::Always, "the item", |a| Cell::text(Some(&a.content.item))),
    Field(
        "slot",
        Kind::Int,
        When::Always,
        "which of the item's places, from 0; judges' begin at a million",
        |a| Cell::int(Some(a.content.slot)),
    ),
    Field("rater", Kind::Text, When::Always, "pseudonym of the rater", |a| {
        Cell::text(Some(&a.content.rater))
    }),
    Field("position", Kind::Int, When::Always, "place in this rater's order, from 0", |a| {
        Cell::int(Some(a.content.position))
    }),
    Field(
        "swap",
        Kind::Bool,
        When::Always,
        "true: the second text (the sample) stands on the left",
        |a| Cell::Bool(a.content.swap),
    ),
    Field("released", Kind::Bool, When::Always, "true: taken back, it counts no more", |a| {
        Cell::Bool(a.released_at.is_some())
    }),
    Field("released_at", Kind::Time, When::Timings, "when it was taken back", |a| {
        Cell::time(a.released_at)
    }),
    Field("lease_until", Kind::Time, When::Timings, "until when it is theirs", |a| {
        Cell::time(a.content.lease_until)
    }),
];

pub(super) fn assignments(rows: &[Assignment], options: &ExportOptions) -> TypedTable {
    build("one row for every item that was given to a rater", ASSIGNMENTS, rows, options)
}

const VERDICTS: &[Field<Judged>] = &[
    Field("rater", Kind::Text, When::Always, "the judge's name among the raters", |j| {
        Cell::text(Some(&j.judge))
    }),
    Field("item", Kind::Text, When::Always, "the item", |j| Cell::text(Some(&j.verdict.item))),
    Field("shown", Kind::Text, When::Always, "seed-first (the score) or sample-first", |j| {
        word(j.verdict.shown)
    }),
    Field(
        "swapped",
        Kind::Bool,
        When::Always,
        "true: the sample came first; measures how far the place decides, enters no score",
        |j| Cell::Bool(j.verdict.shown == Shown::SampleFirst),
    ),
    Field(
        "outcome",
        Kind::Text,
        When::Always,
        "score, refused, cut-off, unparsable (no score or several can be read), failed (no reply)",
        |j| word(j.verdict.outcome),
    ),
    Field("score", Kind::Int, When::Always, "the score, where there is one", |j| {
        Cell::int(j.verdict.score)
    }),
    Field("detail", Kind::Text, When::Always, "why there is none", |j| {
        Cell::text((!j.verdict.detail.is_empty()).then_some(&j.verdict.detail))
    }),
    Field("reply", Kind::Text, When::Always, "key of the raw reply in the run's store", |j| {
        Cell::text(Some(&j.verdict.reply))
    }),
    Field("model", Kind::Text, When::Always, "the model as the service names itself", |j| {
        Cell::text(Some(&j.verdict.model))
    }),
    Field("run", Kind::Text, When::Always, "the run that asked", |j| {
        Cell::text(Some(&j.verdict.run))
    }),
    Field("at", Kind::Time, When::Timings, "when it was stored", |j| {
        Cell::time(Some(j.verdict.at))
    }),
];

pub(super) fn verdicts(rows: &[Judged], options: &ExportOptions) -> TypedTable {
    build("one row for every item and order that a model judge was shown", VERDICTS, rows, options)
}
