//! Adjusted p values: compare each with alpha as if it were the only one.

use crate::stats::Undefined;

fn check(p: &[f64]) -> Result<Vec<usize>, Undefined> {
    if let Some(x) = p.iter().find(|x| !(0.0..=1.0).contains(*x)) {
        return Err(Undefined::BadParameter {
            what: "p value",
            value: x.to_string(),
            expected: "a number from 0 to 1",
        });
    }
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| p[i].total_cmp(&p[j]));
    Ok(order)
}

/// Holm's step-down adjustment (1979): controls the chance of any false claim in the table.
///
/// # Errors
/// A p value outside [0, 1].
pub fn holm(p: &[f64]) -> Result<Vec<f64>, Undefined> {
    let order = check(p)?;
    let mut adjusted = vec![0.0; p.len()];
    let mut least = 0.0f64;
    for (step, &i) in order.iter().enumerate() {
        least = least.max(p[i] * (p.len() - step) as f64).min(1.0);
        adjusted[i] = least;
    }
    Ok(adjusted)
}

/// Benjamini and Yekutieli's step-up adjustment (2001): controls the expected share of false
/// claims under any dependence.
///
/// # Errors
/// A p value outside [0, 1].
pub fn benjamini_yekutieli(p: &[f64]) -> Result<Vec<f64>, Undefined> {
    let order = check(p)?;
    let m = p.len() as f64;
    let harmonic: f64 = (1..=p.len()).map(|i| 1.0 / i as f64).sum();
    let mut adjusted = vec![0.0; p.len()];
    let mut most = 1.0f64;
    for (step, &i) in order.iter().enumerate().rev() {
        most = most.min(p[i] * m * harmonic / (step + 1) as f64);
        adjusted[i] = most;
    }
    Ok(adjusted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn holm_multiplies_step_by_step_and_keeps_the_order() {
        // By hand: .005 x 4, .01 x 3, .03 x 2, then .04 x 1 = .04 is raised to the .06 before it.
        let a = holm(&[0.01, 0.04, 0.03, 0.005]).unwrap();
        for (x, y) in a.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((x - y).abs() < 1e-12, "{a:?}");
        }
        assert_eq!(holm(&[]).unwrap(), Vec::<f64>::new());
    }

    /// scipy 1.12: `false_discovery_control(p, method="by")`.
    #[test]
    fn benjamini_yekutieli_agrees_with_scipy() {
        let a = benjamini_yekutieli(&[0.01, 0.02, 0.03, 0.5]).unwrap();
        for (x, y) in a.iter().zip([0.083_333_33, 0.083_333_33, 0.083_333_33, 1.0]) {
            assert!((x - y).abs() < 1e-8, "{a:?}");
        }
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(holm(&[0.5, bad]).is_err() && benjamini_yekutieli(&[bad]).is_err());
        }
    }

    proptest! {
        #[test]
        fn adjustment_never_lowers_a_p_value_nor_changes_their_order(
            p in prop::collection::vec(0.0..=1.0f64, 1..20)
        ) {
            for a in [holm(&p).unwrap(), benjamini_yekutieli(&p).unwrap()] {
                for i in 0..p.len() {
                    prop_assert!(a[i] >= p[i] - 1e-15 && a[i] <= 1.0);
                    for j in 0..p.len() {
                        prop_assert!(p[i] > p[j] || a[i] <= a[j] + 1e-15);
                    }
                }
            }
        }
    }
}
