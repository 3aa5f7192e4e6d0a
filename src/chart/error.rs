//! What can go wrong when a drawing becomes a picture.

use thiserror::Error;

/// A picture that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChartError {
    /// The drawing is none.
    #[error("not a drawing in SVG: {0}")]
    Svg(String),
    /// Too small or too large.
    #[error("a picture of {width} x {height} pixels cannot be made: between 1 and 16,384 each way")]
    Size {
        /// Pixels.
        width: u64,
        /// Pixels.
        height: u64,
    },
    /// The picture's file.
    #[error("PNG: {0}")]
    Png(String),
}
