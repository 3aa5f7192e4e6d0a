//! Lines for `engine.log`: stderr of the engine and of its shims.

use std::fmt::Arguments;

/// Writes one stamped line to stderr.
pub(super) fn say(message: Arguments<'_>) {
    eprintln!("{} {message}", crate::job::now());
}
