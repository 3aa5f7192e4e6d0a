//! The screen on files of a person, whatever stands in them.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::rows::{Known, rows};
use crate::config::UserConfig;
use crate::text::{BidiMode, Resolved};
use crate::tui::data::{Lane, WorkError};
use crate::tui::keymap::Keymap;
use crate::tui::screen::{Effect, ScreenId};
use crate::tui::testing::Bench;

const CONFIG: &str = r#"
[providers.lab]
kind = "openai"
base_url = "https://lab.test:8443/v1/secret-path"
model = "m-7b"
key_env = "POLYCULTURE_TEST_NO_SUCH_KEY"
requests_per_minute = 600
in_flight = 8
price = { prompt = 1.5, completion = 6 }

[providers.here]
kind = "local"
path = "/models"
model = "small"
"#;

fn known(bench: &Bench, config: &str) -> Known {
    let file = bench.folder().join("config.toml");
    std::fs::write(&file, config).unwrap();
    Known {
        config: UserConfig::read(&file).map_err(WorkError::from),
        config_file: "/home/ada/.config/polyculture/config.toml".into(),
        theme: "dark".into(),
        themes: ["dark", "light", "sixteen", "mono"].map(str::to_owned).to_vec(),
        keymap: Keymap::with("the table", "").map_err(WorkError::from),
        auto: Resolved::App,
        mouse: true,
        files: ["keys.toml", "workbench.toml", "themes"].map(|f| format!("/home/ada/{f}").into()),
    }
}

fn on_settings(size: (u16, u16), config: &str) -> Bench {
    let mut bench = Bench::new(size).at(ScreenId::Settings);
    let known = known(&bench, config);
    let screen = &mut bench.app.screens.settings;
    screen.list.set_rows(rows(&known));
    screen.known.set(known);
    bench
}

fn themes(bench: &mut Bench) -> Vec<(String, bool)> {
    bench
        .effects
        .drain(..)
        .filter_map(|e| match e {
            Effect::Theme { name, keep } => Some((name, keep)),
            _ => None,
        })
        .collect()
}

/// The screen without the number of rows: every new command of the program is one.
fn steady(bench: &mut Bench) -> String {
    let of = regex::Regex::new(r" of \d{3}\b").unwrap();
    of.replace_all(&bench.screen(), " of ###").into_owned()
}

#[test]
fn a_broken_configuration_is_shown_with_its_line_and_the_rest_works() {
    let mut bench = on_settings((100, 30), "[providers.lab]\nkind = 3\n");
    assert!(bench.shows("cannot be read") && bench.shows("line"), "{}", bench.screen());
    bench.keys("tab");
    assert!(bench.shows("auto"));
}

#[test]
fn providers_are_shown_without_their_keys_and_paths() {
    let mut bench = on_settings((80, 24), CONFIG);
    bench.keys("g");
    insta::assert_snapshot!("providers_80x24", steady(&mut bench));
    assert!(!bench.shows("secret-path") && bench.shows("https://lab.test:8443"));
    assert!(bench.shows("POLYCULTURE_TEST_NO_SUCH_KEY: MISSING"));
    bench.keys("j j");
    assert!(bench.shows("Providers stand in") && bench.shows("[providers.lab]"));
    bench.keys("y");
    let copied =
        bench.effects.iter().any(|e| matches!(e, Effect::Copy(t) if t.contains("base_url")));
    assert!(copied);
    bench.resize(40, 10);
    insta::assert_snapshot!("providers_40x10", steady(&mut bench));
    for (w, h) in [(500, 200), (20, 5), (1, 1)] {
        bench.resize(w, h);
        bench.screen();
    }
}

