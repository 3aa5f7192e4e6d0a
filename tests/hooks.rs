//! `[notify]`: a real hook script, called by the real engine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

#[path = "engine/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;

use std::fs;

use house::House;
use serde_json::Value;

/// Starts an engine whose user has this `[notify]` table, and secrets in the environment.
fn engine_with(house: &House, notify: &str) {
    let config = house.file("config.toml");
    fs::write(&config, format!("[notify]\n{notify}\n")).unwrap();
    let out = house
        .command(&["engine", "start"])
        .env("POLYCULTURE_CONFIG", &config)
        .env("SOME_API_KEY", "hush")
        .env("UNKNOWN_NAME", "hush")
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
}

fn script(house: &House, body: &str) -> String {
    let path = house.file("hook");
    house::put_script(&path, &format!("#!/bin/sh\n{body}\n"));
    path.display().to_string()
}

fn log(house: &House) -> String {
    fs::read_to_string(house.state().join("engine.log")).unwrap_or_default()
}

#[test]
fn a_misspelt_table_is_said_and_stops_nothing() {
    let house = House::new();
    engine_with(&house, "comand = [\"x\"]");
    assert_eq!(house.wait(&house.add(&["true"]))["state"], "succeeded");
    house::until_true("the log", || log(&house).contains("comand"));
}

#[test]
fn a_hook_that_fails_or_is_missing_or_hangs_is_said_and_holds_nothing_up() {
    let house = House::new();
    let sleeper = house.file("sleeper");
    // By the label, not by a word that may stand in a drawn name.
    let hook = script(
        &house,
        &format!(
            "json=$(cat | tr -d ' '); case $json in *'\"label\":\"one\"'*) echo broken >&2; exit 3;; \
             *'\"label\":\"two\"'*) sleep 3600 & echo $! > {0}.n; mv {0}.n {0}; wait;; esac",
            sleeper.display()
        ),
    );
    // Long enough for a hook that only starts and ends, on a busy machine too.
    engine_with(&house, &format!("command = [\"{hook}\"]\ntime_limit_s = 5"));
    house.ok(&["runs", "add", "--label", "one", "--wait", "--", "true"]);
    house::until_true("the failure", || log(&house).contains("broken"));
    house.ok(&["runs", "add", "--label", "two", "--", "true"]);
    house::until_true("the hook hangs", || sleeper.exists());
    // The engine answers and works meanwhile.
    house.ok(&["runs", "add", "--label", "three", "--wait", "--", "true"]);
    house::until_true("the limit", || log(&house).contains("more than 5 s"));
    let pid: i32 = fs::read_to_string(&sleeper).unwrap().trim().parse().unwrap();
    house::until_true("its child is ended", || !house::process_lives(pid));
    fs::remove_file(&hook).unwrap();
    house.ok(&["runs", "add", "--wait", "--", "true"]);
    house::until_true("the missing program", || log(&house).contains("cannot start"));
}

#[test]
fn a_hook_gets_the_runs_json_and_no_secrets() {
    let house = House::new();
    let out = house.file("told");
    let hook = script(
        &house,
        &format!(
            "cat > {0}.$POLYCULTURE_RUN.tmp; env > {0}.env; \
             mv {0}.$POLYCULTURE_RUN.tmp {0}.$POLYCULTURE_RUN",
            out.display()
        ),
    );
    engine_with(&house, &format!("command = [\"{hook}\"]\non = [\"failed\", \"cancelled\"]"));
    let fine = house.add(&["true"]);
    house.wait(&fine);
    let failed = house.add(&["sh", "-c", "exit 7"]);
    let end = house.wait(&failed);
    let told = |id: &str| {
        let path = house.file(&format!("told.{id}"));
        house::until_some("the hook", || fs::read(&path).ok())
    };
    let doc: Value = serde_json::from_slice(&told(&failed)).unwrap();
    assert_eq!(doc, end, "what `runs show --json` says");
    let env = fs::read_to_string(house.file("told.env")).unwrap();
    assert!(env.contains("PATH=") && !env.contains("hush"), "{env}");
    assert!(!house.file(&format!("told.{fine}")).exists(), "not one of the ends in `on`");
    // A run that never started ends too.
    let gate = house.file("gate");
    let script = house::until(&gate);
    let blockers: Vec<String> = (0..4).map(|_| house.add(&["sh", "-c", &script])).collect();
    let waits = house.add(&["true"]);
    house.ok(&["runs", "cancel", &waits]);
    let doc: Value = serde_json::from_slice(&told(&waits)).unwrap();
    assert_eq!(doc["state"], "cancelled");
    fs::write(&gate, "").unwrap();
    for id in blockers {
        house.wait(&id);
    }
}
