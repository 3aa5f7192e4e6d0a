//! Where the engine keeps its state: one folder per user and host, on a local file system.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::EngineError;
use crate::job::write_atomically;
use crate::store::network_file_system;

/// Names another state folder: for tests, and for engines that should not meet.
pub const STATE_DIR_VARIABLE: &str = "POLYCULTURE_STATE_DIR";

/// `sockaddr_un` holds 108 bytes, the last of them a zero.
const LONGEST_SOCKET: usize = 107;

/// The engine's state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    dir: PathBuf,
    note: Option<String>,
}

impl StateDir {
    /// The user's state folder, or [`STATE_DIR_VARIABLE`]; on a network file system
    /// `/var/tmp/polyculture-UID` stands in for it. Made (0700) when it is missing.
    ///
    /// # Errors
    /// It cannot be made, or belongs to somebody else.
    pub fn find() -> Result<Self, EngineError> {
        if let Some(dir) = std::env::var_os(STATE_DIR_VARIABLE).filter(|d| !d.is_empty()) {
            return Self::at(dir);
        }
        let dirs = directories::ProjectDirs::from("", "", "polyculture").ok_or_else(|| {
            EngineError::State {
                path: PathBuf::from("~"),
                reason: format!("no home folder is known; set HOME or {STATE_DIR_VARIABLE}"),
            }
        })?;
        Self::at(dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()))
    }

    /// A given folder, under the same rules.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn at(dir: impl Into<PathBuf>) -> Result<Self, EngineError> {
        let dir = std::path::absolute(dir.into()).map_err(EngineError::io("state folder"))?;
        make_private(&dir)?;
        let Some(kind) = network_file_system(&dir) else { return Ok(Self { dir, note: None }) };
        let local = PathBuf::from(format!("/var/tmp/polyculture-{}", nix::unistd::geteuid()));
        make_private(&local)?;
        let note = format!(
            "{} is on a network file system ({kind}), where SQLite's WAL is not safe: engine state \
             lives in {}",
            dir.display(),
            local.display()
        );
        Ok(Self { dir: local, note: Some(note) })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Why it is not where one would look for it.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The database.
    pub fn db(&self) -> PathBuf {
        self.dir.join("engine.db")
    }

    /// What the background engine says.
    pub fn log(&self) -> PathBuf {
        self.dir.join("engine.log")
    }

    /// Held by the one engine of this folder.
    pub(super) fn lock(&self) -> PathBuf {
        self.dir.join("engine.lock")
    }

    /// The workspaces whose runs are known: what the database is rebuilt from.
    pub(super) fn workspaces(&self) -> PathBuf {
        self.dir.join("workspaces.json")
    }

    /// What people told the engine that is in no run's folder.
    pub(super) fn settings(&self) -> PathBuf {
        self.dir.join("settings.json")
    }

    /// Where the path of a socket that would be too long here is recorded.
    fn socket_record(&self) -> PathBuf {
        self.dir.join("socket.path")
    }

    /// The socket that clients connect to.
    pub fn socket(&self) -> PathBuf {
        fs::read_to_string(self.socket_record())
            .map_or_else(|_| self.dir.join("engine.sock"), |s| PathBuf::from(s.trim()))
    }

    /// The socket that the engine binds; records its path when it cannot be in this folder.
    pub(super) fn socket_to_bind(&self) -> Result<PathBuf, EngineError> {
        let beside = self.dir.join("engine.sock");
        if beside.as_os_str().len() <= LONGEST_SOCKET {
            let _ = fs::remove_file(self.socket_record());
            return Ok(beside);
        }
        let recorded = self.socket();
        let usable = |p: &Path| {
            p.as_os_str().len() <= LONGEST_SOCKET
                && p.parent().is_some_and(|d| make_private(d).is_ok())
        };
        if recorded != beside && usable(&recorded) {
            return Ok(recorded);
        }
        let name = format!("polyculture-{}", uuid::Uuid::new_v4().simple());
        for base in [std::env::temp_dir(), PathBuf::from("/tmp")] {
            let path = base.join(&name).join("engine.sock");
            if usable(&path) {
                let text = path.as_os_str().as_encoded_bytes();
                write_atomically(&self.socket_record(), text)?;
                return Ok(path);
            }
        }
        Err(EngineError::State {
            path: self.dir.clone(),
            reason: format!(
                "its path is too long for a socket, and so is the temporary folder's; set \
                 {STATE_DIR_VARIABLE} to a shorter one"
            ),
        })
    }
}

/// Makes a folder that only its owner may enter, or checks that it is one.
fn make_private(dir: &Path) -> Result<(), EngineError> {
    let wrong = |reason: String| EngineError::State { path: dir.to_owned(), reason };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| wrong(format!("cannot be made: {e}; set {STATE_DIR_VARIABLE} elsewhere")))?;
    let meta = fs::metadata(dir).map_err(|e| wrong(e.to_string()))?;
    if meta.uid() != nix::unistd::geteuid().as_raw() {
        return Err(wrong(format!("belongs to user {}, not to you", meta.uid())));
    }
    if meta.mode() & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
            .map_err(|e| wrong(format!("others may enter it, and that cannot be mended: {e}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_others_may_enter_is_closed_to_them() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("open");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        let state = StateDir::at(&dir).unwrap();
        assert_eq!(fs::metadata(state.dir()).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_long_path_gets_a_short_socket_that_is_found_again() {
        let tmp = tempfile::tempdir().unwrap();
        let state = StateDir::at(tmp.path().join("x".repeat(120))).unwrap();
        let bound = state.socket_to_bind().unwrap();
        assert!(bound.as_os_str().len() <= LONGEST_SOCKET);
        assert_eq!(state.socket(), bound);
        assert_eq!(state.socket_to_bind().unwrap(), bound, "the same one after a restart");
        fs::remove_dir_all(bound.parent().unwrap()).unwrap();
    }
}
