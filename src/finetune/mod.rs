//! Recipes, the training job and its checkpoints, and the names of models. Pure planning first
//! (recipe, training set), then a job that reads its frozen input and writes its attempt folder.

pub mod backend;
mod base;
pub mod checkpoint;
mod choice;
mod data;
mod device;
mod error;
mod estimate;
mod fit;
mod job;
mod made;
mod models;
mod overrides;
mod recipe;

pub use base::{FrozenBase, refuse_adapter};
pub use choice::{ModelChoice, TinyModel};
pub use data::{DataOrder, Place, TrainingSet, hold_out};
pub use device::{DeviceChoice, DeviceUsed, check_device};
pub use error::FinetuneError;
pub use estimate::{Estimate, StepTokens, machine_memory};
pub use fit::{DiskNeed, MemoryNeed, TimeNeed, check_gpu, size};
pub use job::{TrainSummary, work};
pub use made::{MadeModel, made_by};
pub use models::{ModelCard, ModelRef};
pub use overrides::Overrides;
pub use recipe::{
    Backend, Dtype, Length, OpenAiSettings, OrderChoice, Parallel, PromptChoice, Quant, Recipe,
    Resources, TargetKind, TorchSettings, preset, preset_names,
};

#[cfg(test)]
mod adapter_tests;
#[cfg(test)]
mod device_tests;
#[cfg(test)]
mod job_tests;
#[cfg(test)]
mod recipe_tests;
