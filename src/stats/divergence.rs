//! How far two distributions over the same options are from each other.
//!
//! Every function takes shares by rank, of equal length K >= 2, each summing to 1, and answers
//! [`Undefined`] otherwise. Codes of a scale play no part: ranks do.

use super::Undefined;

/// A share may sum to 1 only within this.
const SUM_TOLERANCE: f64 = 1e-6;
/// Shares closer than this are tied for the mode (as in the domain's `Distribution::modes`).
const TIE: f64 = 1e-12;

fn check(p: &[f64]) -> Result<(), Undefined> {
    Undefined::unless_enough("options", p.len(), 2)?;
    Undefined::unless_finite(p)?;
    if let Some(x) = p.iter().find(|x| **x < 0.0) {
        return Err(Undefined::NotADistribution(format!("a share is {x}")));
    }
    let sum: f64 = p.iter().sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(Undefined::NotADistribution(format!("shares sum to {sum}, expected 1")));
    }
    Ok(())
}

fn check_both(p: &[f64], q: &[f64]) -> Result<(), Undefined> {
    Undefined::unless_parallel(p.len(), q.len())?;
    check(p)?;
    check(q)
}

/// Shannon entropy in bits: 0 to log2 K.
pub fn entropy(p: &[f64]) -> Result<f64, Undefined> {
    check(p)?;
    Ok(p.iter().filter(|x| **x > 0.0).map(|x| -x * x.log2()).sum())
}

/// Jensen-Shannon divergence, base 2: 0 to 1 (Lin 1991).
pub fn jsd(p: &[f64], q: &[f64]) -> Result<f64, Undefined> {
    check_both(p, q)?;
    let part = |x: f64, m: f64| if x > 0.0 { x * (x / m).log2() } else { 0.0 };
    let sum: f64 = p
        .iter()
        .zip(q)
        .map(|(&x, &y)| {
            let m = f64::midpoint(x, y);
            part(x, m) + part(y, m)
        })
        .sum();
    Ok((sum / 2.0).clamp(0.0, 1.0))
}

/// Jensen-Shannon distance, base 2: the square root of [`jsd`], a metric (Endres and Schindelin
/// 2003).
pub fn js_distance(p: &[f64], q: &[f64]) -> Result<f64, Undefined> {
    Ok(jsd(p, q)?.sqrt())
}

/// Earth mover's distance on ranks divided by K - 1: 0 to 1.
pub fn wasserstein_ranks(p: &[f64], q: &[f64]) -> Result<f64, Undefined> {
    check_both(p, q)?;
    Ok(earth_mover(p, q))
}

fn earth_mover(p: &[f64], q: &[f64]) -> f64 {
    let mut carried = 0.0;
    let mut work = 0.0;
    // What is still carried after the last rank is rounding, so it is not counted.
    for (x, y) in p.iter().zip(q).take(p.len() - 1) {
        carried += x - y;
        work += f64::abs(carried);
    }
    work / (p.len() - 1) as f64
}

/// The vote of a distribution for its mode, shared equally among tied modes.
fn modal_vote(p: &[f64]) -> Vec<f64> {
    let top = p.iter().copied().fold(f64::MIN, f64::max);
    let tied = |x: f64| (x - top).abs() < TIE;
    let share = 1.0 / p.iter().filter(|x| tied(**x)).count() as f64;
    p.iter().map(|&x| if tied(x) { share } else { 0.0 }).collect()
}

/// Hard accuracy: 1 where the modal answers are equal, 0 where they differ. Where modes tie, each
/// side's vote is shared equally among its tied modes and the overlap of the votes counts, so a
/// distribution always scores 1 against itself and a uniform one 1/K against a single mode.
pub fn hard_accuracy(p: &[f64], q: &[f64]) -> Result<f64, Undefined> {
    check_both(p, q)?;
    Ok(modal_vote(p).iter().zip(modal_vote(q)).map(|(x, y)| x.min(y)).sum::<f64>().min(1.0))
}

/// Soft accuracy: 1 - |difference of the modes in ranks| / (K - 1). Where modes tie, the
/// difference is the earth mover's distance between the shared votes of [`hard_accuracy`].
pub fn soft_accuracy(p: &[f64], q: &[f64]) -> Result<f64, Undefined> {
    check_both(p, q)?;
    Ok(1.0 - earth_mover(&modal_vote(p), &modal_vote(q)))
}

