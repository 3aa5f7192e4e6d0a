//! Seeded streams of random indexes: draw number `i` of seed `s` is the same on every machine and
//! with any number of threads, because each draw has a generator of its own.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// The generator of one draw.
pub(crate) struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// Generator of draw `draw` under `seed`. Seeds are spread by an odd constant (the golden
    /// ratio, as in SplitMix64), so that seeds 1, 2, 3 do not share draws.
    pub(crate) fn of(seed: u64, draw: usize) -> Self {
        let mixed = (seed ^ 0x9E37_79B9_7F4A_7C15)
            .wrapping_mul(0xD129_0D3D_C7A5_2D2B)
            .rotate_left(29)
            .wrapping_add((draw as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Self(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// An index below `n` (n > 0): multiply-shift, whose bias is below n / 2^64.
    #[inline]
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// Draws as many units as there are, with replacement.
    pub(crate) fn pick(&mut self, picked: &mut [usize]) {
        let n = picked.len();
        for i in picked {
            *i = self.below(n);
        }
    }

    /// A number in [0, 1) with 53 random bits.
    #[inline]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_is_the_same_each_time_and_differs_between_seeds_and_draws() {
        let first = |seed, draw| Stream::of(seed, draw).bits();
        assert_eq!(first(7, 3), first(7, 3));
        let mut seen: Vec<u64> =
            (0..50).flat_map(|s| (0..50).map(move |d| (s, d))).map(|(s, d)| first(s, d)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 2500);
    }

    #[test]
    fn indexes_cover_their_range_evenly() {
        let mut hits = [0usize; 7];
        let mut s = Stream::of(1, 0);
        (0..70_000).for_each(|_| hits[s.below(7)] += 1);
        assert!(hits.iter().all(|h| h.abs_diff(10_000) < 500), "{hits:?}");
        assert!((0..1000).all(|_| (0.0..1.0).contains(&s.unit())));
    }
}
