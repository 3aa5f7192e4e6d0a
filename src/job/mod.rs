//! The job contract: what an attempt folder holds, and how a job reads and writes it.
//!
//! A job reads only its frozen `input/` (shared by all attempts of its run) and writes only its
//! attempt folder. It never opens a database. A killed job is resumed from the files of the
//! earlier attempts of its run.

mod attempt;
mod error;
mod jsonl;
mod metrics;
mod progress;

pub use attempt::{Attempt, write_atomically};
pub use error::JobError;
pub use jsonl::{JsonlWriter, read_jsonl};
pub use metrics::{MetricsRow, MetricsWriter};
pub use progress::{NoProgress, Progress};