/// Expected accuracy: the chance that one answer drawn from each agrees, sum p q.
pub fn expected_accuracy(p: &[f64], q: &[f64]) -> Result<f64, Undefined> {
    check_both(p, q)?;
    Ok(p.iter().zip(q).map(|(x, y)| x * y).sum())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Divergence = fn(&[f64], &[f64]) -> Result<f64, Undefined>;
    const ALL: [Divergence; 6] =
        [jsd, js_distance, wasserstein_ranks, hard_accuracy, soft_accuracy, expected_accuracy];

    #[test]
    fn what_is_no_pair_of_distributions_is_refused() {
        let good = [0.5, 0.5];
        for bad in
            [&[0.5, 0.25, 0.25][..], &[0.5, 0.6], &[1.5, -0.5], &[f64::NAN, 1.0], &[], &[1.0]]
        {
            for f in ALL {
                assert!(f(bad, &good).is_err() && f(&good, bad).is_err(), "{bad:?}");
            }
        }
        assert!(jsd(&[1.0], &[1.0]).is_err() && jsd(&[], &[]).is_err());
        assert!(entropy(&[0.2]).is_err());
    }

    /// scipy 1.12: `jensenshannon(p, q, 2)`, `wasserstein_distance`, `entropy(base=2)`.
    #[test]
    fn values_agree_with_scipy() {
        let (p, q) = ([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]);
        let close = |x: Result<f64, Undefined>, y: f64| assert!((x.unwrap() - y).abs() < 1e-12);
        close(js_distance(&p, &q), 0.391_868_160_647_155_13);
        close(jsd(&p, &q), 0.153_560_655_328_984_58);
        close(wasserstein_ranks(&p, &q), 1.0 / 3.0);
        close(entropy(&p), 1.846_439_344_671_015_7);
        let (p, q) = ([0.5, 0.5, 0.0], [0.0, 0.25, 0.75]);
        close(js_distance(&p, &q), 0.809_715_420_521_041_2);
        close(jsd(&p, &q), 0.655_639_062_229_566_6);
        close(wasserstein_ranks(&p, &q), 0.625);
    }

    #[test]
    fn modes_compare_by_rank_and_share_their_ties() {
        // (p, q, hard, soft)
        let table: [(&[f64], &[f64], f64, f64); 5] = [
            (&[0.7, 0.2, 0.1], &[0.6, 0.4, 0.0], 1.0, 1.0),
            (&[0.7, 0.2, 0.1], &[0.1, 0.2, 0.7], 0.0, 0.0),
            (&[0.4, 0.4, 0.2], &[0.8, 0.1, 0.1], 0.5, 0.75),
            (&[0.4, 0.4, 0.2], &[0.4, 0.4, 0.2], 1.0, 1.0),
            (&[0.25, 0.25, 0.25, 0.25], &[0.0, 1.0, 0.0, 0.0], 0.25, 1.0 - 4.0 / 12.0),
        ];
        for (p, q, hard, soft) in table {
            assert!((hard_accuracy(p, q).unwrap() - hard).abs() < 1e-12, "{p:?} {q:?}");
            assert!((soft_accuracy(p, q).unwrap() - soft).abs() < 1e-12, "{p:?} {q:?}");
        }
    }

    #[test]
    fn one_sure_answer_against_another_is_as_far_as_can_be() {
        let (p, q) = ([1.0, 0.0, 0.0], [0.0, 0.0, 1.0]);
        assert_eq!(jsd(&p, &q), Ok(1.0));
        assert_eq!(wasserstein_ranks(&p, &q), Ok(1.0));
        assert_eq!(expected_accuracy(&p, &q), Ok(0.0));
        assert_eq!(entropy(&p), Ok(0.0));
    }

    fn shares(k: usize) -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(0.0..1.0f64, k).prop_filter_map("all zero", |w| {
            let sum: f64 = w.iter().sum();
            (sum > 1e-6).then(|| w.iter().map(|x| x / sum).collect())
        })
    }

    proptest! {
        #[test]
        fn all_are_symmetric_and_stay_between_zero_and_one(
            (p, q) in (2usize..8).prop_flat_map(|k| (shares(k), shares(k)))
        ) {
            for f in ALL {
                let (x, y) = (f(&p, &q).unwrap(), f(&q, &p).unwrap());
                prop_assert!((x - y).abs() < 1e-9);
                prop_assert!((-1e-12..=1.0 + 1e-12).contains(&x));
            }
            prop_assert!(jsd(&p, &p).unwrap() < 1e-12);
            prop_assert!(wasserstein_ranks(&p, &p).unwrap() < 1e-12);
            prop_assert_eq!(hard_accuracy(&p, &p).unwrap(), 1.0);
            prop_assert_eq!(soft_accuracy(&p, &p).unwrap(), 1.0);
        }

        #[test]
        fn the_distance_obeys_the_triangle_inequality(
            p in shares(5), q in shares(5), r in shares(5)
        ) {
            let d = |a: &[f64], b: &[f64]| js_distance(a, b).unwrap();
            prop_assert!(d(&p, &r) <= d(&p, &q) + d(&q, &r) + 1e-9);
        }
    }
}
