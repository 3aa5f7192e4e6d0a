//! How a job tells how far it is, and learns that it should stop.

/// Told by a job as it goes. Cheap to call: implementations coalesce.
pub trait Progress {
    /// `done` of `total` units (a step, a sample, a prompt), with a word on what is being done.
    fn at(&mut self, done: u64, total: Option<u64>, note: &str);

    /// True once the job was asked to stop: it writes a checkpoint and returns
    /// [`JobError::Stopped`](super::JobError::Stopped).
    fn should_stop(&self) -> bool {
        false
    }
}

/// Nobody is watching.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn at(&mut self, _done: u64, _total: Option<u64>, _note: &str) {}
}
