//! The Fine-tune screen: bad input first, then the whole way from a dataset to its runs.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::dataset::{Arm, DatasetSpec, Stages};
use crate::domain::{DatasetId, LabelPolicy};
use crate::engine::StateDir;
use crate::job::{Attempt, NewRun, RunKind, RunState, RunView};
use crate::launch::build_dataset;
use crate::store::engine::{Added, EngineDb, NewRow};
use crate::tui::app::Msg;
use crate::tui::data::{EngineNews, Lane, Link, WorkError};
use crate::tui::screen::{Effect, ScreenId, Tone};
use crate::tui::testing::Bench;

fn t(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

fn dataset(bench: &Bench, name: &str, arm: Arm) {
    let spec = DatasetSpec {
        name: name.into(),
        policy: LabelPolicy::Distribution,
        arm,
        stages: Stages::Both,
        texts: None,
        rated: None,
        language: None,
        cultures: Vec::new(),
        held_out_questions: Vec::new(),
        allow: BTreeSet::new(),
    };
    build_dataset(&bench.place(), &DatasetId::new(name).unwrap(), &spec).unwrap();
}

/// A run that has measured so many rows, and saved so many checkpoints.
fn run(bench: &Bench, label: &str, rows: u64, saved: &[(u64, f64)], live: bool) -> RunView {
    let place = bench.place();
    let root = place.folder().root().to_owned();
    let state = StateDir::at(root.join("engine")).unwrap();
    let mut db = EngineDb::open(&state.db()).unwrap();
    let new = NewRun { label: Some(label.into()), ..NewRun::new(RunKind::Finetune, &root) };
    let (dir, spec) = new.create(&place.folder().runs(), |_| Ok(())).unwrap();
    let attempt = Attempt::create(&dir, 1).unwrap();
    let mut m = attempt.metrics().unwrap();
    for i in 1..=rows {
        let loss = 1.0 + 2.0 / i as f64 + f64::from(u8::try_from(i % 5).unwrap()) * 0.05;
        let values = [("loss", loss), ("lr", 3e-3), ("grad_norm", 0.8), ("tokens_per_s", 12_345.0)];
        m.log(i, Some(rows * 2), &values).unwrap();
    }
    for (step, loss) in saved {
        let folder = dir.join(format!("attempt-1/checkpoints/step-{step}"));
        fs::create_dir_all(&folder).unwrap();
        let state = json!({"step": step, "total": rows * 2, "optimizer_step": step, "loss": loss,
            "recipe_sha256": "", "dataset_sha256": ""});
        fs::write(folder.join("trainer.json"), state.to_string()).unwrap();
        fs::write(folder.join("manifest.json"), "{}").unwrap();
    }
    fs::write(dir.join("attempt-1/out.log"), "reading\nstep 1 \u{1b}[2Jdone\n").unwrap();
    let (queued_at, started_at) = (t("2026-03-01T11:00:00Z"), t("2026-03-01T11:00:01Z"));
    let state = if live {
        RunState::Running { queued_at, started_at, note: None }
    } else {
        RunState::Succeeded { queued_at, started_at, ended_at: t("2026-03-01T11:20:00Z") }
    };
    match db.add(&NewRow { spec: &spec, dir: &dir, attempt: 1, state: &state }).unwrap() {
        Added::New(r, _) => r.view(),
        Added::Known(_) => panic!("twice"),
    }
}

type Asked = Arc<Mutex<Vec<String>>>;

/// Answers commands as the program would, and notes them.
fn pretend(
    asked: &Asked,
    fail: Option<&'static str>,
) -> impl FnMut(&[String]) -> Result<Value, WorkError> + Send + 'static {
    let asked = Arc::clone(asked);
    let mut n = 0;
    move |args| {
        let line = args.join(" ");
        if line.contains("--dry-run") {
            return Ok(json!({"in_words": "about 60 MiB of memory, 800 steps"}));
        }
        asked.lock().unwrap().push(line.clone());
        if fail.is_some_and(|f| line.contains(f)) {
            return Err(WorkError::new("no room on the disk").hint("free some"));
        }
        n += 1;
        Ok(json!({"id": format!("20260301-110000-0000000{n}"), "dataset": args.get(2), "rows": 10}))
    }
}

