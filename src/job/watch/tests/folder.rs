//! Folders as a whole: runs of ours, all sources at once, alarms.

use std::fs;

use jiff::{SignedDuration, Timestamp};

use super::make::losses;
use super::{append, known, points, watched};
use crate::job::Attempt;
use crate::job::watch::{AlarmKind, Going, Origin, Watch};

#[test]
fn a_folder_that_is_none_is_refused_and_an_empty_one_waits() {
    assert!(Watch::open(std::path::Path::new("/nowhere/at/all")).is_err());
    let dir = tempfile::tempdir().unwrap();
    let k = known(dir.path());
    assert_eq!((k.state, k.sources.len()), (Going::Waiting, 0));
}

#[test]
fn each_curve_comes_from_the_one_source_that_is_trusted_most() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    append(
        &d.join("trainer_state.json"),
        r#"{"max_steps": 100, "global_step": 9, "log_history": [{"loss": 5.0, "step": 1}, {"reward": 5.5, "step": 1}]}"#,
    );
    assert_eq!(known(d).metrics["loss"].origin, Origin::TrainerState);
    append(&d.join("run.log"), "{'loss': '4.0', 'mean_token_accuracy': '0.5', 'epoch': '1'}\n");
    assert_eq!(known(d).metrics["loss"].origin, Origin::Output);
    append(&d.join("events.out.tfevents.1.h"), losses(1000.0, 1..=3));
    assert_eq!(known(d).metrics["loss"].origin, Origin::Events);
    append(
        &d.join("trainer_log.jsonl"),
        "{\"current_steps\": 3, \"total_steps\": 9, \"loss\": 2.0}\n",
    );
    assert_eq!(known(d).metrics["loss"].origin, Origin::TrainerLog);
    append(
        &d.join("metrics.jsonl"),
        "{\"at\":\"2026-11-21T10:00:00Z\",\"step\":4,\"values\":{\"loss\":1.0}}\n",
    );
    let k = known(d);
    assert_eq!((k.metrics["loss"].origin, k.metrics["loss"].last), (Origin::Metrics, Some(1.0)));
    assert_eq!(k.metrics["mean_token_accuracy"].origin, Origin::Output);
    assert_eq!(k.metrics["reward"].origin, Origin::TrainerState);
    assert_eq!(points(&watched(d), "loss"), [(4.0, 1.0)]);
}

#[test]
fn a_run_of_ours_is_read_over_its_attempts_with_its_end_and_its_gpus() {
    let dir = tempfile::tempdir().unwrap();
    let mut w1 = Attempt::create(dir.path(), 1).unwrap().metrics().unwrap();
    (1..=20).for_each(|n| w1.log(n, Some(40), &[("loss", 2.0)]).unwrap());
    let second = Attempt::create(dir.path(), 2).unwrap();
    let mut w2 = second.metrics().unwrap();
    (11..=30).for_each(|n| w2.log(n, Some(40), &[("loss", 1.0)]).unwrap());
    let a2 = dir.path().join("attempt-2");
    fs::write(a2.join("gpus.json"), r#"{"gpus":[{"index":1,"uuid":"GPU-a","name":"Pretend"}]}"#)
        .unwrap();
    let reading = |used: u64| {
        format!(
            "{{\"at\":\"2026-11-21T10:00:00Z\",\"gpus\":[{{\"index\":1,\"uuid\":\"GPU-a\",\"memory_used\":{used},\"memory_total\":99,\"utilization\":null}}]}}\n"
        )
    };
    fs::write(a2.join("gpus.jsonl"), reading(5) + &reading(7) + "{\"at\":\"20").unwrap();
    fs::create_dir_all(a2.join("checkpoints/step-000020")).unwrap();
    let w = watched(dir.path());
    assert_eq!(points(&w, "loss").len(), 30);
    let k = w.known(Timestamp::now());
    assert_eq!((k.state, k.step, k.total), (Going::Running, Some(30), Some(40)));
    let gpu = &k.gpus[0];
    assert_eq!(
        (gpu.memory_used, gpu.utilization, gpu.name.as_deref()),
        (Some(7), None, Some("Pretend"))
    );
    assert_eq!((k.checkpoints[0].step, k.checkpoints[0].whole), (20, false));
    fs::write(a2.join("exit.json"), r#"{"code":null,"signal":9,"ended":"2026-11-21T11:00:00Z"}"#)
        .unwrap();
    let k = known(dir.path());
    assert_eq!((k.state, k.end.as_deref(), k.eta_s), (Going::Ended, Some("failed"), None));
}

#[test]
fn a_bare_nan_of_pythons_json_in_our_own_file_is_a_nan() {
    let dir = tempfile::tempdir().unwrap();
    let row = "{\"at\": \"2026-11-21T10:00:00Z\", \"step\": 4, \"total\": 9, \"values\": {\"loss\": NaN, \"lr\": -Infinity}}\n";
    append(&dir.path().join("metrics.jsonl"), row);
    let k = known(dir.path());
    assert_eq!((k.metrics["loss"].not_finite, k.metrics["lr"].not_finite), (1, 1));
    assert_eq!((k.total, k.sources[0].unreadable), (Some(9), 0));
}

#[test]
fn silence_is_an_alarm_after_some_usual_gaps_and_never_after_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let start: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    let mut text = String::new();
    for n in 1..=30i64 {
        let at = start + SignedDuration::from_secs(20 * n);
        text +=
            &format!("{{\"at\":\"{at}\",\"step\":{n},\"total\":50,\"values\":{{\"loss\":1.0}}}}\n");
    }
    append(&dir.path().join("metrics.jsonl"), text);
    let w = watched(dir.path());
    let last = start + SignedDuration::from_secs(600);
    let quiet = |s: i64| w.known(last + SignedDuration::from_secs(s));
    assert_eq!((quiet(99).state, quiet(99).alarms.len()), (Going::Running, 0));
    let k = quiet(101);
    assert_eq!(
        (k.state, k.alarms[0].kind, k.alarms[0].step),
        (Going::Silent, AlarmKind::Stall, Some(30))
    );
    assert!(k.alarms[0].words.contains("every 20.0 s"), "{}", k.alarms[0].words);
    // A clock that was set back makes nobody silent.
    assert_eq!(w.known(start).state, Going::Running);
    append(
        &dir.path().join("exit.json"),
        r#"{"code":0,"signal":null,"started":"2026-11-21T10:00:00Z","ended":"2026-11-21T11:00:00Z"}"#,
    );
    let k = watched(dir.path()).known(last + SignedDuration::from_secs(9_999));
    assert_eq!((k.state, k.end.as_deref(), k.alarms.len()), (Going::Ended, Some("succeeded"), 0));
}

#[test]
fn a_spike_of_the_loss_is_an_alarm_with_what_was_usual() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for n in 1..=60u64 {
        let loss = if n == 50 { 40.0 } else { 2.0 + 0.01 * (n % 5) as f64 };
        text += &format!(
            "{{\"at\":\"\",\"step\":{n},\"values\":{{\"loss\":{loss},\"tokens_per_s\":{}}}}}\n",
            loss * loss
        );
    }
    append(&dir.path().join("metrics.jsonl"), text);
    let k = known(dir.path());
    assert_eq!(k.alarms.len(), 1, "{:?}", k.alarms);
    assert_eq!(
        (k.alarms[0].kind, k.alarms[0].step, k.alarms[0].value),
        (AlarmKind::Spike, Some(50), Some(40.0))
    );
}
