//! `workspaces.json`: the folders whose sub-folders are runs, from which a lost database is made
//! anew. Written before the first run of a folder is taken in.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{EngineError, StateDir, log};
use crate::job::{JobError, now, write_atomically};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    version: u32,
    runs: BTreeSet<PathBuf>,
}

/// The folders noted so far. A damaged list is kept aside, and what can be read of it is used.
///
/// # Errors
/// The file is there and cannot be read or set aside: an empty list would lose runs.
pub(super) fn read(state: &StateDir) -> Result<BTreeSet<PathBuf>, EngineError> {
    let path = state.workspaces();
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(e) => return Err(EngineError::io(path.display().to_string())(e)),
    };
    let e = match serde_json::from_slice::<Remembered>(&text) {
        Ok(list) => return Ok(list.runs),
        Err(e) => e,
    };
    let salvaged = salvage(&String::from_utf8_lossy(&text));
    let stamp = now().strftime("%Y%m%d-%H%M%S");
    let aside = path.with_extension(format!("json.damaged-{stamp}"));
    fs::rename(&path, &aside).map_err(EngineError::io(path.display().to_string()))?;
    log::say(format_args!(
        "{} is damaged ({e}); kept as {}; {} folders could be read of it. Runs of others come back at \
         the start after a run is added there",
        path.display(),
        aside.display(),
        salvaged.len()
    ));
    write(state, &salvaged)?;
    Ok(salvaged)
}

/// Notes them all, durably.
pub(super) fn write(state: &StateDir, runs: &BTreeSet<PathBuf>) -> Result<(), JobError> {
    let file = Remembered { version: 1, runs: runs.clone() };
    let text = serde_json::to_vec_pretty(&file).map_err(|e| JobError::Work(e.to_string()))?;
    write_atomically(&state.workspaces(), &text)
}

/// Every quoted full path of a folder that exists.
fn salvage(text: &str) -> BTreeSet<PathBuf> {
    text.split('"')
        .filter(|part| part.starts_with('/'))
        .map(PathBuf::from)
        .filter(|p| p.is_dir())
        .collect()
}

/// The folders of all runs below these.
pub(super) fn run_folders(parents: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for parent in parents {
        match fs::read_dir(parent) {
            Ok(entries) => found.extend(
                entries.flatten().map(|e| e.path()).filter(|d| d.join("spec.json").exists()),
            ),
            Err(e) => {
                log::say(format_args!("{}: its runs are not known: {e}", parent.display()));
            }
        }
    }
    found
}
