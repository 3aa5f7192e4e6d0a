//! `polyculture runs prune`: checkpoints that nothing needs, with their sizes; `--yes` removes them.

use serde_json::json;

use super::output::table;
use super::{Context, Failure};
use crate::finetune::size;
use crate::launch::{prunable, remove_pruned};

/// Shows, or removes.
///
/// # Errors
/// The workspace cannot be read, or a folder cannot be removed.
pub fn run(ctx: &Context, yes: bool) -> Result<(), Failure> {
    let place = ctx.place()?;
    let found = prunable(&place)?;
    let bytes: u64 = found.iter().map(|p| p.bytes).sum();
    if yes {
        for one in &found {
            remove_pruned(one)?;
        }
    }
    let doc = json!({"items": found, "bytes": bytes, "removed": yes});
    ctx.out.show(&doc, || {
        if found.is_empty() {
            return "No checkpoint may go: all of them are needed or may be.".into();
        }
        let rows: Vec<Vec<String>> = found
            .iter()
            .map(|p| vec![size(p.bytes), p.dir.display().to_string(), p.why.clone()])
            .collect();
        let word = if yes {
            format!("{} are free again", size(bytes))
        } else {
            format!("{} in all; `polyculture runs prune --yes` removes them", size(bytes))
        };
        format!("{}{word}\n", table(&["size", "checkpoint", "why"], &rows))
    })
}
