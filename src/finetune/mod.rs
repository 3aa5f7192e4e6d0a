//! Recipes, the training job and its checkpoints, and the names of models. Pure planning first
//! (recipe, training set), then a job that reads its frozen input and writes its attempt folder.

pub mod checkpoint;
mod data;
mod error;
mod job;
mod models;
mod recipe;

pub use data::{DataOrder, TrainingSet};
pub use error::FinetuneError;
pub use job::{TrainSummary, work};
pub use models::{ModelCard, ModelRef};
pub use recipe::{
    Backend, Length, ModelChoice, OrderChoice, PromptChoice, Recipe, Resources, TargetKind,
    TinyModel, preset, preset_names,
};

#[cfg(test)]
mod job_tests;
#[cfg(test)]
mod recipe_tests;
