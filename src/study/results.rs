//! The results of a study: estimates over samples and anchors, and beside them what tells how far
//! raters can be trusted. Nobody is dropped.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, RaterId, StudyId, StudyType};
use crate::stats::Undefined;
use crate::store::{EventKind, ItemKind, RaterKind, RatingRow, Reader};

use super::StudyError;
use super::agreement::{AgreementReport, Rating, agreement_of};
use super::judge::{JudgeResults, judge_results};
use super::status::scripted_note;

/// A control that a rater scored outside its range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlFailure {
    /// Who.
    pub rater: RaterId,
    /// Which item.
    pub item: ItemId,
    /// Its kind.
    pub kind: ItemKind,
    /// The score given.
    pub score: u8,
    /// The scores expected, both ends included.
    pub expected: (u8, u8),
}

/// How well raters repeat themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consistency {
    /// Repeats with both ratings.
    pub pairs: usize,
    /// Of these, with the same score.
    pub same: usize,
    /// Of these, at most one point apart.
    pub within_one: usize,
    /// Mean distance in points; absent without pairs.
    pub mean_distance: Option<f64>,
}

/// The results of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The study.
    pub study: StudyId,
    /// What it asks.
    #[serde(default)]
    pub study_type: StudyType,
    /// Estimates over samples and anchors, clustered by seed; absent without a rating.
    pub agreement: Option<AgreementReport>,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefined: Option<String>,
    /// Ratings of controls.
    pub controls: usize,
    /// Controls that were missed, by rater.
    pub control_failures: Vec<ControlFailure>,
    /// Repeats.
    pub repeats: Consistency,
    /// Items that raters did not score, by reason; `put-off` where none was given. They are in no
    /// figure, and are shown, because what cannot be judged is a result too.
    #[serde(default)]
    pub not_scored: BTreeMap<String, usize>,
    /// Items that raters marked for the researcher, scored or not, by reason: `broken-text` first of
    /// all. One rater counts once an item and reason.
    #[serde(default)]
    pub flagged: BTreeMap<String, usize>,
    /// Judges, each by itself: they are in none of the figures above unless that was asked for.
    pub judges: Vec<JudgeResults>,
    /// Agreement of the judges among themselves; absent with fewer than two.
    pub among_judges: Option<AgreementReport>,
    /// Raters with a rating, by kind.
    pub raters: BTreeMap<RaterKind, usize>,
    /// What a reader must know, first of all which raters were scripted.
    pub notes: Vec<String>,
}

/// Whose ratings the estimates are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Among {
    /// People (and scripts, which are marked): the default.
    People,
    /// Model judges too, as raters like any other.
    Everyone,
}

/// How results are computed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ResultsOptions {
    /// Whose ratings.
    pub among: Among,
    /// Bootstrap draws.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// Epsilon of the alternative-annotator test: 0.2 for experts, 0.15 skilled people, 0.1 a crowd.
    pub epsilon: f64,
}

impl Default for ResultsOptions {
    fn default() -> Self {
        Self { among: Among::People, draws: 10_000, seed: 1, epsilon: 0.15 }
    }
}

/// The results of a study among people; see [`results_with`].
///
/// # Errors
/// As there.
pub fn results(
    reader: Reader<'_>,
    study: &StudyId,
    draws: usize,
    seed: u64,
) -> Result<Results, StudyError> {
    results_among(reader, study, Among::People, draws, seed)
}

/// The results of a study among people or everyone; see [`results_with`].
///
/// # Errors
/// As there.
pub fn results_among(
    reader: Reader<'_>,
    study: &StudyId,
    among: Among,
    draws: usize,
    seed: u64,
) -> Result<Results, StudyError> {
    let options = ResultsOptions { among, draws, seed, ..ResultsOptions::default() };
    results_with(reader, study, &options)
}

