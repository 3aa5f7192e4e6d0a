//! A run with its input, ready to be handed to the engine.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::job::{JobError, NewRun};
use crate::providers::ModelSource;
use crate::providers::budget::Budget;

/// A run and the files of its `input/`, all of them made before anything is written: a request
/// that cannot be frozen leaves no folder behind.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The run.
    pub run: NewRun,
    input: Vec<(String, Vec<u8>)>,
    links: Vec<(String, PathBuf)>,
    prompts: Vec<(&'static str, Vec<u8>)>,
    /// Limits of what its calls may take.
    pub budget: Budget,
    /// Ask again whatever earlier runs were told.
    pub fresh: bool,
    /// Start it even if it does not fit this machine.
    pub anyway: bool,
}

impl Prepared {
    /// A run without input yet.
    pub fn new(run: NewRun) -> Self {
        Self {
            run,
            input: Vec::new(),
            links: Vec::new(),
            prompts: Vec::new(),
            budget: Budget::default(),
            fresh: false,
            anyway: false,
        }
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, name: impl Into<String>, bytes: Vec<u8>) -> Self {
        self.input.push((name.into(), bytes));
        self
    }

    /// Adds a prompt file: `prompts/NAME.toml`.
    #[must_use]
    pub fn prompt(mut self, name: &'static str, bytes: Vec<u8>) -> Self {
        self.prompts.push((name, bytes));
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

    /// Adds an existing file under a name, with folders: linked where the file system can, else
    /// copied. For files that no one changes any more.
    #[must_use]
    pub fn link(mut self, name: String, file: PathBuf) -> Self {
        self.links.push((name, file));
        self
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

    /// The models that its documents name. Plans are text that is locked by its bytes, and JSON all
    /// the same.
    pub(super) fn sources(&self) -> Vec<ModelSource> {
        let mut found = Vec::new();
        for (name, bytes) in &self.input {
            if name.ends_with(".json")
                && let Ok(value) = serde_json::from_slice(bytes)
            {
                super::named::sources_in(&value, &mut found);
            }
        }
        found
    }

    /// A JSON document that was added, for a face that shows it.
    pub fn input<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let (_, bytes) = self.input.iter().find(|(n, _)| *n == name)?;
        serde_json::from_slice(bytes).ok()
    }

    /// A text that was added.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let (_, bytes) = self.input.iter().find(|(n, _)| *n == name)?;
        String::from_utf8(bytes.clone()).ok()
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
        for (name, file) in &self.links {
            let path = dir.join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(JobError::io(parent))?;
            }
            if fs::hard_link(file, &path).is_err() {
                fs::copy(file, &path).map_err(JobError::io(file))?;
            }
        }
        let folder = dir.join("prompts");
        for (name, bytes) in &self.prompts {
            fs::create_dir_all(&folder).map_err(JobError::io(&folder))?;
            let path = folder.join(format!("{name}.toml"));
            fs::write(&path, bytes).map_err(JobError::io(&path))?;
        }
        Ok(())
    }
}
