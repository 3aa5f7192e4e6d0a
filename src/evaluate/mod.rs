//! Evaluation: survey alignment beside its baselines, with intervals.
