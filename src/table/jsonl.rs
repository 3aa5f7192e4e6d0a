//! JSON lines from elsewhere: one object a line, bad lines reported by number, a torn tail told
//! apart from a bad line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::{LineReader, TableError};

/// One line that is not blank.
#[derive(Debug)]
pub struct JsonlRow {
    /// 1-based line.
    pub line: u64,
    /// The object there, or why there is none.
    pub value: Result<serde_json::Map<String, Value>, TableError>,
}

/// Streams the objects of a JSONL file. Memory: one line.
#[derive(Debug)]
pub struct JsonlReader<R> {
    lines: LineReader<R>,
}

impl JsonlReader<File> {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be opened, or is no UTF-8 text by its first bytes.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        Ok(Self { lines: LineReader::open(path)? })
    }
}

impl<R: Read> JsonlReader<R> {
    /// Reads from anything; `path` is for messages.
    ///
    /// # Errors
    /// The first bytes cannot be read, or are not of UTF-8 text.
    pub fn new(reader: R, path: &Path) -> Result<Self, TableError> {
        Ok(Self { lines: LineReader::new(reader, path)? })
    }

    /// The next line that is not blank, or `None` at the end. A bad line is a row with an error:
    /// the lines after it are still read.
    ///
    /// # Errors
    /// The disk failed.
    pub fn next_row(&mut self) -> Result<Option<JsonlRow>, TableError> {
        loop {
            let path = self.lines.path().to_owned();
            match self.lines.next_line() {
                Ok(None) => return Ok(None),
                Ok(Some(line)) if line.text.trim().is_empty() => {}
                Ok(Some(line)) => {
                    let number = line.number;
                    let value = match serde_json::from_str::<Value>(line.text) {
                        Ok(Value::Object(map)) => Ok(map),
                        Ok(_) => Err(TableError::BadJson {
                            path,
                            line: number,
                            reason: "a value that is no object".into(),
                        }),
                        Err(e) if e.is_eof() && !line.terminated => {
                            Err(TableError::TornLine { path, line: number, reason: e.to_string() })
                        }
                        Err(e) => {
                            Err(TableError::BadJson { path, line: number, reason: e.to_string() })
                        }
                    };
                    return Ok(Some(JsonlRow { line: number, value }));
                }
                Err(e @ TableError::Io { .. }) => return Err(e),
                Err(e) => {
                    let line = e.line().unwrap_or_default();
                    return Ok(Some(JsonlRow { line, value: Err(e) }));
                }
            }
        }
    }
}
