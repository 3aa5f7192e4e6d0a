//! Replies that were paid for by earlier runs. A run that asks the same model finds the replies of
//! ended attempts of this workspace in `input/replies/`, as hard links: equal requests are then
//! answered from there, and nothing is paid for twice. Replies are keyed by what was asked, so it
//! does not matter what the earlier run was for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::providers::ModelSource;

/// Runs that are looked at, newest first. Older replies are paid for again: each file is read once
/// when the job starts.
const RUNS: usize = 200;
/// A frozen document beyond this many bytes names no models.
const DOCUMENT: u64 = 8 << 20;

/// The models that a frozen document names, as `provider/model` or folder.
fn models(value: &Value, found: &mut BTreeSet<String>) {
    if let Ok(source) = serde_json::from_value::<ModelSource>(value.clone()) {
        found.insert(match source {
            ModelSource::Endpoint { model, .. } => format!("endpoint {model}"),
            ModelSource::Folder { dir, .. } => format!("folder {}", dir.display()),
        });
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|v| models(v, found)),
        Value::Object(fields) => fields.values().for_each(|v| models(v, found)),
        _ => {}
    }
}

/// The models that the documents of an `input/` name.
fn models_of(input: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(input).into_iter().flatten().flatten() {
        let path = entry.path();
        let small = entry.metadata().is_ok_and(|m| m.is_file() && m.len() <= DOCUMENT);
        if small
            && path.extension().is_some_and(|e| e == "json")
            && let Ok(text) = fs::read(&path)
            && memchr::memmem::find(&text, b"\"kind\"").is_some()
            && let Ok(value) = serde_json::from_slice(&text)
        {
            models(&value, &mut found);
        }
    }
    found
}

/// Reply files of ended attempts that asked one of the models, newest run first.
fn earlier(runs: &Path, wanted: &BTreeSet<String>) -> Vec<(String, PathBuf)> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(runs).into_iter().flatten().flatten().map(|e| e.path()).collect();
    // Ids begin with the time, so names in reverse are newest first.
    folders.sort();
    let mut out = Vec::new();
    for run in folders.into_iter().rev().take(RUNS) {
        let mut attempts: Vec<(String, PathBuf)> = Vec::new();
        for n in 1.. {
            let attempt = run.join(format!("attempt-{n}"));
            if !attempt.is_dir() {
                break;
            }
            let replies = attempt.join("replies.jsonl");
            let kept = fs::metadata(&replies).is_ok_and(|m| m.len() > 0);
            if kept && attempt.join("exit.json").exists() {
                let id = run.file_name().map(|n| n.to_string_lossy().into_owned());
                attempts.push((format!("{}-{n}.jsonl", id.unwrap_or_default()), replies));
            }
        }
        if !attempts.is_empty() && !models_of(&run.join("input")).is_disjoint(wanted) {
            out.extend(attempts);
        }
    }
    out
}

/// Links the replies of earlier runs of the same models into `input/replies/`. What cannot be
/// linked (another file system) is copied; what cannot be copied is paid for again.
pub(super) fn link_replies(runs: &Path, input: &Path) {
    let wanted = models_of(input);
    if wanted.is_empty() {
        return;
    }
    let found = earlier(runs, &wanted);
    if found.is_empty() || fs::create_dir_all(input.join("replies")).is_err() {
        return;
    }
    for (name, file) in found {
        let to = input.join("replies").join(name);
        if fs::hard_link(&file, &to).is_err() {
            // Without it the run is as right, and dearer.
            let _ = fs::copy(&file, &to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(runs: &Path, id: &str, model: &str, ended: bool) {
        let attempt = runs.join(id).join("attempt-1");
        fs::create_dir_all(&attempt).unwrap();
        fs::create_dir_all(runs.join(id).join("input")).unwrap();
        let source = ModelSource::Endpoint { provider: "lab".into(), model: model.into() };
        let doc = serde_json::json!({"judge": {"source": source}});
        fs::write(runs.join(id).join("input/judge.json"), doc.to_string()).unwrap();
        fs::write(attempt.join("replies.jsonl"), "{}\n").unwrap();
        if ended {
            fs::write(attempt.join("exit.json"), "{}").unwrap();
        }
    }

    #[test]
    fn replies_of_ended_runs_of_the_same_model_are_at_hand() {
        let dir = tempfile::tempdir().unwrap();
        let runs = dir.path().join("runs");
        run(&runs, "20260101-a", "m", true);
        run(&runs, "20260102-b", "another", true);
        run(&runs, "20260103-c", "m", false);
        let input = dir.path().join("input");
        fs::create_dir_all(&input).unwrap();
        let source = ModelSource::Endpoint { provider: "elsewhere".into(), model: "m".into() };
        let doc = serde_json::json!({"a model": source});
        fs::write(input.join("models.json"), doc.to_string()).unwrap();
        link_replies(&runs, &input);
        let mut names: Vec<String> = fs::read_dir(input.join("replies"))
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["20260101-a-1.jsonl"]);
        let none = dir.path().join("none");
        fs::create_dir_all(&none).unwrap();
        link_replies(&runs, &none);
        assert!(!none.join("replies").exists());
    }
}
