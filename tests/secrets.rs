//! Keys of providers on their way to a run: through an engine that becomes another program, and
//! through the shim. The run gets them; no file, log or process argument holds them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]
#![allow(dead_code, reason = "the house is shared, and each test uses a part")]

#[path = "endpoint/mod.rs"]
mod endpoint;
#[path = "engine/house.rs"]
mod house;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use endpoint::{Endpoint, Step};
use house::House;
use serde_json::Value;

/// Drawn for each test, so that nothing else on the machine holds it.
fn drawn_key() -> String {
    format!("k{}", uuid::Uuid::new_v4().simple())
}

/// Every file below a folder that holds the words.
fn files_with(dir: &Path, words: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files_with(&path, words));
        } else if kind.is_file() && holds(&path, words) {
            found.push(path);
        }
    }
    found
}

fn holds(path: &Path, words: &str) -> bool {
    // What is gone meanwhile holds nothing.
    fs::read(path).is_ok_and(|t| t.windows(words.len()).any(|w| w == words.as_bytes()))
}

/// Processes with the words in their arguments.
fn arguments_with(words: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|e| e.path());
    let lines = processes.map(|p| p.join("cmdline")).filter(|p| holds(p, words));
    lines.map(|p| p.display().to_string()).collect()
}

/// The binary, in another place.
fn put(path: &Path) {
    house::put_program(path, Path::new(env!("CARGO_BIN_EXE_polyculture")));
}

/// Puts another file in the engine's place, and waits until it has become that.
fn upgrade(house: &House, program: &Path) {
    let text = || fs::read_to_string(house.state().join("engine.log")).unwrap_or_default();
    let starts = || text().matches(" at /").count();
    let before = starts();
    put(program);
    house::until_true("the new program", || starts() > before);
    house::until_true("it answers", || house.try_engine_pid().is_some());
}

/// Starts an evaluation that asks the provider, behind a run that holds the only slot; lets the
/// engine become another program twice meanwhile; looks for the key everywhere.
fn the_key_arrives(key_line: &str, key: &str, given: &[(&str, &str)]) {
    let house = House::with_slots(1);
    let asked = Arc::new(AtomicBool::new(false));
    let go_on = Arc::new(AtomicBool::new(false));
    let (seen, free) = (Arc::clone(&asked), Arc::clone(&go_on));
    // Silent at first, so that the work is looked at while it has the key.
    let endpoint = Endpoint::start(move |_| {
        seen.store(true, Ordering::SeqCst);
        let wait = if free.load(Ordering::SeqCst) { 0 } else { 300 };
        Step::After(Duration::from_millis(wait), Box::new(Step::say("OFF")))
    });
    let config = house.file("config.toml");
    let text = format!(
        "[providers.lab]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\nin_flight = 2\n{key_line}\n",
        endpoint.base_url()
    );
    fs::write(&config, text).unwrap();
    let program = house.file("polyculture");
    put(&program);
    let started = std::process::Command::new(&program)
        .args(["engine", "start"])
        .current_dir(house.workspace())
        .env("POLYCULTURE_STATE_DIR", house.state())
        .env("POLYCULTURE_CONFIG", &config)
        .env("POLYCULTURE_SLOTS", "1")
        .output()
        .unwrap();
    assert!(started.status.success(), "{started:?}");
    let engine = house.engine_pid();
    let gate = house.file("gate");
    let blocker = house.add(&["sh", "-c", &house::until(&gate)]);
    house.until_state(&blocker, "running");
    let ask = ["evaluate", "--model", "lab/m", "--tasks", "english/sample-offensive", "--draws"];
    let environment = [&[("POLYCULTURE_CONFIG", config.to_str().unwrap())], given].concat();
    let run: Value =
        serde_json::from_str(&house.ok_with(&[&ask[..], &["200"]].concat(), &environment)).unwrap();
    let id = run["id"].as_str().unwrap();
    for _ in 0..2 {
        upgrade(&house, &program);
    }
    assert_eq!(house.engine_pid(), engine, "the same process");
    assert_eq!(house.show(id)["state"], "queued");
    fs::write(&gate, "").unwrap();
    house::until_true("it asks", || asked.load(Ordering::SeqCst));
    assert_eq!(arguments_with(key), Vec::<String>::new());
    go_on.store(true, Ordering::SeqCst);
    let end = house.wait(id);
    assert_eq!(end["state"], "succeeded", "{end}");
    let calls = endpoint.seen();
    assert!(!calls.is_empty());
    let bearer = format!("Bearer {key}");
    assert!(calls.iter().all(|c| c.header("authorization") == Some(&bearer)), "{:?}", calls[0]);
    house.ok(&["engine", "stop"]);
    for place in [house.state(), house.workspace()] {
        assert_eq!(files_with(&place, key), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_key_of_the_environment_arrives_through_two_upgrades_and_is_written_nowhere() {
    let key = drawn_key();
    the_key_arrives("key_env = \"LAB_KEY_OF_A_TEST\"", &key, &[("LAB_KEY_OF_A_TEST", &key)]);
}

#[test]
fn a_key_that_a_command_tells_is_asked_for_by_the_work_and_written_nowhere() {
    let key = drawn_key();
    // Not in the house, whose files are searched for it.
    let safe = tempfile::tempdir().unwrap();
    let teller = safe.path().join("tell");
    house::put_script(&teller, &format!("#!/bin/sh\necho {key}\n"));
    the_key_arrives(&format!("key_command = [\"{}\"]", teller.display()), &key, &[]);
}
