//! TensorBoard's event files.

use std::fs;

use super::make::{
    bytes, double, event, float, losses, number, record, simple, tensor, varint, version,
};
use super::{append, known, points, watched};

const NAME: &str = "events.out.tfevents.1790000000.host.1.0";

#[test]
fn scalars_in_every_form_are_read_and_everything_else_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let kind = |k: u64| number(1, k);
    let packed = |f: u64, n: u64| bytes(f, &varint(n));
    let t = |name: &str, parts: &[Vec<u8>]| tensor(name, Some("scalars"), &parts.concat());
    let values = [
        simple("train/learning_rate", 0.5),
        t("float_val", &[kind(1), float(5, 1.5)]),
        t("float_packed", &[kind(1), bytes(5, &2.5f32.to_le_bytes())]),
        t("double_val", &[kind(2), double(6, 3.5)]),
        t("content", &[kind(1), bytes(4, &4.5f32.to_le_bytes())]),
        t("content64", &[kind(2), bytes(4, &5.5f64.to_le_bytes())]),
        t("int64", &[kind(9), packed(10, 7)]),
        t("half", &[kind(19), packed(13, 0x4800)]),
        t("bfloat16", &[kind(14), packed(13, 0x4110)]),
        tensor("no_plugin", None, &[kind(1), float(5, 10.0)].concat()),
        tensor("text", Some("text"), &[kind(7), bytes(8, b"words")].concat()),
        tensor(
            "histogram",
            Some("histograms"),
            &[kind(2), double(6, 1.0), double(6, 2.0)].concat(),
        ),
        tensor("one_bin", Some("histograms"), &[kind(2), double(6, 1.0)].concat()),
        tensor("a_vector", None, &[kind(1), bytes(5, &[0; 8])].concat()),
        [bytes(1, b"image"), bytes(4, b"png")].concat(),
    ];
    let mut file = version(1.0);
    file.extend(event(2.0, 3, &values));
    // Fields in an order that writers may choose as well.
    let summary = bytes(1, &simple("backwards", 11.0));
    file.extend(record(&[bytes(5, &summary), number(2, 4), double(1, 3.0)].concat()));
    append(&dir.path().join(NAME), &file);
    let w = watched(dir.path());
    let got: Vec<(&str, f64)> =
        w.curves().of.iter().map(|(n, c)| (n.as_str(), c.last.unwrap().1)).collect();
    let want = [
        ("backwards", 11.0),
        ("bfloat16", 9.0),
        ("content", 4.5),
        ("content64", 5.5),
        ("double_val", 3.5),
        ("float_packed", 2.5),
        ("float_val", 1.5),
        ("half", 8.0),
        ("int64", 7.0),
        ("lr", 0.5),
        ("no_plugin", 10.0),
    ];
    assert_eq!(got, want);
    assert_eq!(w.curves().of["backwards"].last, Some((4, 11.0)));
}

#[test]
fn a_record_that_is_torn_waits_and_only_new_bytes_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(NAME);
    let all = losses(1000.0, 1..=50);
    let cut = all.len() - 30;
    append(&path, &all[..cut]);
    let mut w = watched(dir.path());
    assert_eq!(points(&w, "loss").len(), 49);
    // What was read already is made unreadable in place: reading it again would show.
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let kept = cut - 200;
    std::os::unix::fs::FileExt::write_all_at(&file, &vec![7; kept], 0).unwrap();
    append(&path, &all[cut..]);
    assert!(w.refresh().unwrap());
    assert_eq!(points(&w, "loss").len(), 50);
    assert_eq!(known(dir.path()).metrics.len(), 0, "from the start nothing can be read");
}

#[test]
fn a_nan_is_kept_and_a_record_with_a_wrong_sum_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = version(1.0);
    let mut wrong = event(2.0, 1, &[simple("train/loss", 9.0)]);
    let n = wrong.len();
    wrong[n - 6] ^= 1;
    file.extend(wrong);
    file.extend(event(3.0, 2, &[simple("train/loss", f32::NAN)]));
    file.extend(event(4.0, 3, &[simple("train/loss", 1.0)]));
    append(&dir.path().join(NAME), &file);
    append(&dir.path().join(NAME), b"not a record, and many bytes more");
    let k = known(dir.path());
    assert_eq!((k.metrics["loss"].n, k.metrics["loss"].not_finite), (2, 1));
    assert_eq!((k.alarms[0].step, k.sources[0].unreadable), (Some(2), 1));
    assert!(k.sources[0].note.as_ref().unwrap().contains("no record"));
}

#[test]
fn files_of_one_folder_follow_each_other_and_a_resume_takes_the_place_of_old_steps() {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join(NAME), losses(1000.0, 1..=95));
    append(&dir.path().join("events.out.tfevents.1790009999.host.2.0"), {
        let mut f = version(9000.0);
        for n in 0..=10u64 {
            f.extend(event(9000.0 + 6.0 * n as f64, 90 + n, &[simple("train/loss", 5.0)]));
        }
        f
    });
    append(&dir.path().join("trainer_state.json"), r#"{"max_steps": 190, "log_history": []}"#);
    let w = watched(dir.path());
    let got = points(&w, "loss");
    assert_eq!(
        (got.len(), got[88], got[89]),
        (89 + 11, (89.0, f64::from(1.0 / 89f32)), (90.0, 5.0))
    );
    assert_eq!(w.known(jiff::Timestamp::now()).eta_s, Some(540.0));
}

#[test]
fn folders_in_folders_are_starts_of_one_run_or_runs_beside_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let put = |sub: &str, file: &[u8]| {
        fs::create_dir_all(dir.path().join(sub)).unwrap();
        append(&dir.path().join(sub).join(NAME), file);
    };
    // transformers opens a folder a start.
    put("runs/Nov20_10-00-00_host", &losses(1000.0, 1..=20));
    put("runs/Nov21_10-00-00_host", &losses(2000.0, 11..=30));
    let w = watched(dir.path());
    assert_eq!(points(&w, "loss").len(), 30);
    assert_eq!(w.curves().of["loss"].n, 40);
    // One that runs at the same time as the newest is another run.
    put("other", &losses(2005.0, 1..=100));
    let w = watched(dir.path());
    assert_eq!(points(&w, "loss").len(), 100);
    assert_eq!(points(&w, "loss (runs/Nov21_10-00-00_host)").len(), 20);
}

#[test]
fn folders_named_train_and_validation_are_one_run() {
    let dir = tempfile::tempdir().unwrap();
    for (sub, x) in [("train", 1.0), ("validation", 2.0)] {
        fs::create_dir_all(dir.path().join(sub)).unwrap();
        let mut f = version(10.0);
        f.extend(event(11.0, 0, &[simple("epoch_loss", x)]));
        append(&dir.path().join(sub).join(NAME), f);
    }
    let w = watched(dir.path());
    assert_eq!(points(&w, "epoch_loss"), [(0.0, 1.0)]);
    assert_eq!(points(&w, "eval_loss"), [(0.0, 2.0)]);
}

#[test]
fn an_event_file_that_is_another_one_now_is_read_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(NAME);
    append(&path, losses(1000.0, 1..=50));
    let mut w = watched(dir.path());
    fs::write(&path, losses(2000.0, 1..=5)).unwrap();
    assert!(w.refresh().unwrap());
    assert_eq!(points(&w, "loss").len(), 5);
    fs::remove_file(&path).unwrap();
    w.refresh().unwrap();
    assert!(points(&w, "loss").is_empty());
}
