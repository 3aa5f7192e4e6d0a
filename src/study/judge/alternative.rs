//! The alternative-annotator test of one judge, with the names of the people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, RaterId, StudyType};
use crate::stats::altest::{AltTestSpec, Scoring, alternative_annotator};
use crate::store::{RaterKind, RatingRow};

/// The judge against one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgainstPerson {
    /// The person left out.
    pub rater: RaterId,
    /// Items that the person, the judge and another person rated.
    pub items: usize,
    /// Share of them on which the judge is at least as close to the others as the person.
    pub advantage: f64,
    /// Share on which the person is at least as close as the judge.
    pub own: f64,
    /// One-sided p of mean(W_person - W_judge) < epsilon.
    pub p: f64,
    /// After Benjamini and Yekutieli.
    pub adjusted: f64,
    /// Whether the judge wins.
    pub beaten: bool,
}

/// Outcome of the test: may the judge stand in for these people?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// What was asked of it.
    pub spec: AltTestSpec,
    /// Share of the people tested that the judge beats; absent where undefined.
    pub winning_rate: Option<f64>,
    /// Mean advantage over people (rho): compares judges with each other.
    pub advantage: Option<f64>,
    /// Whether the winning rate is one half or more.
    pub passes: Option<bool>,
    /// People tested.
    pub people: Vec<AgainstPerson>,
    /// People with too few items, and how many they have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<(RaterId, usize)>,
    /// Why there is no outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefined: Option<String>,
}

/// How near is near for a type of study: distance for scores, equality for preferences.
pub(super) fn scoring(study_type: StudyType) -> Scoring {
    if study_type == StudyType::Preference { Scoring::Accuracy } else { Scoring::NegRmse }
}

/// Runs the test over the samples and anchors that the judge scored.
pub(super) fn alternative(
    scored: &[(&RatingRow, u8)],
    rows: &[RatingRow],
    spec: &AltTestSpec,
) -> Alternative {
    let judged: BTreeMap<&ItemId, f64> =
        scored.iter().map(|(row, score)| (&row.item, f64::from(*score))).collect();
    let of_people = rows.iter().filter(|r| r.rater_kind == RaterKind::Human);
    let given: Vec<(&ItemId, &RaterId, f64)> = of_people
        .filter(|r| judged.contains_key(&r.item))
        .filter_map(|r| Some((&r.item, &r.rater, f64::from(r.score?))))
        .collect();
    let mut names: Vec<&RaterId> = given.iter().map(|g| g.1).collect();
    names.sort();
    names.dedup();
    let column: BTreeMap<&RaterId, usize> = names.iter().copied().zip(0..).collect();
    let mut matrix: BTreeMap<&ItemId, Vec<Option<f64>>> = BTreeMap::new();
    for (item, rater, score) in given {
        matrix.entry(item).or_insert_with(|| vec![None; names.len()])[column[rater]] = Some(score);
    }
    let judge: Vec<Option<f64>> = matrix.keys().map(|item| judged.get(item).copied()).collect();
    let matrix: Vec<Vec<Option<f64>>> = matrix.into_values().collect();
    let name = |column: usize| names.get(column).map(|n| (*n).clone());
    match alternative_annotator(&matrix, &judge, spec) {
        Ok(t) => Alternative {
            spec: *spec,
            winning_rate: Some(t.winning_rate),
            advantage: Some(t.advantage),
            passes: Some(t.passes),
            people: (t.people.iter())
                .filter_map(|p| {
                    Some(AgainstPerson {
                        rater: name(p.person)?,
                        items: p.units,
                        advantage: p.advantage,
                        own: p.own,
                        p: p.p,
                        adjusted: p.adjusted,
                        beaten: p.beaten,
                    })
                })
                .collect(),
            left_out: t.left_out.iter().filter_map(|(c, n)| Some((name(*c)?, *n))).collect(),
            undefined: None,
        },
        Err(why) => Alternative {
            spec: *spec,
            winning_rate: None,
            advantage: None,
            passes: None,
            people: Vec::new(),
            left_out: Vec::new(),
            undefined: Some(format!(
                "{why} (a person needs {} items; the test needs {} people)",
                spec.min_units, spec.min_people
            )),
        },
    }
}
