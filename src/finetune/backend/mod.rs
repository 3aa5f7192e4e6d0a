//! Who trains: one trait, one recipe file. A backend says which keys of a recipe it cannot follow
//! (refused before the start, at their line), what a run will take, which files it freezes beside
//! the recipe, and how it carries an attempt through to a model.

mod local;
mod openai;
mod torch;

use std::path::Path;

use super::{Backend, Estimate, FinetuneError, FrozenBase, Recipe, TrainSummary};
use crate::domain::{Example, Survey};
use crate::job::{Attempt, JobError, Progress};

pub use torch::{LAUNCH_VARIABLE, Launched, Needed, Probed, Python, doctor as torch_doctor};

/// The key that is wrong, and what was expected there.
pub type Wrong = (&'static str, String);

/// What a fine-tune was asked for, before it is a run.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The recipe, overrides included.
    pub recipe: &'a Recipe,
    /// Where its model lies; none for a model from scratch or of a service.
    pub base: Option<&'a FrozenBase>,
    /// The dataset.
    pub rows: &'a [Example],
    /// Its questions and cultures.
    pub survey: &'a Survey,
    /// The Python that was asked for on the command line.
    pub python: Option<&'a Path>,
}

/// Who trains a recipe.
pub trait Trains: Sync {
    /// Keys and tables of a recipe that mean nothing here, each with the way out: they are refused
    /// where they stand, whatever their value.
    fn refuses(&self) -> &'static [(&'static str, &'static str)];

    /// Checks values that only this backend cannot follow.
    ///
    /// # Errors
    /// The key, and what was expected there.
    fn check(&self, recipe: &Recipe) -> Result<(), Wrong>;

    /// What a run will take; `None` where somebody else's machine takes it.
    ///
    /// # Errors
    /// This machine cannot hold it: the figures and the ways out.
    fn estimate(&self, request: &Request<'_>) -> Result<Option<Estimate>, FinetuneError>;

    /// Files that a run's input holds beside recipe, dataset and survey.
    ///
    /// # Errors
    /// Something that the run would need is missing: with the way out.
    fn freeze(&self, request: &Request<'_>) -> Result<Vec<(String, Vec<u8>)>, FinetuneError>;

    /// Trains as the attempt's input says, or goes on where an earlier attempt stopped.
    ///
    /// # Errors
    /// [`JobError::Stopped`] after a checkpoint when asked to stop; otherwise what is wrong with
    /// the input, the disk, or the training itself.
    fn carry(
        &self,
        attempt: &Attempt,
        progress: &mut dyn Progress,
    ) -> Result<TrainSummary, JobError>;
}

/// The backend of a recipe.
pub fn backend(which: Backend) -> &'static dyn Trains {
    match which {
        Backend::Local => &local::Local,
        Backend::Torch => &torch::Torch,
        Backend::Openai => &openai::OpenAi,
    }
}
