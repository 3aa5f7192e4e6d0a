//! The screen on stored evaluations: hostile names, large tables, figures that are missing, runs
//! whose folders are there and gone.

mod forms;
#[allow(clippy::duplicate_mod, reason = "the same made-up runs, read from two floors")]
#[path = "../../../evaluate/inspect/tests/made.rs"]
mod made;

use serde_json::json;

use crate::domain::{CultureId, RunId};
use crate::store::{EvaluationRecord, EvaluationRow, Workspace as Store};
use crate::tui::data::Lane;
use crate::tui::screen::{Effect, ScreenId};
use crate::tui::testing::Bench;

/// A name that tries everything on a terminal.
const HOSTILE: &str = "m\u{1b}[31m\u{202e}evil\u{200b} نموذج 模型\ttab";

struct Figure<'a> {
    model: &'a str,
    culture: Option<&'a str>,
    split: &'a str,
    metric: &'a str,
    value: Option<f64>,
    seeds: u64,
    diff: Option<[f64; 3]>,
}

fn row(f: &Figure<'_>) -> EvaluationRow {
    let mut extra = json!({"ci": f.value.map(|v| [v - 0.02, v + 0.02]), "n": 43,
        "unit": "question", "seeds": f.seeds, "exploratory": false});
    if let Some([d, lo, hi]) = f.diff {
        extra["diff"] = json!(d);
        extra["diff_ci"] = json!([lo, hi]);
        extra["baseline"] = json!("mixture of other cultures");
        extra["p"] = json!(0.004);
        extra["p_holm"] = json!(0.012);
    }
    EvaluationRow {
        model: f.model.into(),
        culture: f.culture.map(|c| CultureId::new(c).unwrap()),
        split: f.split.into(),
        question: None,
        metric: f.metric.into(),
        value: f.value,
        extra,
    }
}

fn put(store: &mut Store, id: &str, task: &str, plan: &serde_json::Value, rows: &[EvaluationRow]) {
    let record = EvaluationRecord {
        id: id.into(),
        run: RunId::new(id).ok(),
        task: task.into(),
        plan: plan.clone(),
        plan_sha256: "0123456789abcdef".repeat(4),
        created: "2026-02-03T04:05:06Z".parse().unwrap(),
    };
    store
        .write(|tx| {
            tx.put_evaluation(&record)?;
            tx.put_evaluation_rows(id, rows)
        })
        .unwrap();
}

/// A survey evaluation of two models, one of a hostile name, with its baselines.
fn survey_rows(models: [&str; 2]) -> Vec<EvaluationRow> {
    let splits = ["held-out-question", "seed-wording"];
    let cultures = [None, Some("arabic"), Some("bengali"), Some("chinese"), Some("korean")];
    let mut out = Vec::new();
    for split in splits {
        for (i, (model, seeds)) in [
            ("uniform", 0),
            ("mixture of other cultures", 0),
            ("human split-half (ceiling)", 0),
            (models[0], 3),
            (models[1], 1),
        ]
        .into_iter()
        .enumerate()
        {
            for (j, culture) in cultures.into_iter().enumerate() {
                let value = 0.85 + 0.02 * i as f64 + 0.003 * j as f64;
                let diff = (seeds > 0).then_some([0.02, 0.01, 0.03]);
                let metric = "1-jsd";
                let value = Some(value);
                out.push(row(&Figure { model, culture, split, metric, value, seeds, diff }));
            }
            let metric = "wasserstein";
            let value = if model == "uniform" { None } else { Some(0.2 - 0.01 * i as f64) };
            let culture = None;
            out.push(row(&Figure { model, culture, split, metric, value, seeds, diff: None }));
        }
    }
    out
}

fn survey_plan(models: [&str; 2]) -> serde_json::Value {
    json!({"task": "survey", "against": models[0],
        "models": models.map(|m| json!({"arm": m, "reference": "path:/x", "seed": 1}))})
}

