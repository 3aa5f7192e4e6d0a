//! LLaMA-Factory's log, and transformers' state.

use std::fs;

use super::{append, known, points, watched};
use crate::job::watch::{AlarmKind, Going, Origin};

fn row(step: u64, loss: &str, elapsed: &str) -> String {
    format!(
        "{{\"current_steps\": {step}, \"total_steps\": 1000, \"loss\": {loss}, \"lr\": 1e-05, \"epoch\": 0.5, \"percentage\": 1.0, \"elapsed_time\": \"{elapsed}\", \"remaining_time\": \"99:00:00\", \"throughput\": 123.4, \"total_tokens\": 10}}\n"
    )
}

#[test]
fn a_log_of_llama_factory_is_read_with_its_nan_and_without_its_torn_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trainer_log.jsonl");
    append(&path, row(10, "2.5", "0:00:10") + "no row\n" + &row(20, "NaN", "0:00:20"));
    append(&path, &row(30, "Infinity", "0:00:30")[..40]);
    let w = watched(dir.path());
    let got = points(&w, "loss");
    assert_eq!((got.len(), got[0]), (2, (10.0, 2.5)));
    assert!(got[1].1.is_nan());
    let k = w.known(jiff::Timestamp::now());
    assert_eq!((k.step, k.total, k.tokens_per_s), (Some(20), Some(1000), Some(123.4)));
    assert_eq!(k.eta_s, Some(980.0), "not what the file believes");
    assert_eq!(k.alarms[0].kind, AlarmKind::NotFinite);
    assert_eq!(k.sources[0].unreadable, 1);
    assert!(!k.metrics.contains_key("total_steps"));
}

#[test]
fn a_resume_begins_its_own_time_and_takes_the_place_of_steps_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trainer_log.jsonl");
    append(
        &path,
        (1..=95).map(|n| row(n * 10, "1.0", &format!("0:{n:02}:00"))).collect::<String>(),
    );
    append(&path, row(901, "2.0", "0:00:06") + &row(910, "2.0", "0:01:00"));
    let w = watched(dir.path());
    assert_eq!(w.known(jiff::Timestamp::now()).eta_s, Some(540.0));
    let got = points(&w, "loss");
    assert_eq!((got[got.len() - 3], got.last()), ((900.0, 1.0), Some(&(910.0, 2.0))));
}

#[test]
fn a_log_that_is_begun_anew_replaces_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trainer_log.jsonl");
    append(&path, (1..50).map(|n| row(n, "1.0", "0:00:01")).collect::<String>());
    let mut w = watched(dir.path());
    fs::remove_file(&path).unwrap();
    append(&path, row(1, "9.0", "0:00:01"));
    assert!(w.refresh().unwrap());
    assert_eq!(points(&w, "loss"), [(1.0, 9.0)]);
    fs::remove_file(&path).unwrap();
    w.refresh().unwrap();
    assert_eq!(w.known(jiff::Timestamp::now()).state, Going::Waiting);
}

#[test]
fn the_state_of_a_checkpoint_fills_in_what_nobody_else_says() {
    let dir = tempfile::tempdir().unwrap();
    let state = r#"{"epoch": 1.0, "global_step": 20, "logging_steps": 10, "max_steps": 40, "log_history": [
        {"epoch": 0.5, "loss": 2.0, "learning_rate": 1e-4, "step": 10},
        {"epoch": 0.5, "eval_loss": NaN, "step": 10},
        {"epoch": 1.0, "loss": 1.5, "learning_rate": 5e-5, "step": 20}]}"#;
    fs::create_dir(dir.path().join("checkpoint-20")).unwrap();
    fs::write(dir.path().join("checkpoint-20/trainer_state.json"), &state[..200]).unwrap();
    assert_eq!(known(dir.path()).state, Going::Waiting, "half a file is none");
    fs::write(dir.path().join("checkpoint-20/trainer_state.json"), state).unwrap();
    let w = watched(dir.path());
    assert_eq!(points(&w, "loss"), [(10.0, 2.0), (20.0, 1.5)]);
    assert!(points(&w, "eval_loss")[0].1.is_nan());
    append(&dir.path().join("trainer_log.jsonl"), row(30, "1.0", "0:00:30"));
    let w = watched(dir.path());
    let k = w.known(jiff::Timestamp::now());
    assert_eq!(points(&w, "loss"), [(30.0, 1.0)], "two sources are never mixed in one series");
    assert_eq!(k.metrics["loss"].origin, Origin::TrainerLog);
    assert_eq!(k.metrics["eval_loss"].origin, Origin::TrainerState);
    assert_eq!(k.checkpoints[0].step, 20);
}
