//! The researcher's screen by its keys, on a real workspace.