#[test]
fn a_test_asks_the_provider_through_the_command_and_shows_what_came_out() {
    type Answers = Arc<Mutex<Vec<Result<Value, WorkError>>>>;
    let answers: Answers = Arc::new(Mutex::new(vec![
        Ok(json!({"provider": "lab", "answered_by": "m-7b\u{1b}[31m", "latency_ms": 120.4,
            "structured": "json_schema", "log_probs": true, "usage": true, "refuses": "",
            "calls": 3, "tokens": {"prompt": 40, "completion": 12}})),
        Err(WorkError::new("no key: $POLYCULTURE_TEST_NO_SUCH_KEY is not set").hint("set it")),
    ]));
    let bench = Bench::new((80, 24));
    let given = Arc::clone(&answers);
    let mut bench = bench
        .command(move |args| {
            assert_eq!(args, ["providers", "test", "lab"]);
            given.lock().unwrap().pop().unwrap()
        })
        .at(ScreenId::Settings);
    let known = known(&bench, CONFIG);
    bench.app.screens.settings.list.set_rows(rows(&known));
    bench.app.screens.settings.known.set(known);
    bench.keys("g t");
    assert!(bench.shows("asking it"));
    bench.settle();
    assert!(bench.shows("it did not answer: no key") && bench.shows("set it"));
    bench.keys("t").settle();
    assert!(bench.shows("it answered in 120 ms") && bench.shows("log-probabilities yes"));
    bench.keys("tab t");
    assert!(bench.note().unwrap().1.contains("only services"));
}

#[test]
fn a_theme_is_tried_while_moving_kept_by_enter_and_put_back_by_escape_or_leaving() {
    let mut bench = on_settings((100, 34), CONFIG);
    bench.effects.clear();
    bench.keys("tab j j");
    let tried = [("auto", false), ("dark", false), ("light", false)];
    assert_eq!(themes(&mut bench), tried.map(|(n, k)| (n.to_owned(), k)));
    insta::assert_snapshot!("themes_100x34", steady(&mut bench));
    bench.keys("esc");
    assert_eq!(themes(&mut bench), [("dark".to_owned(), false)]);
    bench.keys("j enter");
    assert_eq!(themes(&mut bench), [("light".to_owned(), false), ("light".to_owned(), true)]);
    assert!(bench.shows("kept · built in"));
    bench.keys("j 1");
    let last = themes(&mut bench);
    assert_eq!(last, [("sixteen".to_owned(), false), ("light".to_owned(), false)]);
}

#[test]
fn directions_are_shown_in_five_scripts_as_they_will_look() {
    let mut bench = on_settings((100, 34), CONFIG);
    bench.keys("tab tab j");
    insta::assert_snapshot!("directions_100x34", steady(&mut bench));
    bench.keys("enter");
    assert!(bench.effects.iter().any(|e| matches!(e, Effect::Bidi(BidiMode::App))));
    bench.keys("tab enter j enter");
    assert!(bench.effects.iter().any(|e| matches!(e, Effect::Plain)));
    assert!(bench.effects.iter().any(|e| matches!(e, Effect::Mouse)));
}

#[test]
fn doctor_says_what_is_right_and_what_to_mend() {
    let report = json!({"items": [
        {"check": "database", "ok": true, "says": "whole"},
        {"check": "workspace", "ok": false, "says": "lies on nfs", "mend": "cp -r here there"},
    ]});
    let mut bench = Bench::new((80, 24))
        .command(move |args| {
            assert_eq!(args, ["doctor"]);
            Ok(report.clone())
        })
        .at(ScreenId::Settings);
    bench.keys("d");
    assert_eq!(bench.waiting(Lane::Outside), 1);
    bench.settle();
    assert!(bench.shows("1 to mend") && bench.shows("MEND") && bench.shows("lies on nfs"));
    assert!(bench.shows("$ cp -r here there"));
}

#[test]
fn every_command_is_found_with_its_keys() {
    let mut bench = on_settings((80, 24), CONFIG);
    bench.keys("/").types("app.palette").keys("enter");
    assert!(bench.shows("app.palette") && bench.shows("ctrl-p") && bench.shows("keys.toml"));
    bench.keys("y");
    let copied = bench
        .effects
        .iter()
        .any(|e| matches!(e, Effect::Copy(t) if t.contains("\"app.palette\" = ")));
    assert!(copied);
    bench.keys("esc g");
    assert!(bench.shows("lab"));
}
