//! `exit.json`, also on a disk that the work has filled.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::job::{Attempt, ExitFile, JobError, write_atomically};

/// Room for `exit.json`, taken before the work starts: a disk that the work fills up does not cost
/// us its exit code.
pub(super) struct ExitReserve {
    file: File,
    tmp: std::path::PathBuf,
    path: std::path::PathBuf,
}

impl ExitReserve {
    const SIZE: usize = 4096;

    pub(super) fn new(attempt: &Attempt) -> Result<Self, JobError> {
        let tmp = attempt.file(".exit.json.reserved");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&tmp)
            .map_err(JobError::io(&tmp))?;
        file.write_all_at(&[b' '; Self::SIZE], 0).map_err(JobError::io(&tmp))?;
        Ok(Self { file, tmp, path: attempt.file(ExitFile::NAME) })
    }

    /// Writes it, trying again for a minute while the disk says no.
    pub(super) fn write(&mut self, end: &ExitFile) -> Result<(), JobError> {
        let mut text = serde_json::to_vec_pretty(end).unwrap_or_default();
        text.resize(text.len().max(Self::SIZE - 1), b' ');
        text.push(b'\n');
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let written = self
                .file
                .write_all_at(&text, 0)
                .and_then(|()| self.file.sync_all())
                .and_then(|()| std::fs::rename(&self.tmp, &self.path))
                .and_then(|()| {
                    File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
                });
            match written {
                Ok(()) => return Ok(()),
                // The reserve is gone or unusable: the plain way may still work.
                Err(_) if write_atomically(&self.path, text.trim_ascii()).is_ok() => return Ok(()),
                Err(e) if Instant::now() >= deadline => return Err(JobError::io(&self.path)(e)),
                Err(_) => std::thread::sleep(Duration::from_millis(500)),
            }
        }
    }
}
