//! Runs as jobs of SLURM, under the same contract as local ones: the run's folder, on a file system
//! that login and compute nodes share, is the truth; the shim on the node writes it; SLURM is asked
//! what the folder cannot tell. `docs/slurm.md` has the states and what is asked of a cluster.

mod array;
mod carry;
mod close;
mod command;
mod crew;
mod doctor;
mod error;
mod hand_in;
pub(crate) mod identity;
mod judge;
mod parse;
mod poll;
mod questions;
pub(super) mod script;
mod stop;
mod submit;
mod tell;

use std::time::Duration;

pub(super) use carry::take_on;
pub use doctor::doctor;
pub use error::SlurmError;
pub(super) use identity::was_submitted;
pub(super) use poll::Board;
pub(super) use stop::signal_steps;

use super::log;

/// A number of seconds from the environment, or the usual one.
fn seconds_of(variable: &str, usual: f64) -> Duration {
    let said = std::env::var(variable).ok().and_then(|s| s.parse::<f64>().ok());
    let s = said.filter(|s| s.is_finite() && *s > 0.0 && *s < 1e6).unwrap_or(usual);
    Duration::from_secs_f64(s)
}
