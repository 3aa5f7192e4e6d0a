//! Progress of work that runs in a process of its own: `progress.json` in the attempt folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Attempt, Progress, now, stop_flag};

/// `progress.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgressNow {
    /// Units done.
    pub done: u64,
    /// Units in all, where known.
    pub total: Option<u64>,
    /// What is being done.
    pub note: String,
    /// When this was written.
    pub at: Timestamp,
}

/// Reads `progress.json`; `None` when there is none (yet).
pub fn read_progress(attempt_dir: &Path) -> Option<ProgressNow> {
    serde_json::from_slice(&fs::read(attempt_dir.join("progress.json")).ok()?).ok()
}

/// Writes `progress.json` whole by rename, at most five times a second, and stops on TERM.
#[derive(Debug)]
pub struct FileProgress {
    path: PathBuf,
    tmp: PathBuf,
    written: Option<Instant>,
    held: Option<ProgressNow>,
}

impl FileProgress {
    const PAUSE: Duration = Duration::from_millis(200);

    /// For the work of this attempt; from here on TERM means "write a checkpoint and stop".
    pub fn new(attempt: &Attempt) -> Self {
        stop_flag();
        Self {
            path: attempt.file("progress.json"),
            tmp: attempt.file(".progress.json.tmp"),
            written: None,
            held: None,
        }
    }

    /// Writes what was held back.
    pub fn flush(&mut self) {
        let Some(progress) = self.held.take() else { return };
        // Nobody's work should die for its progress bar: a full disk is met again, and said, by
        // the files that matter. Not fsynced for the same reason.
        if let Ok(text) = serde_json::to_vec(&progress)
            && fs::write(&self.tmp, text).is_ok()
        {
            let _ = fs::rename(&self.tmp, &self.path);
        }
        self.written = Some(Instant::now());
    }
}

impl Progress for FileProgress {
    fn at(&mut self, done: u64, total: Option<u64>, note: &str) {
        let due = self.written.is_none_or(|w| w.elapsed() >= Self::PAUSE);
        if due || Some(done) == total {
            self.held = Some(ProgressNow { done, total, note: note.to_owned(), at: now() });
            self.flush();
        } else if let Some(held) = &mut self.held {
            (held.done, held.total) = (done, total);
            note.clone_into(&mut held.note);
        } else {
            self.held = Some(ProgressNow { done, total, note: note.to_owned(), at: now() });
        }
    }

    fn should_stop(&self) -> bool {
        stop_flag().load(Relaxed)
    }
}

impl Drop for FileProgress {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_calls_are_few_writes_and_the_last_one_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let attempt = Attempt::create(dir.path(), 1).unwrap();
        let mut p = FileProgress::new(&attempt);
        p.at(1, Some(10), "first");
        p.at(2, Some(10), "second");
        assert_eq!(read_progress(attempt.dir()).unwrap().done, 1);
        drop(p);
        let last = read_progress(attempt.dir()).unwrap();
        assert_eq!((last.done, last.total, last.note.as_str()), (2, Some(10), "second"));
    }
}
