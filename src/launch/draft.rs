//! Where the words lie that a rater is typing.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::Place;
use crate::domain::{RaterId, StudyId};
use crate::engine::StateDir;

/// The file of one rater of one study, beside the engine's state and not in the workspace: what is
/// typed belongs to nobody else. `None` where there is no such folder.
pub fn draft_file(place: &Place, study: &StudyId, rater: &RaterId) -> Option<PathBuf> {
    let root = place.folder().root();
    let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let mut hash = Sha256::new();
    for part in [root.as_os_str().as_encoded_bytes(), study.as_str().as_bytes()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(rater.as_str());
    let name: String = hash.finalize().iter().take(12).map(|b| format!("{b:02x}")).collect();
    // unit tests never meet the state of whoever runs them
    let state = if cfg!(test) {
        StateDir::at(place.folder().root().join("engine")).ok()?
    } else {
        StateDir::find().ok()?
    };
    Some(state.dir().join("workbench").join(format!("draft-{name}.json")))
}
