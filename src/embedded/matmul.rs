//! Matrix products: a checked face of the `gemm` crate.
#![allow(
    unsafe_code,
    reason = "`gemm::gemm` takes raw pointers; every view checks its bounds when it is made, and \
              parts for several threads are cut from such views"
)]

use gemm::Parallelism;

use super::parallel::Threads;

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

/// A part of a product, to be worked out by one thread.
#[derive(Clone, Copy)]
struct Part {
    rows: usize,
    cols: usize,
    depth: usize,
    dst: *mut f32,
    dst_stride: isize,
    a: *const f32,
    a_strides: (isize, isize),
    b: *const f32,
    b_strides: (isize, isize),
    add: bool,
    scale: f32,
}

// SAFETY: a part is made from borrowed views only, and parts that run at the same time write
// different rows or columns.
unsafe impl Send for Part {}
// SAFETY: as above.
unsafe impl Sync for Part {}

impl Part {
    /// The whole product, of shapes that agree.
    #[allow(clippy::needless_pass_by_value, reason = "a view that is written is used once")]
    fn of(dst: MatMut<'_>, how: Into, scale: f32, a: Mat<'_>, b: Mat<'_>) -> Self {
        Self {
            rows: dst.rows,
            cols: dst.cols,
            depth: a.cols,
            dst: dst.data.as_mut_ptr(),
            dst_stride: dst.row_stride as isize,
            a: a.data.as_ptr(),
            a_strides: (a.row_stride as isize, a.col_stride as isize),
            b: b.data.as_ptr(),
            b_strides: (b.row_stride as isize, b.col_stride as isize),
            add: how == Into::Add,
            scale,
        }
    }

    fn run(self) {
        // SAFETY: `check` made sure that every element of each view lies in its slice (a transpose
        // only exchanges strides), `matmul_on` that shapes agree and that `dst` is borrowed
        // mutably, and `cut` stays inside the product that it cuts.
        unsafe {
            gemm::gemm(
                self.rows,
                self.cols,
                self.depth,
                self.dst,
                1,
                self.dst_stride,
                self.add,
                self.a,
                self.a_strides.1,
                self.a_strides.0,
                self.b,
                self.b_strides.1,
                self.b_strides.0,
                1.0,
                self.scale,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    }

    /// Columns `from..to` of the product, or its rows.
    fn cut(self, columns: bool, from: usize, to: usize) -> Self {
        let at = from as isize;
        // SAFETY: `from` lies inside the rows or columns of views that `check` accepted.
        unsafe {
            if columns {
                let (dst, b) = (self.dst.offset(at), self.b.offset(at * self.b_strides.1));
                Self { cols: to - from, dst, b, ..self }
            } else {
                let dst = self.dst.offset(at * self.dst_stride);
                Self { rows: to - from, dst, a: self.a.offset(at * self.a_strides.0), ..self }
            }
        }
    }
}

/// Multiplications below which one thread is quicker than two.
const WORTH: usize = 1 << 19;
/// Parts begin at multiples of the kernel's width.
const GRAIN: usize = 16;

/// `dst = [dst +] scale * a * b`, on the calling thread.
pub(crate) fn matmul(dst: MatMut<'_>, how: Into, scale: f32, a: Mat<'_>, b: Mat<'_>) {
    matmul_on(Threads::ONE, dst, how, scale, a, b);
}

/// `dst = [dst +] scale * a * b`. The longer side of `dst` is cut into one part a thread: `gemm`'s
/// own split loses up to half of the speed where `a` has few rows.
#[allow(clippy::needless_pass_by_value, reason = "a view that is written is used once")]
pub(crate) fn matmul_on(
    threads: Threads,
    dst: MatMut<'_>,
    how: Into,
    scale: f32,
    a: Mat<'_>,
    b: Mat<'_>,
) {
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
    let whole = Part::of(dst, how, scale, a, b);
    let columns = whole.cols >= whole.rows;
    let long = if columns { whole.cols } else { whole.rows };
    let size = long.div_ceil(threads.count()).next_multiple_of(GRAIN);
    if threads == Threads::ONE || size >= long || whole.rows * whole.cols * whole.depth < WORTH {
        return whole.run();
    }
    rayon::scope(|s| {
        for from in (size..long).step_by(size) {
            let part = whole.cut(columns, from, (from + size).min(long));
            s.spawn(move |_| part.run());
        }
        whole.cut(columns, 0, size).run();
    });
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
    let whole = Part::of(dst, how, 1.0, a, b);
    columns.par_iter().for_each(|c| whole.cut(true, c.start, c.end).run());
}

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
    fn a_product_on_threads_is_that_of_one() {
        let (m, n, k) = (70, 333, 60);
        let a: Vec<f32> = (0..m * k).map(|i| (i as f32 * 0.37).sin()).collect();
        let b: Vec<f32> = (0..n * k).map(|i| (i as f32 * 0.11).cos()).collect();
        for threads in [2, 3, 50] {
            let run = |threads, t: bool| {
                let (m, n) = if t { (n, m) } else { (m, n) };
                let (x, y) = if t { (&b, &a) } else { (&a, &b) };
                let mut dst = vec![1.0f32; m * n];
                let b = Mat::new(y, n, k).t();
                let dst_view = MatMut::new(&mut dst, m, n);
                matmul_on(Threads::new(threads), dst_view, Into::Add, 0.5, Mat::new(x, m, k), b);
                dst
            };
            for t in [false, true] {
                for (one, more) in run(1, t).iter().zip(run(threads, t)) {
                    assert!((one - more).abs() < 1e-4, "{one} against {more}");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "leaves its buffer")]
    fn a_view_past_the_end_is_refused() {
        let _ = Mat::new(&[0.0; 5], 2, 3);
    }
}
