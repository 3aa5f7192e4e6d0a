//! Axes: a range that is never empty, round numbers on it, and numbers as short words.

/// A range of values and where on it a value lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    lo: f64,
    hi: f64,
    log: bool,
}

/// Halves before they are subtracted: two finite numbers can lie further apart than `f64::MAX`.
fn share(lo: f64, hi: f64, x: f64) -> f64 {
    let span = hi / 2.0 - lo / 2.0;
    if span > 0.0 { ((x / 2.0 - lo / 2.0) / span).clamp(0.0, 1.0) } else { 0.5 }
}

impl Axis {
    /// Over all finite values (over the positive ones if `log`); 0 to 1 if there is none. Values
    /// that are all equal get room on both sides.
    pub fn over(values: impl Iterator<Item = f64>, log: bool) -> Self {
        let mut range: Option<(f64, f64)> = None;
        for v in values.filter(|v| v.is_finite() && (!log || *v > 0.0)) {
            range = Some(range.map_or((v, v), |(lo, hi)| (lo.min(v), hi.max(v))));
        }
        let (lo, hi) = range.unwrap_or(if log { (0.1, 1.0) } else { (0.0, 1.0) });
        Self::new(lo, hi, log)
    }

    /// From one value to another; if they are equal it is widened.
    pub fn new(lo: f64, hi: f64, log: bool) -> Self {
        let (mut lo, mut hi) = if lo <= hi { (lo, hi) } else { (hi, lo) };
        if lo == hi {
            let room = if lo == 0.0 { 1.0 } else { lo.abs() * 0.1 };
            if log {
                (lo, hi) = (lo / 2.0, hi * 2.0);
            } else {
                (lo, hi) = (lo - room, hi + room);
            }
        }
        if log {
            lo = lo.max(f64::MIN_POSITIVE);
        }
        Self { lo: lo.max(-f64::MAX), hi: hi.min(f64::MAX), log }
    }

    /// With a margin of a share of the range on both sides (not on logarithmic axes).
    #[must_use]
    pub fn padded(self, margin: f64) -> Self {
        if self.log {
            return self;
        }
        let room = (self.hi / 2.0 - self.lo / 2.0) * 2.0 * margin;
        if !room.is_finite() {
            return self;
        }
        Self { lo: (self.lo - room).max(-f64::MAX), hi: (self.hi + room).min(f64::MAX), ..self }
    }

    /// The lower end.
    pub fn lo(self) -> f64 {
        self.lo
    }

    /// The upper end.
    pub fn hi(self) -> f64 {
        self.hi
    }

    /// Where a value lies, from 0 to 1; `None` if it cannot be drawn (no number, infinite, not
    /// positive on a logarithmic axis). What lies outside is put on the edge.
    pub fn at(self, x: f64) -> Option<f64> {
        if !x.is_finite() || (self.log && x <= 0.0) {
            return None;
        }
        Some(if self.log {
            share(self.lo.ln(), self.hi.ln(), x.ln())
        } else {
            share(self.lo, self.hi, x)
        })
    }

    /// At most `count` round values inside of the range, ascending, with their words, which all
    /// differ. Steps are 1, 2 or 5 times a power of ten; powers of ten on logarithmic axes that
    /// are long enough for them.
    pub fn ticks(self, count: usize) -> Vec<(f64, String)> {
        let values = if self.log { self.powers(count) } else { round(self.lo, self.hi, count) };
        let mut words = labels(&values);
        words.dedup_by(|a, b| a.1 == b.1);
        words
    }

    fn powers(self, count: usize) -> Vec<f64> {
        let (a, b) = (self.lo.log10().ceil() as i32, self.hi.log10().floor() as i32);
        if b - a < 1 {
            return round(self.lo, self.hi, count);
        }
        let n = (b - a + 1) as usize;
        let every = n.div_ceil(count.max(1)).max(1);
        (a..=b).step_by(every).map(|e| 10f64.powi(e)).filter(|v| v.is_normal()).collect()
    }
}

/// Multiples of 1, 2 or 5 times a power of ten in a range, at most `count`.
fn round(lo: f64, hi: f64, count: usize) -> Vec<f64> {
    if count == 0 {
        return Vec::new();
    }
    // A quarter of everything, where the range itself would overflow.
    let scale = if (hi - lo).is_finite() { 1.0 } else { 0.25 };
    let (lo, hi) = (lo * scale, hi * scale);
    let rough = (hi - lo) / count as f64;
    if rough <= f64::MIN_POSITIVE || lo + rough <= lo {
        return vec![lo / scale];
    }
    let power = 10f64.powf(rough.log10().floor());
    // The last one is for rounding errors of the power.
    for step in [1.0, 2.0, 5.0, 10.0, 20.0].map(|m| m * power) {
        let first = (lo / step - 1e-9).ceil();
        let last = (hi / step + 1e-9).floor();
        if step < rough * 0.999 && last - first >= count as f64 || !step.is_finite() {
            continue;
        }
        let n = (last - first + 1.0).max(0.0) as usize;
        if n <= count {
            return (0..n).map(|i| (first + i as f64) * step / scale).map(|v| v + 0.0).collect();
        }
    }
    vec![lo / scale]
}

