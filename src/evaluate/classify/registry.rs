//! The tasks that the program knows: the 59 datasets of the paper and the two Greek ones, declared
//! in `src/evaluate/tasks/`. Facts only (names, counts, checksums, where a file comes from): the
//! texts are their owners', and the user brings the files.

use std::path::{Path, PathBuf};

use super::ClassifyError;
use super::kind::Kind;
use super::task::Task;

macro_rules! embedded {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../tasks/", $name, ".toml"))),)*]
    };
}

/// Name and file of each task.
const FILES: &[(&str, &str)] = embedded![
    "arabic/hate_fine-grained",
    "arabic/hate_mp",
    "arabic/hate_osact4",
    "arabic/hate_osact5",
    "arabic/offensive",
    "arabic/offensive_mp",
    "arabic/offensive_osact4",
    "arabic/offensive_osact5",
    "arabic/spam",
    "arabic/vulgar_mp",
    "bengali/hate_religion",
    "bengali/offensive_1",
    "bengali/offensive_2",
    "bengali/offensive_3",
    "bengali/racism",
    "bengali/threat",
    "chinese/bias_on_gender",
    "chinese/spam",
    "chinese/values",
    "english/hate_2",
    "english/hate_offens",
    "english/hostility_directness",
    "english/offensive_easy",
    "english/threat",
    "english/toxicity",
    "german/hate",
    "german/hate_check",
    "german/hate_iwg_1",
    "german/hate_off",
    "german/offensive_eval",
    "greek/offensive",
    "greek/offensive_g",
    "korean/abusive",
    "korean/abusive_2",
    "korean/abusive_4",
    "korean/hate_3",
    "korean/hate_6",
    "korean/hate_7",
    "portuguese/homophobia",
    "portuguese/insult",
    "portuguese/misogyny",
    "portuguese/offensive_2",
    "portuguese/offensive_3",
    "spanish/aggressiveness",
    "spanish/hate_eval",
    "spanish/hate_haterNet",
    "spanish/improper",
    "spanish/insult",
    "spanish/mockery",
    "spanish/negative_stance",
    "spanish/offensive_ami",
    "spanish/offensive_mex_a3t",
    "spanish/offensive_mex_offend",
    "spanish/stereotype",
    "turkish/abusive",
    "turkish/offensive",
    "turkish/offensive_corpus",
    "turkish/offensive_finegrained",
    "turkish/offensive_kaggle",
    "turkish/offensive_kaggle2",
    "turkish/spam",
];

/// The tasks of the registry, in the order of their names.
///
/// # Errors
/// A task file inside the binary that does not parse: a test reads them all.
pub fn registry() -> Result<Vec<Task>, ClassifyError> {
    FILES.iter().map(|(name, text)| Task::parse(text, &embedded_path(name))).collect()
}

/// The file of a registered task as it is inside the binary, for a user to copy and change.
pub fn task_file(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

fn embedded_path(name: &str) -> PathBuf {
    Path::new("src/evaluate/tasks").join(format!("{name}.toml"))
}

/// Which tasks are meant by words of the command line: `all`, `samples`, `kind:hate`,
/// `culture:korean` (an id, a name or a language tag), a name, or the name of the release.
///
/// # Errors
/// A word that nothing answers to; near names are offered.
pub fn select<'a>(tasks: &'a [Task], words: &[String]) -> Result<Vec<&'a Task>, ClassifyError> {
    let mut out: Vec<&Task> = Vec::new();
    for word in words {
        let found = matching(tasks, word)?;
        for t in found {
            if !out.iter().any(|o| o.name == t.name) {
                out.push(t);
            }
        }
    }
    Ok(out)
}

/// True for tasks of our own writing, whose texts are inside the binary.
pub fn is_sample(task: &Task) -> bool {
    task.pool.starts_with(super::samples::POOL)
}

fn matching<'a>(tasks: &'a [Task], word: &str) -> Result<Vec<&'a Task>, ClassifyError> {
    let some = |keep: &dyn Fn(&Task) -> bool, what: &str| {
        let found: Vec<&Task> = tasks.iter().filter(|t| keep(t)).collect();
        if found.is_empty() {
            return Err(ClassifyError::Unknown(format!(
                "no task {what}: `polyculture tasks list` shows what there is"
            )));
        }
        Ok(found)
    };
    if word == "all" {
        return some(&|t| !is_sample(t), "at all");
    }
    if word == "samples" {
        return some(&is_sample, "of our own writing");
    }
    if let Some(kind) = word.strip_prefix("kind:") {
        let kind: Kind = kind.parse().map_err(ClassifyError::Unknown)?;
        return some(&|t| t.kind == kind && !is_sample(t), &format!("of kind {kind}"));
    }
    if let Some(culture) = word.strip_prefix("culture:") {
        let wanted = culture.to_lowercase();
        return some(
            &|t| (t.culture == wanted || t.language == wanted) && !is_sample(t),
            &format!("of culture {culture}"),
        );
    }
    if let Some(t) = tasks.iter().find(|t| t.name == word || t.aliases.iter().any(|a| a == word)) {
        return Ok(vec![t]);
    }
    // `samples/korean` or `arabic/`: everything below a name.
    let folder = format!("{}/", word.trim_end_matches('/'));
    let below: Vec<&Task> = tasks
        .iter()
        .filter(|t| t.name.starts_with(&folder) || t.aliases.iter().any(|a| a.starts_with(&folder)))
        .collect();
    if !below.is_empty() {
        return Ok(below);
    }
    let mut near: Vec<(f64, &str)> = tasks
        .iter()
        .map(|t| (crate::text::similarity(&t.name, word), t.name.as_str()))
        .chain(tasks.iter().map(|t| (strsim::jaro_winkler(&t.name, word), t.name.as_str())))
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.truncate(6);
    let mut names: Vec<&str> = near.into_iter().map(|(_, n)| n).collect();
    names.dedup();
    names.truncate(3);
    Err(ClassifyError::Unknown(format!(
        "no task `{word}`: did you mean {}? `polyculture tasks list` shows all",
        names.join(", ")
    )))
}
