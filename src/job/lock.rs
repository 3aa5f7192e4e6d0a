//! The lock of a run: one file a run, held by the shim and inherited by the work. While it is
//! held somebody of the run lives; who holds it alone may judge or start an attempt.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use serde::{Deserialize, Serialize};

use super::{JobError, ProcessMark};

/// The lock, held until all copies of the descriptor are closed.
#[derive(Debug)]
pub struct RunLock {
    path: PathBuf,
    file: File,
}

/// Written into the lock file by a shim before it starts the work: this attempt has begun, so no
/// other shim begins it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mention {
    /// The attempt.
    pub attempt: u32,
    /// The boot.
    pub boot_id: String,
    /// The shim.
    pub shim: ProcessMark,
}

impl RunLock {
    /// The file's name in the run's folder.
    pub const NAME: &'static str = "lock";

    fn open(run_dir: &Path) -> Result<Self, JobError> {
        let path = run_dir.join(Self::NAME);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(JobError::io(&path))?;
        Ok(Self { path, file })
    }

    /// Takes the lock; `None` when somebody holds it.
    ///
    /// # Errors
    /// The folder is gone, or the file system has no locks.
    pub fn try_take(run_dir: &Path) -> Result<Option<Self>, JobError> {
        let lock = Self::open(run_dir)?;
        match lock.file.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(JobError::io(lock.path)(e)),
        }
    }

    /// Blocks until nobody holds the lock.
    ///
    /// # Errors
    /// As [`Self::try_take`].
    pub fn wait_until_free(run_dir: &Path) -> Result<(), JobError> {
        let lock = Self::open(run_dir)?;
        loop {
            match lock.file.lock_shared() {
                Ok(()) => return Ok(()),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(JobError::io(lock.path)(e)),
            }
        }
    }

    /// Lets processes started from here inherit the lock.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn make_inheritable(&self) -> Result<(), JobError> {
        fcntl(&self.file, FcntlArg::F_SETFD(FdFlag::empty()))
            .map(|_| ())
            .map_err(|e| JobError::io(&self.path)(e.into()))
    }

    /// The attempt that was begun last, if the file says one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn mention(&self) -> Result<Option<Mention>, JobError> {
        read_mention(&self.file).map_err(JobError::io(&self.path))
    }

    /// The same without the lock.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn peek(run_dir: &Path) -> Result<Option<Mention>, JobError> {
        let path = run_dir.join(Self::NAME);
        match File::open(&path) {
            Ok(f) => read_mention(&f).map_err(JobError::io(&path)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(JobError::io(&path)(e)),
        }
    }

    /// Says, durably, that an attempt has begun.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write_mention(&mut self, mention: &Mention) -> Result<(), JobError> {
        let mut line = serde_json::to_vec(mention).map_err(|e| JobError::Malformed {
            path: self.path.clone(),
            line: None,
            reason: e.to_string(),
        })?;
        line.push(b'\n');
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&line))
            .and_then(|()| file.set_len(line.len() as u64))
            .and_then(|()| file.sync_data())
            .map_err(JobError::io(&self.path))
    }
}

fn read_mention(mut file: &File) -> std::io::Result<Option<Mention>> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut text)?;
    // The first line only: a shorter mention over a longer one leaves a tail until it is cut.
    Ok(text.lines().next().and_then(|l| serde_json::from_str(l).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_cannot_be_taken_and_says_which_attempt_has_begun() {
        let dir = tempfile::tempdir().unwrap();
        let mut held = RunLock::try_take(dir.path()).unwrap().unwrap();
        assert_eq!(held.mention().unwrap(), None);
        let shim = ProcessMark { pid: 1234, start: 99_999 };
        let m = Mention { attempt: 12, boot_id: "a-long-boot-id".into(), shim };
        held.write_mention(&m).unwrap();
        let m = Mention { attempt: 2, boot_id: "b".into(), shim };
        held.write_mention(&m).unwrap();
        assert!(RunLock::try_take(dir.path()).unwrap().is_none());
        assert_eq!(RunLock::peek(dir.path()).unwrap(), Some(m));
        drop(held);
        RunLock::wait_until_free(dir.path()).unwrap();
        assert!(RunLock::try_take(dir.path()).unwrap().is_some());
        assert!(RunLock::try_take(&dir.path().join("gone")).is_err());
    }
}
