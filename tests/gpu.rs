//! GPU leases at the engine's door: the real binary, real signals, and GPUs that a file pretends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

#[path = "engine/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;

use std::fs;
use std::path::PathBuf;

use house::{House, kill, process_lives};
use serde_json::{Value, json};

const A: &str = "GPU-aaaa0000-0000-0000-0000-000000000000";
const B: &str = "GPU-bbbb0000-0000-0000-0000-000000000001";

/// A house whose machine has two GPUs.
struct Gpus {
    house: House,
    file: PathBuf,
}

fn gpu(index: u32, uuid: &str) -> Value {
    json!({"index": index, "uuid": uuid, "name": "Pretend", "memory_total": 80u64 << 30,
        "memory_used": 1 << 20, "utilization": 0, "processes": []})
}

impl Gpus {
    fn new() -> Self {
        let house = House::new();
        let file = house.file("gpus.json");
        let gpus = Self { house, file };
        gpus.set(&[gpu(0, A), gpu(1, B)]);
        gpus
    }

    /// By rename: nobody reads half of it.
    fn set(&self, devices: &[Value]) {
        let tmp = self.house.file("gpus.tmp");
        fs::write(&tmp, json!({"devices": devices}).to_string()).unwrap();
        fs::rename(tmp, &self.file).unwrap();
    }

    fn try_add(&self, gpus: u32, script: &str, env: &[(&str, &str)]) -> (bool, Value) {
        let gpus = gpus.to_string();
        let words = ["runs", "add", "--gpus", &gpus, "--", "sh", "-c", script];
        let out = self
            .house
            .command(&words)
            .env_remove("CUDA_VISIBLE_DEVICES")
            .env("POLYCULTURE_PRETEND_GPUS", &self.file)
            .envs(env.iter().copied())
            .output()
            .unwrap();
        (out.status.success(), serde_json::from_slice(&out.stdout).unwrap())
    }

    fn add(&self, gpus: u32, script: &str) -> String {
        let (fine, doc) = self.try_add(gpus, script, &[]);
        assert!(fine, "{doc}");
        doc["id"].as_str().unwrap().to_owned()
    }

    fn leases(&self) -> Value {
        self.house.json(&["engine", "status"])["leases"].clone()
    }

    fn reason(&self, id: &str) -> String {
        self.house.show(id)["reason"].as_str().unwrap_or_default().to_owned()
    }

    fn start_engine(&self) {
        let out = self
            .house
            .command(&["engine", "start"])
            .env("POLYCULTURE_PRETEND_GPUS", &self.file)
            .output()
            .unwrap();
        assert!(out.status.success(), "{out:?}");
    }
}

