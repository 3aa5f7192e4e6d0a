//! Matrix products: a checked face of the `gemm` crate.
#![allow(
    unsafe_code,
    reason = "`gemm::gemm` takes raw pointers; every view checks its bounds when it is made"
)]

use gemm::Parallelism;

/// A read-only matrix over a slice, with row and column strides in elements.
#[derive(Clone, Copy)]
pub(crate) struct Mat<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// A matrix that is written.
pub(crate) struct MatMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
}

/// The last element of a `rows` x `cols` view must lie inside the slice.
fn check(len: usize, rows: usize, cols: usize, row_stride: usize) {
    if rows > 0 && cols > 0 {
        assert!((rows - 1) * row_stride + cols <= len, "a matrix view leaves its buffer");
        assert!(row_stride >= cols, "rows of a matrix view overlap");
    }
}

impl<'a> Mat<'a> {
    /// Row-major, rows next to each other.
    pub(crate) fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// Row-major with `row_stride` elements from row to row; `data` begins at the first element.
    pub(crate) fn strided(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        check(data.len(), rows, cols, row_stride);
        Self { data, rows, cols, row_stride, col_stride: 1 }
    }

    /// The transpose.
    pub(crate) fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }
}

impl<'a> MatMut<'a> {
    /// Row-major, rows next to each other.
    pub(crate) fn new(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// Row-major with `row_stride` elements from row to row; `data` begins at the first element.
    pub(crate) fn strided(
        data: &'a mut [f32],
        rows: usize,
        cols: usize,
        row_stride: usize,
    ) -> Self {
        check(data.len(), rows, cols, row_stride);
        Self { data, rows, cols, row_stride }
    }
}

/// Whether a product replaces what stands in the destination or is added to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Into {
    /// dst = scale a b
    Replace,
    /// dst += scale a b
    Add,
}

/// `dst = [dst +] scale * a * b`, on the calling thread.
#[allow(clippy::needless_pass_by_value, reason = "a view that is written is used once")]
pub(crate) fn matmul(dst: MatMut<'_>, how: Into, scale: f32, a: Mat<'_>, b: Mat<'_>) {
    assert!(
        dst.rows == a.rows && dst.cols == b.cols && a.cols == b.rows,
        "shapes {}x{} = {}x{} * {}x{}",
        dst.rows,
        dst.cols,
        a.rows,
        a.cols,
        b.rows,
        b.cols
    );
    if dst.rows == 0 || dst.cols == 0 {
        return;
    }
    // SAFETY: `check` made sure that every element of each view lies in its slice (a transpose
    // only exchanges strides), shapes agree, and `dst` is borrowed mutably, so nothing overlaps.
    unsafe {
        gemm::gemm(
            dst.rows,
            dst.cols,
            a.cols,
            dst.data.as_mut_ptr(),
            1,
            dst.row_stride as isize,
            how == Into::Add,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            1.0,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// `dst = [dst +] a * b` with the columns of `dst` (and of `b`) in runs, one a task of the pool.
pub(crate) fn matmul_split(
    dst: MatMut<'_>,
    how: Into,
    a: Mat<'_>,
    b: Mat<'_>,
    columns: &[std::ops::Range<usize>],
) {
    use rayon::prelude::*;
    assert!(dst.rows == a.rows && dst.cols == b.cols && a.cols == b.rows, "shapes do not agree");
    let mut end = 0;
    for c in columns {
        assert!(c.start >= end && c.end <= dst.cols && c.start < c.end, "runs of columns overlap");
        end = c.end;
    }
    if dst.rows == 0 {
        return;
    }
    let to = Columns(dst.data.as_mut_ptr());
    columns.par_iter().for_each(|c| {
        let to = &to;
        // SAFETY: the views were checked when they were made, the runs lie inside of them and do
        // not overlap, so no two tasks write the same element; `dst` is borrowed until all end.
        unsafe {
            gemm::gemm(
                dst.rows,
                c.len(),
                a.cols,
                to.0.add(c.start),
                1,
                dst.row_stride as isize,
                how == Into::Add,
                a.data.as_ptr(),
                a.col_stride as isize,
                a.row_stride as isize,
                b.data.as_ptr().add(c.start * b.col_stride),
                b.col_stride as isize,
                b.row_stride as isize,
                1.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    });
}

/// A destination whose columns are written by several tasks, each its own.
struct Columns(*mut f32);
// SAFETY: see `matmul_split`: tasks write disjoint elements.
unsafe impl Sync for Columns {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_with_strides_and_transposes_are_those_of_three_loops() {
        let (m, n, k) = (7, 5, 9);
        let a: Vec<f32> = (0..m * (k + 2)).map(|i| (i as f32 * 0.37).sin()).collect();
        let b: Vec<f32> = (0..n * k).map(|i| (i as f32 * 0.11).cos()).collect();
        let mut dst = vec![1.0f32; m * (n + 3)];
        matmul(
            MatMut::strided(&mut dst, m, n, n + 3),
            Into::Add,
            0.5,
            Mat::strided(&a, m, k, k + 2),
            Mat::new(&b, n, k).t(),
        );
        for i in 0..m {
            for j in 0..n {
                let want =
                    1.0 + 0.5 * (0..k).map(|l| a[i * (k + 2) + l] * b[j * k + l]).sum::<f32>();
                assert!((dst[i * (n + 3) + j] - want).abs() < 1e-5);
            }
            for j in n..n + 3 {
                assert_eq!(dst[i * (n + 3) + j], 1.0, "the gap between rows was written");
            }
        }
    }

    #[test]
    #[should_panic(expected = "leaves its buffer")]
    fn a_view_past_the_end_is_refused() {
        let _ = Mat::new(&[0.0; 5], 2, 3);
    }
}