/// The results of a study from the ratings that stand. Controls and repeats enter no estimate.
///
/// # Errors
/// No such study; the database cannot be read.
pub fn results_with(
    reader: Reader<'_>,
    study: &StudyId,
    options: &ResultsOptions,
) -> Result<Results, StudyError> {
    let ResultsOptions { among, draws, seed, epsilon } = *options;
    let study_type = reader.need_study(study)?.study_type;
    let all = reader.current_ratings(study)?;
    // what was taken back from a rater is somebody else's to score
    let released: BTreeSet<i64> = reader
        .assignments(study)?
        .into_iter()
        .filter(|a| a.released_at.is_some())
        .map(|a| a.id)
        .collect();
    let mut log = reader.rating_events(study)?;
    log.retain(|e| !released.contains(&e.assignment));
    let judged = ratings(all.iter().filter(|r| r.rater_kind == RaterKind::Judge));
    let rows: Vec<&RatingRow> = all
        .iter()
        .filter(|r| among == Among::Everyone || r.rater_kind != RaterKind::Judge)
        .collect();
    let ratings = ratings(rows.iter().copied());
    let mut kinds: BTreeMap<&RaterId, RaterKind> = BTreeMap::new();
    for r in &rows {
        kinds.insert(&r.rater, r.rater_kind);
    }
    let mut raters: BTreeMap<RaterKind, usize> = BTreeMap::new();
    for kind in kinds.values() {
        *raters.entry(*kind).or_default() += 1;
    }
    let scripted = raters.get(&RaterKind::Scripted).copied().unwrap_or(0);
    let mut notes: Vec<String> = scripted_note(scripted, kinds.len()).into_iter().collect();
    if raters.len() > 1 {
        notes.push("raters of several kinds are counted together".to_owned());
    }
    let judges = judge_results(reader, study, draws, seed, epsilon)?;
    if among == Among::People && !judges.is_empty() {
        notes.push(format!(
            "{} model judge(s) stand apart and are in none of these figures",
            judges.len()
        ));
    }
    let report: Result<AgreementReport, Undefined> =
        agreement_of(study_type, &ratings, draws, seed);
    let (agreement, undefined) = match report {
        Ok(mut report) => {
            // the mark travels with the report, whoever prints or saves it alone
            report.notes.splice(0..0, notes.iter().cloned());
            (Some(report), None)
        }
        Err(why) => (None, Some(why.to_string())),
    };
    Ok(Results {
        study: study.clone(),
        study_type,
        agreement,
        undefined,
        controls: rows.iter().filter(|r| r.item_kind.is_control()).count(),
        control_failures: failures(&rows),
        repeats: consistency(&rows),
        not_scored: not_scored(&all, &log),
        flagged: flagged(&log),
        among_judges: if judges.len() < 2 {
            None
        } else {
            agreement_of(study_type, &judged, draws, seed).ok()
        },
        judges,
        raters,
        notes,
    })
}

/// What enters estimates, of these rows.
pub(super) fn ratings<'a>(rows: impl Iterator<Item = &'a RatingRow>) -> Vec<Rating> {
    rows.filter(|r| r.item_kind.enters_estimates())
        .filter_map(|r| {
            Some(Rating {
                item: r.item.as_str().to_owned(),
                rater: r.rater.as_str().to_owned(),
                score: r.score?,
                cluster: Some(r.seed.as_str().to_owned()),
            })
        })
        .collect()
}

/// Controls scored outside their range, by rater.
pub(super) fn failures(rows: &[&RatingRow]) -> Vec<ControlFailure> {
    let mut out: Vec<ControlFailure> = rows
        .iter()
        .filter_map(|r| {
            let (score, expected) = r.score.zip(r.expected)?;
            (score < expected.0 || score > expected.1).then(|| ControlFailure {
                rater: r.rater.clone(),
                item: r.item.clone(),
                kind: r.item_kind,
                score,
                expected,
            })
        })
        .collect();
    out.sort_by(|a, b| (&a.rater, &a.item).cmp(&(&b.rater, &b.item)));
    out
}

/// The last skip of each assignment on which no rating stands.
fn not_scored(rows: &[RatingRow], log: &[RatingRow]) -> BTreeMap<String, usize> {
    let rated: BTreeSet<i64> = rows.iter().map(|r| r.assignment).collect();
    let skips =
        log.iter().filter(|r| r.kind == EventKind::Skip && r.rater_kind != RaterKind::Judge);
    let last: BTreeMap<i64, &RatingRow> = skips.map(|r| (r.assignment, r)).collect();
    let mut out = BTreeMap::new();
    for (_, row) in last.into_iter().filter(|(assignment, _)| !rated.contains(assignment)) {
        *out.entry(reason(row, "put-off")).or_default() += 1;
    }
    out
}

fn flagged(log: &[RatingRow]) -> BTreeMap<String, usize> {
    let flags =
        log.iter().filter(|r| r.kind == EventKind::Flag && r.rater_kind != RaterKind::Judge);
    let once: BTreeSet<(&RaterId, &ItemId, String)> =
        flags.map(|r| (&r.rater, &r.item, reason(r, "no-reason"))).collect();
    let mut out = BTreeMap::new();
    for (.., why) in once {
        *out.entry(why).or_default() += 1;
    }
    out
}

/// The reason of a skip or a flag as it is stored, or the word for none.
fn reason(row: &RatingRow, none: &str) -> String {
    let stored = row.reason.and_then(|r| serde_json::to_value(r).ok());
    stored.as_ref().and_then(|v| v.as_str()).unwrap_or(none).to_owned()
}

fn consistency(rows: &[&RatingRow]) -> Consistency {
    let first: BTreeMap<(&RaterId, &ItemId), u8> =
        rows.iter().filter_map(|r| Some(((&r.rater, &r.item), r.score?))).collect();
    let apart: Vec<u8> = rows
        .iter()
        .filter_map(|r| {
            let before = first.get(&(&r.rater, r.repeat_of.as_ref()?))?;
            Some(before.abs_diff(r.score?))
        })
        .collect();
    let sum: f64 = apart.iter().copied().map(f64::from).sum();
    let within = |points: u8| apart.iter().filter(|d| **d <= points).count();
    Consistency {
        pairs: apart.len(),
        same: within(0),
        within_one: within(1),
        mean_distance: (!apart.is_empty()).then(|| sum / apart.len() as f64),
    }
}
