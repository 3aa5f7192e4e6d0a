//! What a run's folder says of it, for a person who looks at it: what it was told, what it did in
//! each attempt, where its results are. Nothing is locked and nothing is needed: a file that is
//! missing or odd is left out.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::job::{ExitFile, FailureFile, RunFile, RunKind, RunSpec};

/// An input file that is larger is not looked into.
const LARGEST: u64 = 8 << 20;

/// A run's folder in words.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunFacts {
    /// `spec.json`.
    pub spec: Option<RunSpec>,
    /// Why it could not be read.
    pub trouble: Option<String>,
    /// What it was told: a word, and what stands there.
    pub told: Vec<(String, String)>,
    /// Its frozen input: names and bytes.
    pub inputs: Vec<(String, u64)>,
    /// Its attempts, the newest last.
    pub attempts: Vec<AttemptFacts>,
    /// In which its cost is counted.
    pub currency: Option<String>,
    /// Where its results go.
    pub results: String,
}

/// One attempt in words.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptFacts {
    /// 1, 2, ..
    pub number: u32,
    /// Its processes, while and after it ran.
    pub run: Option<RunFile>,
    /// Its end.
    pub exit: Option<ExitFile>,
    /// The work's own words on its failure.
    pub failure: Option<String>,
    /// Its files: names and bytes.
    pub files: Vec<(String, u64)>,
}

impl RunFacts {
    /// Reads a run's folder.
    pub fn read(dir: &Path) -> Self {
        let mut facts = Self { inputs: files(&dir.join("input")), ..Self::default() };
        match RunSpec::read(dir) {
            Ok(spec) => {
                facts.told = told(&spec, &dir.join("input"));
                results(spec.kind).clone_into(&mut facts.results);
                facts.spec = Some(spec);
            }
            Err(e) => facts.trouble = Some(e.to_string()),
        }
        facts.currency = json(&dir.join("input/price.json"))
            .and_then(|p| Some(p["currency"].as_str()?.to_owned()));
        let mut numbers: Vec<u32> = fs::read_dir(dir)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|e| e.file_name().to_str()?.strip_prefix("attempt-")?.parse().ok())
            .collect();
        numbers.sort_unstable();
        facts.attempts = numbers.into_iter().map(|n| attempt(dir, n)).collect();
        facts
    }
}

fn attempt(dir: &Path, number: u32) -> AttemptFacts {
    let dir = dir.join(format!("attempt-{number}"));
    AttemptFacts {
        number,
        run: RunFile::read(&dir).ok().flatten(),
        exit: ExitFile::read(&dir).ok().flatten(),
        failure: FailureFile::read(&dir).ok().flatten().map(|f| f.message),
        files: files(&dir),
    }
}

/// Names and bytes of the files of a folder, by name.
fn files(dir: &Path) -> Vec<(String, u64)> {
    let mut out: Vec<(String, u64)> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| {
            let (name, meta) = (e.file_name().to_string_lossy().into_owned(), e.metadata().ok()?);
            let shown = meta.is_file() && !name.starts_with('.');
            shown.then_some((name, meta.len()))
        })
        .collect();
    out.sort();
    out
}

