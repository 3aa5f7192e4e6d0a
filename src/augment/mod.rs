//! Augmentation: two stages, the semantic filter, the guards.
