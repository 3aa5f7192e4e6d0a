//! Work of one step spread over threads: rows of a matrix in equal parts, each part by one thread.
//! A row is always worked out by one thread in one order, so results do not depend on the count
//! (sums over rows are left to the callers, who keep them on one thread or add parts in order).

use rayon::prelude::*;

/// How many threads one operation may use. More than one only inside a rayon pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Threads(usize);

impl Default for Threads {
    fn default() -> Self {
        Self::ONE
    }
}

/// Below this many elements a second thread costs more than it brings.
const WORTH: usize = 1 << 14;

impl Threads {
    /// The calling thread alone.
    pub(crate) const ONE: Self = Self(1);

    /// At least one.
    pub(crate) fn new(n: usize) -> Self {
        Self(n.max(1))
    }

    /// How many.
    pub(crate) fn count(self) -> usize {
        self.0
    }

    /// Rows a part when `rows` of `width` elements are spread.
    fn part(self, rows: usize, width: usize) -> usize {
        let parts = if rows * width < WORTH { 1 } else { self.0 };
        rows.div_ceil(parts).max(1)
    }

    /// `f` on equal parts of the rows of `a` (`a_width` wide) and `b`.
    pub(crate) fn rows1(
        self,
        a: &[f32],
        a_width: usize,
        b: &mut [f32],
        b_width: usize,
        f: impl Fn(&[f32], &mut [f32]) + Sync,
    ) {
        let part = self.part(b.len() / b_width.max(1), b_width);
        if self.0 == 1 || b.len() <= part * b_width {
            return f(a, b);
        }
        a.par_chunks(part * a_width)
            .zip(b.par_chunks_mut(part * b_width))
            .for_each(|(a, b)| f(a, b));
    }

    /// `f` on equal parts of the rows of `a`, `b`, `c` and `d`.
    #[allow(clippy::too_many_arguments, reason = "four matrices with their widths")]
    pub(crate) fn rows2(
        self,
        (a, a_width): (&[f32], usize),
        (b, b_width): (&[f32], usize),
        (c, c_width): (&mut [f32], usize),
        (d, d_width): (&mut [f32], usize),
        f: impl Fn(&[f32], &[f32], &mut [f32], &mut [f32]) + Sync,
    ) {
        let part = self.part(c.len() / c_width.max(1), c_width);
        if self.0 == 1 || c.len() <= part * c_width {
            return f(a, b, c, d);
        }
        a.par_chunks(part * a_width)
            .zip(b.par_chunks(part * b_width))
            .zip(c.par_chunks_mut(part * c_width))
            .zip(d.par_chunks_mut(part * d_width))
            .for_each(|(((a, b), c), d)| f(a, b, c, d));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_worked_on_once_whatever_the_threads() {
        let a: Vec<f32> = (0..7 * 5000).map(|i| i as f32).collect();
        let twice = |a: &[f32], b: &mut [f32]| {
            for (a, b) in a.chunks(7).zip(b.chunks_mut(4)) {
                b.copy_from_slice(&a[..4]);
            }
        };
        let mut one = vec![0.0; 4 * 5000];
        Threads::ONE.rows1(&a, 7, &mut one, 4, twice);
        let mut three = vec![0.0; 4 * 5000];
        Threads::new(3).rows1(&a, 7, &mut three, 4, twice);
        assert_eq!(one, three);
        assert_eq!(one[4 * 4999], (7 * 4999) as f32);
    }
}