fn shown(bench: &mut Bench) -> String {
    bench.settle_but(&[]);
    let ids = regex::Regex::new(r"\d{8}-\d{6}-[0-9a-f]{8}").unwrap();
    ids.replace_all(&bench.screen(), "20260301-110000-00c0ffee").into_owned()
}

#[test]
fn an_empty_workspace_says_what_to_do_and_every_key_is_harmless() {
    let mut bench = Bench::new((80, 24)).at(ScreenId::Finetune);
    let screen = shown(&mut bench);
    assert!(screen.contains("No dataset yet.") && screen.contains("n  build one"), "{screen}");
    bench.keys("i o m tab v f y enter t");
    // A model needs a dataset: the form that makes one opens instead.
    let screen = shown(&mut bench);
    assert!(screen.contains("New dataset"), "{screen}");
    bench.keys("esc");
    assert!(shown(&mut bench).contains("No model was tuned here yet."));
}

#[test]
fn a_database_that_cannot_be_read_is_said() {
    let mut bench = Bench::new((80, 24));
    bench.keys("5");
    bench.fail(Lane::Read, "the database is locked");
    let screen = bench.screen();
    assert!(screen.contains("cannot be read") && screen.contains("locked"), "{screen}");
}

#[test]
fn values_that_no_recipe_may_have_keep_the_form() {
    let asked = Asked::default();
    let bench = Bench::new((80, 30)).command(pretend(&asked, None));
    dataset(&bench, "all", Arm::One);
    let mut bench = bench.at(ScreenId::Finetune);
    bench.keys("t");
    // Down to the learning rate, and away with it.
    bench.keys("tab tab tab tab tab ctrl-u").types("-1").keys("enter");
    let screen = shown(&mut bench);
    assert!(screen.contains("learning rate above 0"), "{screen}");
    bench.keys("ctrl-u").types("1e-3").keys("tab tab tab ctrl-u").types("0").keys("enter");
    let screen = shown(&mut bench);
    assert!(screen.contains("at least one example"), "{screen}");
    assert!(asked.lock().unwrap().is_empty(), "nothing was started");
    assert!(bench.app.unsaved().is_some());
}

#[test]
fn a_recipe_that_needs_a_base_says_so_before_anything_starts() {
    let asked = Asked::default();
    let bench = Bench::new((100, 32)).command(pretend(&asked, None));
    dataset(&bench, "all", Arm::One);
    let mut bench = bench.at(ScreenId::Finetune);
    bench.keys("t tab tab right");
    let screen = shown(&mut bench);
    assert!(screen.contains("tunes a model that you name"), "{screen}");
    // The fields show the recipe's own values.
    assert!(screen.contains("0.0002") && screen.contains("epochs"), "{screen}");
    bench.keys("enter").settle_but(&[]);
    assert!(asked.lock().unwrap().is_empty());
    bench.keys("tab").types("path:/models/base");
    let screen = shown(&mut bench);
    assert!(screen.contains("--base path:/models/base"), "{screen}");
}

#[test]
fn one_culture_several_and_all_are_one_run_each() {
    let asked = Asked::default();
    let bench = Bench::new((100, 40)).command(pretend(&asked, None));
    dataset(&bench, "all", Arm::One);
    let mut bench = bench.at(ScreenId::Finetune);
    bench.keys("t");
    let screen = shown(&mut bench);
    assert!(screen.contains("polyculture finetune --dataset all --recipe tiny"), "{screen}");
    assert!(screen.contains("about 60 MiB"), "{screen}");
    bench.keys("tab right space right space");
    bench.keys("tab tab tab tab tab tab tab tab tab ctrl-u").types("7");
    let screen = shown(&mut bench);
    assert!(screen.contains("3 runs, each about 60 MiB"), "{screen}");
    bench.keys("enter").settle_but(&[]);
    let survey = bench.app.shared.survey.clone().unwrap();
    let (a, b) = (&survey.cultures[0].id, &survey.cultures[1].id);
    assert_eq!(
        *asked.lock().unwrap(),
        [
            "finetune --dataset all --recipe tiny --seed 7 --eval-share 0.1".to_owned(),
            format!("dataset build all-{a} --like all --culture {a}"),
            format!("finetune --dataset all-{a} --recipe tiny --seed 7 --eval-share 0.1"),
            format!("dataset build all-{b} --like all --culture {b}"),
            format!("finetune --dataset all-{b} --recipe tiny --seed 7 --eval-share 0.1"),
        ]
    );
    assert_eq!(bench.note().unwrap().0, Tone::Good);
}

