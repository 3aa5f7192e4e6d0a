//! The texts of a task, streamed from its file as it was released: one JSON object a line, the
//! text in one of the task's columns, the gold label in another.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::ClassifyError;
use super::task::{ColumnNames, Task};
use crate::table::JsonlReader;

/// One text with its gold label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// From 0, in the order of the file: what results call it.
    pub number: u32,
    /// 1-based line of the file.
    pub line: u64,
    /// The text.
    pub text: String,
    /// The gold label as the file writes it; empty where there is none.
    pub gold: String,
}

impl Item {
    /// Tells texts apart: the same for the same text, in any file, on any machine.
    pub fn text_key(&self) -> u64 {
        // FNV-1a, 64 bits: stable, unlike the standard hasher, and two of a million texts meet
        // with a chance of 3e-8.
        self.text.trim().bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }
}

/// Reads the items of a file one by one. Memory: one line.
#[derive(Debug)]
pub struct Items<R = File> {
    rows: JsonlReader<R>,
    path: PathBuf,
    columns: ColumnNames,
    next: u32,
}

impl Items {
    /// Opens a data file for a task.
    ///
    /// # Errors
    /// It cannot be opened, or is no UTF-8 text.
    pub fn open(path: &Path, task: &Task) -> Result<Self, ClassifyError> {
        Self::new(File::open(path).map_err(ClassifyError::io(path))?, path, task)
    }

    /// All items of a file.
    ///
    /// # Errors
    /// See [`Items::open`]; a line that is wrong.
    pub fn read_all(path: &Path, task: &Task) -> Result<Vec<Item>, ClassifyError> {
        Self::open(path, task)?.collect()
    }
}

impl<R: Read> Items<R> {
    /// Reads from anything; `path` is for messages.
    ///
    /// # Errors
    /// The first bytes cannot be read, or are not of UTF-8 text.
    pub fn new(reader: R, path: &Path, task: &Task) -> Result<Self, ClassifyError> {
        Ok(Self {
            rows: JsonlReader::new(reader, path)?,
            path: path.to_owned(),
            columns: task.columns.clone(),
            next: 0,
        })
    }

    fn item(&mut self, line: u64, row: &Map<String, Value>) -> Result<Item, ClassifyError> {
        let bad = |reason: String| ClassifyError::Data { path: self.path.clone(), line, reason };
        let found = || {
            let keys: Vec<&str> = row.keys().take(8).map(String::as_str).collect();
            format!("found {}", if keys.is_empty() { "none".into() } else { keys.join(", ") })
        };
        let Some((column, value)) =
            self.columns.text.iter().find_map(|c| row.get(c).map(|v| (c, v)))
        else {
            return Err(bad(format!(
                "no text: expected a column {}; {}. Rename the column, or name it under \
                 `columns.text` of the task",
                self.columns.text.join(" or "),
                found()
            )));
        };
        let text = scalar(value)
            .ok_or_else(|| bad(format!("`{column}` holds {}: expected a text", kind_of(value))))?;
        let gold = match row.get(&self.columns.label) {
            None => {
                return Err(bad(format!(
                    "no gold label: expected a column {}; {}",
                    self.columns.label,
                    found()
                )));
            }
            Some(Value::Null) => String::new(),
            Some(v) => scalar(v).ok_or_else(|| {
                bad(format!("`{}` holds {}: expected a label", self.columns.label, kind_of(v)))
            })?,
        };
        let number = self.next;
        self.next += 1;
        Ok(Item { number, line, text, gold: gold.trim().to_owned() })
    }
}

impl<R: Read> Iterator for Items<R> {
    type Item = Result<Item, ClassifyError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.rows.next_row() {
            Ok(None) => None,
            Ok(Some(row)) => Some(match row.value {
                Ok(map) => self.item(row.line, &map),
                Err(e) => Err(e.into()),
            }),
            Err(e) => Some(Err(e.into())),
        }
    }
}

/// A text, or a number written without quotes (one line of a released set is `1.0`).
fn scalar(v: &Value) -> Option<String> {
    match v {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(if *b { "1" } else { "0" }.to_owned()),
        _ => None,
    }
}

fn kind_of(v: &Value) -> &'static str {
    match v {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
