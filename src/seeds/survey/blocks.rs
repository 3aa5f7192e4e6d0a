//! A file as blocks of whole records, handed out one after the other to several threads.
//!
//! Block borders depend on the file only, so that sums by block are the same however many threads
//! there are. One thread at a time reads; the bytes come from the page cache or a disk, which are
//! not faster for being asked twice.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::table::quotes::{open_after, record_length};
use crate::table::{Delimiter, FileStart, LINE_LIMIT, TableError};

/// Bytes read at a time. It fits the second-level cache of usual machines.
pub(super) const BLOCK_BYTES: usize = 1 << 20;

/// Where a block stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// 0-based.
    pub(super) index: usize,
    /// Bytes of the file before it.
    pub(super) offset: u64,
    /// Whether a quote stands in it.
    pub(super) quotes: bool,
}

/// Reads blocks.
#[derive(Debug)]
pub(super) struct BlockSource<R> {
    path: PathBuf,
    reader: R,
    delimiter: Delimiter,
    block_bytes: usize,
    limit: usize,
    /// Read and not yet handed out.
    carry: Vec<u8>,
    ended: bool,
    index: usize,
    header_lines: u64,
    offset: u64,
}

impl<R: Read> BlockSource<R> {
    pub(super) fn new(reader: R, path: &Path, block_bytes: usize) -> Result<Self, TableError> {
        let mut source = Self {
            path: path.to_owned(),
            reader,
            delimiter: Delimiter::Comma,
            block_bytes: block_bytes.max(1),
            limit: LINE_LIMIT,
            carry: Vec::new(),
            ended: false,
            index: 0,
            header_lines: 0,
            offset: 0,
        };
        let mut start = Vec::new();
        source.read_more(&mut start, 1 << 16)?;
        let skip = FileStart::of(&start).skip(path)?;
        source.delimiter = Delimiter::sniff(&start[skip..]);
        source.offset = skip as u64;
        source.carry = start.split_off(skip);
        Ok(source)
    }

    pub(super) fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// The first record, without its line break: the header. Empty for an empty file.
    pub(super) fn header(&mut self) -> Result<Vec<u8>, TableError> {
        let mut text = std::mem::take(&mut self.carry);
        let end = loop {
            if let Some(end) = record_length(&text, self.delimiter.byte()) {
                break end + 1;
            }
            if text.len() > self.limit {
                return Err(self.too_long());
            }
            if self.ended {
                break text.len();
            }
            self.read_more(&mut text, 1 << 16)?;
        };
        self.carry = text.split_off(end);
        self.header_lines = memchr::memchr_iter(b'\n', &text).count() as u64;
        self.offset += text.len() as u64;
        while matches!(text.last(), Some(b'\n' | b'\r')) {
            text.pop();
        }
        Ok(text)
    }

    /// Fills `block` with the next whole records; `None` at the end of the file. Lines are counted by
    /// whoever reads the block: here they would be counted while the other threads wait.
    pub(super) fn next(&mut self, block: &mut Vec<u8>) -> Result<Option<Block>, TableError> {
        block.clear();
        block.append(&mut self.carry);
        let mut quotes = memchr::memchr(b'"', block).is_some();
        while !self.ended {
            let before = block.len();
            // A record longer than a block doubles what is read, so that it is looked at a few
            // times only.
            self.read_more(block, self.block_bytes.max(before))?;
            quotes = quotes || memchr::memchr(b'"', &block[before..]).is_some();
            if self.ended {
                break;
            }
            let end = self.last_border(block, quotes);
            if end > 0 {
                self.carry.extend_from_slice(&block[end..]);
                block.truncate(end);
                break;
            }
            if block.len() > self.limit {
                return Err(self.too_long());
            }
        }
        if block.is_empty() {
            return Ok(None);
        }
        if block.len() > self.limit && self.last_border(block, quotes) == 0 {
            return Err(self.too_long());
        }
        let here = Block { index: self.index, offset: self.offset, quotes };
        self.index += 1;
        self.offset += block.len() as u64;
        Ok(Some(here))
    }

    fn read_more(&mut self, into: &mut Vec<u8>, bytes: usize) -> Result<(), TableError> {
        into.reserve(bytes);
        // After an error the file counts as ended, for the threads that ask later.
        let read = self.reader.by_ref().take(bytes as u64).read_to_end(into);
        self.ended = read.as_ref().map_or(true, |&got| got < bytes);
        read.map(|_| ()).map_err(TableError::io(&self.path))
    }

    /// Length up to and including the last line break that ends a record; 0 without one.
    fn last_border(&self, text: &[u8], quotes: bool) -> usize {
        if !quotes {
            return memchr::memrchr(b'\n', text).map_or(0, |i| i + 1);
        }
        // Where the last break stands behind all quotes and none is open, it ends a record; this is
        // asked while the other threads wait, so the walk from record to record is the last resort.
        let delimiter = self.delimiter.byte();
        let last_break = memchr::memrchr(b'\n', text);
        let last_quote = memchr::memrchr(b'"', text);
        if let Some(end) = last_break
            && last_quote < Some(end)
            && !open_after(text, delimiter, false)
        {
            return end + 1;
        }
        let mut end = 0;
        while let Some(length) = record_length(&text[end..], delimiter) {
            end += length + 1;
        }
        end
    }

    /// Line breaks of the header: the first block starts behind them.
    pub(super) fn header_lines(&self) -> u64 {
        self.header_lines
    }

    /// The line is counted from the end of the last block that was handed out.
    fn too_long(&mut self) -> TableError {
        self.ended = true;
        TableError::LongLine { path: self.path.clone(), line: 1, limit: self.limit }
    }
}
