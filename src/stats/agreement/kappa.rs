//! Cohen's kappa of two raters with quadratic weights.

use crate::stats::Undefined;

/// Quadratic weighted kappa (Cohen 1968) of two raters' scores on the same units.
///
/// Weights are squared differences of the scores themselves, so on a scale of equal steps the
/// answer is that of any table of categories: 1 - n sum (a_i - b_i)^2 / sum_ij (a_i - b_j)^2.
///
/// # Errors
/// Sides of different lengths, fewer than two units, or all scores of both raters the same.
pub fn quadratic_kappa(a: &[f64], b: &[f64]) -> Result<f64, Undefined> {
    Undefined::unless_parallel(a.len(), b.len())?;
    Undefined::unless_enough("units", a.len(), 2)?;
    Undefined::unless_finite(a)?;
    Undefined::unless_finite(b)?;
    if a.iter().chain(b).all(|x| *x == a[0]) {
        return Err(Undefined::Unanimous);
    }
    let n = a.len() as f64;
    let observed: f64 = a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>() / n;
    // Chance: the mean of (a_i - b_j)^2 over all i, j is both variances and the gap of the means.
    let mean = |x: &[f64]| x.iter().sum::<f64>() / n;
    let variance = |x: &[f64], m: f64| x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / n;
    let (ma, mb) = (mean(a), mean(b));
    let expected = variance(a, ma) + variance(b, mb) + (ma - mb).powi(2);
    Ok(1.0 - observed / expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn 1.9.1: `cohen_kappa_score(a, b, weights="quadratic")`.
    #[test]
    fn quadratic_kappa_agrees_with_scikit_learn() {
        let a = [1., 2., 3., 4., 5., 3., 2., 4., 5., 1.];
        let b = [1., 2., 4., 4., 5., 2., 2., 5., 5., 2.];
        assert!((quadratic_kappa(&a, &b).unwrap() - 0.904_761_904_761_904_8).abs() < 1e-12);
        assert_eq!(quadratic_kappa(&a, &b), quadratic_kappa(&b, &a));
        assert_eq!(quadratic_kappa(&a, &a), Ok(1.0));
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
}
