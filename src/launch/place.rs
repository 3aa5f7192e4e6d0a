//! The workspace a command works on: its folder and its database together.

use std::path::Path;

use thiserror::Error;

use crate::config::{ConfigError, Workspace as Folder};
use crate::domain::RunId;
use crate::seeds;
use crate::store::{Access, StoreError, Workspace as Store};

/// A workspace that cannot be made or opened.
#[derive(Debug, Error)]
pub enum PlaceError {
    /// Its folder or its settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sample survey inside the binary.
    #[error("the sample survey: {0}")]
    Sample(String),
}

/// An existing workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    folder: Folder,
    /// Runs whose models may be named before they are there.
    awaited: Vec<RunId>,
}

impl Place {
    /// Makes a folder a workspace, with the sample seeds and counts in it unless `empty`.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn init(dir: &Path, empty: bool) -> Result<Self, PlaceError> {
        let place = Self { folder: Folder::init(dir)?, awaited: Vec::new() };
        place.fill(empty)?;
        Ok(place)
    }

    /// Makes a folder a workspace with the database of a backup.
    ///
    /// # Errors
    /// The folder has a database; the backup cannot be used.
    pub fn restore(backup: &Path, dir: &Path) -> Result<Self, PlaceError> {
        let place = Self { folder: Folder::init(dir)?, awaited: Vec::new() };
        Store::restore(backup, place.folder.root())?;
        Ok(place)
    }

    /// The workspace that is named, near, or the default one (see [`Folder::find`]). A database
    /// that is missing is made, with the sample seeds in it.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn find(named: Option<&Path>, cwd: &Path) -> Result<Self, PlaceError> {
        let place = Self { folder: Folder::find(named, cwd)?, awaited: Vec::new() };
        if !place.folder.database().exists() {
            place.fill(false)?;
        }
        Ok(place)
    }

    fn fill(&self, empty: bool) -> Result<(), PlaceError> {
        let mut store = Store::create(self.folder.root())?;
        if !empty && store.read().survey()?.questions.is_empty() {
            let survey = seeds::sample::survey().map_err(|e| PlaceError::Sample(e.to_string()))?;
            store.write(|tx| tx.put_survey(&survey))?;
        }
        Ok(())
    }

    /// The same workspace, for a run that waits for others: models that those will make may be named.
    #[must_use]
    pub fn awaiting(self, runs: &[RunId]) -> Self {
        Self { awaited: runs.to_vec(), ..self }
    }

    /// Runs whose models may be named before they are there.
    pub fn awaited(&self) -> &[RunId] {
        &self.awaited
    }

    /// The folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The database, for reading.
    ///
    /// # Errors
    /// It is newer than this program, not a database, or cannot be read.
    pub fn read(&self) -> Result<Store, PlaceError> {
        Ok(Store::open(self.folder.root(), Access::Read)?)
    }

    /// The database, for writing.
    ///
    /// # Errors
    /// As [`Place::read`]; it is read-only.
    pub fn write(&self) -> Result<Store, PlaceError> {
        Ok(Store::open(self.folder.root(), Access::Write)?)
    }
}
