//! Sets of our own writing, inside the binary, so that everything can be tried at once: each of the
//! eight kinds in three languages. They are about made-up groups and places, mild in tone, and
//! small: they show that a run works, and say little about a model.

use std::path::{Path, PathBuf};

use super::ClassifyError;
use super::task::Task;

/// Pools of our own sets begin so.
pub const POOL: &str = "samples/";

macro_rules! embedded {
    ($($name:literal,)*) => {
        &[$((
            $name,
            include_str!(concat!("../../../sample_data/tasks/", $name, ".toml")),
            include_str!(concat!("../../../sample_data/tasks/", $name, ".jsonl")),
        ),)*]
    };
}

/// Folder and name, task file, texts.
const FILES: &[(&str, &str, &str)] = embedded![
    "arabic/hate",
    "arabic/spam",
    "bengali/threat",
    "chinese/bias",
    "chinese/spam",
    "english/abusive",
    "english/bias",
    "english/hate",
    "english/offensive",
    "english/spam",
    "english/stance",
    "english/threat",
    "english/toxicity",
    "german/stance",
    "german/toxicity",
    "greek/offensive",
    "korean/abusive",
    "korean/hate",
    "portuguese/bias",
    "portuguese/toxicity",
    "spanish/stance",
    "spanish/threat",
    "turkish/abusive",
    "turkish/offensive",
];

/// The tasks of our own sets.
///
/// # Errors
/// A file inside the binary that does not parse: a test reads them all.
pub fn tasks() -> Result<Vec<Task>, ClassifyError> {
    FILES.iter().map(|(name, text, _)| Task::parse(text, &path(name, "toml"))).collect()
}

/// The texts of a task of ours, as JSON lines; `None` for a task whose texts the user brings.
pub fn texts(task: &str) -> Option<&'static str> {
    let (culture, kind) = task.split_once("/sample-")?;
    let wanted = format!("{culture}/{kind}");
    FILES.iter().find(|(name, _, _)| *name == wanted).map(|(_, _, texts)| *texts)
}

/// The task file of a set of ours, for a user to copy and change.
pub fn file(task: &str) -> Option<&'static str> {
    let (culture, kind) = task.split_once("/sample-")?;
    let wanted = format!("{culture}/{kind}");
    FILES.iter().find(|(name, _, _)| *name == wanted).map(|(_, file, _)| *file)
}

fn path(name: &str, ending: &str) -> PathBuf {
    Path::new("sample_data/tasks").join(format!("{name}.{ending}"))
}
