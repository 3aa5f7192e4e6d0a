//! What an engine was told outlives it: pools without their database, a drain through SIGKILL, and
//! its log within bounds. The real binary, real signals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]
#![allow(dead_code, reason = "the house is shared, and each test uses a part")]

#[path = "engine/house.rs"]
mod house;

use std::fs;

use house::{House, kill, process_lives};

/// SIGKILL, and nothing of the database is left.
fn kill_engine(house: &House, with_database: bool) {
    let pid = house.engine_pid();
    kill(pid);
    house::until_true("it is dead", || !process_lives(pid));
    if with_database {
        for name in ["engine.db", "engine.db-wal", "engine.db-shm"] {
            let _ = fs::remove_file(house.state().join(name));
        }
    }
}

#[test]
fn pools_and_a_drain_outlive_a_killed_engine_and_its_lost_database() {
    let house = House::with_slots(2);
    house.ok(&["engine", "pool", "hub", "--capacity", "3"]);
    house.ok(&["engine", "pool", "gone", "--capacity", "1"]);
    house.ok(&["engine", "pool", "gone", "--remove"]);
    let gate = house.file("gate");
    let live = house.add(&["sh", "-c", &house::until(&gate)]);
    house.until_state(&live, "running");
    house.ok(&["engine", "drain"]);
    let queued = house.add(&["true"]);
    for with_database in [false, true] {
        kill_engine(&house, with_database);
        house.ok(&["engine", "start"]);
        assert_eq!(house.json(&["engine", "status"])["draining"], true);
        let shown = house.show(&queued);
        assert_eq!(shown["state"], "queued", "a slot is free, and nothing is started: {shown}");
        assert!(shown["reason"].as_str().unwrap().contains("drains"), "{shown}");
        let pools = house.json(&["engine", "pool"]);
        let names: Vec<_> = pools["items"].as_array().unwrap().iter().map(|p| &p["name"]).collect();
        assert_eq!(names, ["hub"], "{pools}");
        assert_eq!(pools["items"][0]["capacity"], 3, "{pools}");
    }
    house.ok(&["engine", "drain", "--undo"]);
    assert_eq!(house.wait(&queued)["state"], "succeeded");
    assert_eq!(house.show(&live)["state"], "running");
    kill_engine(&house, false);
    house.ok(&["engine", "start"]);
    assert!(house.json(&["engine", "status"])["draining"].is_null(), "taken back for good");
    fs::write(&gate, "").unwrap();
    assert_eq!(house.wait(&live)["state"], "succeeded");
}

#[test]
fn a_drain_whose_last_run_ends_without_an_engine_is_over() {
    let house = House::with_slots(1);
    let gate = house.file("gate");
    let live = house.add(&["sh", "-c", &house::until(&gate)]);
    house.until_state(&live, "running");
    let queued = house.add(&["true"]);
    house.ok(&["engine", "drain"]);
    kill_engine(&house, false);
    fs::write(&gate, "").unwrap();
    house::until_true("its end", || house.attempt(&live, 1).join("exit.json").exists());
    assert_eq!(house.wait(&queued)["state"], "succeeded");
    assert_eq!(house.wait(&live)["state"], "succeeded");
}

#[test]
fn the_log_is_put_aside_when_it_is_long_and_no_line_is_lost_also_at_a_kill() {
    let house = House::new();
    let config = house.file("config.toml");
    fs::write(&config, "[notify]\ncommand = [\"/no/such/program\"]\n").unwrap();
    let short =
        [("POLYCULTURE_ENGINE_LOG_BYTES", "600"), ("POLYCULTURE_CONFIG", config.to_str().unwrap())];
    house.ok_with(&["engine", "start"], &short);
    let logs = ["engine.log", "engine.log.1", "engine.log.2"].map(|n| house.state().join(n));
    let told = |id: &str| {
        let texts = logs.iter().map(|l| fs::read_to_string(l).unwrap_or_default());
        texts.map(|t| t.lines().filter(|l| l.contains(id)).count()).sum::<usize>()
    };
    let mut ids = Vec::new();
    // Until it was put aside once: nothing of what was said can have been dropped then.
    while !logs[1].exists() {
        assert!(ids.len() < 1000, "it only grows");
        let id = house.add(&["true"]);
        house.wait(&id);
        house::until_true("its line", || told(&id) > 0);
        ids.push(id);
    }
    for id in &ids {
        assert_eq!(told(id), 1, "{id}");
    }
    kill_engine(&house, false);
    house.ok_with(&["engine", "start"], &short);
    let id = house.add(&["true"]);
    house.wait(&id);
    house::until_true("its line", || told(&id) > 0);
    assert!(logs[0].exists() && !house.state().join("engine.log.3").exists());
}
