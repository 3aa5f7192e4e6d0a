//! Cohen's kappa of two raters, and its mean over all pairs of raters.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Ratings;
use crate::stats::bootstrap::Resampling;
use crate::stats::stream::Stream;
use crate::stats::{Estimate, Undefined};

/// What two different scores cost, by the scores themselves: on a scale of equal steps that is the
/// answer of any table of categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KappaWeights {
    /// All disagreements alike (Cohen 1960).
    Unweighted,
    /// By their distance.
    Linear,
    /// By its square (Cohen 1968).
    Quadratic,
}

impl KappaWeights {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unweighted, Self::Linear, Self::Quadratic];

    /// Name for tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unweighted => "kappa-pairs",
            Self::Linear => "kappa-pairs-linear",
            Self::Quadratic => "kappa-pairs-quadratic",
        }
    }

    fn cost(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Unweighted => f64::from(u8::from(a != b)),
            Self::Linear => (a - b).abs(),
            Self::Quadratic => (a - b).powi(2),
        }
    }
}

/// Kappa of two raters' scores on the same units: 1 - observed cost / cost by chance.
///
/// # Errors
/// Sides of different lengths, fewer than two units, all scores of both raters the same, too many
/// different scores.
pub fn cohen_kappa(a: &[f64], b: &[f64], weights: KappaWeights) -> Result<f64, Undefined> {
    Undefined::unless_parallel(a.len(), b.len())?;
    Undefined::unless_enough("units", a.len(), 2)?;
    let rows: Vec<Vec<Option<f64>>> =
        a.iter().zip(b).map(|(x, y)| vec![Some(*x), Some(*y)]).collect();
    let ratings = Ratings::from_rows(None, &rows)?;
    let pairs = Pairs::of(&ratings);
    let means = pairs.means(&vec![1.0; a.len()]);
    means[weights as usize].filter(|m| m.1 > 0).map(|m| m.0).ok_or(Undefined::Unanimous)
}

/// Quadratic weighted kappa (Cohen 1968) of two raters' scores on the same units.
///
/// # Errors
/// As [`cohen_kappa`].
pub fn quadratic_kappa(a: &[f64], b: &[f64]) -> Result<f64, Undefined> {
    cohen_kappa(a, b, KappaWeights::Quadratic)
}

/// Kappa averaged over the pairs of raters.
#[derive(Debug, Clone, PartialEq)]
pub struct PairwiseKappa {
    /// The weights.
    pub weights: KappaWeights,
    /// The mean with its interval over clusters of units, raters kept; or why there is none.
    pub estimate: Result<Estimate, Undefined>,
    /// Pairs of raters that have a kappa: two common units or more, and not all scores the same.
    pub pairs: usize,
    /// Pairs that share a unit and have none.
    pub left_out: usize,
}

/// Most additions of a bootstrap: pairs of raters grow with the square of the raters.
const MOST_WORK: usize = 1_000_000_000;

/// Mean kappa over all pairs of raters under each of the weights, with intervals. `clusters[i]`
/// is the cluster of row `i`, counted from 0. At most `how.draws` draws; fewer where all raters
/// rated all of many units.
///
/// # Errors
/// Clusters that do not match the units, bad resampling parameters.
pub fn pairwise_kappa(
    ratings: &Ratings,
    clusters: &[usize],
    unit: &str,
    how: &Resampling,
) -> Result<Vec<PairwiseKappa>, Undefined> {
    how.check()?;
    Undefined::unless_parallel(ratings.units(), clusters.len())?;
    let pairs = Pairs::of(ratings);
    let groups = clusters.iter().max().map_or(0, |most| most + 1);
    let whole = pairs.means(&vec![1.0; ratings.units()]);
    let draws = how.draws.min((MOST_WORK / pairs.cells.len().max(1)).max(200));
    let drawn: Vec<[f64; 3]> = if whole.iter().all(|m| m.is_none_or(|m| m.1 == 0)) {
        Vec::new()
    } else {
        (0..draws)
            .into_par_iter()
            .map(|draw| {
                let mut stream = Stream::of(how.seed, draw);
                let mut times = vec![0.0; groups];
                (0..groups).for_each(|_| times[stream.below(groups)] += 1.0);
                let weight: Vec<f64> = clusters.iter().map(|c| times[*c]).collect();
                pairs.means(&weight).map(|m| m.filter(|m| m.1 > 0).map_or(f64::NAN, |m| m.0))
            })
            .collect()
    };
    let shared = pairs.starts.len() - 1;
    Ok(KappaWeights::ALL
        .into_iter()
        .map(|weights| {
            let at = weights as usize;
            let (value, defined) = whole[at].unwrap_or((f64::NAN, 0));
            let estimate = if ratings.raters() < 2 {
                let have = ratings.raters();
                Err(Undefined::TooFew { unit: "raters", have, need: 2 })
            } else if shared == 0 {
                Err(Undefined::NoPairs)
            } else if defined == 0 {
                Err(Undefined::Unanimous)
            } else {
                let column: Vec<f64> = drawn.iter().map(|d| d[at]).collect();
                Ok(Estimate::from_draws(value, &column, how.level, groups, unit))
            };
            PairwiseKappa { weights, estimate, pairs: defined, left_out: shared - defined }
        })
        .collect())
}

