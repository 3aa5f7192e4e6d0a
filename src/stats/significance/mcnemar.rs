//! McNemar's test for paired right and wrong answers, exact (McNemar 1947; the binomial form).

use crate::stats::Undefined;
use crate::stats::special::ln_gamma;

/// Two-sided p that the items on which two answerers part are split evenly: `only_a` were right
/// for the first alone, `only_b` for the second alone. Without any such item nothing speaks
/// against equality, and p is 1.
///
/// # Errors
/// None in practice; the sum of both must be below 2^53.
pub fn mcnemar(only_a: u64, only_b: u64) -> Result<f64, Undefined> {
    let n = only_a.checked_add(only_b).filter(|n| *n < 1 << 53).ok_or_else(|| {
        Undefined::BadParameter {
            what: "discordant pairs",
            value: format!("{only_a} and {only_b}"),
            expected: "fewer than 2^53",
        }
    })?;
    if n == 0 || only_a == only_b {
        return Ok(1.0);
    }
    let m = n as f64;
    let ln_half = -m * std::f64::consts::LN_2;
    let term = |k: u64| {
        let k = k as f64;
        (ln_gamma(m + 1.0) - ln_gamma(k + 1.0) - ln_gamma(m - k + 1.0) + ln_half).exp()
    };
    let mut tail = 0.0;
    // From the middle outwards terms shrink: stop where they no longer count.
    for k in (0..=only_a.min(only_b)).rev() {
        let t = term(k);
        tail += t;
        if t < tail * 1e-17 {
            break;
        }
    }
    Ok((2.0 * tail).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 2 (1 + 12 + 66 + 220) / 2^12; and scipy 1.12 `binomtest(k, n).pvalue`.
    #[test]
    fn the_exact_test_agrees_with_the_binomial_one() {
        for (a, b, p) in [
            (3, 9, 0.145_996_093_75),
            (9, 3, 0.145_996_093_75),
            (0, 5, 0.0625),
            (0, 0, 1.0),
            (7, 7, 1.0),
            (6, 7, 1.0),
            (40, 60, 0.056_887_933_640_980_84),
        ] {
            let found = mcnemar(a, b).unwrap();
            assert!((found - p).abs() < 1e-9, "{a} {b}: {found}");
        }
        assert!(mcnemar(u64::MAX, 1).is_err());
        let many = mcnemar(100_000, 101_000).unwrap();
        assert!((0.0..0.05).contains(&many), "{many}");
    }
}
