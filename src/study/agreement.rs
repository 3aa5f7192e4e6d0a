//! One report on a set of ratings: alpha, AC2 and raw agreement together, each with its interval.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::stats::agreement::{Coefficient, Keyed, Ratings, bootstrap, icc};
use crate::stats::bootstrap::{Resampling, clustered_mean, statistic};
use crate::stats::{Estimate, Interval, Undefined};

/// The scale of all ratings here. Declared, because AC2's chance term counts unused scores too.
const SCALE: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];

/// Draws of ICC are capped: unlike the others it is computed anew from all ratings in each draw.
const MAX_ICC_DRAWS: usize = 2_000;

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
    /// `alpha-ordinal`, `ac2-quadratic`, `raw`, `icc2k`, `mean`, `share-4-5`.
    pub name: String,
    /// The value; absent where undefined.
    pub value: Option<f64>,
    /// Percentile bootstrap interval over clusters, raters kept.
    pub interval: Option<Interval>,
    /// Items it is computed from.
    pub items: usize,
    /// Raters it is computed from.
    pub raters: usize,
    /// What was resampled: `seed`, or `item` where the ratings name no seeds.
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
    fn new(
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
    /// What a reader must know.
    pub notes: Vec<String>,
}

impl AgreementReport {
    /// A number by its name.
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|f| f.name == name)
    }
}

/// All figures of a set of ratings. The interval resamples clusters (samples of one seed
/// correlate) and keeps raters; where no rating names a cluster, items are resampled.
///
/// # Errors
/// No ratings, a rater who rated an item twice, a score outside 1 to 5, an item in two clusters,
/// zero draws. A figure that is undefined has its reason in the report and is no error.
pub fn agreement(
    ratings: &[Rating],
    draws: usize,
    seed: u64,
) -> Result<AgreementReport, Undefined> {
    if ratings.is_empty() {
        return Err(Undefined::TooFew { unit: "ratings", have: 0, need: 1 });
    }
    let how = Resampling { draws, seed, ..Resampling::default() };
    let keyed = Ratings::from_triples(
        Some(&SCALE),
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
            Coefficient::Raw,
        ],
        unit,
        &how,
    )? {
        figures.push(Figure::new(which.name(), paired_items, raters, unit, estimate));
    }
    figures.push(icc_figure(&keyed, &clusters, unit, &how));

    let scores: Vec<f64> = ratings.iter().map(|r| f64::from(r.score)).collect();
    let of_rating: Vec<&str> =
        ratings.iter().map(|r| of_item.get(r.item.as_str()).copied().unwrap_or("")).collect();
    let mean = clustered_mean(&scores, &of_rating, unit, &how);
    figures.push(Figure::new("mean", items, raters, unit, mean));
    let high: Vec<f64> = scores.iter().map(|s| f64::from(u8::from(*s >= 4.0))).collect();
    let share = clustered_mean(&high, &of_rating, unit, &how);
    figures.push(Figure::new("share-4-5", items, raters, unit, share));

    let mut distribution = [0u64; 5];
    for r in ratings {
        distribution[usize::from(r.score.clamp(1, 5) - 1)] += 1;
    }
    let units = clusters.iter().collect::<BTreeSet<_>>().len();
    let mut notes = Vec::new();
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

/// ICC(2,k) over the items that every rater rated.
fn icc_figure(
    keyed: &Keyed<&str, &str>,
    clusters: &[String],
    unit: &str,
    how: &Resampling,
) -> Figure {
    let raters = keyed.raters.len();
    let mut groups: BTreeMap<&str, Vec<Vec<Option<f64>>>> = BTreeMap::new();
    for (u, cluster) in clusters.iter().enumerate() {
        let row: Vec<Option<f64>> = (0..raters).map(|r| keyed.ratings.score(u, r)).collect();
        if row.iter().all(Option::is_some) {
            groups.entry(cluster).or_default().push(row);
        }
    }
    let groups: Vec<Vec<Vec<Option<f64>>>> = groups.into_values().collect();
    let complete: usize = groups.iter().map(Vec::len).sum();
    let rows: Vec<Vec<Option<f64>>> = groups.iter().flatten().cloned().collect();
    // the reason first: `statistic` would only say that there is no value
    let whole = if raters < 2 {
        Err(Undefined::TooFew { unit: "raters", have: raters, need: 2 })
    } else if complete < 2 {
        let unit = "items rated by every rater";
        Err(Undefined::TooFew { unit, have: complete, need: 2 })
    } else {
        icc2k(&rows).map(|_| ())
    };
    let estimate = whole.and_then(|()| {
        let how = Resampling { draws: how.draws.min(MAX_ICC_DRAWS), ..*how };
        statistic(groups.len(), unit, &how, |picked| {
            let rows: Vec<Vec<Option<f64>>> =
                picked.iter().flat_map(|g| groups[*g].iter().cloned()).collect();
            icc2k(&rows).ok()
        })
    });
    Figure::new("icc2k", complete, raters, unit, estimate)
}

/// ICC(2,k), where it exists. It divides by an estimate of the variance of a mean over raters, which
/// comes out zero or negative where ratings of one item differ more than items do; the quotient is
/// beyond 1 for a negative divisor (never for a positive one),
/// and of any size for one that is zero but for rounding.
fn icc2k(rows: &[Vec<Option<f64>>]) -> Result<f64, Undefined> {
    let value = icc(&Ratings::from_rows(Some(&SCALE), rows)?)?.icc2k;
    if (-1e9..=1.0 + 1e-9).contains(&value) {
        return Ok(value);
    }
    Err(Undefined::BadParameter {
        what: "the estimated variance of item means",
        value: "zero or negative".into(),
        expected: "a positive one; here the ratings of one item differ more than the items do",
    })
}