fn with_survey(size: (u16, u16)) -> Bench {
    Bench::filled(size, |store| {
        put(
            store,
            "eval-1",
            "survey",
            &survey_plan(["tiny one", HOSTILE]),
            &survey_rows(["tiny one", HOSTILE]),
        );
    })
    .at(ScreenId::Evaluate)
}

#[test]
fn an_empty_list_says_what_to_do_and_a_failing_database_the_way_out() {
    let mut bench = Bench::new((80, 24)).at(ScreenId::Evaluate);
    insta::assert_snapshot!("empty_80x24", bench.screen());
    bench.keys("r");
    bench.fail(Lane::Page, "the database is locked by another program");
    assert!(bench.shows("locked by another program"));
}

#[test]
fn a_list_that_could_not_be_read_again_stays_and_says_so() {
    let mut bench = with_survey((80, 24));
    bench.keys("r");
    bench.fail(Lane::Page, "locked");
    assert!(bench.shows("tiny one") && bench.shows("not up to date: locked"));
}

#[test]
fn evaluations_are_listed_and_opened() {
    let mut bench = with_survey((80, 24));
    insta::assert_snapshot!("list_80x24", bench.screen());
    bench.keys("enter").settle();
    insta::assert_snapshot!("table_80x24", bench.screen());
    bench.keys("v").settle();
    insta::assert_snapshot!("tasks_80x24", bench.screen());
    bench.keys("esc").settle();
    assert!(bench.shows("Evaluations"));
}

#[test]
fn wide_narrow_and_plain_terminals_show_the_same_figures() {
    let mut bench = with_survey((120, 40));
    insta::assert_snapshot!("list_120x40", bench.screen());
    bench.keys("enter right").settle();
    insta::assert_snapshot!("table_120x40", bench.screen());
    bench.resize(40, 10);
    insta::assert_snapshot!("table_40x10", bench.screen());
    bench.keys("esc").settle();
    insta::assert_snapshot!("list_40x10", bench.screen());
    let mut bench = with_survey((80, 24)).plain();
    bench.keys("enter").settle();
    insta::assert_snapshot!("table_plain", bench.screen());
    for (w, h) in [(20, 5), (12, 4), (1, 1), (500, 200)] {
        bench.resize(w, h);
        bench.screen();
    }
}

#[test]
fn metrics_parts_and_columns_change_by_keys_and_the_best_row_is_first() {
    let mut bench = with_survey((80, 24));
    bench.keys("enter").settle();
    assert!(bench.shows("1-jsd · held-out-question"));
    bench.keys("p");
    assert!(bench.shows("1-jsd · seed-wording"));
    bench.keys("m");
    assert!(bench.shows("wasserstein · seed-wording") && bench.shows("less is better"));
    assert!(bench.shows("undef"));
    let screen = bench.screen();
    let at = |name: &str| screen.find(name).unwrap();
    assert!(at("evil") < at("mixture of other") && at("mixture of other") < at("~ uniform"));
    bench.keys("m right");
    assert!(bench.shows("n = 43 questions") && bench.shows("arabic"));
    assert!(bench.shows("95 %"));
}

#[test]
fn every_figure_tells_its_interval_n_unit_and_test() {
    let mut bench = with_survey((80, 24));
    bench.keys("enter").settle();
    bench.keys("/").types("tiny").keys("enter").settle();
    let screen = bench.screen().replace(['│', '\n'], " ");
    let screen = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in ["95 % [", "n = 43 questions", "3 training seeds", "paired test", "after Holm"] {
        assert!(screen.contains(said), "{said}: {screen}");
    }
}

