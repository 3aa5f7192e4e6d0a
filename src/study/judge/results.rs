//! What judges did, apart from people: verdict classes, how far the order decides, controls, and
//! how near they come to the people of the study.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{ItemId, RaterId, StudyId, StudyType};
use crate::stats::altest::AltTestSpec;
use crate::stats::bootstrap::{Resampling, clustered_mean, statistic};
use crate::stats::correlation::{kendall_tau_b, spearman};
use crate::stats::{Estimate, Undefined};
use crate::store::{JudgeRecord, RaterKind, RatingRow, Reader, Shown, VerdictClass, VerdictRow};
use crate::study::calibration::judge_threshold;
use crate::study::{ControlFailure, Figure, Rating, StudyError, Threshold, agreement_short};

use super::alternative::{Alternative, alternative, scoring};
use super::families::shared;

/// How far the order of the two texts decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderAgreement {
    /// Items with a score in both orders, controls and repeats among them.
    pub pairs: usize,
    /// With the same score in both.
    pub same: usize,
    /// At most one point apart.
    pub within_one: usize,
    /// Mean of (seed first - sample first) in points, interval over seeds; absent without pairs.
    pub difference: Option<Estimate>,
}

/// The judge beside the people of the study, over samples and anchors that both rated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BesidePeople {
    /// Items that both rated.
    pub items: usize,
    /// People among them.
    pub people: usize,
    /// Rank correlation with the mean of people.
    pub spearman: Option<Estimate>,
    /// The same by Kendall's tau-b.
    pub kendall: Option<Estimate>,
    /// Mean of (judge - mean of people) in points.
    pub difference: Option<Estimate>,
    /// Ordinal alpha of people alone over these items.
    pub alpha_people: Option<Figure>,
    /// Ordinal alpha with the judge as one more rater.
    pub alpha_with_judge: Option<Figure>,
    /// Why a figure is absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undefined: Vec<String>,
}

/// One judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgeResults {
    /// Who, with model, prompt and guideline.
    pub judge: JudgeRecord,
    /// Models that answered, as the service names them.
    pub answered_by: Vec<String>,
    /// Verdicts by class, both orders; they add up to two an item asked.
    pub verdicts: BTreeMap<VerdictClass, usize>,
    /// How often each score 1 to 5 was given to samples and anchors, seed first.
    pub distribution: [u64; 5],
    /// Mean score of samples and anchors, interval over seeds.
    pub mean: Option<Estimate>,
    /// The order.
    pub orders: OrderAgreement,
    /// Controls rated.
    pub controls: usize,
    /// Controls missed.
    pub control_failures: Vec<ControlFailure>,
    /// Beside people; absent where no item was rated by both.
    pub beside_people: Option<BesidePeople>,
    /// The alternative-annotator test against the people of the study.
    pub alternative: Alternative,
    /// The family of models, or the very model, that the judge shares with a writer of the texts:
    /// it may favour its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote_too: Option<String>,
    /// The judge's score from which people say 4 or 5 nine times in ten, chosen on one half of the
    /// seeds and reported on the other; of similarity only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
}

/// Share of "4 or 5" for which a judge's threshold is looked for.
const WISHED: f64 = 0.9;

/// What each judge of a study did, by name. `epsilon` is that of the alternative-annotator test: 0.2
/// where people are experts, 0.15 skilled, 0.1 from a crowd.
///
/// # Errors
/// No such study; the database cannot be read.
pub fn judge_results(
    reader: Reader<'_>,
    study: &StudyId,
    draws: usize,
    seed: u64,
    epsilon: f64,
) -> Result<Vec<JudgeResults>, StudyError> {
    let how = Resampling { draws, seed, ..Resampling::default() };
    let study_type = reader.need_study(study)?.study_type;
    let scoring = scoring(study_type);
    let spec = AltTestSpec { epsilon, scoring, ..AltTestSpec::default() };
    let rows = reader.current_ratings(study)?;
    let seed_of: BTreeMap<ItemId, String> =
        reader.items(study)?.into_iter().map(|i| (i.id, i.seed.to_string())).collect();
    let mut out = Vec::new();
    for judge in reader.judges(study)? {
        let verdicts = reader.verdicts(study, &judge.rater)?;
        out.push(one(judge, &verdicts, &rows, &seed_of, &how, (study_type, &spec)));
    }
    Ok(out)
}

fn one(
    judge: JudgeRecord,
    verdicts: &[VerdictRow],
    rows: &[RatingRow],
    seed_of: &BTreeMap<ItemId, String>,
    how: &Resampling,
    (study_type, spec): (StudyType, &AltTestSpec),
) -> JudgeResults {
    let mut by_class: BTreeMap<VerdictClass, usize> = BTreeMap::new();
    for v in verdicts {
        *by_class.entry(v.outcome).or_default() += 1;
    }
    let mut answered_by: Vec<String> =
        verdicts.iter().map(|v| v.model.clone()).filter(|m| !m.is_empty()).collect();
    answered_by.sort();
    answered_by.dedup();
    let own: Vec<&RatingRow> = rows.iter().filter(|r| r.rater == judge.rater).collect();
    let scored: Vec<(&RatingRow, u8)> = own
        .iter()
        .filter(|r| r.item_kind.enters_estimates())
        .filter_map(|r| Some((*r, r.score?)))
        .collect();
    let mut distribution = [0u64; 5];
    for (_, s) in &scored {
        distribution[usize::from((*s).clamp(1, 5) - 1)] += 1;
    }
    let scores: Vec<f64> = scored.iter().map(|(_, s)| f64::from(*s)).collect();
    let clusters: Vec<&str> = scored.iter().map(|(r, _)| r.seed.as_str()).collect();
    let mut names: Vec<&str> = answered_by.iter().map(String::as_str).collect();
    names.push(&judge.model);
    let wrote_too = shared(&names, rows.iter().map(|r| &r.origin));
    JudgeResults {
        answered_by,
        verdicts: by_class,
        distribution,
        mean: clustered_mean(&scores, &clusters, "seed", how).ok(),
        orders: orders(verdicts, seed_of, how),
        controls: own.iter().filter(|r| r.item_kind.is_control()).count(),
        control_failures: crate::study::results::failures(&own),
        beside_people: beside_people(&judge.rater, &scored, rows, how),
        alternative: alternative(&scored, rows, spec),
        wrote_too,
        threshold: (study_type == StudyType::Similarity)
            .then(|| judge_threshold(&scored, rows, WISHED, how))
            .flatten(),
        judge,
    }
}

