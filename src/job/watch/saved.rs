//! Checkpoints in a folder, by their names: ours (`checkpoints/step-000400`, counted when their
//! manifest is there), transformers' (`checkpoint-500`, counted when `trainer_state.json` is).

use std::path::{Path, PathBuf};

use serde::Serialize;

/// One checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Saved {
    /// Its step.
    pub step: u64,
    /// Its folder.
    pub path: PathBuf,
    /// False while the file that is written last is missing.
    pub whole: bool,
}

/// The checkpoints of these folders, by step; of two with one step the one in the later folder.
pub fn saved(folders: &[PathBuf]) -> Vec<Saved> {
    let mut out: Vec<Saved> = Vec::new();
    for folder in folders {
        for (prefix, last) in [("checkpoint-", "trainer_state.json"), ("step-", "manifest.json")] {
            collect(folder, prefix, last, &mut out);
            collect(&folder.join("checkpoints"), prefix, last, &mut out);
        }
    }
    let mut by_step = std::collections::BTreeMap::new();
    out.into_iter().for_each(|s| drop(by_step.insert(s.step, s)));
    by_step.into_values().collect()
}

fn collect(folder: &Path, prefix: &str, last: &str, out: &mut Vec<Saved>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for e in entries.flatten() {
        let name = e.file_name();
        let step = name.to_str().and_then(|n| n.strip_prefix(prefix)).and_then(|n| n.parse().ok());
        if let Some(step) = step {
            let path = e.path();
            out.push(Saved { step, whole: path.join(last).is_file(), path });
        }
    }
}
