//! Shares into whole answers: largest remainder.

use crate::domain::Distribution;

/// `k` answers by rank whose counts are nearest to the shares (largest-remainder apportionment,
/// Hamilton's method). Ties go to the lower rank. The counts sum to `k` exactly.
pub fn largest_remainder(shares: &Distribution, k: u32) -> Vec<u32> {
    let exact: Vec<f64> = shares.shares().iter().map(|p| p * f64::from(k)).collect();
    // 1e-9: 0.3 * 10 is 2.9999999999999996 and means 3.
    let mut counts: Vec<u32> = exact.iter().map(|x| (x + 1e-9).floor() as u32).collect();
    let given: u32 = counts.iter().sum();
    let mut by_remainder: Vec<usize> = (0..exact.len()).collect();
    by_remainder.sort_by(|&a, &b| {
        let r = |i: usize| exact[i] - f64::from(counts[i]);
        let (ra, rb) = (r(a), r(b));
        if (ra - rb).abs() < 1e-9 { a.cmp(&b) } else { rb.total_cmp(&ra) }
    });
    for &i in by_remainder.iter().take(k.saturating_sub(given) as usize) {
        counts[i] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_are_nearest_and_ties_go_down() {
        let d = |w: &[f64]| Distribution::from_weights(w).unwrap();
        assert_eq!(largest_remainder(&d(&[0.3, 0.7]), 10), [3, 7]);
        assert_eq!(largest_remainder(&d(&[1.0, 1.0, 1.0]), 10), [4, 3, 3]);
        assert_eq!(largest_remainder(&d(&[0.05, 0.95]), 1), [0, 1]);
        assert_eq!(largest_remainder(&d(&[0.5, 0.5]), 0), [0, 0]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_share_is_off_by_one_or_more(
            w in proptest::collection::vec(0.0f64..10.0, 2..10), k in 0u32..200
        ) {
            prop_assume!(w.iter().sum::<f64>() > 0.0);
            let d = Distribution::from_weights(&w).unwrap();
            let counts = largest_remainder(&d, k);
            prop_assert_eq!(counts.iter().sum::<u32>(), k);
            for (c, p) in counts.iter().zip(d.shares()) {
                prop_assert!((f64::from(*c) - p * f64::from(k)).abs() < 1.0 + 1e-6);
            }
        }
    }
}