#[test]
fn what_fails_half_way_says_what_runs_and_what_does_not() {
    let asked = Asked::default();
    let bench = Bench::new((100, 40)).command(pretend(&asked, Some("--like")));
    dataset(&bench, "all", Arm::One);
    let mut bench = bench.at(ScreenId::Finetune);
    bench.keys("t tab right space enter").settle_but(&[]);
    let (tone, said) = bench.note().unwrap();
    assert!(
        tone == Tone::Bad && said.contains("1 run started") && said.contains("no room"),
        "{said}"
    );
}

#[test]
fn a_dataset_is_built_by_the_line_that_the_form_shows() {
    let asked = Asked::default();
    let mut bench = Bench::new((80, 24)).command(pretend(&asked, None)).at(ScreenId::Finetune);
    bench.keys("n ctrl-u").types("../x").keys("enter");
    assert!(shown(&mut bench).contains("letters, digits"), "a bad name keeps the form");
    bench.keys("ctrl-u").types("mine").keys("tab right tab right");
    let screen = shown(&mut bench);
    assert!(screen.contains("polyculture dataset build mine --culture"), "{screen}");
    bench.keys("enter").settle_but(&[]);
    let line = asked.lock().unwrap()[0].clone();
    assert!(line.ends_with("--policy mode"), "{line}");
}

#[test]
fn a_sweep_is_started_by_one_line_that_the_form_shows_with_what_it_takes() {
    let asked = Asked::default();
    let mut bench = Bench::new((100, 40)).command(pretend(&asked, None)).at(ScreenId::Finetune);
    bench.keys("w");
    let screen = shown(&mut bench);
    assert!(screen.contains("about 60 MiB of memory"), "{screen}");
    let steps = "polyculture sweep samples --counts 50,100,500,1000 --seeds 5 --recipe tiny";
    assert!(screen.contains(steps), "{screen}");
    // Counts that are none keep the form.
    bench.keys("tab ctrl-u").types("50,many").keys("enter");
    assert!(shown(&mut bench).contains("such as 50,100,500"));
    bench.keys("ctrl-u").types("50, 100").keys("tab tab ctrl-u").types("3");
    // A recipe that tunes a model wants to know which.
    bench.keys("tab right");
    assert!(shown(&mut bench).contains("tunes a model that you name"));
    // It counts epochs, and arms get equal steps: Enter goes to what is missing.
    bench.keys("enter").settle_but(&[]);
    assert!(asked.lock().unwrap().is_empty(), "nothing was started");
    bench.types("40").keys("shift-tab shift-tab left tab tab ctrl-u").types("40");
    // One culture less, and on the cluster.
    bench.keys("tab tab tab space tab right tab").types("--partition long");
    let first = bench.app.shared.survey.clone().unwrap().cultures[0].id.to_string();
    bench.keys("enter").settle_but(&[]);
    let lines = asked.lock().unwrap().clone();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(
        line.starts_with(
            "sweep samples --counts 50,100 --seeds 3 --recipe tiny --steps 40 \
             --hold-out-questions 8 --seed 1 --cultures "
        ),
        "{line}"
    );
    assert!(line.ends_with(" --on slurm --partition long --start"), "{line}");
    assert!(!line.contains(&first), "{line}");
    let (tone, said) = bench.note().unwrap();
    assert!(tone == Tone::Good && said.contains("sweep started"), "{said}");
}

