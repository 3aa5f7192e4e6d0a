//! How fast this machine multiplies, for estimates.

use std::time::Instant;

use crate::embedded::EmbeddedError;
use crate::embedded::matmul::{Into, Mat, MatMut, matmul_on};
use crate::embedded::parallel::Threads;

/// Multiplications a second of one product of 256 rows with a 1024 x 1024 matrix.
///
/// # Errors
/// Threads cannot be started.
pub fn multiply_speed(threads: usize) -> Result<f64, EmbeddedError> {
    let (rows, n) = (256, 1024);
    let (x, w) = (vec![0.5f32; rows * n], vec![0.25f32; n * n]);
    let mut y = vec![0.0f32; rows * n];
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.max(1))
        .build()
        .map_err(|e| EmbeddedError::Input(format!("{threads} threads: {e}")))?;
    let mut best = 0.0f64;
    pool.install(|| {
        for _ in 0..4 {
            let began = Instant::now();
            let (y, x) = (MatMut::new(&mut y, rows, n), Mat::new(&x, rows, n));
            matmul_on(Threads::new(threads), y, Into::Replace, 1.0, x, Mat::new(&w, n, n).t());
            let seconds = began.elapsed().as_secs_f64().max(1e-9);
            best = best.max((rows * n * n) as f64 / seconds);
        }
    });
    Ok(best)
}
