//! The engine's own life: a program replaced under live runs, draining, `install`, and what `doctor`
//! says of the machine. The real binary; `crontab` and `systemctl` are scripts that keep what they get.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

#[path = "engine/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;

use std::fs;
use std::path::{Path, PathBuf};

use house::{House, process_lives, put_program as put, put_script};
use serde_json::{Value, json};

/// The binary under another path, as a package would put it there.
fn installed(house: &House) -> PathBuf {
    let path = house.file("polyculture");
    put(&path, Path::new(env!("CARGO_BIN_EXE_polyculture")));
    path
}

fn start(house: &House, program: &Path) {
    let out = std::process::Command::new(program)
        .args(["--json", "engine", "start"])
        .current_dir(house.workspace())
        .env("POLYCULTURE_STATE_DIR", house.state())
        .env("POLYCULTURE_SLOTS", "1")
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
}

fn log(house: &House) -> String {
    fs::read_to_string(house.state().join("engine.log")).unwrap_or_default()
}

#[test]
fn a_replaced_program_takes_over_at_once_and_live_runs_stay() {
    let house = House::new();
    let program = installed(&house);
    start(&house, &program);
    let engine = house.engine_pid();
    let (gate, starts) = (house.file("gate"), house.file("starts"));
    let script = format!("echo x >> {}; {}; exit 7", starts.display(), house::until(&gate));
    let live = house.add(&["sh", "-c", &script]);
    house.until_state(&live, "running");
    house::until_true("it has begun", || starts.exists());
    let queued = house.add(&["true"]);
    let (shim, _) = house.processes(&live);
    put(&program, Path::new(env!("CARGO_BIN_EXE_polyculture")));
    house::until_true("the new one says so", || {
        let text = log(&house);
        text.contains("was replaced") && text.matches(" at ").count() >= 2
    });
    house::until_true("it answers", || house.try_engine_pid().is_some());
    assert_eq!(house.engine_pid(), engine, "the same process");
    assert_eq!(house.show(&live)["state"], "running");
    assert_eq!(house.show(&queued)["state"], "queued");
    fs::write(&gate, "").unwrap();
    let end = house.wait(&live);
    assert_eq!((&end["state"], &end["exit_code"]), (&"failed".into(), &7.into()), "{end}");
    assert_eq!(fs::read_to_string(&starts).unwrap(), "x\n", "once");
    assert_eq!(house.wait(&queued)["state"], "succeeded");
    house::until_true("the old shim is no zombie", || {
        !Path::new(&format!("/proc/{shim}")).exists()
    });
}

#[test]
fn a_program_that_does_not_run_replaces_nothing() {
    let house = House::new();
    let program = installed(&house);
    start(&house, &program);
    let engine = house.engine_pid();
    let broken = house.file("broken");
    fs::write(&broken, "half a progr").unwrap();
    put(&program, &broken);
    house::until_true("it is said", || log(&house).contains("does not run"));
    assert_eq!(house.engine_pid(), engine);
    assert!(process_lives(engine));
    put(&program, Path::new(env!("CARGO_BIN_EXE_polyculture")));
    house::until_true("a good one is taken", || log(&house).contains("takes over"));
    house::until_true("it answers", || house.try_engine_pid().is_some());
    assert_eq!(house.wait(&house.add(&["true"]))["state"], "succeeded");
}

#[test]
fn a_drained_engine_starts_nothing_more_and_ends_with_its_last_run() {
    let house = House::with_slots(1);
    let gate = house.file("gate");
    let live = house.add(&["sh", "-c", &house::until(&gate)]);
    house.until_state(&live, "running");
    let queued = house.add(&["true"]);
    let engine = house.engine_pid();
    let said = house.json(&["engine", "drain"]);
    assert_eq!(said, json!({"draining": true, "live": 1, "ended": false}));
    assert_eq!(house.json(&["engine", "status"])["draining"], true);
    fs::write(&gate, "").unwrap();
    house::until_true("it has ended", || !process_lives(engine));
    let end = house.attempt(&queued, 1).join("exit.json");
    assert!(!end.exists(), "the queued run was not started");
    // The next one goes on.
    assert_eq!(house.wait(&live)["state"], "succeeded");
    assert_eq!(house.wait(&queued)["state"], "succeeded");
}

#[test]
fn install_puts_one_line_into_the_crontab_and_uninstall_takes_only_that() {
    if Path::new("/run/systemd/system").exists() {
        eprintln!("skipped: systemd runs here, install would use it");
        return;
    }
    let house = House::new();
    let (bin, tab) = (house.file("bin"), house.file("tab"));
    fs::create_dir(&bin).unwrap();
    let script = format!(
        "#!/bin/sh\ncase $1 in -l) cat {0} 2>/dev/null || exit 1;; -) cat > {0};; esac\n",
        tab.display()
    );
    put_script(&bin.join("crontab"), &script);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let home = house.file("home");
    let env = [("PATH", path.as_str()), ("HOME", home.to_str().unwrap())];
    fs::write(&tab, "MAILTO=ada\n").unwrap();
    for _ in 0..2 {
        house.ok_with(&["engine", "install"], &env);
    }
    let text = fs::read_to_string(&tab).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("@reboot POLYCULTURE_STATE_DIR=") && text.contains("engine start"));
    let doctor: Value = serde_json::from_str(&house.ok_with(&["doctor"], &env)).unwrap();
    let says = |what: &str| {
        let items = doctor["items"].as_array().unwrap();
        let item = items.iter().find(|i| i["check"] == what).unwrap();
        (item["ok"].as_bool().unwrap(), item["says"].as_str().unwrap().to_owned())
    };
    assert!(says("reboot").1.contains("crontab"));
    assert!(says("logout").1.contains("no systemd") || says("logout").1.contains("SLURM"));
    for what in ["shared memory", "engine state", "gpus", "slurm", "python"] {
        assert!(!says(what).1.is_empty(), "{what}");
    }
    house.ok_with(&["engine", "uninstall"], &env);
    assert_eq!(fs::read_to_string(&tab).unwrap(), "MAILTO=ada\n");
}

/// Files of attempts as the first release wrote them: what shims of an older program leave behind.
#[test]
fn files_of_the_first_form_are_understood() {
    use polyculture::job::{ExitFile, FailureFile, RunFile, RunSpec, StateName, StopFile};
    let run = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/form-1/20261121-090000-0a1b2c3d");
    let attempt = run.join("attempt-1");
    let spec = RunSpec::read(&run).unwrap();
    assert_eq!((spec.version, spec.grace_s), (1, 10));
    let file = RunFile::read(&attempt).unwrap().unwrap();
    assert_eq!((file.shim.pid, file.work.pid), (4711, 4712));
    let end = ExitFile::read(&attempt).unwrap().unwrap();
    let failure = FailureFile::read(&attempt).unwrap();
    assert_eq!(end.state(spec.queued_at, failure).name(), StateName::Cancelled);
    assert_eq!(StopFile::read(&attempt).unwrap().unwrap().grace_s, 10);
    // What a later release adds is passed over, not refused.
    let text = fs::read_to_string(attempt.join("exit.json")).unwrap();
    let mut doc: Value = serde_json::from_str(&text).unwrap();
    doc["of a later release"] = json!(1);
    assert!(serde_json::from_value::<ExitFile>(doc).is_ok());
}
