//! What every command needs: how to answer, and which workspace is meant.

use std::env;
use std::path::PathBuf;

use super::{Failure, Output};
use crate::job::SlurmAsk;
use crate::launch::{Place, PlaceError, ScreenFace};
use crate::store::{Workspace as Store, refuse_network_file_system};

/// Global flags, resolved at first need.
#[derive(Debug)]
pub struct Context {
    /// How to answer.
    pub out: Output,
    /// The other face.
    pub screen: ScreenFace,
    named: Option<PathBuf>,
    /// What is asked of SLURM for the run that is started; `None`: it runs here.
    pub slurm: Option<SlurmAsk>,
}

impl From<PlaceError> for Failure {
    fn from(e: PlaceError) -> Self {
        Self::workspace(e)
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(e: crate::store::StoreError) -> Self {
        Self::workspace(e)
    }
}

impl Context {
    /// From the global flags.
    pub fn new(json: bool, named: Option<PathBuf>, screen: ScreenFace) -> Self {
        Self { out: Output { json }, screen, named, slurm: None }
    }

    /// The same, for a run that goes to SLURM or stays here.
    #[must_use]
    pub fn on(self, slurm: Option<SlurmAsk>) -> Self {
        Self { slurm, ..self }
    }

    /// The workspace that is meant.
    ///
    /// # Errors
    /// The one named is none, or its database cannot be used.
    pub fn place(&self) -> Result<Place, Failure> {
        let cwd = env::current_dir()?;
        Ok(Place::find(self.named.as_deref(), &cwd)?)
    }

    /// Its database, for reading.
    ///
    /// # Errors
    /// As [`Context::place`].
    pub fn read(&self) -> Result<Store, Failure> {
        Ok(self.place()?.read()?)
    }

    /// Its database, for writing what raters do or depend on: not where broken locks could lose it.
    ///
    /// # Errors
    /// As [`Context::write`]; it lies on a network file system.
    pub fn write_ratings(&self) -> Result<Store, Failure> {
        let place = self.place()?;
        refuse_network_file_system(place.folder().root())?;
        Ok(place.write()?)
    }

    /// Its database, for writing.
    ///
    /// # Errors
    /// As [`Context::place`]; it is read-only.
    pub fn write(&self) -> Result<Store, Failure> {
        Ok(self.place()?.write()?)
    }
}
