//! What can go wrong with a device.

use thiserror::Error;

/// A device's refusals: each with the way out.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Fault {
    /// There is none, or it cannot be opened.
    #[error(
        "no CUDA device: {0}. Ways out: device = \"cpu\" in the recipe, or backend = \"torch\"; \
         `polyculture doctor` says what is here"
    )]
    Absent(String),
    /// It has no room.
    #[error(
        "{about} has no room for {what}: {} MiB wanted{}. Ways out: a larger GPU, one that nobody \
         else uses, a smaller model, device = \"cpu\", or backend = \"torch\" with quant = \"nf4\"",
        wanted.div_ceil(1 << 20),
        free.map(|f| format!(", {} MiB free", f >> 20)).unwrap_or_default()
    )]
    NoRoom {
        /// The device.
        about: String,
        /// What it was for.
        what: String,
        /// Bytes.
        wanted: u64,
        /// Bytes that were free; none where it does not say.
        free: Option<u64>,
    },
    /// It does not answer any more, or answers with an error.
    #[error("{about} was lost: {reason}")]
    Lost {
        /// The device.
        about: String,
        /// In the driver's words.
        reason: String,
    },
    /// It computes something else than the processor.
    #[error(
        "{about} does not multiply as the processor does: {what} differs by {gap:.1e} of its largest \
         value, and at most {allowed:.0e} is allowed. Nothing was trained with it. Ways out: device = \
         \"cpu\", or backend = \"torch\"; NVIDIA_TF32_OVERRIDE=0 if something sets TF32 here"
    )]
    Wrong {
        /// The device.
        about: String,
        /// Which product.
        what: String,
        /// Largest difference, relative to the largest value.
        gap: f32,
        /// The limit.
        allowed: f32,
    },
}
