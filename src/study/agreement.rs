//! One report on a set of ratings: alpha, AC2 and raw agreement together, each with its interval.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::StudyType;
use crate::stats::agreement::{Coefficient, Keyed, Ratings, bootstrap, effects, pairwise_kappa};
use crate::stats::bootstrap::{Resampling, crossed_mean};
use crate::stats::{Estimate, Interval, Undefined};

use super::effects::RaterEffects;

/// The scale of all ratings here, as far as a type of study goes. Declared, because AC2's chance
/// term counts unused scores too.
const SCALE: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];

/// Kappas of pairs are drawn so often at most: each draw counts all pairs of raters anew.
const MAX_PAIR_DRAWS: usize = 2_000;

/// One rating to compute from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rating {
    /// The item.
    pub item: String,
    /// Who.
    pub rater: String,
    /// 1 to 5.
    pub score: u8,
    /// What the item hangs together with, most often its seed; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
}

/// One number of the report, or the reason why it does not exist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// `alpha-ordinal`, `ac2-quadratic`, `raw`, `kappa-pairs`, `kappa-fleiss`, `icc2`, `icc2k`,
    /// `mean`, `share-4-5`; of preferences `share-first`, `share-tie`, `share-second`, `win-rate`.
    pub name: String,
    /// The value; absent where undefined.
    pub value: Option<f64>,
    /// Percentile bootstrap interval over clusters, raters kept.
    pub interval: Option<Interval>,
    /// Items it is computed from.
    pub items: usize,
    /// Raters it is computed from.
    pub raters: usize,
    /// What was resampled: `seed`, or `item` where the ratings name no seeds; `seed and rater` for
    /// means and shares.
    pub unit: String,
    /// How many of them.
    pub units: usize,
    /// Draws with a value.
    pub draws: usize,
    /// Draws without a value, left out of the interval.
    pub degenerate: usize,
    /// Why there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefined: Option<String>,
}

impl Figure {
    pub(super) fn new(
        name: &str,
        items: usize,
        raters: usize,
        unit: &str,
        estimate: Result<Estimate, Undefined>,
    ) -> Self {
        let mut figure = Self {
            name: name.to_owned(),
            value: None,
            interval: None,
            items,
            raters,
            unit: unit.to_owned(),
            units: 0,
            draws: 0,
            degenerate: 0,
            undefined: None,
        };
        match estimate {
            Ok(e) => {
                figure.value = Some(e.value);
                figure.interval = e.interval;
                figure.units = e.n;
                figure.draws = e.draws;
                figure.degenerate = e.degenerate;
            }
            Err(why) => figure.undefined = Some(why.to_string()),
        }
        figure
    }
}

/// What a set of ratings says. Serialises to the JSON of `study agreement --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgreementReport {
    /// Different items.
    pub items: usize,
    /// Different raters.
    pub raters: usize,
    /// Ratings.
    pub ratings: usize,
    /// Items with two ratings or more: only these say something on agreement.
    pub paired_items: usize,
    /// What was resampled: `seed` or `item`.
    pub unit: String,
    /// How many of them.
    pub units: usize,
    /// Bootstrap draws asked for.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// How often each score 1 to 5 was given.
    pub distribution: [u64; 5],
    /// All numbers. Alpha, AC2 and raw agreement belong together in print.
    pub figures: Vec<Figure>,
    /// What raters and items contribute to the scores; absent where that cannot be told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<RaterEffects>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

impl AgreementReport {
    /// A number by its name.
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|f| f.name == name)
    }
}

/// All figures of a set of ratings of similarity or appropriateness; see [`agreement_of`].
///
/// # Errors
/// As there.
pub fn agreement(
    ratings: &[Rating],
    draws: usize,
    seed: u64,
) -> Result<AgreementReport, Undefined> {
    agreement_of(StudyType::Similarity, ratings, draws, seed)
}

