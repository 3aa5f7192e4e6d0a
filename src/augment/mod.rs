//! Augmentation: two stages, the semantic filter, the guards.

mod error;
pub mod guards;

pub use error::AugmentError;
