//! Providers of text behind one trait: rules of our own (`offline`), later language models.
//!
//! [`Augmenter`] is what augmentation asks for paraphrases and synonyms. Nothing here filters,
//! judges or stores a text: that is the work of `augment`, one floor up.

mod augmenter;
mod error;
pub mod offline;

pub use augmenter::{Ask, Augmenter, Family, Outcome, Parent, Partition, Proposal, Scope};
pub use error::ProviderError;
pub use offline::Offline;
