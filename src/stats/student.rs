//! Student's t distribution and the one-sided test of a mean.

use serde::{Deserialize, Serialize};

use super::Undefined;
use super::special::incomplete_beta;

/// P(T <= t) with `df` > 0 degrees of freedom (need not be whole).
pub fn cdf(t: f64, df: f64) -> f64 {
    let tail = 0.5 * incomplete_beta(df / 2.0, 0.5, df / (df + t * t));
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// Outcome of a t-test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TTest {
    /// The statistic.
    pub t: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// One-sided p value.
    pub p: f64,
}

/// One-sided one-sample test of `mean(values) < bound`: a small p speaks for the mean being below.
///
/// # Errors
/// Fewer than two values, one not finite, or no variance.
pub fn mean_below(values: &[f64], bound: f64) -> Result<TTest, Undefined> {
    Undefined::unless_enough("values", values.len(), 2)?;
    Undefined::unless_finite(values)?;
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    // Rounding leaves a trace of variance in constant data; it must not become a huge t.
    if variance <= (mean * 1e-14).powi(2) {
        return Err(Undefined::NoVariance);
    }
    let t = (mean - bound) / (variance / n).sqrt();
    Ok(TTest { t, df: n - 1.0, p: cdf(t, n - 1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.12, `scipy.stats.t.cdf`.
    #[test]
    fn the_distribution_agrees_with_scipy() {
        for (t, df, p) in [
            (-2.5, 9.0, 0.016_930_913_841_492_853),
            (0.3, 1.0, 0.592_773_579_077_742_3),
            (1.0, 2.0, 0.788_675_134_594_812_8),
            (2.0, 29.0, 0.972_528_181_408_516_4),
            (5.5, 4.0, 0.997_335_935_787_676_5),
            (-1.2, 200.5, 0.115_777_666_910_679_19),
        ] {
            assert!((cdf(t, df) - p).abs() < 1e-11, "cdf({t}, {df}) = {}", cdf(t, df));
        }
    }

    /// scipy 1.12, `ttest_1samp(x, 0.2, alternative="less")`.
    #[test]
    fn the_one_sided_test_agrees_with_scipy() {
        let r = mean_below(&[0.3, 0.1, -0.2, 0.5, 0.4, 0.25, 0.6], 0.2).unwrap();
        assert!((r.t - 0.777_170_087_191_958_7).abs() < 1e-12);
        assert!((r.p - 0.766_707_587_301_448).abs() < 1e-12);
        assert_eq!(r.df, 6.0);
    }

    #[test]
    fn constant_data_has_no_test() {
        assert_eq!(mean_below(&[0.1; 9], 0.0), Err(Undefined::NoVariance));
        assert!(matches!(mean_below(&[1.0], 0.0), Err(Undefined::TooFew { .. })));
        assert!(matches!(mean_below(&[1.0, f64::NAN], 0.0), Err(Undefined::NotFinite { .. })));
    }
}