fn json(path: &Path) -> Option<Value> {
    let length = fs::metadata(path).ok()?.len();
    if length > LARGEST {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn results(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Augment => "samples of the workspace (screen 3), as they come",
        RunKind::Finetune => "a model of the registry (screen 5), when it has ended well",
        RunKind::Evaluate => "evaluations of the workspace (screen 6), when it has ended well",
        RunKind::Judge => "verdicts of the study, as they come",
        RunKind::Command => "its own files; the engine keeps what it printed",
    }
}

/// A value in a few words: lists by their length and beginning.
fn words(v: &Value) -> String {
    match v {
        Value::String(s) => s.clone(),
        Value::Array(a) => {
            let some: Vec<String> = a.iter().take(6).map(words).collect();
            let more =
                if a.len() > 6 { format!(", .. ({} in all)", a.len()) } else { String::new() };
            format!("{}{more}", some.join(", "))
        }
        Value::Object(o) => {
            let name = ["id", "name", "reference", "model"].iter().find_map(|k| o.get(*k));
            name.map_or_else(
                || {
                    o.iter()
                        .map(|(k, v)| format!("{k} {}", words(v)))
                        .collect::<Vec<_>>()
                        .join(", ")
                },
                words,
            )
        }
        other => other.to_string(),
    }
}

fn told(spec: &RunSpec, input: &Path) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut add = |name: &str, value: Option<&Value>| {
        if let Some(v) = value.filter(|v| !v.is_null()) {
            let text = words(v);
            if !text.is_empty() {
                out.push((name.to_owned(), text));
            }
        }
    };
    let read = |name: &str| json(&input.join(name)).unwrap_or_default();
    if !spec.argv.is_empty() {
        add("command", Some(&Value::String(spec.argv.join(" "))));
    }
    match spec.kind {
        RunKind::Augment => {
            add("seeds", Some(&read("seeds.json")));
            let settings = read("settings.json");
            for name in ["provider", "model", "keep", "threshold", "seed", "held_out", "language"] {
                add(name, settings.get(name));
            }
        }
        RunKind::Finetune => {
            let about = read("about.json");
            for name in ["dataset", "culture", "recipe", "alias", "seed"] {
                add(name, about.get(name));
            }
            let text = fs::read_to_string(input.join("recipe.toml")).unwrap_or_default();
            if let Ok(r) = crate::finetune::Recipe::parse(&text, "recipe.toml") {
                let steps = match r.length() {
                    crate::finetune::Length::Steps(n) => format!("{n} steps"),
                    crate::finetune::Length::Epochs(n) => format!("{n} epochs"),
                };
                let how = format!("{steps}, batch {}, learning rate {}", r.batch, r.lr);
                let lora =
                    r.lora.map_or_else(String::new, |l| format!(", adapter of rank {}", l.r));
                add("training", Some(&Value::String(how + &lora)));
            }
            add("base", read("base.json").get("reference"));
        }
        RunKind::Evaluate => {
            let plan = read("plan.json");
            for name in ["task", "tasks", "models", "cultures", "seed"] {
                add(name, plan.get(name));
            }
        }
        RunKind::Judge => {
            let judge = read("judge.json");
            for name in ["study", "rater", "model", "provider"] {
                add(name, judge.get(name));
            }
        }
        RunKind::Command => {}
    }
    let provider = read("provider.json");
    if let Some((kind, inside)) = provider.as_object().and_then(|o| o.iter().next()) {
        let name = words(inside);
        add("provider", Some(&Value::String(format!("{kind}: {name}"))));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Attempt, NewRun};

    #[test]
    fn a_folder_that_is_no_run_says_so_and_nothing_else() {
        let tmp = tempfile::tempdir().unwrap();
        let facts = RunFacts::read(&tmp.path().join("gone"));
        assert!(facts.trouble.is_some() && facts.attempts.is_empty() && facts.told.is_empty());
    }

    #[test]
    fn odd_input_is_left_out_and_the_rest_is_told() {
        let tmp = tempfile::tempdir().unwrap();
        let new = NewRun { argv: vec!["echo".into()], ..NewRun::new(RunKind::Finetune, "/w") };
        let (dir, _) = new
            .create(tmp.path(), |input| {
                fs::write(input.join("about.json"), r#"{"dataset":"one","culture":null,"seed":7}"#)
                    .unwrap();
                fs::write(input.join("recipe.toml"), "not a recipe").unwrap();
                fs::write(input.join("price.json"), b"\xff\xfe").unwrap();
                Ok(())
            })
            .unwrap();
        Attempt::create(&dir, 1).unwrap();
        Attempt::create(&dir, 2).unwrap();
        fs::write(dir.join("attempt-2/failure.json"), r#"{"message":"no room"}"#).unwrap();
        let facts = RunFacts::read(&dir);
        let told: Vec<String> = facts.told.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(told, ["command=echo", "dataset=one", "seed=7"]);
        assert_eq!(facts.inputs.len(), 3);
        assert_eq!(facts.attempts.iter().map(|a| a.number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(facts.attempts[1].failure.as_deref(), Some("no room"));
    }
}
