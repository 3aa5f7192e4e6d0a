//! The check at the start of each run on a device: products of the run's own weights and shapes,
//! beside the processor's.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::held::weights;
use super::{Fault, Held};
use crate::embedded::decoder::Decoder;
use crate::embedded::matmul::{Into, Mat, MatMut, matmul_on};
use crate::embedded::parallel::Threads;

/// Largest difference that is allowed, relative to the largest value of the product. Products in f32
/// that add in another order differ by about 1e-6; TF32, which some settings exchange for f32, by
/// about 1e-3.
pub const TOLERANCE: f32 = 1e-4;

/// Rows of the products with every weight, and of those of each shape.
const FEW: usize = 3;
const MANY: usize = 67;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SelfCheck {
    /// Products that were compared.
    pub products: usize,
    /// The largest difference, relative to the largest value of its product.
    pub largest: f32,
}

/// What is compared.
#[derive(Clone, Copy)]
enum Way {
    Forward,
    Backward,
    Gradient,
}

impl Held {
    /// Compares a forward product with every weight, and all kinds of products of each shape; `all`
    /// weights are trained.
    ///
    /// # Errors
    /// The first product that differs by more than [`TOLERANCE`]; the device is lost.
    pub(crate) fn check(
        &self,
        model: &Decoder,
        all: bool,
        threads: Threads,
    ) -> Result<SelfCheck, Fault> {
        let mut found = SelfCheck { products: 0, largest: 0.0 };
        let mut seen = Vec::new();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(0x5e1f);
        for w in weights(model.config(), model.layout()) {
            let new = !seen.contains(&(w.out, w.inputs));
            seen.push((w.out, w.inputs));
            let kinds: &[(Way, usize)] = match (new, all) {
                (false, _) => &[(Way::Forward, FEW)],
                (true, false) => &[(Way::Forward, MANY), (Way::Backward, MANY)],
                (true, true) => {
                    &[(Way::Forward, MANY), (Way::Backward, MANY), (Way::Gradient, MANY)]
                }
            };
            for &(way, rows) in kinds {
                let mut draw = |n: usize| -> Vec<f32> {
                    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
                };
                let (x, dy) = (draw(rows * w.inputs), draw(rows * w.out));
                let sizes = (rows, w.out, w.inputs);
                let values = &model.weights[w.at.clone()];
                let want = by_processor(threads, way, &x, &dy, values, sizes);
                let got = self.by_device(way, &x, &dy, &w.at, values, sizes)?;
                let gap = gap(&got, &want);
                found.products += 1;
                found.largest = found.largest.max(gap);
                if gap > TOLERANCE || gap.is_nan() {
                    return Err(Fault::Wrong {
                        about: self.about().to_string(),
                        what: format!("{} ({}x{}), {}", w.name, w.out, w.inputs, way.word()),
                        gap,
                        allowed: TOLERANCE,
                    });
                }
            }
        }
        Ok(found)
    }

    fn by_device(
        &self,
        way: Way,
        x: &[f32],
        dy: &[f32],
        at: &Range<usize>,
        w: &[f32],
        (rows, out, cols): (usize, usize, usize),
    ) -> Result<Vec<f32>, Fault> {
        // A result that is not written is seen.
        match way {
            Way::Forward => {
                let mut y = vec![f32::NAN; rows * out];
                self.linear(&mut y, Into::Replace, x, at, w, rows, cols).map(|()| y)
            }
            Way::Backward => {
                let mut dx = vec![f32::NAN; rows * cols];
                self.linear_dx(&mut dx, Into::Replace, dy, at, w, rows, cols).map(|()| dx)
            }
            Way::Gradient => {
                let mut dw = vec![0.0; out * cols];
                self.linear_dw(&mut dw, dy, x, rows, cols).map(|()| dw)
            }
        }
    }
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Gradient => "its gradient",
        }
    }
}

fn by_processor(
    threads: Threads,
    way: Way,
    x: &[f32],
    dy: &[f32],
    w: &[f32],
    (rows, out, cols): (usize, usize, usize),
) -> Vec<f32> {
    let (x, dy, w) = (Mat::new(x, rows, cols), Mat::new(dy, rows, out), Mat::new(w, out, cols));
    let (m, n, a, b) = match way {
        Way::Forward => (rows, out, x, w.t()),
        Way::Backward => (rows, cols, dy, w),
        Way::Gradient => (out, cols, dy.t(), x),
    };
    let mut y = vec![0.0; m * n];
    matmul_on(threads, MatMut::new(&mut y, m, n), Into::Replace, 1.0, a, b);
    y
}

/// Largest difference relative to the largest value; infinite where one is no number.
pub(super) fn gap(got: &[f32], want: &[f32]) -> f32 {
    let top = want.iter().fold(0.0f32, |t, x| t.max(x.abs()));
    let mut worst = 0.0f32;
    for (g, w) in got.iter().zip(want) {
        let d = (g - w).abs();
        worst = worst.max(if d.is_nan() { f32::INFINITY } else { d });
    }
    if worst == 0.0 { 0.0 } else { worst / top }
}
