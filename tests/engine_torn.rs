//! State that is torn without SQLite noticing, and other ways to lose a run quietly: the real
//! binary, real signals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

#[path = "engine/house.rs"]
#[allow(dead_code, reason = "the house serves `engine.rs` too, which uses all of it")]
mod house;

use std::fs;
use std::process::Stdio;

use house::{House, kill, process_lives};

/// Three runs that ended, one that was tried twice, and one that goes on; then SIGKILL.
fn house_with_runs() -> (House, Vec<String>, String) {
    let house = House::new();
    let mut ended: Vec<String> = (5..8)
        .map(|code| {
            let id = house.add(&["sh", "-c", &format!("exit {code}")]);
            house.wait(&id);
            id
        })
        .collect();
    let again = house.add(&["sh", "-c", "exit 8"]);
    house.wait(&again);
    house.ok(&["runs", "retry", &again]);
    house.wait(&again);
    ended.push(again);
    let live = house.add(&["sh", "-c", &house::until(&house.file("gate"))]);
    house.until_state(&live, "running");
    let engine = house.engine_pid();
    kill(engine);
    house::until_true("the engine is dead", || !process_lives(engine));
    (house, ended, live)
}

fn nothing_is_lost(house: &House, ended: &[String], live: &str, what: &str) {
    for (id, code) in ended.iter().zip(5..) {
        // Set back to `running` by the cut, it is judged again: its end follows. A lost run would
        // be unknown here.
        let run = house.wait(id);
        assert_eq!(run["exit_code"], code, "{what}: {run}");
        assert_eq!(run["state"], "failed", "{what}: {run}");
    }
    assert_eq!(house.show(&ended[3])["attempt"], 2, "{what}");
    house.until_state(live, "running");
    fs::write(house.file("gate"), "").unwrap();
    assert_eq!(house.wait(live)["state"], "succeeded", "{what}");
    assert!(!house.attempt(live, 2).exists(), "{what}: it was started once");
}

#[test]
fn an_empty_database_file_does_not_stand_for_no_runs() {
    let (house, ended, live) = house_with_runs();
    let db = house.state().join("engine.db");
    fs::write(&db, "").unwrap();
    fs::remove_file(db.with_extension("db-wal")).unwrap();
    nothing_is_lost(&house, &ended, &live, "emptied");
}

#[test]
fn a_log_cut_anywhere_loses_no_run() {
    // SQLite drops the torn tail of its log without a word, and with it transactions that were
    // acknowledged.
    for share in [0, 1, 2, 3] {
        let (house, ended, live) = house_with_runs();
        let wal = house.state().join("engine.db-wal");
        let length = fs::metadata(&wal).unwrap().len();
        fs::OpenOptions::new().write(true).open(&wal).unwrap().set_len(length * share / 4).unwrap();
        nothing_is_lost(&house, &ended, &live, &format!("{share}/4 of the log"));
    }
}

#[test]
fn a_torn_list_of_workspaces_is_kept_aside_and_filled_again() {
    let house = House::new();
    let id = house.add(&["sh", "-c", "exit 5"]);
    house.wait(&id);
    house.ok(&["engine", "stop"]);
    let list = house.state().join("workspaces.json");
    let text = fs::read_to_string(&list).unwrap();
    let torn = text.trim_end().trim_end_matches(['}', ']', '\n', ' ']).to_owned();
    assert!(serde_json::from_str::<serde_json::Value>(&torn).is_err());

    // With the database: it knows the folders.
    fs::write(&list, "{").unwrap();
    assert_eq!(house.show(&id)["exit_code"], 5);
    house.ok(&["engine", "stop"]);
    assert_eq!(fs::read_to_string(&list).unwrap(), text);
    // Without it: by the folders that can be read still.
    fs::write(&list, torn).unwrap();
    fs::remove_file(house.state().join("engine.db")).unwrap();
    assert_eq!(house.show(&id)["exit_code"], 5);
    let aside = fs::read_dir(house.state())
        .unwrap()
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with("workspaces.json.damaged-"))
        .count();
    assert!(aside >= 1, "the damaged list is kept");
}

#[test]
fn a_run_does_not_start_an_engine_that_would_end_with_it() {
    let house = House::new();
    let (gate, asked) = (house.file("gate"), house.file("asked"));
    let exe = env!("CARGO_BIN_EXE_polyculture");
    let script = format!(
        "{}; {exe} runs list > {asked}.out 2>&1; echo $? > {asked}.tmp; mv {asked}.tmp {asked}",
        house::until(&gate),
        asked = asked.display()
    );
    let id = house.add_with(
        &["sh", "-c", &script],
        &[("POLYCULTURE_STATE_DIR", house.state().to_str().unwrap())],
    );
    house.until_state(&id, "running");
    let engine = house.engine_pid();
    kill(engine);
    house::until_true("the engine is dead", || !process_lives(engine));
    fs::write(&gate, "").unwrap();
    house::until_true("the run has asked", || asked.exists());
    assert_eq!(fs::read_to_string(&asked).unwrap().trim(), "3");
    assert!(fs::read_to_string(house.file("asked.out")).unwrap().contains("inside a run"));
    assert_eq!(house.try_engine_pid(), None);
    assert_eq!(house.wait(&id)["state"], "succeeded");
}

#[test]
fn an_engine_whose_log_cannot_be_written_keeps_its_books() {
    // A full disk, as a log file that takes no byte: `/dev/full` answers every write with ENOSPC.
    let house = House::new();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut engine = house.command(&["engine", "run"]).stderr(full()).spawn().unwrap();
    house::until_true("the engine answers", || {
        assert!(engine.try_wait().unwrap().is_none(), "the engine died of its log");
        house.try_engine_pid().is_some()
    });
    let id = house.add(&["sh", "-c", "exit 5"]);
    assert_eq!(house.wait(&id)["exit_code"], 5);
    house.ok(&["engine", "stop"]);
    assert!(engine.wait().unwrap().success());
}

#[test]
fn work_whose_folder_is_deleted_is_ended_and_called_lost() {
    let house = House::new();
    let id = house.add(&["sh", "-c", &house::until(&house.file("gate"))]);
    house.until_state(&id, "running");
    let (shim, work) = house.processes(&id);
    // Without its shim, so that only the engine is left to end the work.
    kill(shim);
    house::until_true("the shim is dead", || !process_lives(shim));
    fs::remove_dir_all(house.workspace().join("runs").join(&id)).unwrap();
    assert_eq!(house.wait(&id)["state"], "lost");
    house::until_true("the work is ended", || !process_lives(work));
}

#[test]
fn a_client_that_cannot_write_the_run_folder_says_so_and_leaves_nothing() {
    // As a file-size limit of zero, with its signal ignored, so that writes fail as on a full disk.
    let house = House::new();
    house.ok(&["seeds", "list"]); // the workspace has its database
    house.ok(&["engine", "start"]);
    let exe = env!("CARGO_BIN_EXE_polyculture");
    let script = format!("trap '' XFSZ; ulimit -f 0; exec {exe} runs add -- true");
    let mut command = house.command(&[]);
    let env: Vec<_> =
        command.get_envs().filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned()))).collect();
    command = std::process::Command::new("sh");
    let out = command
        .args(["-c", &script])
        .envs(env)
        .current_dir(house.workspace())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(3), "{words}");
    assert!(words.contains("spec.json") && words.contains("File too large"), "{words}");
    let left = fs::read_dir(house.workspace().join("runs")).map_or(0, Iterator::count);
    assert_eq!(left, 0);
    assert_eq!(house.json(&["runs", "list"])["items"].as_array().unwrap().len(), 0);
}
