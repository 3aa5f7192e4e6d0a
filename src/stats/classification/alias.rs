//! Draws from one discrete distribution in constant time (Walker 1977; Vose 1991), and from the
//! binomials that a multinomial draw meets over and over.

use std::collections::HashMap;

use super::binomial::binomial;
use crate::stats::stream::Stream;

/// Relative mass below which the ends of a binomial are cut: 1e-14 is not seen in 1e9 draws.
const CUT: f64 = 1e-14;
/// Wider than this, a binomial is drawn by rejection instead: its table would not pay.
const WIDEST: usize = 4096;

/// A distribution over `first..first + len`.
#[derive(Debug, Clone)]
pub(super) struct Alias {
    first: u32,
    /// Per column: the share of it (of 2^32) that is its own, and whose the rest is.
    columns: Vec<(u32, u32)>,
}

impl Alias {
    /// From weights that need not sum to 1; at least one must be positive.
    pub(super) fn of(first: u32, weights: &[f64]) -> Self {
        let n = weights.len();
        let total: f64 = weights.iter().sum();
        let mut share: Vec<f64> = weights.iter().map(|w| w / total * n as f64).collect();
        let mut columns: Vec<(u32, u32)> = (0..n).map(|i| (u32::MAX, i as u32)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..n).partition(|i| share[*i] < 1.0);
        while let (Some(s), Some(&l)) = (small.pop(), large.last()) {
            columns[s] = ((share[s] * 4_294_967_296.0) as u32, l as u32);
            share[l] -= 1.0 - share[s];
            if share[l] < 1.0 {
                large.pop();
                small.push(l);
            }
        }
        Self { first, columns }
    }

    #[inline]
    pub(super) fn draw(&self, stream: &mut Stream) -> u32 {
        let bits = stream.bits();
        let column = ((bits >> 32) * self.columns.len() as u64) >> 32;
        let (own, other) = self.columns[column as usize];
        self.first + if (bits as u32) < own { column as u32 } else { other }
    }
}

/// The table of Binomial(n, p), 0 < p < 1; `None` where it would be too wide.
fn binomial_table(n: u64, p: f64) -> Option<Alias> {
    let nf = n as f64;
    let spread = (nf * p * (1.0 - p)).sqrt();
    if 16.0 * spread > WIDEST as f64 {
        return None;
    }
    // Weights relative to the mode's, outwards by the ratio of neighbours.
    let odds = p / (1.0 - p);
    let mode = (((nf + 1.0) * p).floor() as u64).min(n);
    let mut below = Vec::new();
    let (mut w, mut k) = (1.0f64, mode);
    while k > 0 {
        w *= k as f64 / ((n - k + 1) as f64 * odds);
        if w < CUT {
            break;
        }
        k -= 1;
        below.push(w);
    }
    let first = mode - below.len() as u64;
    below.reverse();
    let mut weights = below;
    weights.push(1.0);
    (w, k) = (1.0, mode);
    while k < n {
        w *= (n - k) as f64 * odds / (k + 1) as f64;
        if w < CUT {
            break;
        }
        k += 1;
        weights.push(w);
    }
    Some(Alias::of(u32::try_from(first).ok()?, &weights))
}

/// Binomials of one p, with a table for each n that was met.
#[derive(Debug)]
pub(super) struct Binomials {
    p: f64,
    tables: HashMap<u64, Option<Alias>, std::hash::BuildHasherDefault<Identity>>,
}

/// Keys are small numbers: they are their own hash, spread by an odd constant.
#[derive(Debug, Default)]
pub(super) struct Identity(u64);

impl std::hash::Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u64(u64::from(*b)));
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0 ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl Binomials {
    pub(super) fn of(p: f64) -> Self {
        Self { p, tables: HashMap::default() }
    }

    #[inline]
    pub(super) fn draw(&mut self, stream: &mut Stream, n: u64) -> u64 {
        if n == 0 || self.p <= 0.0 {
            return 0;
        }
        if self.p >= 1.0 {
            return n;
        }
        let p = self.p;
        match self.tables.entry(n).or_insert_with(|| binomial_table(n, p)) {
            Some(table) => u64::from(table.draw(stream)),
            None => binomial(stream, n, p),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_draw_the_binomial() {
        for (n, p) in [(1u64, 0.5), (12, 0.3), (300, 0.07), (1000, 0.5), (5000, 0.9), (40, 1e-4)] {
            let mut b = Binomials::of(p);
            let mut stream = Stream::of(3, n as usize);
            let draws = 60_000;
            let x: Vec<f64> = (0..draws).map(|_| b.draw(&mut stream, n) as f64).collect();
            let mean = x.iter().sum::<f64>() / f64::from(draws);
            let var = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(draws);
            let (m, v) = (n as f64 * p, n as f64 * p * (1.0 - p));
            assert!((mean - m).abs() < 5.0 * (v / f64::from(draws)).sqrt(), "{n} {p}: {mean}");
            assert!((var / v - 1.0).abs() < if v < 0.1 { 0.6 } else { 0.05 }, "{n} {p}: {var}");
            assert!(x.iter().all(|k| *k <= n as f64));
        }
    }

    #[test]
    fn the_ends_are_certain_and_the_widest_fall_back() {
        let mut s = Stream::of(0, 0);
        assert_eq!(Binomials::of(0.0).draw(&mut s, 9), 0);
        assert_eq!(Binomials::of(1.0).draw(&mut s, 9), 9);
        assert_eq!(Binomials::of(0.4).draw(&mut s, 0), 0);
        let k = Binomials::of(0.5).draw(&mut s, 4_000_000) as f64;
        assert!((k - 2e6).abs() < 1e4);
    }

    #[test]
    fn a_table_holds_its_shares() {
        let a = Alias::of(7, &[1.0, 0.0, 3.0]);
        let mut s = Stream::of(1, 1);
        let mut hits = [0u32; 3];
        (0..40_000).for_each(|_| hits[(a.draw(&mut s) - 7) as usize] += 1);
        assert_eq!(hits[1], 0);
        assert!(hits[0].abs_diff(10_000) < 500, "{hits:?}");
    }
}