#[test]
fn a_form_that_is_refused_comes_back_as_it_was() {
    let asked = Asked::default();
    let bench = Bench::new((100, 40)).command(pretend(&asked, Some("sweep")));
    let mut bench = bench.at(ScreenId::Finetune);
    bench.keys("w tab ctrl-u").types("50,77").keys("enter");
    assert!(!bench.screen().contains("Sample counts"), "it is being sent");
    let screen = shown(&mut bench);
    assert!(screen.contains("50,77") && screen.contains("no room on the disk"), "{screen}");
    assert!(bench.app.unsaved().is_some());
}

#[test]
fn one_key_shows_how_a_model_is_served_and_points_a_provider_at_it() {
    let serve = "vllm serve /models/tiny --served-model-name tiny --port 8000";
    let answer = move |refuses: bool| {
        move |args: &[String]| match args[1].as_str() {
            "serve" => Ok(json!({"line": serve, "base_url": "http://127.0.0.1:8000/v1"})),
            _ if refuses => Err(WorkError::new("a provider `tiny` is there already")),
            _ => Ok(json!({"provider": "tiny"})),
        }
    };
    for refuses in [false, true] {
        let bench = Bench::new((100, 30)).command(answer(refuses));
        run(&bench, "tiny on all", 40, &[(40, 1.2)], false);
        let mut bench = bench.at(ScreenId::Finetune);
        bench.keys("tab c");
        let screen = shown(&mut bench);
        assert!(screen.contains(serve), "{screen}");
        let copied = |e: &Effect| matches!(e, Effect::Copy(text) if text == serve);
        assert!(bench.effects.iter().any(copied));
        let told = if refuses { "is there already" } else { "`tiny` asks http://127" };
        assert!(screen.contains(told), "{screen}");
        bench.keys("m");
        assert!(!shown(&mut bench).contains(serve), "m goes back to the curves");
    }
}

#[test]
fn the_audit_of_a_dataset_stands_beside_it() {
    let bench = Bench::new((120, 40));
    dataset(&bench, "all", Arm::One);
    let mut bench = bench.at(ScreenId::Finetune);
    let screen = shown(&mut bench);
    for wanted in ["nothing found", "distinct prompts", "all cultures", "distribution"] {
        assert!(screen.contains(wanted), "{wanted}\n{screen}");
    }
    bench.keys("o").settle_but(&[]);
    assert!(
        bench.effects.iter().any(|e| matches!(e, Effect::Pager(text) if text.contains("audit")))
    );
}

#[test]
fn the_best_checkpoint_is_named_by_its_loss_and_copied() {
    let bench = Bench::new((80, 24));
    dataset(&bench, "all", Arm::One);
    let view = run(&bench, "tiny on all", 40, &[(10, 1.9), (20, 1.2), (30, 1.4)], false);
    let mut bench = bench.at(ScreenId::Finetune);
    bench.keys("tab");
    let screen = shown(&mut bench);
    assert!(
        screen.contains("best: step 20, 1.200 nats of training loss (no eval loss), 3 saved"),
        "{screen}"
    );
    assert!(screen.contains("12345 tokens/s") || screen.contains("1.23e4"), "{screen}");
    bench.keys("y");
    let copied = format!("run:{}@20", view.id);
    assert!(bench.effects.iter().any(|e| matches!(e, Effect::Copy(t) if *t == copied)));
}

#[test]
fn panels_go_round_and_end_at_the_log() {
    let bench = Bench::new((80, 24));
    run(&bench, "tiny on all", 40, &[], true);
    let mut bench = bench.at(ScreenId::Finetune);
    bench.keys("tab");
    for wanted in [
        "loss · 1 of 4",
        "learning rate",
        "gradient norm",
        "tokens per second · 4 of 4",
        "log ·",
        "loss · 1 of 4",
    ] {
        let screen = shown(&mut bench);
        assert!(screen.contains(wanted), "{wanted}\n{screen}");
        bench.keys("m");
    }
}

