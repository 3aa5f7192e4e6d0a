//! Words that a rater typed and did not send, kept beside the engine's state until they are sent:
//! what is typed belongs to nobody else. Whoever leaves a study takes them along ([`erase`]).

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::Place;
use crate::domain::{RaterId, StudyId};
use crate::engine::StateDir;

/// The file of a rater's draft; `None` where there is no folder for state.
pub fn file(place: &Place, study: &StudyId, rater: &RaterId) -> Option<PathBuf> {
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

/// Keeps a draft: the file appears whole or not at all, and is on the disk when this answers.
///
/// # Errors
/// The folder of the state cannot be written.
pub fn keep(place: &Place, study: &StudyId, rater: &RaterId, text: &str) -> io::Result<()> {
    let file = file(place, study, rater).ok_or_else(|| io::Error::other("no folder for state"))?;
    let folder = file.parent().ok_or_else(|| io::Error::other("no folder for state"))?;
    std::fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(&file).map_err(|e| e.error)?;
    File::open(folder)?.sync_all()
}

/// Erases a draft, where there is one.
///
/// # Errors
/// The file cannot be removed.
pub fn erase(place: &Place, study: &StudyId, rater: &RaterId) -> io::Result<()> {
    let Some(file) = file(place, study, rater) else { return Ok(()) };
    match std::fs::remove_file(&file) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
