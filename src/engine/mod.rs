//! The engine: one process per user and host that keeps every run accounted for, the shim that
//! carries one attempt and outlives it, and the client that the two faces use.
//! `docs/engine.md` has the state diagram and the rules of adoption. No SQL here: see `store`.

mod again;
pub mod at_rest;
pub mod client;
mod connection;
mod control;
mod core;
pub mod daemon;
mod error;
pub mod follow;
mod foreground;
pub mod gpu;
pub mod ingest;
pub mod install;
mod judge;
mod launch;
mod lifecycle;
mod log;
pub mod logout;
pub mod notify;
mod paths;
mod pause;
pub mod protocol;
mod rebuild;
mod requests;
mod schedule;
mod settings;
pub mod shim;
mod signals;
pub mod slurm;
mod sweep;
#[cfg(test)]
mod tests;
pub mod units;
mod upgrade;
mod waiting;
mod watch;
mod workspaces;

pub use client::Client;
pub use error::EngineError;
pub use foreground::{Foreground, wait_in_foreground};
pub use ingest::Ingest;
pub use paths::{STATE_DIR_VARIABLE, StateDir};
