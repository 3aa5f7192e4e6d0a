//! Why a run could not be started.

use thiserror::Error;

use super::{BuildError, PlaceError};
use crate::augment::AugmentError;
use crate::domain::DomainError;
use crate::embedded::hub::HubError;
use crate::engine::EngineError;
use crate::evaluate::EvaluateError;
use crate::evaluate::classify::ClassifyError;
use crate::finetune::FinetuneError;
use crate::job::JobError;
use crate::store::StoreError;
use crate::study::StudyError;

/// A run that was not started; nothing was left behind.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// The workspace.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Its database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The dataset.
    #[error(transparent)]
    Dataset(#[from] BuildError),
    /// The augmentation's settings.
    #[error(transparent)]
    Augment(#[from] AugmentError),
    /// The recipe, or the name of a model.
    #[error(transparent)]
    Finetune(#[from] FinetuneError),
    /// The evaluation's plan.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// The study.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// Classification tasks, their texts or their plan.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// A name.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// The run's files.
    #[error(transparent)]
    Files(#[from] JobError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A model on the hub.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The user's configuration.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// What nobody could carry out.
    #[error("{0}")]
    Unusable(String),
    /// Nothing answers to a name.
    #[error("{0}")]
    Unknown(String),
}
