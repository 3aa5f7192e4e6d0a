//! The panel on real folders.

use std::fs;
use std::path::Path;

use crate::tui::app::Msg;
use crate::tui::data::Lane;
use crate::tui::screen::{Effect, ScreenId, Told};
use crate::tui::testing::Bench;

fn rows(dir: &Path, steps: std::ops::RangeInclusive<u64>) {
    let mut text = fs::read_to_string(dir.join("metrics.jsonl")).unwrap_or_default();
    for n in steps {
        let at = jiff::Timestamp::from_second(1_772_366_360 + n as i64).unwrap();
        let loss = if n == 30 { "\"NaN\"".into() } else { (3.0 / n as f64).to_string() };
        text += &format!(
            "{{\"at\":\"{at}\",\"step\":{n},\"total\":400,\"values\":{{\"loss\":{loss},\"lr\":0.001,\"grad_norm\":1.5,\"tokens_per_s\":1234}}}}\n"
        );
    }
    fs::write(dir.join("metrics.jsonl"), text).unwrap();
}

/// A bench whose only screen watches a folder.
fn bench(size: (u16, u16), dir: &Path) -> Bench {
    let mut b = Bench::new(size);
    b.app.go(ScreenId::Watch);
    b.app.with_screen(|s, cx| s.told(Told::File(dir.to_owned()), cx));
    b.msg(Msg::Tick);
    b.app.shared.alone = true;
    b.settle_but(&[]);
    b
}

#[test]
fn an_empty_folder_and_one_that_is_not_there_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut b = bench((100, 30), dir.path());
    assert!(b.screen().contains("Nothing was measured yet"), "{}", b.screen());
    let mut b = bench((100, 30), Path::new("/nowhere/at/all"));
    assert!(b.screen().contains("Nothing was measured yet"), "{}", b.screen());
}

#[test]
fn a_run_is_shown_with_its_place_its_curves_its_alarm_its_gpu_and_its_log() {
    let dir = tempfile::tempdir().unwrap();
    rows(dir.path(), 1..=40);
    fs::write(dir.path().join("run.json"), "{}").unwrap();
    fs::write(dir.path().join("gpus.jsonl"), "{\"at\":\"\",\"gpus\":[{\"index\":0,\"uuid\":\"GPU-x\",\"memory_used\":1073741824,\"memory_total\":2147483648,\"utilization\":87}]}\n").unwrap();
    fs::write(dir.path().join("out.log"), "hello from the trainer\n").unwrap();
    fs::create_dir_all(dir.path().join("checkpoint-20")).unwrap();
    let mut b = bench((120, 40), dir.path());
    let screen = b.screen();
    for said in [
        "polyculture runs watch",
        "running",
        "step 40 of 400",
        "6 min left",
        "1234 tokens/s",
        "loss is NaN or infinite at 1 of 40 values, first at step 30",
        "GPU 0 · 87 % · 1.0 GiB of 2.0 GiB",
        "saved: 1, 1 not whole, the newest at step 20",
        "learning rate · metrics.jsonl",
        "gradient norm",
        "hello from the trainer",
    ] {
        assert!(screen.contains(said), "no `{said}` in\n{screen}");
    }
}

#[test]
fn what_is_written_meanwhile_is_seen_at_the_next_tick() {
    let dir = tempfile::tempdir().unwrap();
    rows(dir.path(), 1..=10);
    let mut b = bench((100, 30), dir.path());
    assert!(b.screen().contains("step 10 of 400"));
    assert!(b.effects.iter().any(|e| matches!(e, Effect::Again(_))), "it looks again by itself");
    rows(dir.path(), 11..=20);
    b.msg(Msg::Tick).settle_but(&[]);
    assert!(b.screen().contains("step 20 of 400"), "{}", b.screen());
    assert_eq!(b.waiting(Lane::Slow), 0);
}

#[test]
fn keys_turn_the_curves_show_the_log_and_export_and_nothing_else_is_reached() {
    let dir = tempfile::tempdir().unwrap();
    rows(dir.path(), 1..=40);
    fs::write(dir.path().join("out.log"), "line one\n").unwrap();
    let mut b = bench((100, 30), dir.path());
    b.keys("m m").settle_but(&[]);
    assert!(b.screen().contains("learning rate"), "{}", b.screen());
    b.keys("tab").settle_but(&[]);
    assert!(b.screen().contains("line one") && !b.screen().contains("learning rate"));
    b.keys("tab a e").settle_but(&[]);
    assert!(b.screen().to_lowercase().contains("svg"), "{}", b.screen());
    b.keys("esc 1 :").settle_but(&[]);
    assert_eq!(b.app.at(), ScreenId::Watch);
    assert!(b.app.overlay().is_none());
    b.keys("q");
    assert!(b.effects.iter().any(|e| matches!(e, Effect::Quit)));
}

#[test]
fn any_size_can_be_drawn() {
    let dir = tempfile::tempdir().unwrap();
    rows(dir.path(), 1..=40);
    fs::write(dir.path().join("out.log"), "line one\n").unwrap();
    for size in [(12, 4), (20, 6), (40, 10), (80, 24), (81, 17), (300, 100)] {
        let mut b = bench(size, dir.path());
        b.screen();
        b.keys("tab").settle_but(&[]);
        b.screen();
    }
}