#[test]
fn sixty_cultures_and_thirty_models_are_walked_to_the_last_cell() {
    let mut bench = Bench::filled((80, 24), |store| {
        let mut rows = Vec::new();
        for m in 0..30 {
            for c in 0..60 {
                let (model, culture) = (format!("model-{m:02}"), format!("c-{c:02}"));
                rows.push(row(&Figure {
                    model: &model,
                    culture: Some(&culture),
                    split: "held-out-question",
                    metric: "1-jsd",
                    value: Some(0.5 + f64::from(m) / 100.0 + f64::from(c) / 1000.0),
                    seeds: 1,
                    diff: None,
                }));
            }
        }
        put(store, "big", "survey", &json!({"models": []}), &rows);
    })
    .at(ScreenId::Evaluate);
    bench.keys("enter").settle();
    for _ in 0..70 {
        bench.keys("right");
    }
    bench.keys("G").settle();
    assert!(bench.shows("c-59") && bench.shows("model-00 (model)"));
    bench.resize(500, 200);
    assert!(bench.shows("c-59") && bench.shows("c-25"));
}

#[test]
fn an_evaluation_without_figures_and_one_of_a_single_row_are_shown_as_they_are() {
    let mut bench = Bench::filled((80, 24), |store| {
        put(store, "none", "survey", &json!({}), &[]);
        let one = Figure {
            model: "m",
            culture: None,
            split: "all",
            metric: "win-rate",
            value: Some(-0.5),
            seeds: 1,
            diff: None,
        };
        put(
            store,
            "one",
            "win-rate",
            &json!({"first": {"name": "a"}, "second": {"name": "b"}}),
            &[row(&one)],
        );
    })
    .at(ScreenId::Evaluate);
    assert!(bench.shows("2: a, b"));
    bench.keys("enter").settle();
    assert!(bench.shows("-0.500"));
    bench.keys("v v v v esc j enter").settle();
    assert!(bench.shows("no figures"));
    // Nothing there to move over, open, compare or draw.
    bench.keys("enter right down c b m p esc v v v").settle();
}

#[test]
fn without_the_run_the_items_are_said_to_be_gone_and_stored_questions_are_shown() {
    let mut bench = with_survey((80, 24));
    bench.keys("enter").settle();
    bench.keys("enter").settle();
    assert!(bench.shows("only the figures") && bench.shows("The items cannot be shown"));
    bench.keys("esc");
    bench.written(|store| {
        let mut one = row(&Figure {
            model: "human split-half (ceiling)",
            culture: None,
            split: "held-out-question",
            metric: "1-jsd",
            value: Some(0.4321),
            seeds: 0,
            diff: None,
        });
        one.question = Some("Q27".parse().unwrap());
        store.write(|tx| tx.put_evaluation_rows("eval-1", &[one])).unwrap();
    });
    bench.settle();
    bench.keys("/").types("ceiling").keys("enter enter").settle();
    assert!(bench.shows("Q27") && bench.shows("0.432"), "{}", bench.screen());
}

#[test]
fn questions_behind_a_cell_and_two_models_side_by_side() {
    let mut bench = Bench::filled((120, 40), |store| {
        put(store, "run-s", "survey", &survey_plan(["a", "b"]), &survey_rows(["a", "b"]));
    });
    made::survey(&bench.place().folder().runs(), "run-s", ["a", "b"]);
    bench = bench.at(ScreenId::Evaluate);
    bench.keys("enter").settle();
    bench.keys("p right right right right /").types("b model").keys("enter enter").settle();
    insta::assert_snapshot!("questions_120x40", bench.screen());
    bench.keys("enter").settle();
    insta::assert_snapshot!("question_in_full_120x40", bench.screen());
    bench.keys("right").settle();
    bench.keys("esc esc esc").settle();
    bench.keys("/").types("model").keys("enter c");
    assert_eq!(bench.note().unwrap().1, "mark the two models to compare with Space, then press c");
    bench.keys("* c").settle();
    insta::assert_snapshot!("compare_120x40", bench.screen());
    assert!(bench.shows("paired") || bench.shows("sign flips"));
    bench.keys("enter tab").settle();
    assert!(bench.shows("Question"));
}

