//! Lines of a file, numbered, never longer than a limit.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{FileStart, LINE_LIMIT, TableError, first_bad_byte};

/// One line, without its break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// 1-based.
    pub number: u64,
    /// The text, checked to be UTF-8.
    pub text: &'a str,
    /// False for a last line without a line break: it may be torn.
    pub terminated: bool,
}

/// Reads lines one by one. An error about a line (not UTF-8, NUL, too long) leaves the reader at
/// the next line, so that one bad line does not lose the others.
#[derive(Debug)]
pub struct LineReader<R> {
    path: PathBuf,
    reader: BufReader<R>,
    line: Vec<u8>,
    number: u64,
    /// Bytes of the file before the next line.
    offset: u64,
    limit: usize,
}

impl LineReader<File> {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be opened, or is no UTF-8 text by its first bytes.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        Self::new(File::open(path).map_err(TableError::io(path))?, path)
    }
}

impl<R: Read> LineReader<R> {
    /// Reads from anything; `path` is for messages.
    ///
    /// # Errors
    /// The first bytes cannot be read, or are not of UTF-8 text.
    pub fn new(reader: R, path: &Path) -> Result<Self, TableError> {
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let start = reader.fill_buf().map_err(TableError::io(path))?;
        let skip = FileStart::of(start).skip(path)?;
        reader.consume(skip);
        Ok(Self {
            path: path.to_owned(),
            reader,
            line: Vec::new(),
            number: 0,
            offset: skip as u64,
            limit: LINE_LIMIT,
        })
    }

    /// Another limit than [`LINE_LIMIT`], in bytes.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The file, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next line, or `None` at the end.
    ///
    /// # Errors
    /// The disk failed, or the line is not UTF-8, holds NUL, or is too long. Only after
    /// [`TableError::Io`] is it useless to go on.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, TableError> {
        self.line.clear();
        let mut length = 0usize;
        let mut terminated = false;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(TableError::io(&self.path)(e)),
            };
            if chunk.is_empty() {
                break;
            }
            let (part, used) = match memchr::memchr(b'\n', chunk) {
                Some(i) => {
                    terminated = true;
                    (&chunk[..i], i + 1)
                }
                None => (chunk, chunk.len()),
            };
            // What is beyond the limit is counted and dropped: the memory stays small.
            let room = self.limit.saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            length += part.len();
            self.reader.consume(used);
            if terminated {
                break;
            }
        }
        if length == 0 && !terminated {
            return Ok(None);
        }
        self.number += 1;
        let at = self.offset;
        self.offset += length as u64 + u64::from(terminated);
        if length > self.limit {
            return Err(TableError::LongLine {
                path: self.path.clone(),
                line: self.number,
                limit: self.limit,
            });
        }
        if let Some((i, bad)) = first_bad_byte(&self.line) {
            return Err(bad.at(&self.path, self.number, at + i as u64 + 1));
        }
        if terminated && self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        let text = std::str::from_utf8(&self.line).unwrap_or_default();
        Ok(Some(Line { number: self.number, text, terminated }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> LineReader<&[u8]> {
        LineReader::new(bytes, Path::new("f.txt")).unwrap()
    }

    #[test]
    fn a_bad_line_is_named_by_line_and_byte_and_does_not_lose_the_next() {
        let mut r = reader(b"\xEF\xBB\xBFone\r\ntw\xE4o\nth\0ree\nfour");
        assert_eq!(r.next_line().unwrap().unwrap().text, "one");
        let e = r.next_line().unwrap_err().to_string();
        assert!(e.contains("line 2, byte 11") && e.contains("iconv"), "{e}");
        let e = r.next_line().unwrap_err().to_string();
        assert!(e.contains("line 3, byte 16") && e.contains("NUL"), "{e}");
        let last = r.next_line().unwrap().unwrap();
        assert_eq!((last.number, last.text, last.terminated), (4, "four", false));
        assert!(r.next_line().unwrap().is_none());
    }

    #[test]
    fn a_line_of_one_gigabyte_is_refused_in_little_memory_and_the_next_is_read() {
        let long = std::io::repeat(b'x').take(1 << 30);
        let mut r = LineReader::new(long.chain(&b"\nshort\n"[..]), Path::new("f")).unwrap();
        let e = r.next_line().unwrap_err();
        assert!(matches!(e, TableError::LongLine { line: 1, .. }), "{e}");
        assert!(r.line.capacity() <= 2 * LINE_LIMIT, "{} bytes held", r.line.capacity());
        assert_eq!(r.next_line().unwrap().unwrap().text, "short");
    }

    #[test]
    fn an_empty_file_has_no_line_and_an_empty_line_is_one() {
        assert!(reader(b"").next_line().unwrap().is_none());
        let mut r = reader(b"\n\n");
        assert_eq!(r.next_line().unwrap().unwrap().number, 1);
        assert_eq!(r.next_line().unwrap().unwrap().number, 2);
        assert!(r.next_line().unwrap().is_none());
    }
}
