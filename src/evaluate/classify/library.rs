//! The tasks at hand in a workspace: those of the registry, our own samples, and those that the
//! user declared; and where the texts of each lie. In `tasks/` of the workspace a task `a/b` has
//! its texts in `a/b.jsonl`, what is known of that file in `a/b.json`, and, where the user declared
//! it, its file `a/b.toml`.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ClassifyError;
use super::check::{Check, check, check_items};
use super::data::Items;
use super::parser::ParserName;
use super::registry::{is_sample, registry, select};
use super::samples;
use super::task::Task;
use crate::evaluate::locked::checksum;
use crate::job::write_atomically;

/// `a/b.json`: the texts as they were added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// Name of the file that was added.
    pub from: String,
    /// SHA-256 of the texts, in hexadecimal.
    pub sha256: String,
    /// Items.
    pub items: u64,
    /// When.
    pub at: Timestamp,
}

/// Where a task's texts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Texts {
    /// Inside the binary: our own.
    Embedded(&'static str),
    /// In the workspace.
    File(PathBuf, Added),
    /// Not here: the user brings them.
    Missing,
}

/// The tasks of a workspace.
#[derive(Debug, Clone)]
pub struct Library {
    dir: PathBuf,
    tasks: Vec<Task>,
}

impl Library {
    /// Of the folder `tasks/` of a workspace, which need not exist.
    ///
    /// # Errors
    /// A task file that is wrong, a name that two files give.
    pub fn open(dir: &Path) -> Result<Self, ClassifyError> {
        let mut tasks = registry()?;
        tasks.extend(samples::tasks()?);
        for path in declared(dir)? {
            let text = fs::read_to_string(&path).map_err(ClassifyError::io(&path))?;
            let task = Task::parse(&text, &path)?;
            if path != place(dir, &task.name, "toml") {
                return Err(ClassifyError::TaskFile {
                    path,
                    line: None,
                    reason: format!("it names the task `{}`: its file is called so", task.name),
                });
            }
            // A user's own file goes before ours of the same name.
            tasks.retain(|t| t.name != task.name);
            tasks.push(task);
        }
        tasks.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { dir: dir.to_owned(), tasks })
    }

    /// All tasks, by name.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Those that are meant by words; see [`select`].
    ///
    /// # Errors
    /// A word that nothing answers to.
    pub fn select(&self, words: &[String]) -> Result<Vec<&Task>, ClassifyError> {
        select(&self.tasks, words)
    }

    /// One task by its name.
    ///
    /// # Errors
    /// No such task; several answer to it.
    pub fn task(&self, name: &str) -> Result<&Task, ClassifyError> {
        match self.select(&[name.to_owned()])?.as_slice() {
            [one] => Ok(one),
            several => Err(ClassifyError::Unknown(format!(
                "`{name}` stands for {} tasks: name one of them",
                several.len()
            ))),
        }
    }

    /// Where the texts of a task are.
    ///
    /// # Errors
    /// What is known of its file cannot be read.
    pub fn texts(&self, task: &Task) -> Result<Texts, ClassifyError> {
        let path = place(&self.dir, &task.name, "jsonl");
        if path.is_file() {
            let about = place(&self.dir, &task.name, "json");
            let text = fs::read(&about).map_err(ClassifyError::io(&about))?;
            let added = serde_json::from_slice(&text).map_err(|e| ClassifyError::TaskFile {
                path: about,
                line: Some(e.line() as u64),
                reason: format!("{e}; add the texts again: `polyculture tasks add`"),
            })?;
            return Ok(Texts::File(path, added));
        }
        Ok(samples::texts(&task.name).map_or(Texts::Missing, Texts::Embedded))
    }

    /// The bytes of a task's texts, as a run freezes them.
    ///
    /// # Errors
    /// They are not here (the way out is said), cannot be read, or changed since they were added.
    pub fn bytes(&self, task: &Task) -> Result<Vec<u8>, ClassifyError> {
        match self.texts(task)? {
            Texts::Embedded(text) => Ok(text.as_bytes().to_vec()),
            Texts::File(path, added) => {
                let bytes = fs::read(&path).map_err(ClassifyError::io(&path))?;
                let found = checksum(&bytes);
                if found != added.sha256 {
                    return Err(ClassifyError::Refused {
                        task: task.name.clone(),
                        reason: format!(
                            "{} has the checksum {found}, added was {}; add it again: `polyculture \
                             tasks add FILE --as {}`",
                            path.display(),
                            added.sha256,
                            task.name
                        ),
                    });
                }
                Ok(bytes)
            }
            Texts::Missing => Err(missing(task)),
        }
    }

    /// True where the user has not brought the texts of a task.
    ///
    /// # Errors
    /// See [`Library::texts`].
    pub fn is_missing(&self, task: &Task) -> Result<bool, ClassifyError> {
        Ok(self.texts(task)? == Texts::Missing)
    }

    /// Checks the texts of a task that are at hand.
    ///
    /// # Errors
    /// They are not here; a line that is wrong.
    pub fn check(&self, task: &Task, parser: ParserName) -> Result<Check, ClassifyError> {
        match self.texts(task)? {
            Texts::File(path, _) => check(task, &path, parser),
            Texts::Embedded(text) => {
                let items = Items::new(text.as_bytes(), Path::new(&task.name), task)?;
                check_items(task, items, parser, checksum(text.as_bytes()))
            }
            Texts::Missing => Err(missing(task)),
        }
    }

    /// Puts a file of texts into the workspace, under a task's name, and checks it.
    ///
    /// # Errors
    /// A line that is wrong: nothing is added then. The disk is full.
    pub fn add_texts(&self, name: &str, file: &Path) -> Result<(Check, Added), ClassifyError> {
        let task = self.task(name)?;
        let found = check(task, file, task.parser)?;
        let bytes = fs::read(file).map_err(ClassifyError::io(file))?;
        let added = Added {
            from: file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
            sha256: checksum(&bytes),
            items: found.items,
            at: Timestamp::now(),
        };
        let path = place(&self.dir, &task.name, "jsonl");
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(ClassifyError::io(folder))?;
        }
        write_atomically(&path, &bytes)?;
        let about =
            serde_json::to_vec_pretty(&added).map_err(|e| ClassifyError::Plan(e.to_string()))?;
        write_atomically(&place(&self.dir, &task.name, "json"), &about)?;
        Ok((found, added))
    }

    /// Puts a task file into the workspace.
    ///
    /// # Errors
    /// It is wrong, at its line; the disk is full.
    pub fn add_task(dir: &Path, file: &Path) -> Result<Task, ClassifyError> {
        let text = fs::read_to_string(file).map_err(ClassifyError::io(file))?;
        let task = Task::parse(&text, file)?;
        if is_sample(&task) {
            return Err(ClassifyError::TaskFile {
                path: file.to_owned(),
                line: None,
                reason: format!(
                    "the pool `{}` is that of our own samples: name another",
                    task.pool
                ),
            });
        }
        let path = place(dir, &task.name, "toml");
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(ClassifyError::io(folder))?;
        }
        write_atomically(&path, text.as_bytes())?;
        Ok(task)
    }
}

fn missing(task: &Task) -> ClassifyError {
    ClassifyError::Refused {
        task: task.name.clone(),
        reason: format!(
            "its texts are not here. {} Then `polyculture tasks add FILE --as {}`",
            task.source.get, task.name
        ),
    }
}

fn place(dir: &Path, name: &str, ending: &str) -> PathBuf {
    dir.join(format!("{name}.{ending}"))
}

/// The task files of a folder, sorted.
fn declared(dir: &Path) -> Result<Vec<PathBuf>, ClassifyError> {
    let mut out = Vec::new();
    let folders = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(out),
        Err(e) => return Err(ClassifyError::io(dir)(e)),
    };
    for folder in folders.flatten().filter(|e| e.path().is_dir()) {
        let files = fs::read_dir(folder.path()).map_err(ClassifyError::io(&folder.path()))?;
        out.extend(
            files
                .flatten()
                .map(|e| e.path())
                .filter(|p| p.extension().is_some_and(|x| x == "toml")),
        );
    }
    out.sort();
    Ok(out)
}
