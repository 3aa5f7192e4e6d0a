//! JSON lines that survive a kill: appended whole, read back without a torn last line.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::JobError;

/// Appends one JSON document a line.
#[derive(Debug)]
pub struct JsonlWriter {
    path: PathBuf,
    file: File,
}

impl JsonlWriter {
    /// Opens for appending. A torn last line, left by a killed writer, is cut off first: whatever
    /// stood on it was never acknowledged.
    ///
    /// # Errors
    /// The file cannot be opened or cut.
    pub fn append(path: impl Into<PathBuf>) -> Result<Self, JobError> {
        let path = path.into();
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(JobError::io(&path))?;
        let whole = whole_length(&mut file).map_err(JobError::io(&path))?;
        file.set_len(whole).map_err(JobError::io(&path))?;
        Ok(Self { path, file })
    }

    /// Appends a line with one write call.
    ///
    /// # Errors
    /// The disk is full, or the value cannot be written as JSON.
    pub fn write<T: Serialize>(&mut self, value: &T) -> Result<(), JobError> {
        let mut line = serde_json::to_vec(value).map_err(|e| JobError::Malformed {
            path: self.path.clone(),
            line: None,
            reason: e.to_string(),
        })?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(JobError::io(&self.path))
    }

    /// Appends whole lines, made elsewhere, with one write call.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write_lines(&mut self, lines: &[u8]) -> Result<(), JobError> {
        self.file.write_all(lines).map_err(JobError::io(&self.path))
    }

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// The disk failed.
    pub fn sync(&self) -> Result<(), JobError> {
        self.file.sync_data().map_err(JobError::io(&self.path))
    }
}

/// Length up to and including the last line break.
fn whole_length(file: &mut File) -> std::io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = [0u8; 4096];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let part = &mut block[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        if let Some(i) = memchr::memrchr(b'\n', part) {
            return Ok(start + i as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Reads all whole lines of a JSONL file; a torn last line is left alone. A missing file is empty.
///
/// # Errors
/// A whole line that is not of the type wanted.
pub fn read_jsonl<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, JobError> {
    let file = match File::open(path) {
        Ok(f) => f,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(JobError::io(path)(e)),
    };
    let mut reader = BufReader::new(file);
    let mut out = Vec::new();
    let mut line = Vec::new();
    let mut number = 0u64;
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).map_err(JobError::io(path))?;
        if line.last() != Some(&b'\n') {
            return Ok(out);
        }
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        out.push(serde_json::from_slice(&line).map_err(|e| JobError::Malformed {
            path: path.to_owned(),
            line: Some(number),
            reason: e.to_string(),
        })?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_last_line_is_not_read_and_is_cut_before_the_next_write() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.jsonl");
        std::fs::write(&path, "{\"a\":1}\n{\"a\":2}\n{\"a\":").unwrap();
        let rows: Vec<serde_json::Value> = read_jsonl(&path).unwrap();
        assert_eq!(rows.len(), 2);
        JsonlWriter::append(&path).unwrap().write(&serde_json::json!({"a": 3})).unwrap();
        let rows: Vec<serde_json::Value> = read_jsonl(&path).unwrap();
        assert_eq!(rows.iter().map(|r| r["a"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn a_broken_line_in_the_middle_is_named_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.jsonl");
        std::fs::write(&path, "{}\nnot json\n{}\n").unwrap();
        let e = read_jsonl::<serde_json::Value>(&path).unwrap_err().to_string();
        assert!(e.contains("line 2"), "{e}");
    }
}
