//! Binomial draws in constant time, for multinomial resampling of a small table.

use crate::stats::special::ln_gamma;
use crate::stats::stream::Stream;

/// Draws from Binomial(n, p). Small means by inversion; large ones by transformed rejection with
/// a table mountain (Hörmann 1993, algorithm BTRS), whose time does not grow with n.
pub(super) fn binomial(stream: &mut Stream, n: u64, p: f64) -> u64 {
    if n == 0 || p <= 0.0 {
        return 0;
    }
    if p >= 1.0 {
        return n;
    }
    if p > 0.5 {
        return n - binomial(stream, n, 1.0 - p);
    }
    if n as f64 * p < 10.0 { inversion(stream, n, p) } else { transformed(stream, n as f64, p) }
}

fn inversion(stream: &mut Stream, n: u64, p: f64) -> u64 {
    let odds = p / (1.0 - p);
    let mut chance = (n as f64 * (-p).ln_1p()).exp();
    let mut left = stream.unit();
    let mut k = 0;
    while left > chance && k < n {
        left -= chance;
        k += 1;
        chance *= odds * (n - k + 1) as f64 / k as f64;
    }
    k
}

fn transformed(stream: &mut Stream, n: f64, p: f64) -> u64 {
    let spread = (n * p * (1.0 - p)).sqrt();
    let b = 1.15 + 2.53 * spread;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let c = n * p + 0.5;
    let v_r = 0.92 - 4.2 / b;
    let alpha = (2.83 + 5.1 / b) * spread;
    let ln_odds = (p / (1.0 - p)).ln();
    let mode = ((n + 1.0) * p).floor();
    let peak = ln_gamma(mode + 1.0) + ln_gamma(n - mode + 1.0);
    loop {
        let u = stream.unit() - 0.5;
        let v = stream.unit();
        let us = 0.5 - u.abs();
        let k = ((2.0 * a / us + b) * u + c).floor();
        if us >= 0.07 && v <= v_r {
            return k as u64;
        }
        if k < 0.0 || k > n {
            continue;
        }
        let height = (v * alpha / (a / (us * us) + b)).ln();
        if height <= peak - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0) + (k - mode) * ln_odds {
            return k as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_distribution_in_both_regimes() {
        for (n, p) in [(12u64, 0.3), (40, 0.5), (300, 0.07), (5000, 0.9), (1, 0.5), (100, 0.001)] {
            let mut stream = Stream::of(9, n as usize);
            let draws = 40_000usize;
            let mut hits = vec![0.0f64; n as usize + 1];
            (0..draws).for_each(|_| hits[binomial(&mut stream, n, p) as usize] += 1.0);
            // Chi-square against the exact distribution over values expected at least 10 times.
            let (mut chi, mut cells) = (0.0, 0.0);
            for (k, seen) in hits.iter().enumerate() {
                let k = k as f64;
                let m = n as f64;
                let ln = ln_gamma(m + 1.0) - ln_gamma(k + 1.0) - ln_gamma(m - k + 1.0)
                    + k * p.ln()
                    + (m - k) * (-p).ln_1p();
                let want = draws as f64 * ln.exp();
                if want >= 10.0 {
                    chi += (seen - want).powi(2) / want;
                    cells += 1.0;
                }
            }
            // Mean = cells - 1, standard deviation sqrt(2 cells): five of them leave no accident.
            assert!(chi < cells + 5.0 * (2.0f64 * cells).sqrt(), "n {n} p {p}: {chi} of {cells}");
        }
    }

    #[test]
    fn the_ends_are_certain() {
        let mut s = Stream::of(0, 0);
        assert_eq!((binomial(&mut s, 9, 0.0), binomial(&mut s, 9, 1.0)), (0, 9));
        assert_eq!((binomial(&mut s, 0, 0.5), binomial(&mut s, 9, -0.1)), (0, 0));
    }
}
