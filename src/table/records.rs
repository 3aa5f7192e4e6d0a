//! Records of a CSV file with a header: any of three delimiters, quotes, CRLF, ragged lines.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::quotes::{Piece, fields, open_after};
use super::{Columns, Delimiter, FileStart, LINE_LIMIT, TableError, first_bad_byte};

/// What stands at one place of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CsvRow {
    /// As many fields as the header.
    Record {
        /// 1-based line where the record starts.
        line: u64,
        /// The fields, quotes resolved.
        fields: Vec<String>,
    },
    /// Another number of fields than the header: which field belongs where is unknown.
    Ragged {
        /// 1-based line.
        line: u64,
        /// Fields there.
        found: usize,
        /// Columns of the header.
        expected: usize,
    },
}

/// Streams the records of a CSV file. Memory: one record.
///
/// Line numbers are exact whatever the line breaks and blank lines, and one bad record does not
/// lose the others; this is why records are found here and not by the `csv` crate, whose reader is
/// the reference in this room's tests.
#[derive(Debug)]
pub struct CsvReader<R> {
    raw: RawRecords<R>,
    columns: Columns,
    header_line: u64,
}

impl CsvReader<File> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// It cannot be opened, is no UTF-8 text, is empty, or names a column twice.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        Self::new(File::open(path).map_err(TableError::io(path))?, path, LINE_LIMIT)
    }
}

impl<R: Read> CsvReader<R> {
    /// Reads from anything; `path` is for messages, `limit` is the longest record in bytes.
    ///
    /// # Errors
    /// As [`CsvReader::open`].
    pub fn new(reader: R, path: &Path, limit: usize) -> Result<Self, TableError> {
        let mut raw = RawRecords::new(reader, path, limit)?;
        let Some((header_line, names)) = raw.next_fields()? else {
            return Err(TableError::Empty {
                path: path.to_owned(),
                expected: "a header line with column names",
            });
        };
        let columns = Columns::new(names, path, header_line)?;
        Ok(Self { raw, columns, header_line })
    }

    /// The file, for messages.
    pub fn path(&self) -> &Path {
        &self.raw.path
    }

    /// The delimiter found.
    pub fn delimiter(&self) -> Delimiter {
        self.raw.delimiter
    }

    /// The header.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Column of the first of these names.
    ///
    /// # Errors
    /// [`TableError::MissingColumn`].
    pub fn require(&self, names: &[&str]) -> Result<usize, TableError> {
        self.columns.require(names, &self.raw.path, self.header_line, self.raw.delimiter)
    }

    /// The next record that is not blank, or `None` at the end.
    ///
    /// # Errors
    /// The disk failed, or the record holds a byte that is not UTF-8 or NUL, or is beyond the
    /// limit. Only after [`TableError::Io`] is it useless to go on with the next one.
    pub fn next_row(&mut self) -> Result<Option<CsvRow>, TableError> {
        let expected = self.columns.len();
        Ok(self.raw.next_fields()?.map(|(line, fields)| {
            if fields.len() == expected {
                CsvRow::Record { line, fields }
            } else {
                CsvRow::Ragged { line, found: fields.len(), expected }
            }
        }))
    }
}

/// Records as they stand in the file, one after the other.
#[derive(Debug)]
struct RawRecords<R> {
    path: PathBuf,
    reader: BufReader<R>,
    delimiter: Delimiter,
    limit: usize,
    record: Vec<u8>,
    /// Line breaks before the next record.
    lines: u64,
    /// Bytes before the next record.
    offset: u64,
}

impl<R: Read> RawRecords<R> {
    fn new(reader: R, path: &Path, limit: usize) -> Result<Self, TableError> {
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let start = reader.fill_buf().map_err(TableError::io(path))?;
        let skip = FileStart::of(start).skip(path)?;
        let delimiter = Delimiter::sniff(start.get(skip..).unwrap_or_default());
        reader.consume(skip);
        Ok(Self {
            path: path.to_owned(),
            reader,
            delimiter,
            limit,
            record: Vec::new(),
            lines: 0,
            offset: skip as u64,
        })
    }

    /// Line and fields of the next record that is not blank.
    fn next_fields(&mut self) -> Result<Option<(u64, Vec<String>)>, TableError> {
        loop {
            let (line, offset) = (self.lines + 1, self.offset);
            if !self.read_record(line)? {
                return Ok(None);
            }
            if let Some((i, bad)) = first_bad_byte(&self.record) {
                let breaks = memchr::memchr_iter(b'\n', &self.record[..i]).count() as u64;
                return Err(bad.at(&self.path, line + breaks, offset + i as u64 + 1));
            }
            if self.record.last() == Some(&b'\r') {
                self.record.pop();
            }
            if self.record.is_empty() {
                continue;
            }
            let mut out = Vec::new();
            let mut field = Vec::new();
            fields(&self.record, self.delimiter.byte(), |piece| match piece {
                Piece::Bare(b) | Piece::Quoted(b) => field.push(b),
                // quotes are ASCII: a field of checked text is checked text
                Piece::End => {
                    out.push(String::from_utf8(std::mem::take(&mut field)).unwrap_or_default());
                }
            });
            return Ok(Some((line, out)));
        }
    }

    /// Fills `record`, without its line break. False at the end of the file.
    fn read_record(&mut self, line: u64) -> Result<bool, TableError> {
        self.record.clear();
        let (mut any, mut too_long, mut open) = (false, false, false);
        let mut line_start = 0;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(TableError::io(&self.path)(e)),
            };
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = memchr::memchr(b'\n', chunk);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            too_long |= self.record.len() + part.len() > self.limit;
            if !too_long {
                self.record.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            self.offset += used as u64;
            if end.is_none() {
                continue;
            }
            self.lines += 1;
            if too_long {
                break;
            }
            open = open_after(&self.record[line_start..], self.delimiter.byte(), open);
            if !open {
                break;
            }
            self.record.push(b'\n');
            line_start = self.record.len();
        }
        if too_long {
            return Err(TableError::LongLine { path: self.path.clone(), line, limit: self.limit });
        }
        Ok(any)
    }
}
