//! An evaluation of a model that is not there yet: the run that it waits for makes it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

mod common;

use std::fs;

use common::Place;
use serde_json::Value;

/// A model that is trained in a moment.
const RECIPE: &str = r#"
name = "small"
steps = 6
batch = 4
lr = 1e-3
checkpoint_every = 3
log_every = 3
[model.tiny]
hidden_size = 32
intermediate_size = 64
layers = 1
heads = 4
kv_heads = 4
vocab_size = 400
[resources]
threads = 1
memory_mb = 256
"#;

struct Bench {
    p: Place,
    recipe: String,
    gate: String,
}

impl Bench {
    /// A workspace with a dataset, and a run that ends when the gate is opened.
    fn new() -> (Self, String) {
        let p = Place::configured("");
        p.ok(&["dataset", "build", "d", "--culture", "german"]);
        let recipe = p.file("r.toml", RECIPE);
        let gate = p.path("gate").display().to_string();
        let script = format!("while [ ! -e {gate} ]; do sleep 0.02; done");
        let blocker = p.json(&["runs", "add", "--", "sh", "-c", &script]);
        (Self { p, recipe, gate }, id(&blocker))
    }

    /// A fine-tune that cannot begin before the gate is opened.
    fn tune(&self, name: &str, blocker: &str) -> String {
        id(&self.p.json(&[
            "finetune",
            "--dataset",
            "d",
            "--recipe",
            &self.recipe,
            "--name",
            name,
            "--after-ok",
            blocker,
        ]))
    }

    fn evaluate(&self, more: &[&str]) -> std::process::Output {
        let words = ["--json", "evaluate", "--cultures", "german", "--dataset", "d"];
        self.p.run(&[&words[..], more].concat())
    }

    fn end(&self, run: &str) -> Value {
        let out = self.p.run(&["--json", "runs", "wait", run]);
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"))
    }
}

fn id(run: &Value) -> String {
    run["id"].as_str().unwrap_or_else(|| panic!("{run}")).to_owned()
}

fn added(out: &std::process::Output) -> String {
    assert!(out.status.success(), "{out:?}");
    id(&serde_json::from_slice(&out.stdout).unwrap())
}

#[test]
fn a_model_is_named_before_its_run_has_made_it_by_run_and_by_alias() {
    let (bench, blocker) = Bench::new();
    let tune = bench.tune("night", &blocker);
    let by_run = format!("run:{tune}");
    // Nobody waits for it: refused, with the way out.
    let refused = bench.evaluate(&["--model", &by_run]);
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(!refused.status.success() && said.contains(&format!("--after-ok {tune}")), "{said}");
    let out = bench.evaluate(&["--model", &by_run, "--model", "night", "--after-ok", &tune]);
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(told.contains("night is not there yet") && told.contains(&by_run), "{told}");
    let evaluation = added(&out);
    let shown = bench.p.json(&["runs", "show", &evaluation]);
    assert_eq!(shown["state"], "blocked", "{shown}");
    fs::write(&bench.gate, "").unwrap();
    assert_eq!(bench.end(&tune)["state"], "succeeded");
    let end = bench.end(&evaluation);
    assert_eq!(end["state"], "succeeded", "{end}\n{}", bench.p.ok(&["runs", "logs", &evaluation]));
    let file = bench.p.ws().join("runs").join(&evaluation).join("attempt-1/evaluation.json");
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains("night") && text.contains(&by_run), "{text}");
}

#[test]
fn a_run_that_makes_no_model_is_named_when_the_evaluation_starts() {
    let (bench, blocker) = Bench::new();
    let tune = bench.tune("never", &blocker);
    let model = format!("run:{tune}");
    let skipped = added(&bench.evaluate(&["--model", &model, "--after-ok", &tune]));
    let tried = added(&bench.evaluate(&["--model", &model, "--after-any", &tune]));
    bench.p.ok(&["runs", "cancel", &tune]);
    assert_eq!(bench.end(&skipped)["state"], "skipped");
    // On a machine of few threads it waits for those of the first run.
    fs::write(&bench.gate, "").unwrap();
    assert_eq!(bench.end(&blocker)["state"], "succeeded");
    let end = bench.end(&tried);
    assert_eq!(end["state"], "failed", "{end}");
    assert!(end["reason"].as_str().unwrap().contains("has made no model"), "{end}");
}
