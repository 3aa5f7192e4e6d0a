//! Will it fit, and what may go, at the door of the real binary: refusals with their figures and
//! nothing left behind; checkpoints that something needs stay, the others go.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::Place;
use serde_json::Value;

/// A small model, all checkpoints kept.
fn recipe(steps: u64, hidden: u32, layers: u32, limit: &str) -> String {
    format!(
        "name = \"small\"\nsteps = {steps}\nbatch = 4\nlr = 1e-3\ncheckpoint_every = 2\n\
         keep_checkpoints = 99\nlog_every = 2\n[model.tiny]\nhidden_size = {hidden}\n\
         intermediate_size = {}\nlayers = {layers}\nheads = 4\nkv_heads = 4\nvocab_size = 400\n\
         [resources]\nthreads = 1\nmemory_mb = 256\n{limit}\n",
        hidden * 2
    )
}

fn place() -> Place {
    let p = Place::configured("");
    p.ok(&["dataset", "build", "d", "--culture", "german"]);
    p
}

fn runs(p: &Place) -> usize {
    fs::read_dir(p.ws().join("runs")).map_or(0, Iterator::count)
}

#[test]
fn what_needs_more_memory_or_time_than_there_is_is_refused_and_leaves_nothing() {
    let p = place();
    // How long a run of this shape takes is known from one that was.
    let known = p.file("known.toml", recipe(2, 32, 1, ""));
    p.ok(&["finetune", "--dataset", "d", "--recipe", &known, "--wait"]);
    let own = recipe(4_000_000_000, 32, 1, "time_limit = \"1m\"");
    let long = recipe(4_000_000_000, 32, 1, "");
    for (name, text, more, figures) in [
        ("memory", recipe(10, 65_536, 96, ""), &[][..], "of memory"),
        ("time", own, &[], "time_limit is 60 s"),
        ("time of the run", long, &["--time-limit", "1m"], "time_limit is 60 s"),
    ] {
        let file = p.file("r.toml", &text);
        let words = ["--json", "finetune", "--dataset", "d", "--recipe", &file];
        let out = p.run(&[&words[..], more].concat());
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(!out.status.success(), "{name}: {out:?}");
        assert!(said.contains(figures) && said.contains("--even-if-it-does-not-fit"), "{said}");
        assert_eq!(runs(&p), 1, "{name} leaves nothing");
    }
}

/// Names of the whole checkpoints of an attempt.
fn checkpoints(run: &Path) -> BTreeSet<String> {
    let dirs = fs::read_dir(run.join("attempt-1/checkpoints")).unwrap().flatten();
    let whole = dirs.filter(|d| d.path().join("manifest.json").is_file());
    whole.map(|d| d.file_name().into_string().unwrap()).collect()
}

#[test]
fn checkpoints_that_nothing_needs_go_and_those_that_a_plan_names_stay() {
    let p = place();
    let file = p.file("r.toml", recipe(12, 32, 1, ""));
    let tune = ["finetune", "--dataset", "d", "--recipe", &file, "--name", "kept", "--wait"];
    let id = p.json(&tune)["id"].as_str().unwrap().to_owned();
    let run = p.ws().join("runs").join(&id);
    let all = checkpoints(&run);
    assert!(all.contains("step-4") && all.contains("final") && all.len() > 4, "{all:?}");
    // A plan that waits names one of them.
    let named = format!("run:{id}@4");
    let waits = p.json(&[
        "evaluate",
        "--model",
        &named,
        "--cultures",
        "german",
        "--dataset",
        "d",
        "--not-before",
        "2d",
    ]);
    let listed = p.json(&["runs", "prune"]);
    assert_eq!(listed["removed"], false, "{listed}");
    let may_go: BTreeSet<String> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| Path::new(i["dir"].as_str().unwrap()).file_name().unwrap().to_str().unwrap())
        .map(str::to_owned)
        .collect();
    assert!(!may_go.is_empty() && !may_go.contains("step-4") && !may_go.contains("final"));
    assert!(listed["bytes"].as_u64().unwrap() > 1000, "{listed}");
    assert_eq!(checkpoints(&run), all, "a list removes nothing");
    p.ok(&["runs", "prune", "--yes"]);
    let left: BTreeSet<String> = all.difference(&may_go).cloned().collect();
    assert_eq!(checkpoints(&run), left);
    assert_eq!(p.json(&["runs", "prune"])["items"], Value::Array(Vec::new()));
    // What stayed can still be used.
    p.ok(&["runs", "cancel", waits["id"].as_str().unwrap()]);
    let ask = ["--json", "evaluate", "--cultures", "german", "--dataset", "d", "--wait", "--model"];
    for model in [named.as_str(), "kept"] {
        let out = p.run(&[&ask[..], &[model]].concat());
        assert!(out.status.success(), "{model}: {out:?}");
    }
}