/// All figures of a set of ratings. The interval of a coefficient resamples clusters (samples of one
/// seed correlate) and keeps raters; that of a mean or a share draws raters too. Where no rating
/// names a cluster, items are resampled.
///
/// # Errors
/// No ratings, a rater who rated an item twice, a score off the scale, an item in two clusters,
/// zero draws. A figure that is undefined has its reason in the report and is no error.
pub fn agreement_of(
    study_type: StudyType,
    ratings: &[Rating],
    draws: usize,
    seed: u64,
) -> Result<AgreementReport, Undefined> {
    report(study_type, ratings, draws, seed, true)
}

/// The figures that belong together in a short table: alpha, AC2, raw agreement, mean, shares.
///
/// # Errors
/// As [`agreement_of`].
pub fn agreement_short(
    study_type: StudyType,
    ratings: &[Rating],
    draws: usize,
    seed: u64,
) -> Result<AgreementReport, Undefined> {
    report(study_type, ratings, draws, seed, false)
}

fn report(
    study_type: StudyType,
    ratings: &[Rating],
    draws: usize,
    seed: u64,
    whole: bool,
) -> Result<AgreementReport, Undefined> {
    if ratings.is_empty() {
        return Err(Undefined::TooFew { unit: "ratings", have: 0, need: 1 });
    }
    let how = Resampling { draws, seed, ..Resampling::default() };
    let keyed = Ratings::from_triples(
        Some(&SCALE[..usize::from(study_type.top())]),
        ratings.iter().map(|r| (r.item.as_str(), r.rater.as_str(), f64::from(r.score))),
    )?;
    let (clusters, unit) = clusters(&keyed, ratings)?;
    let of_item: BTreeMap<&str, &str> =
        keyed.units.iter().copied().zip(clusters.iter().map(String::as_str)).collect();
    let (items, raters) = (keyed.units.len(), keyed.raters.len());

    let mut figures = Vec::new();
    let paired_items = (0..items)
        .filter(|u| (0..raters).filter(|r| keyed.ratings.score(*u, *r).is_some()).nth(1).is_some())
        .count();
    for (which, estimate) in bootstrap(
        &keyed.ratings,
        Some(&clusters),
        &[
            Coefficient::AlphaNominal,
            Coefficient::AlphaOrdinal,
            Coefficient::AlphaInterval,
            Coefficient::Ac1,
            Coefficient::Ac2Ordinal,
            Coefficient::Ac2Quadratic,
            Coefficient::Fleiss,
            Coefficient::Raw,
        ],
        unit,
        &how,
    )? {
        figures.push(Figure::new(which.name(), paired_items, raters, unit, estimate));
    }
    let mut notes = Vec::new();
    let mut found = None;
    if whole {
        let numbers = numbers(&clusters);
        found = crossed(&keyed, &numbers, unit, &how, &mut figures);
        kappas(&keyed, &numbers, unit, &how, &mut figures, &mut notes)?;
    }

    let of_rating: Vec<&str> =
        ratings.iter().map(|r| of_item.get(r.item.as_str()).copied().unwrap_or("")).collect();
    let of_rater: Vec<&str> = ratings.iter().map(|r| r.rater.as_str()).collect();
    let both = if raters > 1 { format!("{unit} and rater") } else { unit.to_owned() };
    let mut mean = |name: &str, of: &dyn Fn(u8) -> f64| {
        let values: Vec<f64> = ratings.iter().map(|r| of(r.score)).collect();
        let estimate = crossed_mean(&values, &of_rating, &of_rater, unit, &how);
        figures.push(Figure::new(name, items, raters, &both, estimate));
    };
    let is = |yes: bool| f64::from(u8::from(yes));
    mean("mean", &|s| f64::from(s));
    if study_type == StudyType::Preference {
        mean("share-first", &|s| is(s == 1));
        mean("share-tie", &|s| is(s == 2));
        mean("share-second", &|s| is(s == 3));
        // a tie is half a win of the first
        mean("win-rate", &|s| f64::from(3 - s.min(3)) / 2.0);
    } else {
        mean("share-4-5", &|s| is(s >= 4));
    }
    let mut distribution = [0u64; 5];
    for r in ratings {
        distribution[usize::from(r.score.clamp(1, 5) - 1)] += 1;
    }
    let units = clusters.iter().collect::<BTreeSet<_>>().len();
    if unit == "item" {
        notes.push(
            "the ratings name no seeds: items were resampled, and samples of one seed may \
                    hang together, so the intervals may be too narrow"
                .to_owned(),
        );
    }
    if paired_items < items {
        notes.push(format!(
            "{} of {items} items have one rating only: they enter the mean and \
                            the shares, not agreement",
            items - paired_items
        ));
    }
    Ok(AgreementReport {
        items,
        raters,
        ratings: ratings.len(),
        paired_items,
        unit: unit.to_owned(),
        units,
        draws,
        seed,
        distribution,
        figures,
        effects: found,
        notes,
    })
}

