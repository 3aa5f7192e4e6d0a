//! The paired sign-flip test: were the two sides exchangeable, each difference could as well have
//! had the other sign (Fisher 1935; Good 2005, chapter 3).

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::stats::Undefined;
use crate::stats::stream::Stream;

/// Up to so many differences that are not zero, all 2^n sign patterns are enumerated.
const EXACT_UP_TO: usize = 16;

/// What would speak against equality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alternative {
    /// A difference in either direction.
    TwoSided,
    /// A mean difference above zero.
    Greater,
}

/// Outcome of the test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SignFlip {
    /// Mean difference.
    pub mean: f64,
    /// p value. Never 0: the observed pattern is one of those counted.
    pub p: f64,
    /// True when every sign pattern was enumerated.
    pub exact: bool,
    /// Patterns counted (2^n) or random flips drawn.
    pub flips: usize,
}

/// Tests whether paired differences are centred on zero. Differences of zero take no part in the
/// enumeration (their sign changes nothing). Where units share a text or a seed, give
/// [`sums_by_cluster`] instead of single differences: then whole clusters flip.
///
/// `flips` random patterns (10,000 or more) are drawn with `seed` where enumeration is too long;
/// p is then (hits + 1) / (flips + 1).
///
/// # Errors
/// No differences, one not finite, or no flips.
pub fn sign_flip(
    differences: &[f64],
    alternative: Alternative,
    flips: usize,
    seed: u64,
) -> Result<SignFlip, Undefined> {
    Undefined::unless_enough("pairs", differences.len(), 1)?;
    Undefined::unless_finite(differences)?;
    Undefined::unless_enough("sign flips", flips, 1)?;
    let mean = differences.iter().sum::<f64>() / differences.len() as f64;
    let moving: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let observed: f64 = moving.iter().sum();
    // Patterns with equal sums in theory differ by rounding: count them as hits.
    let slack = 1e-12 * moving.iter().map(|d| d.abs()).sum::<f64>();
    let hit = |sum: f64| match alternative {
        Alternative::TwoSided => sum.abs() >= observed.abs() - slack,
        Alternative::Greater => sum >= observed - slack,
    };
    if moving.len() <= EXACT_UP_TO {
        let patterns = 1usize << moving.len();
        let hits = (0..patterns).filter(|pattern| hit(flipped(&moving, *pattern as u64))).count();
        let p = hits as f64 / patterns as f64;
        return Ok(SignFlip { mean, p, exact: true, flips: patterns });
    }
    let hits = (0..flips)
        .into_par_iter()
        .filter(|draw| {
            let mut stream = Stream::of(seed, *draw);
            hit(moving.chunks(64).map(|part| flipped(part, stream.bits())).sum())
        })
        .count();
    Ok(SignFlip { mean, p: (hits + 1) as f64 / (flips + 1) as f64, exact: false, flips })
}

/// Sum with the sign of value `i` turned where bit `i` is set.
fn flipped(values: &[f64], bits: u64) -> f64 {
    values.iter().enumerate().map(|(i, v)| if bits >> i & 1 == 1 { -v } else { *v }).sum()
}

/// Sums of the values of each cluster, in the order of the clusters' names.
///
/// # Errors
/// Sides of different lengths.
pub fn sums_by_cluster<C: Ord>(values: &[f64], clusters: &[C]) -> Result<Vec<f64>, Undefined> {
    Undefined::unless_parallel(values.len(), clusters.len())?;
    let mut sums: BTreeMap<&C, f64> = BTreeMap::new();
    for (v, c) in values.iter().zip(clusters) {
        *sums.entry(c).or_default() += v;
    }
    Ok(sums.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: [f64; 7] = [0.3, 0.1, -0.2, 0.5, 0.4, 0.25, 0.6];

    /// scipy 1.12: `permutation_test((x,), mean, permutation_type="samples")`.
    #[test]
    fn the_exact_test_agrees_with_scipy() {
        let r = sign_flip(&X, Alternative::TwoSided, 10_000, 0).unwrap();
        assert!(r.exact && r.flips == 128 && (r.p - 0.046_875).abs() < 1e-12, "{r:?}");
        let one = sign_flip(&X, Alternative::Greater, 10_000, 0).unwrap();
        assert!((one.p - 0.023_437_5).abs() < 1e-12);
        let minus: Vec<f64> = X.iter().map(|x| -x).collect();
        assert_eq!(sign_flip(&minus, Alternative::TwoSided, 1, 0).unwrap().p, r.p);
    }

    #[test]
    fn zeros_change_nothing_and_nothing_but_zeros_is_no_evidence() {
        let padded: Vec<f64> = X.iter().copied().chain([0.0; 30]).collect();
        let r = sign_flip(&padded, Alternative::TwoSided, 10_000, 0).unwrap();
        assert!(r.exact && (r.p - 0.046_875).abs() < 1e-12);
        assert_eq!(sign_flip(&[0.0; 4], Alternative::TwoSided, 10, 0).unwrap().p, 1.0);
    }

    #[test]
    fn random_flips_approach_the_exact_answer_and_repeat_themselves() {
        // 20 differences of +-1, 15 positive: the binomial sign test, two-sided p = .041389.
        let x: Vec<f64> = (0..20).map(|i| if i < 15 { 1.0 } else { -1.0 }).collect();
        let r = sign_flip(&x, Alternative::TwoSided, 100_000, 3).unwrap();
        assert!(!r.exact && (r.p - 0.041_389).abs() < 0.003, "{r:?}");
        assert_eq!(r, sign_flip(&x, Alternative::TwoSided, 100_000, 3).unwrap());
    }

    #[test]
    fn a_random_test_never_says_zero() {
        let r = sign_flip(&[1.0; 200], Alternative::TwoSided, 999, 0).unwrap();
        assert!((r.p - 0.001).abs() < 1e-12);
    }

    #[test]
    fn clusters_flip_as_one() {
        let values: Vec<f64> = (0..40).map(|i| if i < 20 { 0.2 } else { 0.1 }).collect();
        let clusters: Vec<usize> = (0..40).map(|i| i / 10).collect();
        let sums = sums_by_cluster(&values, &clusters).unwrap();
        assert_eq!(sums.len(), 4);
        // Four clusters, all positive: 2 of 16 patterns.
        let r = sign_flip(&sums, Alternative::TwoSided, 10_000, 0).unwrap();
        assert!((r.p - 0.125).abs() < 1e-12);
        assert!(sums_by_cluster(&values, &clusters[1..]).is_err());
    }

    #[test]
    fn bad_input_is_refused() {
        for bad in [&[][..], &[f64::NAN], &[f64::INFINITY, 1.0]] {
            assert!(sign_flip(bad, Alternative::TwoSided, 100, 0).is_err());
        }
        assert!(sign_flip(&[1.0], Alternative::TwoSided, 0, 0).is_err());
    }
}
