//! A workspace: a folder with `polyculture.toml`, `workspace.db`, `runs/`, `datasets/`, `exports/`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ConfigError, places};

/// The file that makes a folder a workspace.
pub const MARKER: &str = "polyculture.toml";

/// What `polyculture.toml` may say. Unknown keys are an error, so that a misspelt one is seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkspaceSettings {
    /// `[storage]`
    pub storage: Storage,
}

/// Where bulky things go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// Folder for runs, relative to the workspace or absolute (a shared file system, for clusters).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<PathBuf>,
}

/// An existing workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
    settings: WorkspaceSettings,
}

impl Workspace {
    /// Makes a folder a workspace, with a commented settings file. The folder may exist already.
    ///
    /// # Errors
    /// It is a workspace already, or cannot be written.
    pub fn init(dir: &Path) -> Result<Self, ConfigError> {
        let marker = dir.join(MARKER);
        if marker.exists() {
            return Err(ConfigError::AlreadyAWorkspace { path: dir.to_owned() });
        }
        fs::create_dir_all(dir).map_err(io(dir))?;
        let text = "# A Polyculture workspace. `polyculture doctor` explains what is here.\n\
                    \n\
                    # [storage]\n\
                    # runs = \"/shared/folder\"   # where runs are written; a cluster needs a shared one\n";
        fs::write(&marker, text).map_err(io(&marker))?;
        Self::open(dir)
    }

    /// Opens a folder that is a workspace.
    ///
    /// # Errors
    /// It is none, or its settings do not parse.
    pub fn open(dir: &Path) -> Result<Self, ConfigError> {
        let marker = dir.join(MARKER);
        if !marker.is_file() {
            return Err(ConfigError::NotAWorkspace { path: dir.to_owned() });
        }
        let text = fs::read_to_string(&marker).map_err(io(&marker))?;
        let settings =
            toml::from_str(&text).map_err(|e: toml::de::Error| ConfigError::BadSettings {
                path: marker.clone(),
                line: e.span().map(|s| text[..s.start.min(text.len())].matches('\n').count() + 1),
                reason: e.message().to_owned(),
            })?;
        let root = fs::canonicalize(dir).map_err(io(dir))?;
        Ok(Self { root, settings })
    }

    /// The workspace a command works on: the one named, else the nearest parent folder that is
    /// one, else the default one (made on first use).
    ///
    /// # Errors
    /// The one named is none; no home folder is known; it cannot be read.
    pub fn find(named: Option<&Path>, cwd: &Path) -> Result<Self, ConfigError> {
        if let Some(dir) = named {
            return Self::open(dir);
        }
        if let Some(dir) = cwd.ancestors().find(|d| d.join(MARKER).is_file()) {
            return Self::open(dir);
        }
        let dir = places::default_workspace()?;
        if dir.join(MARKER).is_file() { Self::open(&dir) } else { Self::init(&dir) }
    }

    /// The folder, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its settings.
    pub fn settings(&self) -> &WorkspaceSettings {
        &self.settings
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.root.join("workspace.db")
    }

    /// Folder of runs.
    pub fn runs(&self) -> PathBuf {
        self.settings
            .storage
            .runs
            .as_ref()
            .map_or_else(|| self.root.join("runs"), |r| self.root.join(r))
    }

    /// Folder of datasets.
    pub fn datasets(&self) -> PathBuf {
        self.root.join("datasets")
    }

    /// Folder of evaluation tasks: texts that the user brought, and task files.
    pub fn tasks(&self) -> PathBuf {
        self.root.join("tasks")
    }

    /// Folder of exports.
    pub fn exports(&self) -> PathBuf {
        self.root.join("exports")
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> ConfigError {
    let path = path.to_owned();
    move |source| ConfigError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_setting_is_named_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(MARKER), "[storage]\n\nrun = \"x\"\n").unwrap();
        let e = Workspace::open(dir.path()).unwrap_err().to_string();
        assert!(e.contains("line 3") && e.contains("run"), "{e}");
    }

    #[test]
    fn the_nearest_parent_that_is_a_workspace_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let ws = Workspace::init(dir.path()).unwrap();
        let deep = dir.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        assert_eq!(Workspace::find(None, &deep).unwrap(), ws);
        assert!(matches!(
            Workspace::find(Some(&deep), &deep),
            Err(ConfigError::NotAWorkspace { .. })
        ));
        assert!(matches!(Workspace::init(dir.path()), Err(ConfigError::AlreadyAWorkspace { .. })));
    }
}
