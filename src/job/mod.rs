//! The job contract: what a run's folder holds, and how a job reads and writes it.
//!
//! A job reads only its frozen `input/` (shared by all attempts of its run) and writes only its
//! attempt folder. It never opens a database. A killed job is resumed from the files of the
//! earlier attempts of its run.

mod attempt;
mod crash;
mod curves;
mod environment;
mod error;
mod exit;
mod file_progress;
mod gpus;
mod jsonl;
mod last_words;
mod lock;
mod log_lines;
mod log_search;
mod metrics;
mod new_run;
mod process;
mod progress;
mod record;
mod signal;
mod slurm_ask;
mod spec;
mod state;
pub mod watch;

pub use attempt::{Attempt, write_atomically};
pub use crash::{VARIABLE as CRASH_VARIABLE, crash_point};
pub use curves::{Curve, Curves, SMOOTHING, seconds_left};
pub use environment::{MARK, allowed_environment, is_secret_name};
pub use error::JobError;
pub use exit::{ExitFile, FailureFile, FailureKind, PauseFile, RunFile, StopFile, StopWhy};
pub use file_progress::{FileProgress, ProgressNow, read_progress};
pub use gpus::{GpuNow, GpuReading, GpusFile, LeasedGpu};
pub use jsonl::{JsonlWriter, read_jsonl};
pub use last_words::{LastWords, say};
pub use lock::{Mention, RunLock};
pub use log_lines::{LogEdge, LogPage, LogRow, read_log};
pub use log_search::{LogFound, find_in_log};
pub use metrics::{MetricsRow, MetricsWriter};
pub use new_run::{NewRun, Unsynced};
pub use process::{ProcessMark, boot_id};
pub use progress::{NoProgress, Progress};
pub use record::{RunRecord, RunView};
pub use signal::{interrupt_flag, stop_flag};
pub use slurm_ask::{ArrayPlace, SlurmAsk};
pub use spec::{ACTIVITY_RETRIES, After, Condition, Resources, RunKind, RunSpec, Terms, now};
pub use state::{Exit, FlatState, RunState, StateName};
