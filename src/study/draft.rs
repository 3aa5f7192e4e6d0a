//! What a study will be before it is fixed: items by stratum, load, hours, and what to mind.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::{RaterId, language_name, primary_language};
use crate::store::{Item, ItemKind, Rater};

use super::StudyError;
use super::controls::can_negate;
use super::order::LAG;
use super::plan::{Plan, plan};
use super::seeds::TRANSLATION;
use super::setup::{Material, items_of, strata};
use super::spec::StudySpec;
use super::spec_parts::Stratum;

/// Seconds that a pair takes, where no pilot says otherwise.
pub const SECONDS_A_PAIR: f64 = 12.0;

/// How many items a part of a stratum has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StratumCount {
    /// Which stratum.
    pub stratum: Stratum,
    /// Which part: `arabic`, `0.85-0.90`.
    pub label: String,
    /// Samples and anchors.
    pub items: usize,
}

/// A plan to look at. Nothing was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanDraft {
    /// Items by kind.
    pub items: BTreeMap<ItemKind, usize>,
    /// Samples and anchors by stratum and label.
    pub strata: Vec<StratumCount>,
    /// Items of each rater.
    pub load: BTreeMap<RaterId, usize>,
    /// Groups of raters that share no item with the others.
    pub groups: usize,
    /// All ratings asked for.
    pub ratings: usize,
    /// Time of all raters together, at [`PlanDraft::seconds`] an item.
    pub hours: f64,
    /// Time of the busiest.
    pub longest_hours: f64,
    /// Seconds an item that the hours assume.
    pub seconds: f64,
    /// What to mind, in sentences.
    pub warnings: Vec<String>,
}

/// Chooses items and plans them as [`items_of`] and [`plan`] do, and writes nothing. Answers the
/// items too: they are what [`super::create_from`] would store.
///
/// # Errors
/// As [`items_of`] and [`plan`].
pub fn plan_draft(
    spec: &StudySpec,
    from: &Material,
    raters: &[Rater],
    seconds: f64,
) -> Result<(Vec<Item>, PlanDraft), StudyError> {
    let items = items_of(spec, from)?;
    let draft = draft(spec, &items, raters, seconds)?;
    Ok((items, draft))
}

/// What a plan of these items would be.
///
/// # Errors
/// As [`plan`].
pub fn draft(
    spec: &StudySpec,
    items: &[Item],
    raters: &[Rater],
    seconds: f64,
) -> Result<PlanDraft, StudyError> {
    let plan = plan(items, raters, spec.seed)?;
    let mut kinds = BTreeMap::new();
    for item in items {
        *kinds.entry(item.kind).or_default() += 1;
    }
    let ratings = plan.assignments.len();
    let busiest = plan.load.values().max().copied().unwrap_or(0);
    let hours = |n: usize| n as f64 * seconds / 3600.0;
    let warnings = warnings(spec, items, &plan);
    Ok(PlanDraft {
        items: kinds,
        strata: spec
            .strata
            .iter()
            .flat_map(|s| {
                let labels = strata(items, *s).into_iter();
                labels.map(|(label, items)| StratumCount { stratum: *s, label, items })
            })
            .collect(),
        groups: plan.groups,
        load: plan.load,
        ratings,
        hours: hours(ratings),
        longest_hours: hours(busiest),
        seconds,
        warnings,
    })
}

/// What a look at the items alone tells: before raters are known.
pub fn item_warnings(spec: &StudySpec, items: &[Item]) -> Vec<String> {
    let mut out = Vec::new();
    let rated = items.iter().filter(|i| i.kind.enters_estimates()).count();
    if rated < spec.items {
        out.push(format!("{} items were wanted, only {rated} can enter", spec.items));
    }
    let names = |tags: BTreeSet<String>| {
        tags.iter().map(|t| language_name(t)).collect::<Vec<_>>().join(", ")
    };
    let language = |i: &Item| primary_language(&i.language);
    let translated: BTreeSet<String> = items
        .iter()
        .filter(|i| i.origin.wording.as_deref() == Some(TRANSLATION))
        .map(language)
        .collect();
    if !translated.is_empty() {
        out.push(format!(
            "the survey has no wording in {}: seeds stand there in a model's translation, and \
             the items say so",
            names(translated)
        ));
    }
    let controlled: BTreeSet<String> =
        items.iter().filter(|i| i.kind.is_control()).map(language).collect();
    let without: BTreeSet<String> = items.iter().map(language).collect();
    let without: BTreeSet<String> = without.difference(&controlled).cloned().collect();
    if spec.study_type.needs_culture() {
        if spec.controls > 0 {
            out.push("a single answer has no score known beforehand: no controls".to_owned());
        }
    } else if !without.is_empty() {
        out.push(format!("no controls in {}", names(without)));
    }
    if spec.study_type == crate::domain::StudyType::Similarity {
        let plain: BTreeSet<String> = controlled.into_iter().filter(|l| !can_negate(l)).collect();
        if !plain.is_empty() {
            out.push(format!(
                "no rule negates a sentence in {}: controls there are identical and unrelated \
                 pairs only",
                names(plain)
            ));
        }
    }
    if spec.k == 1 {
        out.push("k = 1: only anchors tell how far raters agree".to_owned());
    }
    out
}

fn warnings(spec: &StudySpec, items: &[Item], plan: &Plan) -> Vec<String> {
    let mut out = item_warnings(spec, items);
    if plan.groups > 1 {
        out.push(format!(
            "{} groups of raters share no item with the others (languages or cultures keep them \
             apart): compare their scores with care",
            plan.groups
        ));
    }
    let idle: Vec<&str> =
        plan.load.iter().filter(|(_, n)| **n == 0).map(|(r, _)| r.as_str()).collect();
    if !idle.is_empty() {
        out.push(format!("nothing to rate for {}", idle.join(", ")));
    }
    let near = nearest_repeat(items, plan);
    if let Some(near) = near.filter(|n| *n < LAG) {
        out.push(format!(
            "raters have so few items that a repeat comes {near} places after its original; {LAG} \
             or more are wanted"
        ));
    }
    out
}

/// Places between an original and its repeat where these are nearest.
fn nearest_repeat(items: &[Item], plan: &Plan) -> Option<usize> {
    let at: BTreeMap<(&str, &str), u32> = plan
        .assignments
        .iter()
        .map(|a| ((a.rater.as_str(), a.item.as_str()), a.position))
        .collect();
    items
        .iter()
        .filter_map(|i| Some((i.id.as_str(), i.repeat_of.as_ref()?.as_str())))
        .flat_map(|(again, first)| {
            plan.load.keys().filter_map({
                let at = &at;
                move |r| {
                    let later = at.get(&(r.as_str(), again))?;
                    Some(later.saturating_sub(*at.get(&(r.as_str(), first))?) as usize)
                }
            })
        })
        .min()
}
