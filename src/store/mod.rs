//! The only room with SQL.

pub mod engine;
