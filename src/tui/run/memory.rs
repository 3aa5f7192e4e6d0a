//! Where a person was, kept between two starts.

use std::path::PathBuf;

use crate::launch::Place;

/// Where a person was, by workspace: in the user's state, not in the workspace.
pub(super) struct Memory(Option<PathBuf>);

impl Memory {
    /// Of this workspace.
    pub(super) fn of(place: &Place) -> Self {
        use sha2::{Digest, Sha256};
        let root = place.folder().root();
        let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
        let state = crate::engine::StateDir::find().ok();
        Self(state.map(|s| s.dir().join("workbench").join(format!("{name}.json"))))
    }

    /// What was kept; nothing where it cannot be read.
    pub(super) fn read(&self) -> serde_json::Value {
        let text = self.0.as_ref().and_then(|f| std::fs::read_to_string(f).ok());
        text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()
    }

    /// Keeps it.
    pub(super) fn write(&self, value: &serde_json::Value) {
        // Losing it costs a few keys, never work.
        if let Some(file) = &self.0
            && let Some(folder) = file.parent()
            && std::fs::create_dir_all(folder).is_ok()
        {
            drop(std::fs::write(file, value.to_string()));
        }
    }
}