/// Words of ticks of one axis: as many decimals as tell them apart, one suffix for all.
fn labels(values: &[f64]) -> Vec<(f64, String)> {
    let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let step = values.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
    let step = if step.is_finite() && step > 0.0 { step } else { largest };
    if largest == 0.0 {
        return values.iter().map(|v| (*v, "0".to_owned())).collect();
    }
    // Logarithmic ticks have very unlike steps: each gets the decimals that it needs.
    let uneven = values.windows(2).any(|w| w[1] - w[0] > step * 1.5);
    if uneven {
        return values.iter().map(|v| (*v, number(*v))).collect();
    }
    if !(1e-3..1e15).contains(&largest) || values.len() > 1 && largest / step > 1e7 {
        return values.iter().map(|v| (*v, scientific(*v))).collect();
    }
    let (unit, suffix) = match largest {
        l if l >= 1e12 => (1e12, "T"),
        l if l >= 1e9 => (1e9, "G"),
        l if l >= 1e6 => (1e6, "M"),
        l if l >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    if values.len() == 1 {
        return values.iter().map(|v| (*v, number(*v))).collect();
    }
    values
        .iter()
        .map(|v| {
            // A whole step, or one that a rounding error keeps from being whole, needs none.
            let decimals = (-(step / unit).log10() - 1e-6).ceil().clamp(0.0, 9.0) as usize;
            let zero = if *v == 0.0 { "" } else { suffix };
            let decimals = if *v == 0.0 && unit > 1.0 { 0 } else { decimals };
            (*v, format!("{:.decimals$}{zero}", v / unit))
        })
        .collect()
}

/// A value as a short word: four significant digits, suffixes from ten thousand on, powers of ten
/// for what is very large or very small.
pub fn number(v: f64) -> String {
    if !v.is_finite() {
        return if v.is_nan() { "NaN".into() } else { format!("{v}") };
    }
    let a = v.abs();
    let trimmed = |x: f64, decimals: usize| {
        let s = format!("{x:.decimals$}");
        if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_owned() } else { s }
    };
    match a {
        0.0 => "0".into(),
        _ if !(1e-3..1e15).contains(&a) => scientific(v),
        _ if a >= 1e12 => trimmed(v / 1e12, 2) + "T",
        _ if a >= 1e9 => trimmed(v / 1e9, 2) + "G",
        _ if a >= 1e6 => trimmed(v / 1e6, 2) + "M",
        _ if a >= 1e4 => trimmed(v / 1e3, 1) + "k",
        _ if a >= 100.0 => trimmed(v, 1),
        _ if a >= 10.0 => trimmed(v, 2),
        _ if a >= 0.1 => trimmed(v, 3),
        _ => trimmed(v, 5),
    }
}

fn scientific(v: f64) -> String {
    if v == 0.0 {
        return "0".into();
    }
    let s = format!("{v:.2e}");
    match s.split_once('e') {
        Some((m, e)) if m.contains('.') => {
            format!("{}e{e}", m.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => s,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(lo: f64, hi: f64, count: usize) -> Vec<String> {
        Axis::new(lo, hi, false).ticks(count).into_iter().map(|t| t.1).collect()
    }

    #[test]
    fn ranges_that_are_empty_or_too_wide_still_have_ticks() {
        assert!(!words(3.0, 3.0, 4).is_empty());
        assert!(!words(0.0, 0.0, 4).is_empty());
        assert!(!words(-f64::MAX, f64::MAX, 5).is_empty());
        assert!(!words(5e-324, 5e-324, 5).is_empty());
        assert!(words(0.0, 1.0, 0).is_empty());
        assert_eq!(Axis::over([f64::NAN].into_iter(), false).lo(), 0.0);
    }

    #[test]
    fn steps_are_one_two_or_five() {
        assert_eq!(words(0.0, 1.0, 6), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(words(0.0, 100.0, 4), ["0", "50", "100"]);
        assert_eq!(words(0.0, 20_000.0, 5), ["0", "5k", "10k", "15k", "20k"]);
        assert_eq!(words(0.0, 1e-4, 3), ["0", "5e-5", "1e-4"]);
        assert_eq!(words(20.0, 24.0, 5), ["20", "21", "22", "23", "24"]);
        assert_eq!(words(0.0, 10.0, 6), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(words(0.0, 0.05, 6), ["0.00", "0.01", "0.02", "0.03", "0.04", "0.05"]);
        assert_eq!(words(-1.0, 1.0, 5), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
    }

    #[test]
    fn logarithmic_axes_have_powers_of_ten() {
        let words: Vec<_> =
            Axis::new(0.001, 1000.0, true).ticks(9).into_iter().map(|t| t.1).collect();
        assert_eq!(words, ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]);
        assert_eq!(Axis::new(0.1, 1.0, true).at(0.0), None);
    }

    #[test]
    fn numbers_are_short() {
        for (v, s) in [
            (0.0, "0"),
            (0.12345, "0.123"),
            (12.345, "12.35"),
            (1234.0, "1234"),
            (123_456.0, "123.5k"),
            (0.000_05, "5e-5"),
            (1e300, "1e300"),
            (-0.5, "-0.5"),
            (f64::NAN, "NaN"),
            (100.0, "100"),
        ] {
            assert_eq!(number(v), s, "{v}");
        }
    }

    proptest! {
        #[test]
        fn ticks_lie_inside_differ_and_are_as_many_as_asked(
            a in any::<f64>(), b in any::<f64>(), count in 0usize..20, log in any::<bool>()
        ) {
            let axis = Axis::over([a, b].into_iter(), log);
            let ticks = axis.ticks(count);
            prop_assert!(ticks.len() <= count.max(1));
            for t in &ticks {
                prop_assert!(t.0.is_finite());
                let at = axis.at(t.0);
                prop_assert!(at.is_none_or(|p| (0.0..=1.0).contains(&p)));
            }
            for w in ticks.windows(2) {
                prop_assert!(w[0].0 < w[1].0 && w[0].1 != w[1].1);
            }
        }
    }
}