/// The cluster of each row of the matrix, and what clusters are.
fn clusters(
    keyed: &Keyed<&str, &str>,
    ratings: &[Rating],
) -> Result<(Vec<String>, &'static str), Undefined> {
    let mut of: BTreeMap<&str, &str> = BTreeMap::new();
    for r in ratings {
        let Some(cluster) = &r.cluster else { continue };
        if let Some(before) = of.insert(&r.item, cluster)
            && before != cluster
        {
            return Err(Undefined::BadParameter {
                what: "seed of an item",
                value: format!("{before} and {cluster} for item {}", r.item),
                expected: "one seed an item",
            });
        }
    }
    let unit = if of.is_empty() { "item" } else { "seed" };
    // a prefix keeps an item without a seed apart from a seed of the same name
    let name = |item: &&str| match of.get(item) {
        Some(cluster) => format!("c:{cluster}"),
        None => format!("i:{item}"),
    };
    Ok((keyed.units.iter().map(name).collect(), unit))
}

/// Clusters by number, from 0.
fn numbers(clusters: &[String]) -> Vec<usize> {
    let mut of: BTreeMap<&str, usize> = BTreeMap::new();
    clusters
        .iter()
        .map(|c| {
            let fresh = of.len();
            *of.entry(c).or_insert(fresh)
        })
        .collect()
}

/// ICC(2,1) and ICC(2,k) with gaps, and what raters and items contribute.
fn crossed(
    keyed: &Keyed<&str, &str>,
    clusters: &[usize],
    unit: &str,
    how: &Resampling,
    figures: &mut Vec<Figure>,
) -> Option<RaterEffects> {
    let found = effects(&keyed.ratings, clusters, unit, how);
    let (items, raters) = (keyed.units.len(), keyed.raters.len());
    let (single, mean) = match &found {
        Ok(e) => (e.icc_single.clone(), e.icc_mean.clone()),
        Err(why) => (Err(why.clone()), Err(why.clone())),
    };
    figures.push(Figure::new("icc2", items, raters, unit, single));
    figures.push(Figure::new("icc2k", items, raters, unit, mean));
    found.ok().map(|e| RaterEffects::of(&e, &keyed.raters))
}

/// Cohen's kappa averaged over the pairs of raters.
fn kappas(
    keyed: &Keyed<&str, &str>,
    clusters: &[usize],
    unit: &str,
    how: &Resampling,
    figures: &mut Vec<Figure>,
    notes: &mut Vec<String>,
) -> Result<(), Undefined> {
    let how = Resampling { draws: how.draws.min(MAX_PAIR_DRAWS), ..*how };
    let all = pairwise_kappa(&keyed.ratings, clusters, unit, &how)?;
    if let Some(k) = all.first().filter(|k| k.estimate.is_ok()) {
        notes.push(format!(
            "kappa-pairs: mean over {} pairs of raters{}",
            k.pairs,
            if k.left_out == 0 {
                String::new()
            } else {
                format!("; {} more pairs share too little to have one", k.left_out)
            }
        ));
    }
    let raters = keyed.raters.len();
    for k in all {
        figures.push(Figure::new(k.weights.name(), keyed.units.len(), raters, unit, k.estimate));
    }
    Ok(())
}