#[test]
fn what_no_gpu_here_can_serve_is_refused_with_the_reason() {
    let g = Gpus::new();
    for (gpus, visible, says) in [
        (3, None, "at most 2"),
        (1, Some("O"), "`O` is no GPU"),
        (1, Some("7"), "names GPU 7"),
        (2, Some("1"), "at most 1 can be leased within CUDA_VISIBLE_DEVICES=1"),
        (1, Some("-1"), "at most 0"),
    ] {
        let env: Vec<(&str, &str)> = visible.iter().map(|v| ("CUDA_VISIBLE_DEVICES", *v)).collect();
        let (fine, doc) = g.try_add(gpus, "true", &env);
        let text = doc["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(!fine && text.contains(says), "{visible:?}: {doc}");
    }
    g.set(&[]);
    let (fine, doc) = g.try_add(1, "true", &[]);
    assert!(!fine && doc.to_string().contains("no GPU"), "{doc}");
    assert_eq!(g.house.json(&["runs", "list"])["items"], json!([]), "nothing was left behind");
}

#[test]
fn each_run_sees_its_own_gpus_by_uuid_and_a_third_one_waits_and_says_why() {
    let g = Gpus::new();
    let gate = g.house.file("gate");
    let script =
        format!("echo \"$CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER\"; {}", house::until(&gate));
    let first = g.add(1, &script);
    g.house.until_state(&first, "running");
    let second = g.add(1, &script);
    g.house.until_state(&second, "running");
    let third = g.add(1, &script);
    house::until_true("the reason", || g.reason(&third).contains("leased to run"));
    assert_eq!(g.house.show(&third)["state"], "queued");
    // Work that wants no GPU is not held up by it.
    assert_eq!(g.house.wait(&g.add(0, "true"))["state"], "succeeded");
    assert_eq!(g.leases(), json!({A: first, B: second}));
    fs::write(&gate, "").unwrap();
    for (id, uuid) in [(&first, A), (&second, B)] {
        assert_eq!(g.house.wait(id)["state"], "succeeded");
        assert_eq!(g.house.ok(&["runs", "logs", id]), format!("{uuid} PCI_BUS_ID\n"));
        let file: Value =
            serde_json::from_slice(&fs::read(g.house.attempt(id, 1).join("gpus.json")).unwrap())
                .unwrap();
        assert_eq!(file["gpus"][0]["uuid"], uuid);
    }
    assert_eq!(g.house.wait(&third)["state"], "succeeded");
    house::until_true("all are released", || g.leases() == json!({}));
}

#[test]
fn the_ceiling_of_the_submitter_is_kept() {
    let g = Gpus::new();
    let env = [("CUDA_VISIBLE_DEVICES", "1")];
    let (_, doc) = g.try_add(1, "echo $CUDA_VISIBLE_DEVICES", &env);
    let id = doc["id"].as_str().unwrap().to_owned();
    assert_eq!(g.house.wait(&id)["state"], "succeeded");
    assert_eq!(g.house.ok(&["runs", "logs", &id]), format!("{B}\n"));
}

#[test]
fn what_others_load_is_left_alone_until_they_are_gone() {
    let g = Gpus::new();
    let mut busy = gpu(0, A);
    busy["processes"] = json!([{"pid": 1, "memory": 1 << 30}]);
    let mut full = gpu(1, B);
    full["memory_used"] = json!(60u64 << 30);
    g.set(&[busy, full]);
    let id = g.add(1, "echo $CUDA_VISIBLE_DEVICES");
    house::until_true("both reasons", || {
        let why = g.reason(&id);
        why.contains("in use by process 1") && why.contains("61440 MiB")
    });
    g.set(&[gpu(0, A), gpu(1, B)]);
    assert_eq!(g.house.wait(&id)["state"], "succeeded");
}

#[test]
fn a_lease_outlives_its_engine_and_a_lost_database() {
    let g = Gpus::new();
    let gate = g.house.file("gate");
    let first = g.add(1, &house::until(&gate));
    g.house.until_state(&first, "running");
    for lost in [false, true] {
        let engine = g.house.engine_pid();
        kill(engine);
        house::until_true("the engine is dead", || !process_lives(engine));
        if lost {
            for name in ["engine.db", "engine.db-wal", "engine.db-shm"] {
                let _ = fs::remove_file(g.house.state().join(name));
            }
        }
        g.start_engine();
        house::until_true("the lease", || g.leases() == json!({A: first}));
        let other = g.add(1, "echo $CUDA_VISIBLE_DEVICES");
        assert_eq!(g.house.wait(&other)["state"], "succeeded");
        assert_eq!(g.house.ok(&["runs", "logs", &other]), format!("{B}\n"));
    }
    fs::write(&gate, "").unwrap();
    assert_eq!(g.house.wait(&first)["state"], "succeeded");
    house::until_true("released", || g.leases() == json!({}));
}

#[test]
fn an_engine_killed_between_the_lease_and_the_fork_starts_the_run_with_its_lease() {
    let g = Gpus::new();
    let out = g
        .house
        .command(&["engine", "start"])
        .env("POLYCULTURE_PRETEND_GPUS", &g.file)
        .env("POLYCULTURE_TEST_CRASH", "engine-before-fork")
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    let doomed = g.house.engine_pid();
    let gate = g.house.file("gate");
    let script = format!("echo $CUDA_VISIBLE_DEVICES; {}", house::until(&gate));
    let id = g.add(2, &script);
    house::until_true("the engine died", || !process_lives(doomed));
    g.start_engine();
    g.house.until_state(&id, "running");
    assert_eq!(g.leases(), json!({A: id, B: id}));
    let log = || g.house.ok(&["runs", "logs", &id]);
    house::until_true("what the work sees", || log() == format!("{A},{B}\n"));
    g.house.ok(&["runs", "cancel", &id]);
    assert_eq!(g.house.wait(&id)["state"], "cancelled");
    house::until_true("released", || g.leases() == json!({}));
}

#[test]
fn a_gpu_is_released_only_when_the_processes_are_off_it() {
    let g = Gpus::new();
    let gate = g.house.file("gate");
    let first = g.add(2, &house::until(&gate));
    g.house.until_state(&first, "running");
    let (_, work) = g.house.processes(&first);
    // What the driver shows after the end: a process that is not gone yet, unknown to /proc.
    let mut held = gpu(0, A);
    held["processes"] = json!([{"pid": i32::MAX, "memory": 1 << 30}]);
    g.set(&[held, gpu(1, B)]);
    fs::write(&gate, "").unwrap();
    assert_eq!(g.house.wait(&first)["state"], "succeeded");
    assert!(!process_lives(work));
    let leases = g.leases();
    assert_eq!(leases, json!({A: first, B: first}), "the run has ended, its lease has not");
    g.set(&[gpu(0, A), gpu(1, B)]);
    house::until_true("released", || g.leases() == json!({}));
}

#[test]
fn a_gpu_that_disappears_is_noted_and_given_to_nobody() {
    let g = Gpus::new();
    let gate = g.house.file("gate");
    let first = g.add(1, &house::until(&gate));
    g.house.until_state(&first, "running");
    g.set(&[gpu(1, B)]);
    house::until_true("the note", || g.reason(&first).contains("is gone"));
    let second = g.add(1, &format!("echo $CUDA_VISIBLE_DEVICES; {}", house::until(&gate)));
    g.house.until_state(&second, "running");
    let third = g.add(1, "true");
    house::until_true("the third waits", || g.reason(&third).contains("leased"));
    assert_eq!(g.leases(), json!({A: first, B: second}));
    // The note comes first, the reading after it.
    let readings = g.house.attempt(&first, 1).join("gpus.jsonl");
    house::until_true("a reading without it", || {
        fs::read_to_string(&readings).is_ok_and(|t| t.contains("\"gone\":true"))
    });
    fs::write(&gate, "").unwrap();
    for id in [&first, &second, &third] {
        assert_eq!(g.house.wait(id)["state"], "succeeded");
    }
    house::until_true("released", || g.leases() == json!({}));
}

#[test]
fn readings_that_are_denied_are_n_a_and_a_driver_that_errs_keeps_runs_waiting() {
    let g = Gpus::new();
    g.set(&[json!({"index": 0, "uuid": A})]);
    let shown = g
        .house
        .command(&["engine", "gpus"])
        .env("POLYCULTURE_PRETEND_GPUS", &g.file)
        .output()
        .unwrap();
    let doc: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(doc["items"][0]["gpu"]["utilization"], Value::Null, "{doc}");
    let gate = g.house.file("gate");
    let first = g.add(1, &house::until(&gate));
    g.house.until_state(&first, "running");
    let path = g.house.attempt(&first, 1).join("gpus.jsonl");
    house::until_true("a reading", || fs::read_to_string(&path).is_ok_and(|t| t.contains('\n')));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"utilization\":null"), "{text}");
    fs::write(&g.file, r#"{"error": "the driver fell over"}"#).unwrap();
    let second = g.add(1, "true");
    house::until_true("the reason", || g.reason(&second).contains("fell over"));
    fs::write(&gate, "").unwrap();
    assert_eq!(g.house.wait(&first)["state"], "succeeded");
    g.set(&[gpu(0, A)]);
    assert_eq!(g.house.wait(&second)["state"], "succeeded");
}
