//! Special functions behind the normal and Student distributions.
//!
//! Lanczos log-gamma (g = 7, 9 terms; Godfrey's coefficients as printed in Numerical Recipes,
//! 3rd ed., 6.1) and Lentz continued fractions for the incomplete beta and gamma functions
//! (same book, 6.4 and 6.2). About 1e-14 relative over the ranges that statistics need.

const LANCZOS: [f64; 9] = [
    0.999_999_999_999_809_9,
    676.520_368_121_885_1,
    -1_259.139_216_722_402_8,
    771.323_428_777_653_1,
    -176.615_029_162_140_6,
    12.507_343_278_686_905,
    -0.138_571_095_265_720_12,
    9.984_369_578_019_572e-6,
    1.505_632_735_149_311_6e-7,
];

/// Natural logarithm of the gamma function, x > 0.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    if x < 0.5 {
        let pi = std::f64::consts::PI;
        return (pi / (pi * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let t = x + 7.5;
    let sum = LANCZOS[1..]
        .iter()
        .enumerate()
        .fold(LANCZOS[0], |sum, (i, c)| sum + c / (x + i as f64 + 1.0));
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// Keeps Lentz's ratios away from a division by zero.
fn nonzero(x: f64) -> f64 {
    if x.abs() < 1e-300 { 1e-300 } else { x }
}

/// Regularised incomplete beta function I_x(a, b), 0 <= x <= 1, a, b > 0.
pub(crate) fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast on one side of the mean; the symmetry serves the other.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    let mut c = 1.0;
    let mut d = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / nonzero(1.0 + even * d);
        c = nonzero(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / nonzero(1.0 + odd * d);
        c = nonzero(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * h / a
}

/// Complementary error function: the incomplete gamma function Q(1/2, x^2) for x >= 0.
pub(crate) fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    let x2 = x * x;
    let front = (-x2).exp() / std::f64::consts::PI.sqrt();
    if x2 < 2.0 {
        // Series of erf: 2x/sqrt(pi) e^{-x^2} sum (2x^2)^n / (2n+1)!!
        let mut term = 1.0;
        let mut sum = 1.0;
        for n in 1..200 {
            term *= 2.0 * x2 / f64::from(2 * n + 1);
            sum += term;
            if term < 1e-17 * sum {
                break;
            }
        }
        return 1.0 - 2.0 * x * front * sum;
    }
    // Continued fraction of Q(a, x) with a = 1/2.
    let mut b = x2 + 0.5;
    let mut c = 1e300;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..500 {
        let i = f64::from(i);
        let an = -i * (i - 0.5);
        b += 2.0;
        d = 1.0 / nonzero(an * d + b);
        c = nonzero(b + an / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * x * h
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_gamma_gives_factorials_and_the_half() {
        let mut ln_factorial = 0.0;
        for n in 1..30 {
            ln_factorial += f64::from(n).ln();
            assert!((ln_gamma(f64::from(n) + 1.0) - ln_factorial).abs() < 1e-11, "{n}");
        }
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-13);
    }

    #[test]
    fn incomplete_beta_meets_its_closed_forms() {
        for x in [0.0, 0.1, 0.5, 0.93, 1.0] {
            assert!((incomplete_beta(1.0, 1.0, x) - x).abs() < 1e-14);
            assert!((incomplete_beta(3.0, 1.0, x) - x.powi(3)).abs() < 1e-14);
            assert!((incomplete_beta(1.0, 4.0, x) - (1.0 - (1.0 - x).powi(4))).abs() < 1e-14);
        }
    }

    #[test]
    fn both_branches_of_erfc_meet() {
        let at = 2f64.sqrt();
        assert!((erfc(at - 1e-9) - erfc(at + 1e-9)).abs() < 1e-9);
        assert!((erfc(0.0) - 1.0).abs() < 1e-16 && (erfc(-40.0) - 2.0).abs() < 1e-16);
    }
}
