//! The standard normal distribution.

use super::special::erfc;

/// P(Z <= z).
pub fn cdf(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

/// The z with P(Z <= z) = p: minus infinity at 0, infinity at 1, NaN outside [0, 1].
///
/// Acklam's rational approximation (2003), then one Halley step on [`cdf`]: about 1e-13.
pub fn quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    // The upper half by symmetry: there 1 - p has lost its small digits already.
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    let z = acklam(p);
    let e = (cdf(z) - p) * (2.0 * std::f64::consts::PI).sqrt() * (z * z / 2.0).exp();
    z - e / (1.0 + z * e / 2.0)
}

fn poly(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| sum * x + c)
}

/// First guess for p <= 0.5, relative error 1.15e-9.
fn acklam(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    if p < 0.024_25 {
        let q = (-2.0 * p.ln()).sqrt();
        poly(&C, q) / poly(&D, q)
    } else {
        let q = p - 0.5;
        poly(&A, q * q) * q / poly(&B, q * q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.12, `scipy.stats.norm`.
    #[test]
    fn values_agree_with_scipy() {
        for (z, p) in [
            (-6.0, 9.865_876_450_376_946e-10),
            (-1.96, 0.024_997_895_148_220_435),
            (0.1, 0.539_827_837_277_029),
            (2.5, 0.993_790_334_674_223_8),
        ] {
            assert!((cdf(z) / p - 1.0).abs() < 1e-12, "cdf({z}) = {}", cdf(z));
        }
        for (p, z) in [
            (1e-10, -6.361_340_902_404_056),
            (0.025, -1.959_963_984_540_054_5),
            (0.5, 0.0),
            (0.9, 1.281_551_565_544_600_4),
            (0.999, 3.090_232_306_167_813),
        ] {
            assert!((quantile(p) - z).abs() < 1e-11, "quantile({p}) = {}", quantile(p));
        }
    }

    #[test]
    fn outside_of_probability_there_is_no_quantile() {
        assert!(quantile(-0.1).is_nan() && quantile(1.1).is_nan() && quantile(f64::NAN).is_nan());
        assert_eq!(quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(quantile(1.0), f64::INFINITY);
    }
}
