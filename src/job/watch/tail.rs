//! A file that others write: only its growth is read, and a file that was replaced, cut or written
//! anew in its place is noticed.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::job::JobError;

/// Bytes of one read.
const BLOCK: usize = 1 << 20;
/// Bytes before the offset that are kept, to know the file again.
const KNOWN: usize = 64;
/// Bytes that one piece (a line, a record) may take; a longer one is given as it is.
const LONGEST: usize = 64 << 20;

/// What became of the file since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing.
    Same,
    /// There are new bytes.
    Grown,
    /// Another file stands there: everything read from the old one is void, and it is read from its
    /// start. [`Tail::look`] says so once.
    Replaced,
    /// There is no file.
    Missing,
}

/// How far a file was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tail {
    path: PathBuf,
    offset: u64,
    /// Device and inode.
    id: Option<(u64, u64)>,
    /// Length and time of change (ns) of the last look that read all there was.
    seen: Option<(u64, i64)>,
    last: Vec<u8>,
    modified: Option<f64>,
    size: u64,
}

impl Tail {
    /// At the start of a file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// At `offset` of a file, as an index remembers it: `last` are the bytes before it.
    pub fn at(path: impl Into<PathBuf>, offset: u64, last: Vec<u8>) -> Self {
        Self { path: path.into(), offset, last, ..Self::default() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes before the offset, some of them.
    pub fn last(&self) -> &[u8] {
        &self.last
    }

    /// Bytes of the file at the last look.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// When the file was changed, in seconds since 1970, as of the last look.
    pub fn modified(&self) -> Option<f64> {
        self.modified
    }

    fn open(&mut self) -> Result<Option<(File, u64, i64)>, JobError> {
        let file = match File::open(&self.path) {
            Ok(f) => f,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(JobError::io(&self.path)(e)),
        };
        let m = file.metadata().map_err(JobError::io(&self.path))?;
        let changed = m.mtime().saturating_mul(1_000_000_000).saturating_add(m.mtime_nsec());
        self.modified = Some(changed as f64 / 1e9);
        self.size = m.len();
        let id = (m.dev(), m.ino());
        if self.id.is_some_and(|known| known != id) {
            self.forget();
        }
        self.id = Some(id);
        Ok(Some((file, m.len(), changed)))
    }

    fn forget(&mut self) {
        (self.offset, self.seen, self.last) = (0, None, Vec::new());
        self.id = None;
    }

    /// What became of it. Nothing is read but a few bytes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn look(&mut self) -> Result<Look, JobError> {
        let before = self.offset;
        let Some((file, size, changed)) = self.open()? else {
            let had = before > 0;
            self.forget();
            self.size = 0;
            return Ok(if had { Look::Replaced } else { Look::Missing });
        };
        if self.offset < before {
            return Ok(Look::Replaced);
        }
        if self.seen == Some((size, changed)) {
            return Ok(Look::Same);
        }
        let known = self.last.len() as u64;
        let same = size >= self.offset && {
            let mut there = vec![0; self.last.len()];
            let read = file.read_exact_at(&mut there, self.offset - known);
            read.is_ok() && there == self.last
        };
        if !same {
            self.forget();
            return Ok(Look::Replaced);
        }
        if size == self.offset {
            self.seen = Some((size, changed));
            return Ok(Look::Same);
        }
        Ok(Look::Grown)
    }

    /// Reads on. `take` is given bytes that follow each other and says how many of them are done
    /// with; the others come again, with more behind them. Gives what was left at the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn feed(&mut self, take: &mut dyn FnMut(&[u8]) -> usize) -> Result<Vec<u8>, JobError> {
        let Some((file, size, changed)) = self.open()? else { return Ok(Vec::new()) };
        // As long as what is new: a look at a long file that grew by a line touches a line.
        let new = usize::try_from(size.saturating_sub(self.offset)).unwrap_or(BLOCK);
        let mut block = vec![0; new.clamp(1, BLOCK)];
        let mut held = 0usize;
        let mut at = self.offset;
        while at < size {
            if held == block.len() {
                if block.len() >= LONGEST {
                    // One piece of tens of megabytes: it is no line and no record that we read.
                    self.step_over(&block[..held]);
                    held = 0;
                } else {
                    block.resize(block.len() * 2, 0);
                }
            }
            let room = (block.len() - held).min(usize::try_from(size - at).unwrap_or(usize::MAX));
            let n = file
                .read_at(&mut block[held..held + room], at)
                .map_err(JobError::io(&self.path))?;
            if n == 0 {
                break;
            }
            at += n as u64;
            held += n;
            let done = take(&block[..held]).min(held);
            if done > 0 {
                self.step_over(&block[..done]);
                block.copy_within(done..held, 0);
                held -= done;
            }
        }
        self.seen = Some((size, changed));
        block.truncate(held);
        Ok(block)
    }

