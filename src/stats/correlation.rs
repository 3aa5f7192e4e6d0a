//! Correlation of two parallel series.

use super::Undefined;

fn check(a: &[f64], b: &[f64]) -> Result<(), Undefined> {
    Undefined::unless_parallel(a.len(), b.len())?;
    Undefined::unless_enough("values", a.len(), 2)?;
    Undefined::unless_finite(a)?;
    Undefined::unless_finite(b)
}

/// Pearson's product-moment correlation: -1 to 1.
pub fn pearson(a: &[f64], b: &[f64]) -> Result<f64, Undefined> {
    check(a, b)?;
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma).powi(2);
        bb += (y - mb).powi(2);
    }
    if aa <= n * (ma * 1e-14).powi(2) || bb <= n * (mb * 1e-14).powi(2) {
        return Err(Undefined::NoVariance);
    }
    Ok((ab / (aa * bb).sqrt()).clamp(-1.0, 1.0))
}

/// Ranks from 1, ties at their mean.
pub fn ranks(x: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&i, &j| x[i].total_cmp(&x[j]));
    let mut rank = vec![0.0; x.len()];
    let mut before = 0;
    for group in order.chunk_by(|&i, &j| x[i] == x[j]) {
        let mean = before as f64 + f64::midpoint(group.len() as f64, 1.0);
        for &i in group {
            rank[i] = mean;
        }
        before += group.len();
    }
    rank
}

/// Spearman's rho: the correlation of ranks, ties at their mean.
pub fn spearman(a: &[f64], b: &[f64]) -> Result<f64, Undefined> {
    check(a, b)?;
    pearson(&ranks(a), &ranks(b))
}

/// Kendall's tau-b (Kendall 1945), which allows for ties. Time grows with the square of n.
pub fn kendall_tau_b(a: &[f64], b: &[f64]) -> Result<f64, Undefined> {
    check(a, b)?;
    let (mut balance, mut untied_a, mut untied_b) = (0i64, 0u64, 0u64);
    for i in 1..a.len() {
        for j in 0..i {
            let (x, y) = (order(a[i], a[j]), order(b[i], b[j]));
            balance += i64::from(x * y);
            untied_a += u64::from(x != 0);
            untied_b += u64::from(y != 0);
        }
    }
    if untied_a == 0 || untied_b == 0 {
        return Err(Undefined::NoVariance);
    }
    Ok(balance as f64 / (untied_a as f64 * untied_b as f64).sqrt())
}

fn order(x: f64, y: f64) -> i32 {
    i32::from(x > y) - i32::from(x < y)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: [f64; 10] = [1., 2., 3., 4., 5., 3., 2., 4., 5., 1.];
    const B: [f64; 10] = [1., 2., 4., 4., 5., 2., 2., 5., 5., 2.];

    /// scipy 1.12: `spearmanr`, `kendalltau`.
    #[test]
    fn rank_correlations_agree_with_scipy() {
        assert!((spearman(&A, &B).unwrap() - 0.916_606_058_602_422).abs() < 1e-12);
        assert!((kendall_tau_b(&A, &B).unwrap() - 0.855_235_974_119_758).abs() < 1e-12);
    }

    #[test]
    fn tied_ranks_are_shared() {
        assert_eq!(ranks(&[10.0, 30.0, 20.0, 20.0]), [1.0, 4.0, 2.5, 2.5]);
        assert!(ranks(&[]).is_empty());
    }

    #[test]
    fn constants_and_odd_lengths_have_no_correlation() {
        for f in [pearson, spearman, kendall_tau_b] {
            assert_eq!(f(&[0.1; 7], &A[..7]), Err(Undefined::NoVariance));
            assert!(matches!(f(&A, &B[1..]), Err(Undefined::LengthMismatch { .. })));
            assert!(matches!(f(&[1.0], &[1.0]), Err(Undefined::TooFew { .. })));
            assert!(matches!(f(&[1.0, f64::NAN], &[1.0, 2.0]), Err(Undefined::NotFinite { .. })));
        }
    }

    proptest! {
        #[test]
        fn order_is_all_that_rank_correlations_see(
            pairs in prop::collection::vec((-20i32..20, -20i32..20), 3..30)
        ) {
            let a: Vec<f64> = pairs.iter().map(|p| f64::from(p.0)).collect();
            let b: Vec<f64> = pairs.iter().map(|p| f64::from(p.1)).collect();
            let stretched: Vec<f64> = a.iter().map(|x| (x / 7.0).exp()).collect();
            let flipped: Vec<f64> = a.iter().map(|x| -x).collect();
            for f in [spearman, kendall_tau_b] {
                match (f(&a, &b), f(&stretched, &b), f(&flipped, &b), f(&b, &a)) {
                    (Ok(x), Ok(y), Ok(z), Ok(w)) => {
                        prop_assert!((x - y).abs() < 1e-9 && (x + z).abs() < 1e-9);
                        prop_assert!((x - w).abs() < 1e-9 && x.abs() <= 1.0 + 1e-12);
                    }
                    (x, y, z, w) => {
                        prop_assert!(x.is_err() && y.is_err() && z.is_err() && w.is_err());
                    }
                }
            }
        }
    }
}