/// Common units of each pair of raters that has any.
struct Pairs<'a> {
    x: &'a [f64],
    /// (unit, category of one, category of the other), pair after pair.
    cells: Vec<(u32, u8, u8)>,
    /// Where each pair starts, and the end.
    starts: Vec<usize>,
}

impl<'a> Pairs<'a> {
    fn of(ratings: &'a Ratings) -> Self {
        let (mut cells, mut starts) = (Vec::new(), vec![0]);
        for i in 0..ratings.raters() {
            for j in i + 1..ratings.raters() {
                let both = (0..ratings.units()).filter_map(|u| {
                    Some((u as u32, ratings.category(u, i)?, ratings.category(u, j)?))
                });
                cells.extend(both);
                if starts.last() != Some(&cells.len()) {
                    starts.push(cells.len());
                }
            }
        }
        Self { x: ratings.categories(), cells, starts }
    }

    /// By weights: the mean over pairs and how many pairs have a kappa. Each unit counts `times`.
    fn means(&self, times: &[f64]) -> [Option<(f64, usize)>; 3] {
        let q = self.x.len();
        let mut table = vec![0.0; q * q];
        let (mut sum, mut count) = ([0.0; 3], [0usize; 3]);
        for pair in self.starts.windows(2) {
            let cells = &self.cells[pair[0]..pair[1]];
            // one unit drawn twice is still one unit: such pairs have no kappa in the estimate either
            if cells.iter().filter(|(u, ..)| times[*u as usize] > 0.0).nth(1).is_none() {
                continue;
            }
            table.fill(0.0);
            for (u, a, b) in cells {
                table[usize::from(*a) * q + usize::from(*b)] += times[*u as usize];
            }
            for (at, kappa) in self.kappas(&table).into_iter().enumerate() {
                if let Some(kappa) = kappa {
                    sum[at] += kappa;
                    count[at] += 1;
                }
            }
        }
        std::array::from_fn(|at| (count[at] > 0).then(|| (sum[at] / count[at] as f64, count[at])))
    }

