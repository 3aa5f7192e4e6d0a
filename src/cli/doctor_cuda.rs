//! `polyculture doctor --cuda`: whether the GPU multiplies and trains as the processor does, and how
//! fast it is.

use serde_json::json;

use super::output::table;
use super::{Context, Failure};
use crate::embedded::device::{TOLERANCE, Trial, open, trial};

/// Width of the model that is tried: its widest product has 3072 columns.
const WIDTH: usize = 1024;
/// Losses of the small trainings may differ by so much, relative. Rounding alone grows from step to
/// step; eight steps stay far below.
const LOSSES: f64 = 1e-3;

/// Tries the first GPU that `CUDA_VISIBLE_DEVICES` leaves.
///
/// # Errors
/// There is none, or it computes something else.
pub fn run(ctx: &Context) -> Result<(), Failure> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let found = trial(&open, WIDTH, threads).map_err(Failure::failed)?;
    show(ctx, &found)?;
    if found.losses.iter().all(|l| *l <= LOSSES) {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "losses of the same training differ by more than {LOSSES:.0e}: do not train with this GPU"
    )))
}

fn show(ctx: &Context, t: &Trial) -> Result<(), Failure> {
    let products: Vec<_> = t
        .products
        .iter()
        .map(|p| {
            json!({"rows": p.rows, "out": p.out, "inputs": p.inputs, "cpu_s": p.processor,
                "cuda_s": p.device})
        })
        .collect();
    let doc = json!({"device": t.about, "products_checked": t.check.products,
        "largest_difference": t.check.largest, "allowed": TOLERANCE, "products": products,
        "loss_difference": {"adapter": t.losses[0], "all_weights": t.losses[1],
            "allowed": LOSSES}});
    ctx.out.show(&doc, || {
        let rows: Vec<Vec<String>> = t
            .products
            .iter()
            .map(|p| {
                vec![
                    format!("{} rows, {}x{}", p.rows, p.out, p.inputs),
                    format!("{:.2} ms", p.processor * 1e3),
                    format!("{:.2} ms", p.device * 1e3),
                ]
            })
            .collect();
        format!(
            "{}\n{} products agree with the processor's: largest difference {:.1e} of {TOLERANCE:.0e}\n\
             losses of 8 steps differ by {:.1e} (an adapter) and {:.1e} (all weights) of {LOSSES:.0e}\n\n{}",
            t.about,
            t.check.products,
            t.check.largest,
            t.losses[0],
            t.losses[1],
            table(&["product, with what travels", "processor", "GPU"], &rows)
        )
    })
}
