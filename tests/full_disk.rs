//! A disk that is full in the middle of a training run: a real file system of a few megabytes, in a
//! mount namespace of its own. Skipped, loudly, where such a namespace cannot be made.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::fs;
use std::process::Command;

/// A small model, a checkpoint every few steps, all of them kept.
const RECIPE: &str = r#"
name = "small"
steps = 60
batch = 4
lr = 1e-3
checkpoint_every = 5
keep_checkpoints = 99
log_every = 5
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

/// The person at the keyboard. `$P` is the program, `$W` the workspace's place, `$S` the state.
const WALK: &str = r#"
set -eu
mount -t tmpfs -o size=24m tmpfs "$W"
cd "$W"
"$P" init garden >/dev/null
cd garden
"$P" dataset build d --culture german >/dev/null
cp "$RECIPE" ../r.toml
# All but a little of what is free: the first checkpoints fit, a later one does not.
free=$(df --output=avail -k . | tail -1)
dd if=/dev/zero of=../filler bs=1k count=$((free - 700)) 2>/dev/null
start() { "$P" --json finetune --dataset d --recipe ../r.toml --name mine "$@"; }
# Said before the start; then started all the same.
start > "$OUT/refused" || true
run=$(start --even-if-it-does-not-fit | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | head -1)
"$P" --json runs wait "$run" > "$OUT/full" || true
ls runs/$run/attempt-1 runs/$run/attempt-1/checkpoints > "$OUT/files" 2>/dev/null || true
rm ../filler
"$P" runs retry "$run" >/dev/null
"$P" --json runs wait "$run" > "$OUT/retried" || true
"$P" runs logs "$run" > "$OUT/log"
head -1 runs/$run/attempt-2/metrics.jsonl > "$OUT/first"
"$P" models list > "$OUT/models"
"$P" engine stop >/dev/null
"#;

#[test]
fn a_checkpoint_that_does_not_fit_fails_the_run_and_a_retry_goes_on_from_the_last_whole_one() {
    let tmp = tempfile::tempdir().unwrap();
    let [place, out, state] = ["w", "out", "s"].map(|n| tmp.path().join(n));
    for dir in [&place, &out, &state] {
        fs::create_dir(dir).unwrap();
    }
    let mountable = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "tmpfs"])
        .arg(&place)
        .output()
        .is_ok_and(|o| o.status.success());
    if !mountable {
        eprintln!("skipped: no file system can be mounted in a namespace here");
        return;
    }
    let recipe = tmp.path().join("r.toml");
    fs::write(&recipe, RECIPE).unwrap();
    let done = Command::new("unshare")
        .args(["-rm", "bash", "-c", WALK])
        .env("P", env!("CARGO_BIN_EXE_polyculture"))
        .env("W", &place)
        .env("OUT", &out)
        .env("RECIPE", &recipe)
        .env("POLYCULTURE_STATE_DIR", &state)
        .env_remove("POLYCULTURE_WORKSPACE")
        .output()
        .unwrap();
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap_or_default();
    let said = format!("{}\n{}", String::from_utf8_lossy(&done.stderr), read("log"));
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_str(&read(name)).unwrap_or_else(|e| panic!("{name}: {e}\n{said}"))
    };
    let refused = read("refused");
    assert!(refused.contains("of disk for 12 checkpoints"), "{refused}\n{said}");
    let full = json("full");
    assert_eq!(full["state"], "failed", "{full}\n{said}");
    assert!(full["reason"].as_str().unwrap().contains("No space left"), "{full}");
    let retried = json("retried");
    assert_eq!(retried["state"], "succeeded", "{retried}\n{said}");
    assert_eq!(retried["attempt"], 2, "{retried}");
    let first = json("first")["step"].as_u64().unwrap();
    assert!(first > 5, "it went on from a checkpoint, not from the start: {first}");
    assert!(read("models").contains("mine"), "{}", read("models"));
}
