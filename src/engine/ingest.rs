//! What the engine calls to merge a run's results into its workspace. The engine itself knows no
//! workspace database: whoever starts it says how.

use std::sync::Arc;

use crate::job::{Attempt, RunSpec};

/// Merges what `results.jsonl` of an attempt holds by now. The flag is true for the last call,
/// when the attempt has ended; that call comes before the end is announced.
///
/// It is called off the engine's event loop, never twice at a time, and again with the same
/// results after a crash or a rebuilt database: merging twice must be merging once.
///
/// An error is a sentence for the engine's log; the merge is tried again when the engine starts.
pub type Ingest = dyn Fn(&RunSpec, &Attempt, bool) -> Result<(), String> + Send + Sync;

/// Merges nothing.
pub fn none() -> Arc<Ingest> {
    Arc::new(|_, _, _| Ok(()))
}
