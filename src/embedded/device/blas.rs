//! Our products in BLAS's words. Our matrices stand row by row, BLAS reads column by column: what it
//! sees is each matrix turned, so it is asked for the turned product, with the factors exchanged.

/// The arguments of BLAS's `sgemm` with alpha 1 and beta 0: `c = op(a) op(b)`, all three read column
/// by column, `op` a transpose or nothing. Source: the reference BLAS, Level 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sgemm {
    /// `a` is turned.
    pub turn_a: bool,
    /// `b` is turned.
    pub turn_b: bool,
    /// Rows of `op(a)` and `c`.
    pub m: usize,
    /// Columns of `op(b)` and `c`.
    pub n: usize,
    /// Columns of `op(a)`, rows of `op(b)`.
    pub k: usize,
    /// From column to column of `a`, in elements.
    pub lda: usize,
    /// From column to column of `b`.
    pub ldb: usize,
    /// From column to column of `c`.
    pub ldc: usize,
}

/// A factor of one of our products: `[rows, cols]` row by row, after it was turned if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Factor {
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// It lies as `[cols, rows]`.
    pub(super) turned: bool,
}

impl Factor {
    pub(super) fn plain(rows: usize, cols: usize) -> Self {
        Self { rows, cols, turned: false }
    }

    /// Lies as `[rows, cols]`, and its transpose is meant.
    pub(super) fn turned(rows: usize, cols: usize) -> Self {
        Self { rows: cols, cols: rows, turned: true }
    }

    /// Width of a row as it lies.
    fn stride(self) -> usize {
        if self.turned { self.rows } else { self.cols }
    }
}

impl Sgemm {
    /// Our product `x y`. BLAS's `a` is then `y`, its `b` is `x`, and its `c` is the result.
    pub(super) fn of(x: Factor, y: Factor) -> Self {
        Self {
            turn_a: y.turned,
            turn_b: x.turned,
            m: y.cols,
            n: x.rows,
            k: x.cols,
            lda: y.stride(),
            ldb: x.stride(),
            ldc: y.cols,
        }
    }

    /// Floats that `a`, `b` and `c` have at least.
    pub fn floats(&self) -> [usize; 3] {
        let (a, b) =
            (if self.turn_a { self.m } else { self.k }, if self.turn_b { self.k } else { self.n });
        [self.lda * a, self.ldb * b, self.ldc * self.n]
    }
}
