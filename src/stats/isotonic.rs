//! Isotonic regression: the nearest curve that never falls (pool adjacent violators; Ayer and others
//! 1955; Barlow and others 1972).

use super::Undefined;

/// Values fitted at each point, in the order given: least squares with these weights among all
/// curves that do not fall with `x`. Points with the same `x` get one value.
///
/// # Errors
/// Sides of different lengths, no points, a number not finite, a weight not above zero.
pub fn isotonic(x: &[f64], y: &[f64], weights: &[f64]) -> Result<Vec<f64>, Undefined> {
    Undefined::unless_parallel(x.len(), y.len())?;
    Undefined::unless_parallel(x.len(), weights.len())?;
    Undefined::unless_enough("points", x.len(), 1)?;
    for side in [x, y, weights] {
        Undefined::unless_finite(side)?;
    }
    if let Some(w) = weights.iter().find(|w| **w <= 0.0) {
        return Err(Undefined::BadParameter {
            what: "weight",
            value: w.to_string(),
            expected: "a number above zero",
        });
    }
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|i, j| x[*i].total_cmp(&x[*j]));
    // (weighted sum, weight, points) of each block; a block that falls below the one before joins it
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for tied in order.chunk_by(|i, j| x[*i] == x[*j]) {
        let weight: f64 = tied.iter().map(|i| weights[*i]).sum();
        let sum: f64 = tied.iter().map(|i| weights[*i] * y[*i]).sum();
        let mut block = (sum, weight, tied.len());
        while let Some(before) = blocks.last()
            && before.0 * block.1 >= block.0 * before.1
        {
            block = (before.0 + block.0, before.1 + block.1, before.2 + block.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    let mut fitted = vec![0.0; x.len()];
    let mut at = 0;
    for (sum, weight, points) in blocks {
        order[at..at + points].iter().for_each(|i| fitted[*i] = sum / weight);
        at += points;
    }
    Ok(fitted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// scikit-learn 1.9.1, `IsotonicRegression().fit_transform(x, y, sample_weight=w)`.
    #[test]
    fn the_curve_agrees_with_scikit_learn() {
        let x = [0.8, 0.82, 0.82, 0.85, 0.9, 0.91, 0.95, 0.97];
        let y = [0.3, 0.1, 0.6, 0.2, 0.9, 0.8, 0.7, 1.0];
        let w = [1.0, 2.0, 1.0, 3.0, 1.0, 1.0, 2.0, 1.0];
        let have = isotonic(&x, &y, &w).unwrap();
        let low = 1.7 / 7.0;
        let want = [low, low, low, low, 0.775, 0.775, 0.775, 1.0];
        for (a, b) in have.iter().zip(want) {
            assert!((a - b).abs() < 1e-12, "{have:?}");
        }
    }

    #[test]
    fn bad_points_are_refused_and_one_point_is_its_own_curve() {
        assert!(isotonic(&[], &[], &[]).is_err());
        assert!(isotonic(&[1.0], &[1.0, 2.0], &[1.0]).is_err());
        assert!(isotonic(&[1.0], &[f64::NAN], &[1.0]).is_err());
        assert!(isotonic(&[1.0], &[1.0], &[0.0]).is_err());
        assert_eq!(isotonic(&[1.0], &[0.5], &[2.0]).unwrap(), [0.5]);
    }

    proptest! {
        #[test]
        fn the_curve_never_falls_keeps_the_mean_and_does_not_depend_on_order(
            points in prop::collection::vec((0u8..20, 0u8..=10, 1u8..5), 1..40)
        ) {
            let x: Vec<f64> = points.iter().map(|p| f64::from(p.0)).collect();
            let y: Vec<f64> = points.iter().map(|p| f64::from(p.1) / 10.0).collect();
            let w: Vec<f64> = points.iter().map(|p| f64::from(p.2)).collect();
            let f = isotonic(&x, &y, &w).unwrap();
            for i in 0..x.len() {
                for j in 0..x.len() {
                    prop_assert!(x[i] > x[j] || f[i] <= f[j] + 1e-12);
                }
            }
            let mean = |v: &[f64]| v.iter().zip(&w).map(|(v, w)| v * w).sum::<f64>();
            prop_assert!((mean(&f) - mean(&y)).abs() < 1e-9);
            let back = |v: &[f64]| -> Vec<f64> { v.iter().rev().copied().collect() };
            let turned = isotonic(&back(&x), &back(&y), &back(&w)).unwrap();
            prop_assert!(f.iter().zip(turned.iter().rev()).all(|(a, b)| (a - b).abs() < 1e-12));
        }
    }
}
