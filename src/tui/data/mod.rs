//! What happens off the screen's task: reading, writing, asking the engine, watching both.

mod access;
mod engine_now;
mod engine_watch;
mod store_watch;
mod worker;

pub use access::{Access, WorkError};
pub use engine_now::{EngineNow, Link, RunNow};
pub use engine_watch::{EngineNews, watch_engine};
pub use store_watch::watch_store;
pub use worker::{Lane, Workers};
