//! The form: what it would run, what that takes, and the start.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::store::ModelRecord;
use crate::tui::data::WorkError;
use crate::tui::screen::{Effect, ScreenId, Tone};
use crate::tui::testing::Bench;

fn model(alias: &str) -> ModelRecord {
    ModelRecord {
        id: alias.parse().unwrap(),
        alias: Some(alias.into()),
        kind: "local".into(),
        run: None,
        checkpoint: None,
        dataset: None,
        recipe: json!(null),
        created: "2026-02-03T04:05:06Z".parse().unwrap(),
        card: json!({}),
    }
}

type Asked = Arc<Mutex<Vec<Vec<String>>>>;

fn with_models(size: (u16, u16)) -> (Bench, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let bench = Bench::filled(size, |store| {
        store.write(|tx| tx.put_model(&model("tiny-a"))).unwrap();
        store.write(|tx| tx.put_model(&model("tiny-b"))).unwrap();
    })
    .command(move |args| {
        seen.lock().unwrap().push(args.to_vec());
        if args.iter().any(|a| a == "--dry-run") {
            return Ok(json!({"calls": 1200, "prompt_tokens": 345_678,
                "completion_tokens_at_most": 76_800, "cost_at_most": 1.5, "currency": "EUR"}));
        }
        Ok(json!({"id": "20260203-abc", "state": "queued"}))
    })
    .at(ScreenId::Evaluate);
    (bench, asked)
}

fn last(asked: &Asked) -> Vec<String> {
    asked.lock().unwrap().last().cloned().unwrap_or_default()
}

#[test]
fn nothing_starts_without_a_model_and_the_form_says_what_is_missing() {
    let mut bench = Bench::new((80, 24)).at(ScreenId::Evaluate);
    bench.keys("n").settle();
    assert!(bench.shows("Choose a model") || bench.shows("name one"), "{}", bench.screen());
    bench.keys("enter").settle();
    assert_eq!(bench.note().unwrap().0, Tone::Warn);
}

#[test]
fn the_form_shows_calls_cost_time_and_the_command_line_before_it_starts() {
    let (mut bench, asked) = with_models((80, 24));
    bench.keys("n").settle();
    bench.keys("tab space").settle();
    insta::assert_snapshot!("form_80x24", bench.screen());
    assert_eq!(last(&asked), ["evaluate", "--model", "tiny-b", "--tasks", "survey", "--dry-run"]);
    bench.keys("enter").settle();
    assert_eq!(last(&asked), ["evaluate", "--model", "tiny-b", "--tasks", "survey"]);
    assert!(bench.note().unwrap().1.contains("20260203-abc"));
    assert!(!bench.shows("Start an evaluation"));
}

#[test]
fn every_task_has_its_own_fields_and_command() {
    let (mut bench, asked) = with_models((100, 40));
    bench.keys("n").settle();
    bench.keys("tab space shift-tab right").settle();
    assert!(bench.shows("samples") && bench.shows("Framing"));
    assert_eq!(last(&asked)[..5], ["evaluate", "--model", "tiny-b", "--tasks", "samples"]);
    bench.keys("right").settle();
    assert!(bench.shows("Judge"));
    bench.keys("right").settle();
    assert!(bench.shows("File: something has to stand here"));
    bench.keys("right right").settle();
    assert!(last(&asked).contains(&"robustness".to_owned()), "{:?}", last(&asked));
    bench.keys("right").settle();
    // The survey again; controls are what `compare` is for.
    bench.keys("tab tab tab tab right").settle();
    let line = last(&asked);
    assert_eq!((line[0].as_str(), line.contains(&"--controls".to_owned())), ("compare", true));
}

#[test]
fn a_refusal_stays_in_the_form_with_its_way_out() {
    let bench = Bench::filled((80, 24), |store| {
        store.write(|tx| tx.put_model(&model("tiny-a"))).unwrap();
    });
    let mut bench = bench
        .command(|_| Err(WorkError::new("no model `x\u{1b}[2J`").hint("`polyculture models list`")))
        .at(ScreenId::Evaluate);
    bench.keys("n").settle();
    bench.keys("tab space enter").settle();
    assert!(bench.shows("not started") && bench.shows("models list"));
    bench.keys("esc");
    assert!(bench.shows("No evaluation yet"));
    assert!(bench.effects.iter().all(|e| !matches!(e, Effect::Quit)));
}
