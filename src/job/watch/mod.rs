//! Watching a training run by its folder, whoever trains: readers that take in only the growth of
//! our `metrics.jsonl`, of LLaMA-Factory's `trainer_log.jsonl`, of TensorBoard's event files, of
//! what transformers prints, and of `trainer_state.json`; which of them is believed for which
//! curve; alarms; and the index that makes long series quick to open.

mod alarm;
mod board;
mod crc32c;
mod event_file;
mod folder;
mod gpus;
pub(super) mod index;
mod known;
mod layout;
mod loose;
mod names;
pub(super) mod ours;
pub(super) mod pace;
mod saved;
pub(super) mod spikes;
mod stdout;
pub(super) mod tail;
mod trainer;

pub use alarm::{Alarm, AlarmKind};
pub use folder::{Origin, Watch};
pub use gpus::{GpuSeen, read_gpus};
pub use known::{Going, Known, Measured, SourceSeen};
pub use pace::Pace;
pub use saved::Saved;
pub use spikes::Spike;
pub use stdout::StepsFrom;
pub use tail::{Look, Tail};

#[cfg(test)]
mod tests;
