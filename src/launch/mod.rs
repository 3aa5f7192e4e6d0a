//! What a face asks for, frozen into a run's `input/` and handed to the engine. Both faces and the
//! demo start runs here, so that a run is the same whoever asked for it. No rule of the domain
//! lives here: the activities plan, this room carries.

mod answers;
mod awaited;
mod base;
mod calls;
mod classify;
mod cluster;
mod dataset;
pub mod drafts;
mod encoders;
mod endpoints;
mod error;
mod faces;
mod facts;
mod fit;
mod judge;
mod language;
mod models;
mod named;
mod offered;
mod open;
mod place;
mod prepared;
mod prune;
mod registry;
mod runs;
mod sources;
mod speakers;

pub use answers::answers_of_run;
pub use awaited::awaited_models;
pub use calls::{PreparedCalls, Speaker};
pub use classify::{ClassifyRequest, CulturePrompt, PreparedClassify, classify};
pub use cluster::{array_name, as_array, on_slurm};
pub use dataset::{
    BuildError, DatasetManifest, StoredDataset, build_dataset, dataset_of, open_dataset, samples,
};
pub use encoders::encoders_of_runs;
pub use endpoints::{ask_services, endpoint, price, reply_files};
pub use error::LaunchError;
pub use faces::{BesideWork, KeyRow, NotOpened, Opening, Say, ScreenFace, Tone};
pub use facts::{AttemptFacts, RunFacts};
pub use fit::{Needs, check_fit, needs};
pub use judge::{JudgeRequest, PreparedJudge, judge, judge_name};
pub use language::{augment_with, translate};
pub use models::{base_of_adapter, model_folder, model_source, planned_model};
pub use offered::{OfferedModel, offered_models, offered_tasks};
pub use open::{
    ForgettingRequest, PreparedTask, RobustnessRequest, WinRateRequest, forgetting, party,
    robustness, robustness_pairs, win_rate,
};
pub use place::{Place, PlaceError};
pub use prepared::Prepared;
pub use prune::{Prunable, prunable, remove as remove_pruned};
pub use registry::{
    ServePlan, connect as connect_provider, register, registered, remote_of, serve_plan,
};
pub use runs::{FinetuneRequest, SurveyInput, augment, command, evaluate, finetune, submit};
pub use sources::named_source;
pub use speakers::{KnownSpeaker, known_speakers};
