//! The workbench on screen. Empty until 3 of 5.