#[test]
fn abusive_text_is_hidden_until_a_key_and_never_goes_out() {
    let mut bench = Bench::filled((100, 40), |_| {});
    let (task, n) = made::classification(&bench.place().folder().runs(), "run-c", ["a", "b"]);
    let task_rows = |model: &str, value: f64| {
        let mut one = row(&Figure {
            model,
            culture: None,
            split: &task,
            metric: "macro-f1",
            value: Some(value),
            seeds: 1,
            diff: None,
        });
        one.extra["unit"] = json!("item");
        one
    };
    let plan = json!({"task": "classification", "models": ["a", "b"], "sets": [{}]});
    let rows = [task_rows("a", 0.9), task_rows("b", 0.3)];
    bench.written(|store| put(store, "run-c", "classification", &plan, &rows));
    bench = bench.at(ScreenId::Evaluate);
    bench.keys("enter").settle();
    bench.keys("v j k enter").settle();
    assert!(bench.shows("right") && bench.shows("wrong"), "{}", bench.screen());
    bench.keys("v");
    insta::assert_snapshot!("confusion_100x40", bench.screen());
    bench.keys("v g enter").settle();
    let hidden = bench.screen();
    assert!(hidden.contains("(hidden: ") && hidden.contains("language"), "{hidden}");
    assert!(!hidden.contains("a long reply that quotes the text"));
    bench.keys("o");
    let pager = bench.effects.iter().find_map(|e| match e {
        Effect::Pager(words) => Some(words.clone()),
        _ => None,
    });
    assert!(!pager.unwrap().contains("a long reply that quotes"));
    bench.keys("h").settle();
    assert!(bench.shows("a long reply that quotes the text"));
    // The next item is hidden again, and the export of the items has labels alone.
    bench.keys("right").settle();
    assert!(bench.shows("(hidden: "));
    bench.keys("esc e right right right enter");
    let exports: Vec<String> = bench
        .effects
        .iter()
        .filter_map(|e| match e {
            Effect::Export { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        })
        .collect();
    assert!(exports.iter().all(|e| e.contains(&task) && !e.contains("quotes the text")));
    bench.keys("esc").settle();
    bench.keys("* c").settle();
    assert!(bench.shows(&format!("n = {n} items")), "{}", bench.screen());
}

#[test]
fn arms_are_drawn_with_intervals_and_a_radar_says_when_it_cannot() {
    let mut bench = with_survey((100, 30));
    bench.keys("enter").settle();
    bench.keys("b");
    insta::assert_snapshot!("bars_100x30", bench.screen());
    bench.keys("v");
    let screen = bench.screen();
    assert!(screen.contains("Arms in their order") && screen.contains("tiny one"), "{screen}");
    assert!(screen.contains("mixture of other cultures (") && screen.contains("1-jsd"), "{screen}");
    bench.keys("e enter").settle();
    let csv = |e: &Effect| matches!(e, Effect::Export { name, .. } if name.contains("arms"));
    assert!(bench.effects.iter().any(csv));
    bench.keys("v esc v v");
    insta::assert_snapshot!("radar_100x30", bench.screen());
    bench.keys("v");
    assert!(bench.shows("A radar needs three"));
    bench.keys("v e");
    assert!(bench.shows("svg") && bench.shows("csv"));
}

#[test]
fn the_person_is_where_they_were_after_a_start() {
    let mut bench = with_survey((80, 24));
    bench.keys("enter v right").settle();
    let saved = bench.app.save();
    let mut again = Bench::filled((80, 24), |store| {
        put(store, "eval-1", "survey", &survey_plan(["a", "b"]), &survey_rows(["a", "b"]));
    });
    again.app.restore(&saved);
    again.keys("6").settle();
    assert!(again.shows("model x task"), "{}", again.screen());
    again.app.restore(&json!({"screens": {"Evaluate": {"order": 99, "column": -3, "across": 7}}}));
    again.keys("6").settle();
}
