//! The workbench on screen. Empty until 3 of 5.

pub mod terminal;
