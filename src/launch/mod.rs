//! What a face asks for, frozen into a run's `input/` and handed to the engine. Both faces and the
//! demo start runs here, so that a run is the same whoever asked for it. No rule of the domain
//! lives here: the activities plan, this room carries.

mod dataset;
mod endpoints;
mod error;
mod models;
mod place;
mod prepared;
mod runs;

pub use dataset::{
    BuildError, DatasetManifest, StoredDataset, build_dataset, open_dataset, samples,
};
pub use endpoints::{ask_services, endpoint, price, reply_files};
pub use error::LaunchError;
pub use models::model_folder;
pub use place::{Place, PlaceError};
pub use prepared::Prepared;
pub use runs::{FinetuneRequest, augment, command, evaluate, finetune, submit};
