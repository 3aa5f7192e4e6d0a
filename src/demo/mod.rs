//! The whole loop on sample data.
