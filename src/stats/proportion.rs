//! Intervals of a proportion.

use super::{Estimate, Interval, Undefined, normal};

/// Wilson's score interval of `successes` out of `n` (Wilson 1927; Brown, Cai and DasGupta 2001
/// recommend it for small n). Never leaves [0, 1] and never has width 0.
///
/// # Errors
/// No trials, more successes than trials, or a level outside (0, 1).
pub fn wilson(successes: u64, n: u64, level: f64, unit: &str) -> Result<Estimate, Undefined> {
    Undefined::unless_enough("trials", n as usize, 1)?;
    if successes > n {
        return Err(Undefined::BadParameter {
            what: "successes",
            value: successes.to_string(),
            expected: "at most the number of trials",
        });
    }
    let level_ok = level > 0.0 && level < 1.0;
    if !level_ok {
        return Err(Undefined::BadParameter {
            what: "level",
            value: level.to_string(),
            expected: "a number between 0 and 1, such as 0.95",
        });
    }
    let z = normal::quantile(0.5 + level / 2.0);
    let (k, m) = (successes as f64, n as f64);
    let p = k / m;
    let centre = (p + z * z / (2.0 * m)) / (1.0 + z * z / m);
    let half = z / (1.0 + z * z / m) * (p * (1.0 - p) / m + z * z / (4.0 * m * m)).sqrt();
    // At 0 and n successes the algebra gives the end exactly; rounding does not.
    let lo = if successes == 0 { 0.0 } else { (centre - half).max(0.0) };
    let hi = if successes == n { 1.0 } else { (centre + half).min(1.0) };
    Ok(Estimate {
        value: p,
        interval: Some(Interval { lo, hi, level }),
        n: n as usize,
        unit: unit.to_owned(),
        draws: 0,
        degenerate: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.12, `binomtest(k, n).proportion_ci(method="wilson")`.
    #[test]
    fn the_wilson_interval_agrees_with_scipy() {
        for (k, n, lo, hi) in [
            (95, 100, 0.888_249_530_768_080_9, 0.978_456_320_845_632),
            (0, 10, 0.0, 0.277_532_799_862_889_26),
            (10, 10, 0.722_467_200_137_110_9, 1.0),
            (3, 7, 0.158_219_855_251_469_7, 0.749_541_635_472_342_8),
        ] {
            let i = wilson(k, n, 0.95, "sample").unwrap().interval.unwrap();
            assert!((i.lo - lo).abs() < 1e-12 && (i.hi - hi).abs() < 1e-12, "{k}/{n}: {i:?}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(wilson(0, 0, 0.95, "x").is_err());
        assert!(wilson(3, 2, 0.95, "x").is_err());
        assert!(wilson(1, 2, 1.0, "x").is_err());
        assert!(wilson(1, 2, f64::NAN, "x").is_err());
    }
}