    fn step_over(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        let from = bytes.len().saturating_sub(KNOWN);
        self.last.extend_from_slice(&bytes[from..]);
        let old = self.last.len().saturating_sub(KNOWN);
        self.last.drain(..old);
    }

    /// Reads on, line by line, without the line break; a torn last line waits.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn feed_lines(&mut self, line: &mut dyn FnMut(&[u8])) -> Result<Vec<u8>, JobError> {
        self.feed(&mut |bytes| {
            let mut from = 0;
            for end in memchr::memchr_iter(b'\n', bytes) {
                line(&bytes[from..end]);
                from = end + 1;
            }
            from
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    fn lines(t: &mut Tail) -> (Look, Vec<String>) {
        let mut look = t.look().unwrap();
        if look == Look::Replaced {
            let again = t.look().unwrap();
            assert!(again != Look::Replaced, "said once");
            look = Look::Replaced;
        }
        let mut out = Vec::new();
        t.feed_lines(&mut |l| out.push(String::from_utf8_lossy(l).into_owned())).unwrap();
        (look, out)
    }

    #[test]
    fn a_file_that_is_not_there_yet_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let mut t = Tail::new(&path);
        assert_eq!(lines(&mut t), (Look::Missing, vec![]));
        fs::write(&path, "one\ntw").unwrap();
        assert_eq!(lines(&mut t), (Look::Grown, vec!["one".into()]));
        assert!(Tail::new(dir.path()).feed_lines(&mut |_| ()).is_err(), "a folder is no file");
        let mut f = fs::OpenOptions::new().append(true).open(&path).unwrap();
        f.write_all(b"o\n").unwrap();
        assert_eq!(lines(&mut t), (Look::Grown, vec!["two".into()]));
        assert_eq!(lines(&mut t), (Look::Same, vec![]));
    }

    #[test]
    fn a_file_that_was_cut_replaced_or_written_anew_is_read_from_its_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "one\ntwo\n").unwrap();
        let mut t = Tail::new(&path);
        lines(&mut t);
        fs::write(&path, "cut\n").unwrap();
        assert_eq!(lines(&mut t), (Look::Replaced, vec!["cut".into()]));
        // Cut and grown past the old length between two looks, as by `cp /dev/null` and a writer.
        fs::write(&path, "anew\nand longer\n").unwrap();
        assert_eq!(lines(&mut t).1, ["anew", "and longer"]);
        let other = dir.path().join("b");
        fs::write(&other, "anew\nand longer\nmoved here\n").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!(lines(&mut t).1, ["anew", "and longer", "moved here"]);
        fs::remove_file(&path).unwrap();
        assert_eq!(t.look().unwrap(), Look::Replaced);
        assert_eq!(t.look().unwrap(), Look::Missing);
    }

    #[test]
    fn a_line_longer_than_a_block_comes_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let long = "x".repeat(3 * BLOCK + 5);
        fs::write(&path, format!("{long}\nend\n")).unwrap();
        let mut t = Tail::new(&path);
        let (_, got) = lines(&mut t);
        assert_eq!((got[0].len(), got[1].as_str()), (long.len(), "end"));
    }
}
