//! What raters and what items contribute to the scores of a study, as it is printed.

use serde::{Deserialize, Serialize};

use crate::stats::agreement::Effects;
use crate::stats::{Estimate, Undefined};

/// One rater beside the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RaterLeaning {
    /// Who.
    pub rater: String,
    /// Ratings given.
    pub ratings: usize,
    /// Points above (lenient) or below (severe) the mean rater on the same items; few ratings pull
    /// it to zero.
    pub points: Estimate,
}

/// The crossed model of items and raters: score = mean + item + rater + rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RaterEffects {
    /// Share of the variance of scores between items.
    pub items: Option<Estimate>,
    /// Between raters: lenient and severe ones.
    pub raters: Option<Estimate>,
    /// What is left: raters who differ about an item, and chance.
    pub rest: Option<Estimate>,
    /// Harmonic mean of the ratings of an item: the k of ICC(2,k).
    pub ratings_per_item: f64,
    /// Each rater's leaning, by name.
    pub leanings: Vec<RaterLeaning>,
}

impl RaterEffects {
    pub(super) fn of(found: &Effects, raters: &[&str]) -> Self {
        let keep = |e: &Result<Estimate, Undefined>| e.as_ref().ok().cloned();
        Self {
            items: keep(&found.shares[0]),
            raters: keep(&found.shares[1]),
            rest: keep(&found.shares[2]),
            ratings_per_item: found.components.per_unit,
            leanings: (found.leanings.iter())
                .map(|l| RaterLeaning {
                    rater: raters.get(l.rater).copied().unwrap_or_default().to_owned(),
                    ratings: l.ratings,
                    points: l.points.clone(),
                })
                .collect(),
        }
    }
}
