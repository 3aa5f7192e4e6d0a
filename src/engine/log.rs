//! Lines for `engine.log`: stderr of the engine and of its shims.

use std::fmt::Arguments;
use std::io::Write;

/// Writes one stamped line to stderr. Not by `eprintln!`, which panics when the line cannot be
/// written: a full disk must not end the thread that keeps a run's books.
pub(super) fn say(message: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{} {message}", crate::job::now());
}