fn orders(
    verdicts: &[VerdictRow],
    seed_of: &BTreeMap<ItemId, String>,
    how: &Resampling,
) -> OrderAgreement {
    let score = |item: &ItemId, shown: Shown| {
        verdicts.iter().find(|v| v.item == *item && v.shown == shown).and_then(|v| v.score)
    };
    let pairs: Vec<(&str, f64)> = verdicts
        .iter()
        .filter(|v| v.shown == Shown::SeedFirst)
        .filter_map(|v| {
            let apart = f64::from(v.score?) - f64::from(score(&v.item, Shown::SampleFirst)?);
            Some((seed_of.get(&v.item).map_or("", String::as_str), apart))
        })
        .collect();
    let within = |points: f64| pairs.iter().filter(|(_, d)| d.abs() <= points).count();
    let (clusters, apart): (Vec<&str>, Vec<f64>) = pairs.iter().copied().unzip();
    OrderAgreement {
        pairs: pairs.len(),
        same: within(0.0),
        within_one: within(1.0),
        difference: clustered_mean(&apart, &clusters, "seed", how).ok(),
    }
}

fn beside_people(
    judge: &RaterId,
    scored: &[(&RatingRow, u8)],
    rows: &[RatingRow],
    how: &Resampling,
) -> Option<BesidePeople> {
    let mut people: BTreeMap<&ItemId, Vec<&RatingRow>> = BTreeMap::new();
    for r in rows.iter().filter(|r| r.rater_kind == RaterKind::Human && r.score.is_some()) {
        people.entry(&r.item).or_default().push(r);
    }
    let both: Vec<(&RatingRow, f64, f64)> = scored
        .iter()
        .filter_map(|(r, s)| {
            let of = people.get(&r.item)?;
            let sum: f64 = of.iter().filter_map(|p| p.score).map(f64::from).sum();
            Some((*r, f64::from(*s), sum / of.len() as f64))
        })
        .collect();
    if both.is_empty() {
        return None;
    }
    let rated = |with_judge: bool| -> Vec<Rating> {
        let of_people = both.iter().flat_map(|(r, ..)| people[&r.item].iter().copied());
        let of_judge = both.iter().map(|(r, ..)| *r).filter(|_| with_judge);
        of_people
            .chain(of_judge)
            .filter_map(|r| {
                Some(Rating {
                    item: r.item.to_string(),
                    rater: r.rater.to_string(),
                    score: r.score?,
                    cluster: Some(r.seed.to_string()),
                })
            })
            .collect()
    };
    let alpha = |with_judge: bool| {
        agreement_short(StudyType::Similarity, &rated(with_judge), how.draws.min(2_000), how.seed)
            .ok()
            .and_then(|a| a.figure("alpha-ordinal").cloned())
    };
    let mut undefined = Vec::new();
    let mut keep = |what: &str, e: Result<Estimate, Undefined>| match e {
        Ok(e) => Some(e),
        Err(why) => {
            undefined.push(format!("{what}: {why}"));
            None
        }
    };
    let apart: Vec<f64> = both.iter().map(|(_, j, p)| j - p).collect();
    let clusters: Vec<&str> = both.iter().map(|(r, ..)| r.seed.as_str()).collect();
    let spearman = keep("spearman", correlation(&both, how, spearman));
    let kendall = keep("kendall", correlation(&both, how, kendall_tau_b));
    let difference = keep("difference", clustered_mean(&apart, &clusters, "seed", how));
    let mut names: Vec<&RaterId> =
        both.iter().flat_map(|(r, ..)| people[&r.item].iter().map(|p| &p.rater)).collect();
    names.sort();
    names.dedup();
    debug_assert!(!names.contains(&judge));
    Some(BesidePeople {
        items: both.len(),
        people: names.len(),
        spearman,
        kendall,
        difference,
        alpha_people: alpha(false),
        alpha_with_judge: alpha(true),
        undefined,
    })
}

/// A correlation over items, with whole seeds resampled.
fn correlation(
    both: &[(&RatingRow, f64, f64)],
    how: &Resampling,
    of: fn(&[f64], &[f64]) -> Result<f64, Undefined>,
) -> Result<Estimate, Undefined> {
    let mut by_seed: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for (r, j, p) in both {
        by_seed.entry(r.seed.as_str()).or_default().push((*j, *p));
    }
    let groups: Vec<Vec<(f64, f64)>> = by_seed.into_values().collect();
    let on = |picked: &[usize]| {
        let (j, p): (Vec<f64>, Vec<f64>) =
            picked.iter().flat_map(|g| groups[*g].iter().copied()).unzip();
        of(&j, &p)
    };
    on(&(0..groups.len()).collect::<Vec<_>>())?;
    // Kendall's time grows with the square of the items
    let how = Resampling { draws: how.draws.min(2_000), ..*how };
    statistic(groups.len(), "seed", &how, |picked| on(picked).ok())
}
