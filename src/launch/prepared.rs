//! A run with its input, ready to be handed to the engine.

use std::fs;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::job::{JobError, NewRun};

/// A run and the files of its `input/`, all of them made before anything is written: a request
/// that cannot be frozen leaves no folder behind.
#[derive(Debug)]
pub struct Prepared {
    /// The run.
    pub run: NewRun,
    input: Vec<(&'static str, Vec<u8>)>,
    /// Ask again whatever earlier runs were told.
    pub fresh: bool,
}

impl Prepared {
    /// A run without input yet.
    pub fn new(run: NewRun) -> Self {
        Self { run, input: Vec::new(), fresh: false }
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, name: &'static str, bytes: Vec<u8>) -> Self {
        self.input.push((name, bytes));
        self
    }

    /// Adds a JSON document.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
    pub fn json<T: Serialize>(self, name: &'static str, value: &T) -> Result<Self, JobError> {
        let bytes =
            serde_json::to_vec_pretty(value).map_err(|e| JobError::Work(format!("{name}: {e}")))?;
        Ok(self.file(name, bytes))
    }

    /// Adds one JSON document a line.
    ///
    /// # Errors
    /// A row cannot be written as JSON.
    pub fn rows<T: Serialize>(self, name: &'static str, rows: &[T]) -> Result<Self, JobError> {
        let mut bytes = Vec::new();
        for r in rows {
            serde_json::to_writer(&mut bytes, r)
                .map_err(|e| JobError::Work(format!("{name}: {e}")))?;
            bytes.push(b'\n');
        }
        Ok(self.file(name, bytes))
    }

    /// A JSON document that was added, for a face that shows it.
    pub fn input<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let (_, bytes) = self.input.iter().find(|(n, _)| *n == name)?;
        serde_json::from_slice(bytes).ok()
    }

    /// Writes the files into `input/`.
    ///
    /// # Errors
    /// The disk is full or read-only.
    pub fn write_input(&self, dir: &Path) -> Result<(), JobError> {
        for (name, bytes) in &self.input {
            let path = dir.join(name);
            fs::write(&path, bytes).map_err(JobError::io(&path))?;
        }
        Ok(())
    }
}
