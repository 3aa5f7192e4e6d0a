//! What transformers prints.

use super::make::{bar, printed};
use super::{append, known, points, watched};
use crate::job::watch::{Going, StepsFrom};

fn log_of(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("train.log"), text);
    dir
}

#[test]
fn a_log_without_rows_measures_nothing_and_breaks_nothing() {
    let noise = "Loading {'a': 1}\n{'config': {'lr': 1}}\nMap: 100%|█| 9/9 [00:00<00:00, 9 examples/s]\r\n\u{fffd}%|x| /  [\n%|\n{'loss': \n";
    let dir = log_of(noise);
    let k = known(dir.path());
    assert_eq!((k.state, k.step, k.metrics.len()), (Going::Waiting, None, 0));
}

#[test]
fn rows_of_4_and_of_5_get_their_steps_from_the_bar_that_is_drawn_after_them() {
    for quote in ["", "'"] {
        let q = |x: &str| format!("{quote}{x}{quote}");
        let row = |loss: &str, epoch: &str| {
            format!(
                "{{'loss': {}, 'grad_norm': {}, 'learning_rate': {}, 'epoch': {}}}",
                q(loss),
                q("0.7"),
                q("1e-05"),
                q(epoch)
            )
        };
        let eval = format!(
            "{{'eval_loss': {}, 'eval_runtime': {}, 'epoch': {}}}",
            q("1.9"),
            q("0.1"),
            q("0.5")
        );
        let mut text = bar(0, 40, 0) + &bar(8, 40, 1);
        // The bar on show is behind: it is drawn ten times a second at most.
        text += &printed(&row("2.31", "0.25"), 10, 40, 2);
        text += &printed(&row("2.2", "0.5"), 20, 40, 3);
        // An evaluation draws a bar of its own below, and takes it away again.
        text += &format!("\n{}\x1b[A\n\r   \r\x1b[A{eval}\n{}", bar(0, 8, 0), bar(20, 40, 4));
        text += &format!(
            "\n{}\x1b[A\n\r    \x1b[A\n\rWriting model shards: 100%|█| 1/1 [00:00<00:00, 9it/s]\n",
            bar(8, 8, 0)
        );
        text += &bar(27, 40, 5);
        let dir = log_of(&text);
        let w = watched(dir.path());
        assert_eq!(points(&w, "loss"), [(10.0, 2.31), (20.0, 2.2)], "quote {quote:?}");
        assert_eq!(points(&w, "eval_loss"), [(20.0, 1.9)]);
        assert_eq!(points(&w, "lr")[0], (10.0, 1e-5));
        let k = w.known(jiff::Timestamp::now());
        assert_eq!(
            (k.step, k.total, k.epoch, k.state),
            (Some(27), Some(40), Some(0.5), Going::Running)
        );
        assert_eq!(k.sources[0].steps_from, Some(StepsFrom::Bar));
        let end = printed("{'train_runtime': 9.0, 'train_loss': 2.0, 'epoch': 1.0}", 40, 40, 9);
        append(&dir.path().join("train.log"), bar(40, 40, 8) + &end);
        let k = known(dir.path());
        assert_eq!((k.state, k.step, k.eta_s), (Going::Ended, Some(40), None));
        assert!(!k.metrics.contains_key("train_loss"), "a mean of the whole is no point");
    }
}

#[test]
fn an_evaluation_before_the_first_step_does_not_make_its_bar_the_trainings() {
    let mut text = bar(0, 8, 0) + &bar(8, 8, 1) + "\n";
    text += &printed("{'eval_loss': '4.1', 'epoch': '0'}", 0, 100, 1);
    text += &printed("{'loss': '4.0', 'epoch': '0.1'}", 10, 100, 2);
    let dir = log_of(&text);
    let w = watched(dir.path());
    assert_eq!(points(&w, "loss"), [(10.0, 4.0)]);
    assert_eq!(w.known(jiff::Timestamp::now()).total, Some(100));
}