#[test]
fn marked_runs_lie_over_each_other_and_are_exported_together() {
    let bench = Bench::new((120, 40));
    run(&bench, "first", 40, &[], false);
    run(&bench, "second", 60, &[], false);
    let mut bench = bench.at(ScreenId::Finetune);
    bench.keys("tab space space v");
    let screen = shown(&mut bench);
    assert!(
        screen.contains("2 runs") && screen.contains("first 20260301") || screen.contains("first"),
        "{screen}"
    );
    bench.keys("e right right enter").settle_but(&[]);
    let csv = bench.effects.iter().find_map(|e| match e {
        Effect::Export { name, bytes } => {
            Some((name.clone(), String::from_utf8_lossy(bytes).into_owned()))
        }
        _ => None,
    });
    let (name, text) = csv.unwrap();
    assert!(name.starts_with("training-loss") && text.contains("first") && text.contains("second"));
}

#[test]
fn a_run_that_goes_on_is_read_on_and_the_engine_may_die_meanwhile() {
    let bench = Bench::new((80, 24));
    let view = run(&bench, "tiny on all", 10, &[], true);
    let mut bench = bench.at(ScreenId::Finetune);
    bench.keys("tab");
    bench.msg(Msg::Engine(EngineNews::Link(Link::Up)));
    bench.msg(Msg::Engine(EngineNews::Runs(vec![view.clone()])));
    assert!(shown(&mut bench).contains("step 10 of 20"));
    let path = view.dir.join("attempt-1/metrics.jsonl");
    let row = r#"{"at":"2026-03-01T11:00:09Z","step":11,"total":20,"values":{"loss":"NaN"}}"#;
    let mut text = fs::read_to_string(&path).unwrap();
    text += &format!("{row}\n");
    fs::write(&path, &text).unwrap();
    bench.msg(Msg::Engine(EngineNews::Progress {
        run: view.id.clone(),
        progress: None,
        files: [("metrics.jsonl".to_owned(), text.len() as u64)].into(),
    }));
    let screen = shown(&mut bench);
    assert!(screen.contains("1 NaN or infinite") && screen.contains("NaN at step 11"), "{screen}");
    bench.msg(Msg::Engine(EngineNews::Link(Link::Down)));
    let screen = shown(&mut bench);
    assert!(screen.contains("tiny on all") && screen.contains("running?"), "{screen}");
}

#[test]
fn every_size_works_and_the_form_too() {
    let bench = Bench::new((80, 24));
    dataset(&bench, "all", Arm::One);
    run(&bench, "عربي 中文 한국어", 40, &[(10, 1.0)], false);
    let mut bench = bench.at(ScreenId::Finetune);
    for (w, h) in [(80, 24), (40, 10), (120, 40), (200, 60), (500, 200), (1, 1), (9, 4), (100, 12)]
    {
        bench.resize(w, h);
        for keys in ["m", "tab", "m m", "tab t", "tab tab", "esc"] {
            bench.keys(keys);
            shown(&mut bench);
        }
        if w >= 40 {
            assert!(shown(&mut bench).contains("all"), "{w}x{h}");
        }
    }
}

#[test]
#[ignore = "prints screens for a person: cargo test --lib look -- --ignored --nocapture"]
fn look() {
    for size in [(80, 24), (120, 40), (200, 55), (40, 10)] {
        let asked = Asked::default();
        let bench = Bench::new(size).command(pretend(&asked, None));
        dataset(&bench, "all", Arm::One);
        run(&bench, "tiny on all", 200, &[(100, 1.2), (200, 1.1)], false);
        run(&bench, "tiny on all, seed 2", 90, &[], true);
        let mut bench = bench.at(ScreenId::Finetune);
        println!("{}", shown(&mut bench));
        bench.keys("tab");
        println!("{}", shown(&mut bench));
        bench.keys("m m m m");
        println!("{}", shown(&mut bench));
        bench.keys("t");
        println!("{}", shown(&mut bench));
    }
}