    fn kappas(&self, table: &[f64]) -> [Option<f64>; 3] {
        let q = self.x.len();
        let n: f64 = table.iter().sum();
        if n < 2.0 {
            return [None; 3];
        }
        let row: Vec<f64> = table.chunks(q).map(|r| r.iter().sum()).collect();
        let column: Vec<f64> = (0..q).map(|b| (0..q).map(|a| table[a * q + b]).sum()).collect();
        KappaWeights::ALL.map(|weights| {
            let (mut observed, mut expected) = (0.0, 0.0);
            for a in (0..q).filter(|a| row[*a] > 0.0) {
                for b in 0..q {
                    let cost = weights.cost(self.x[a], self.x[b]);
                    observed += cost * table[a * q + b];
                    expected += cost * row[a] * column[b];
                }
            }
            (expected > 0.0).then(|| 1.0 - n * observed / expected)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [f64; 10] = [1., 2., 3., 4., 5., 3., 2., 4., 5., 1.];
    const B: [f64; 10] = [1., 2., 4., 4., 5., 2., 2., 5., 5., 2.];

    /// scikit-learn 1.9.1: `cohen_kappa_score(a, b, weights=..)`.
    #[test]
    fn kappas_agree_with_scikit_learn() {
        for (weights, want) in [
            (KappaWeights::Unweighted, 0.5),
            (KappaWeights::Linear, 0.756_097_560_975_609_8),
            (KappaWeights::Quadratic, 0.904_761_904_761_904_8),
        ] {
            let have = cohen_kappa(&A, &B, weights).unwrap();
            assert!((have - want).abs() < 1e-12, "{weights:?}: {have}");
            assert_eq!(cohen_kappa(&B, &A, weights), Ok(have));
            assert_eq!(cohen_kappa(&A, &A, weights), Ok(1.0));
        }
        assert_eq!(quadratic_kappa(&A, &B), cohen_kappa(&A, &B, KappaWeights::Quadratic));
    }

    /// Of 30 raters every three share an item: most pairs share one or two. An item that is drawn
    /// twice is still one, else intervals lie beside their estimate.
    #[test]
    fn an_interval_over_thin_pairs_holds_its_estimate() {
        let mut dice = crate::stats::dice::Dice::new(5, &["thin"]);
        let rows: Vec<Vec<Option<f64>>> = (0..300)
            .map(|_| {
                let truth = 1 + dice.below(5);
                let mut row = vec![None; 30];
                let mut who: Vec<usize> = (0..30).collect();
                dice.shuffle(&mut who);
                for r in who.into_iter().take(3) {
                    row[r] = Some((truth + dice.below(2)).min(5) as f64);
                }
                row
            })
            .collect();
        let ratings = Ratings::from_rows(None, &rows).unwrap();
        let clusters: Vec<usize> = (0..300).collect();
        let how = Resampling { draws: 200, ..Resampling::default() };
        for found in pairwise_kappa(&ratings, &clusters, "item", &how).unwrap() {
            let estimate = found.estimate.unwrap();
            let (value, ends) = (estimate.value, estimate.interval.unwrap());
            assert!(ends.lo < value && value < ends.hi, "{value} in {ends:?}");
        }
    }

    #[test]
    fn unanimous_or_unmatched_scores_have_no_kappa() {
        assert_eq!(quadratic_kappa(&[3.0; 5], &[3.0; 5]), Err(Undefined::Unanimous));
        assert!(quadratic_kappa(&[1.0, 2.0], &[1.0]).is_err());
        assert!(quadratic_kappa(&[1.0], &[1.0]).is_err());
        assert!(quadratic_kappa(&[1.0, f64::NAN], &[1.0, 2.0]).is_err());
        // Two constant raters who differ: observed equals chance, kappa 0.
        assert!(quadratic_kappa(&[3.0; 5], &[4.0; 5]).unwrap().abs() < 1e-12);
    }

    #[test]
    fn the_mean_over_pairs_is_that_of_the_pairs_by_hand_and_gaps_shrink_their_units() {
        let c: [Option<f64>; 10] = std::array::from_fn(|i| (i % 3 > 0).then(|| A[9 - i]));
        let rows: Vec<Vec<Option<f64>>> =
            (0..10).map(|i| vec![Some(A[i]), Some(B[i]), c[i]]).collect();
        let ratings = Ratings::from_rows(None, &rows).unwrap();
        let clusters: Vec<usize> = (0..10).map(|i| i / 2).collect();
        let how = Resampling { draws: 200, ..Resampling::default() };
        let all = pairwise_kappa(&ratings, &clusters, "seed", &how).unwrap();
        for k in all {
            let with = |x: &[f64]| {
                let both: (Vec<f64>, Vec<f64>) =
                    (0..10).filter_map(|i| Some((x[i], c[i]?))).unzip();
                cohen_kappa(&both.0, &both.1, k.weights).unwrap()
            };
            let by_hand = (cohen_kappa(&A, &B, k.weights).unwrap() + with(&A) + with(&B)) / 3.0;
            let estimate = k.estimate.unwrap();
            assert!((estimate.value - by_hand).abs() < 1e-12, "{:?}", k.weights);
            assert_eq!((k.pairs, k.left_out, estimate.n), (3, 0, 5));
            let i = estimate.interval.unwrap();
            assert!(i.lo < estimate.value && estimate.value < i.hi, "{i:?}");
        }
    }

    #[test]
    fn pairs_without_a_kappa_are_counted_and_none_at_all_is_said() {
        let how = Resampling { draws: 50, ..Resampling::default() };
        let of = |rows: &[Vec<Option<f64>>]| {
            let clusters: Vec<usize> = (0..rows.len()).collect();
            let r = Ratings::from_rows(Some(&[1.0, 2.0, 3.0]), rows).unwrap();
            pairwise_kappa(&r, &clusters, "item", &how).unwrap().remove(0)
        };
        let s = |x: f64| Some(x);
        // two always say 3, the third differs: one pair of three has no kappa
        let k =
            of(&[vec![s(3.), s(3.), s(1.)], vec![s(3.), s(3.), s(3.)], vec![s(3.), s(3.), s(2.)]]);
        assert_eq!((k.pairs, k.left_out), (2, 1));
        assert_eq!(of(&vec![vec![s(3.); 2]; 4]).estimate, Err(Undefined::Unanimous));
        assert_eq!(of(&[vec![s(1.), None], vec![None, s(2.)]]).estimate, Err(Undefined::NoPairs));
        let alone = of(&[vec![s(1.)], vec![s(2.)]]).estimate;
        assert!(matches!(alone, Err(Undefined::TooFew { unit: "raters", .. })));
    }
}
