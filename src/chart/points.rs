//! Curves before they are drawn: smoothed, and thinned without losing a spike.

/// Exponential smoothing, bias-corrected: each value weighs `alpha` times the one after it, and the
/// first value stands for itself. `alpha` 0 changes nothing, 0.9 is a long memory. What is no
/// finite number stays as it is and does not enter the mean.
pub fn smooth(points: &[(f64, f64)], alpha: f64) -> Vec<(f64, f64)> {
    let alpha = if alpha.is_finite() { alpha.clamp(0.0, 0.9999) } else { 0.0 };
    let (mut mean, mut weight) = (0.0, 0.0);
    points
        .iter()
        .map(|&(x, y)| {
            if !y.is_finite() {
                return (x, y);
            }
            mean = alpha * mean + (1.0 - alpha) * y;
            weight = alpha * weight + (1.0 - alpha);
            (x, mean / weight)
        })
        .collect()
}

/// At most the first, the lowest, the highest and the last point of each run of points that fall
/// into one of `width` columns, in their order: a spike of one step stays visible. A run of values
/// that are no finite numbers becomes one of them. Points may go back in x, as after a resume.
pub fn downsample(points: &[(f64, f64)], width: usize) -> Vec<(f64, f64)> {
    let width = width.max(1);
    if points.len() <= width {
        return points.to_vec();
    }
    let axis = super::ticks::Axis::over(points.iter().map(|p| p.0), false);
    let mut out = Vec::with_capacity(points.len().min(width * 4));
    let mut i = 0;
    while i < points.len() {
        let key = key(axis, points[i], width);
        let mut j = i + 1;
        while j < points.len() && self::key(axis, points[j], width) == key {
            j += 1;
        }
        let run = &points[i..j];
        if run[0].1.is_finite() {
            let by_y = |a: &usize, b: &usize| run[*a].1.total_cmp(&run[*b].1);
            let lo = (0..run.len()).min_by(by_y).unwrap_or(0);
            let hi = (0..run.len()).max_by(by_y).unwrap_or(0);
            let mut keep = [0, lo, hi, run.len() - 1];
            keep.sort_unstable();
            let mut last = usize::MAX;
            for k in keep {
                if k != last {
                    out.push(run[k]);
                }
                last = k;
            }
        } else {
            out.push(run[0]);
        }
        i = j;
    }
    out
}

/// The column of a point and whether it can be drawn.
fn key(axis: super::ticks::Axis, p: (f64, f64), width: usize) -> (Option<usize>, bool) {
    (axis.at(p.0).map(|s| ((s * width as f64) as usize).min(width - 1)), p.1.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_nan_stays_a_nan_and_spoils_nothing_after_it() {
        let s = smooth(&[(0.0, 1.0), (1.0, f64::NAN), (2.0, 1.0)], 0.9);
        assert_eq!(s[0].1, 1.0);
        assert!(s[1].1.is_nan());
        assert!((s[2].1 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_first_smoothed_value_is_the_first_value() {
        let s = smooth(&[(0.0, 4.0), (1.0, 2.0)], 0.5);
        assert_eq!(s[0].1, 4.0);
        // Weights 0.25 and 0.5 of 0.75.
        assert!((s[1].1 - (0.25 * 4.0 + 0.5 * 2.0) / 0.75).abs() < 1e-12);
        assert_eq!(smooth(&[(0.0, 4.0), (1.0, 2.0)], 0.0)[1].1, 2.0);
    }

    #[test]
    fn a_spike_in_a_hundred_thousand_points_stays() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|i| (f64::from(i), 1.0)).collect();
        points[54_321].1 = 99.0;
        points[77_777].1 = f64::NAN;
        let thin = downsample(&points, 100);
        assert!(thin.len() <= 410, "{}", thin.len());
        assert!(thin.iter().any(|p| p.1 == 99.0));
        assert!(thin.iter().any(|p| p.1.is_nan()));
    }

    proptest! {
        #[test]
        fn thinning_keeps_the_ends_and_the_extremes(
            ys in prop::collection::vec(-1e3f64..1e3, 1..500), width in 0usize..50
        ) {
            let points: Vec<_> = ys.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
            let thin = downsample(&points, width);
            prop_assert_eq!(thin.first(), points.first());
            prop_assert_eq!(thin.last(), points.last());
            let max = |p: &[(f64, f64)]| p.iter().map(|p| p.1).fold(f64::MIN, f64::max);
            prop_assert_eq!(max(&thin), max(&points));
        }
    }
}
