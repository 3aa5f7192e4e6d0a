//! The whole loop on sample data, as a person would go through it: every long step is a run of the
//! engine, every result goes through the workspace. What is printed at the end is what the commands
//! of the README would have given.

mod arms;
mod report;
mod steps;
mod study;

pub use arms::{Arms, Size};
pub use report::{DemoReport, RatingCounts, SampleCounts};
pub use steps::{DemoError, Watch, run, run_in};