#[test]
fn without_a_bar_steps_are_counted_by_logging_steps_or_said_to_be_rows() {
    let text = "{'loss': 3.0, 'epoch': 0.1}\n{'eval_loss': 2.9}\n{'loss': 2.0, 'epoch': 0.2}\n";
    let dir = log_of(text);
    let w = watched(dir.path());
    assert_eq!(points(&w, "loss"), [(1.0, 3.0), (2.0, 2.0)]);
    let source = w.known(jiff::Timestamp::now()).sources.remove(0);
    assert_eq!(source.steps_from, Some(StepsFrom::Rows));
    assert!(source.note.unwrap().contains("1, 2, 3"));
    let state = r#"{"logging_steps": 25, "max_steps": 100, "global_step": 25, "log_history": []}"#;
    append(&dir.path().join("trainer_state.json"), state);
    let w = watched(dir.path());
    assert_eq!(points(&w, "loss"), [(25.0, 3.0), (50.0, 2.0)]);
    assert_eq!(points(&w, "eval_loss"), [(25.0, 2.9)]);
}

#[test]
fn rows_that_a_buffer_held_back_are_not_given_the_step_of_the_last_bar() {
    let mut text: String = (0..=30).map(|n| bar(n, 30, n)).collect();
    text += "\n{'loss': 3.0}\n{'loss': 2.5}\n{'loss': 2.0}\n";
    text += &bar(30, 30, 30);
    let w_steps = |text: &str| {
        points(&watched(log_of(text).path()), "loss").iter().map(|p| p.0).collect::<Vec<_>>()
    };
    assert_eq!(w_steps(&text), [1.0, 2.0, 3.0]);
}

#[test]
fn a_nan_that_was_printed_is_a_point_and_an_alarm() {
    for row in ["{'loss': nan, 'grad_norm': inf}", "{'loss': 'nan', 'grad_norm': 'inf'}"] {
        let dir = log_of(&(bar(1, 10, 0) + &printed(row, 5, 10, 1) + &bar(6, 10, 2)));
        let w = watched(dir.path());
        assert!(points(&w, "loss")[0].1.is_nan() && points(&w, "grad_norm")[0].1.is_infinite());
        let k = w.known(jiff::Timestamp::now());
        assert_eq!(k.alarms.len(), 2, "{:?}", k.alarms);
        let json = serde_json::to_value(&k).unwrap();
        assert_eq!(json["metrics"]["loss"]["last"], "NaN");
        assert_eq!(json["metrics"]["grad_norm"]["last"], "inf");
    }
}

#[test]
fn a_row_that_is_torn_waits_and_a_bar_is_seen_before_it_is_whole() {
    let dir = log_of(&(bar(1, 10, 0) + "\n{'loss': '1.5', 'ep"));
    let mut w = watched(dir.path());
    assert!(points(&w, "loss").is_empty());
    let path = dir.path().join("train.log");
    append(&path, "och': '0.1'}\n");
    assert!(w.refresh().unwrap());
    assert!(points(&w, "loss").is_empty(), "its step is not drawn yet");
    append(&path, bar(5, 10, 3));
    w.refresh().unwrap();
    assert_eq!(points(&w, "loss"), [(5.0, 1.5)]);
    assert!(!w.refresh().unwrap());
}

#[test]
fn after_a_resume_in_the_same_log_only_its_own_steps_count() {
    let mut text: String = (0..=95).map(|n| bar(n * 10, 1000, n * 2)).collect();
    text += "\nKilled\n";
    // The bar of a resumed run begins at 0 and leaps to where it is.
    text += &bar(0, 1000, 0);
    for n in 0..=10 {
        text += &bar(900 + n, 1000, 3 + 6 * n);
    }
    let k = known(log_of(&text).path());
    assert_eq!((k.step, k.eta_s), (Some(910), Some(540.0)));
}
