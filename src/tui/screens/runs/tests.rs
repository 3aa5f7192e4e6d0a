//! The Runs screen: bad days first, then what it is for.

use std::fs;
use std::path::{Path, PathBuf};

use crate::domain::RunId;
use crate::engine::StateDir;
use crate::job::{
    After, Attempt, Condition, Exit, ExitFile, NewRun, ProgressNow, RunKind, RunRecord, RunSpec,
    RunState, RunView,
};
use crate::store::engine::{Added, EngineDb, NewRow};
use crate::tui::app::Msg;
use crate::tui::data::{EngineNews, Link};
use crate::tui::screen::{Effect, ScreenId, Tone};
use crate::tui::testing::Bench;

fn t(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

const QUEUED: &str = "2026-03-01T11:00:00Z";
const STARTED: &str = "2026-03-01T11:00:05Z";

/// A state folder with an engine's database, as an engine leaves it.
struct Engine {
    db: EngineDb,
    runs: PathBuf,
    workspace: PathBuf,
}

impl Engine {
    fn of(bench: &Bench) -> Self {
        let root = bench.place().folder().root().to_owned();
        let state = StateDir::at(root.join("engine")).unwrap();
        Self {
            db: EngineDb::open(&state.db()).unwrap(),
            runs: bench.place().folder().runs(),
            workspace: root,
        }
    }

    /// A run with its folder and its first attempt.
    fn run(&mut self, kind: RunKind, label: &str, state: RunState) -> RunRecord {
        self.run_with(
            NewRun { label: Some(label.into()), ..NewRun::new(kind, &self.workspace) },
            state,
        )
    }

    fn run_with(&mut self, new: NewRun, state: RunState) -> RunRecord {
        let (dir, spec) = new
            .create(&self.runs, |input| {
                fs::write(input.join("about.json"), r#"{"dataset":"all","seed":1}"#).unwrap();
                Ok(())
            })
            .unwrap();
        Attempt::create(&dir, 1).unwrap();
        self.add(&spec, &dir, 1, &state)
    }

    fn add(&mut self, spec: &RunSpec, dir: &Path, attempt: u32, state: &RunState) -> RunRecord {
        match self.db.add(&NewRow { spec, dir, attempt, state }).unwrap() {
            Added::New(record, _) => record,
            Added::Known(_) => panic!("twice"),
        }
    }
}

fn running() -> RunState {
    RunState::Running { queued_at: t(QUEUED), started_at: t(STARTED), note: None }
}

fn failed() -> RunState {
    RunState::Failed {
        queued_at: t(QUEUED),
        started_at: Some(t(STARTED)),
        ended_at: t("2026-03-01T11:30:00Z"),
        exit: Some(Exit::Code(3)),
        reason: Some("step 40: loss NaN: training went astray".into()),
    }
}

fn succeeded() -> RunState {
    RunState::Succeeded {
        queued_at: t(QUEUED),
        started_at: t(STARTED),
        ended_at: t("2026-03-01T11:00:47Z"),
    }
}

fn shown(bench: &mut Bench) -> String {
    bench.settle_but(&[]);
    // Ids hold the time and chance: they are of one length, so that columns stay.
    let ids = regex::Regex::new(r"\d{8}-\d{6}-[0-9a-f]{8}").unwrap();
    let folder = bench.folder().display().to_string();
    let text = bench.screen().replace(&folder, "/tmp/x");
    ids.replace_all(&text, "20260301-110000-00c0ffee").into_owned()
}

fn at_runs(size: (u16, u16), fill: impl FnOnce(&mut Engine)) -> Bench {
    let bench = Bench::new(size);
    fill(&mut Engine::of(&bench));
    let mut bench = bench.at(ScreenId::Runs);
    bench.settle_but(&[]);
    bench
}

fn up(bench: &mut Bench, views: Vec<RunView>) {
    bench.msg(Msg::Engine(EngineNews::Link(Link::Up)));
    bench.msg(Msg::Engine(EngineNews::Runs(views)));
    bench.settle_but(&[]);
}

#[test]
fn without_any_run_it_says_how_to_start_one() {
    let mut bench = Bench::new((80, 24)).at(ScreenId::Runs);
    let screen = shown(&mut bench);
    assert!(screen.contains("No runs yet.") && screen.contains("fine-tune"), "{screen}");
    // Every key does something sensible where there is nothing.
    bench.keys("enter f x r m v a o y j G g space R /");
    bench.keys("esc");
    bench.settle_but(&[]);
    assert!(bench.screen().contains("Runs"));
}

#[test]
fn an_engine_that_cannot_be_used_is_named_with_the_way_out() {
    let mut bench = Bench::new((80, 24)).at(ScreenId::Runs);
    let why = "the running engine speaks protocol 9";
    bench.msg(Msg::Engine(EngineNews::Link(Link::Broken(why.into()))));
    let screen = shown(&mut bench);
    assert!(screen.contains(why) && screen.contains("doctor"), "{screen}");
}

#[test]
fn a_database_that_cannot_be_read_is_an_error_and_no_empty_list() {
    let bench = Bench::new((80, 24));
    let state = StateDir::at(bench.place().folder().root().join("engine")).unwrap();
    fs::write(state.db(), vec![7u8; 8192]).unwrap();
    let mut bench = bench.at(ScreenId::Runs);
    let screen = shown(&mut bench);
    assert!(screen.contains("cannot be read"), "{screen}");
    fs::remove_file(state.db()).unwrap();
    bench.keys("R");
    assert!(shown(&mut bench).contains("No runs yet"));
}

#[test]
fn the_engine_dies_and_comes_back_and_the_rows_stay() {
    let mut record = None;
    let mut bench = at_runs((80, 24), |e| {
        record = Some(e.run(RunKind::Finetune, "tiny on all", running()));
    });
    let record = record.unwrap();
    up(&mut bench, vec![record.view()]);
    assert!(!shown(&mut bench).contains("at rest, as last known"));
    bench.msg(Msg::Engine(EngineNews::Link(Link::Down)));
    let screen = shown(&mut bench);
    assert!(screen.contains("tiny on all"), "{screen}");
    assert!(screen.contains("as last known") && screen.contains("running?"), "{screen}");
    let mut ended = record.clone();
    ended.state = succeeded();
    up(&mut bench, vec![ended.view()]);
    let screen = shown(&mut bench);
    assert!(screen.contains("✓ succeeded") && !screen.contains("as last known,"), "{screen}");
}

#[test]
fn a_hostile_log_is_shown_and_obeyed_by_nobody() {
    let mut bench = at_runs((80, 24), |e| {
        let r = e.run(RunKind::Command, "hostile \u{1b}[2J\u{202e}label", failed());
        let mut log = b"\x1b[2J\x1b]0;owned\x07first\n\xff\xfe\0binary\n".to_vec();
        log.extend(vec![b'x'; 10 << 20]);
        log.extend("\nمرحبا بالعالم\nthe end\n".as_bytes());
        fs::write(r.dir.join("attempt-1/out.log"), log).unwrap();
    });
    bench.keys("enter");
    let screen = shown(&mut bench);
    assert!(screen.contains("the end") && screen.contains("…+10.5 MB"), "{screen}");
    assert!(screen.contains("␛[2J"), "{screen}");
    bench.keys("/").types("FIRST").keys("enter");
    let screen = shown(&mut bench);
    assert!(screen.contains("first"), "{screen}");
    bench.keys("n");
    assert!(shown(&mut bench).contains("no older match"));
    bench.keys("esc esc");
    assert!(shown(&mut bench).contains("Runs ·"));
}

#[test]
fn a_log_that_grows_is_followed_until_the_person_looks_back() {
    let mut record = None;
    let mut bench = at_runs((80, 24), |e| {
        record = Some(e.run(RunKind::Command, "long", running()));
    });
    let record = record.unwrap();
    let log = record.dir.join("attempt-1/out.log");
    let write = |n: std::ops::Range<u32>, torn: &str| {
        let text: String = n.map(|i| format!("line {i}\n")).collect();
        let old = fs::read_to_string(&log).unwrap_or_default();
        fs::write(&log, old + &text + torn).unwrap();
        fs::metadata(&log).unwrap().len()
    };
    up(&mut bench, vec![record.view()]);
    let told = |bench: &mut Bench, length: u64| {
        bench.msg(Msg::Engine(EngineNews::Progress {
            run: record.id.clone(),
            progress: None,
            files: [("out.log".to_owned(), length)].into(),
        }));
        bench.settle_but(&[]);
    };
    bench.keys("enter");
    let n = write(0..500, "");
    told(&mut bench, n);
    let screen = shown(&mut bench);
    assert!(screen.contains("line 499") && screen.contains("follows"), "{screen}");
    let n = write(500..1000, "line 10");
    told(&mut bench, n);
    assert!(shown(&mut bench).contains("line 10\n") || shown(&mut bench).contains("line 999"));
    let n = write(0..0, "00\nafter\n");
    told(&mut bench, n);
    let screen = shown(&mut bench);
    assert!(screen.contains("line 1000") && screen.contains("after"), "{screen}");
    bench.keys("g");
    let screen = shown(&mut bench);
    assert!(
        screen.contains("line 0 ") || screen.contains("line 0\n") || screen.contains("line 1"),
        "{screen}"
    );
    assert!(!screen.contains("follows"), "{screen}");
    let n = write(2000..2100, "");
    told(&mut bench, n);
    assert!(!shown(&mut bench).contains("line 2099"), "it stood still");
    bench.keys("f");
    assert!(shown(&mut bench).contains("line 2099"));
}

#[test]
fn what_a_run_was_told_and_how_it_ended_is_beside_it() {
    let mut bench = at_runs((120, 40), |e| {
        let r = e.run(RunKind::Finetune, "tiny on all", failed());
        let a = Attempt::open(r.dir.join("attempt-1")).unwrap();
        let exit = ExitFile {
            code: Some(3),
            started: Some(t(STARTED)),
            ..ExitFile::unstarted(t("2026-03-01T11:30:00Z"))
        };
        a.write_json(ExitFile::NAME, &exit).unwrap();
    });
    let screen = shown(&mut bench);
    for wanted in ["exit code 3", "training went astray", "dataset", "about.json", "attempt 1"] {
        assert!(screen.contains(wanted), "{wanted}\n{screen}");
    }
}

#[test]
fn cancel_asks_first_and_retry_waits_for_an_end() {
    let mut bench = at_runs((80, 24), |e| {
        e.run(RunKind::Finetune, "older", failed());
        e.run(RunKind::Finetune, "newer", running());
    });
    bench.keys("x");
    let screen = shown(&mut bench);
    assert!(screen.contains("Cancel `newer`?"), "{screen}");
    bench.keys("n");
    assert_eq!(bench.note().unwrap().1, "left as it is");
    bench.keys("r");
    assert!(bench.note().unwrap().1.contains("has not ended"));
    bench.keys("x y").settle_but(&[]);
    let (tone, said) = bench.note().unwrap();
    assert!(tone == Tone::Bad && said.contains("no engine"), "{said}");
    bench.keys("j x");
    assert!(bench.note().unwrap().1.contains("ended already: failed"));
    bench.keys("y");
    assert!(bench.effects.iter().any(|e| matches!(e, Effect::Copy(_))));
}

fn waiting(e: &mut Engine, label: &str, state: RunState) -> RunRecord {
    e.run(RunKind::Command, label, state)
}

#[test]
fn every_run_that_waits_says_for_what_in_full() {
    let mut all = Vec::new();
    let why = "job 4711 at SLURM: pending (Resources, of partition long, before 17 others); the \
               cluster says that it will start it when two nodes of the partition have been freed";
    let mut bench = at_runs((80, 40), |e| {
        let first = e.run(RunKind::Finetune, "teacher", running());
        let after = vec![After { run: first.id.clone(), condition: Condition::Ok }];
        let queued_at = t(QUEUED);
        let reason = format!("waits for {} to succeed", first.id);
        let spec = NewRun {
            label: Some("pupil".into()),
            after,
            ..NewRun::new(RunKind::Finetune, &e.workspace)
        };
        all.push(first);
        all.push(e.run_with(spec, RunState::Blocked { queued_at, reason }));
        let until = t("2026-03-02T06:30:00Z");
        all.push(waiting(e, "tomorrow", RunState::Delayed { queued_at, until, reason: None }));
        let starting_at = t(STARTED);
        let note = Some(why.to_owned());
        all.push(waiting(e, "far", RunState::Starting { queued_at, starting_at, note }));
        let (started_at, paused_at) = (t(STARTED), t(STARTED));
        all.push(waiting(e, "still", RunState::Paused { queued_at, started_at, paused_at }));
        all.push(waiting(e, "next", RunState::Queued { queued_at }));
    });
    up(&mut bench, all.iter().map(RunRecord::view).collect());
    let screen = shown(&mut bench);
    assert!(screen.contains("1 running, 1 paused, 4 waiting"), "{screen}");
    assert!(screen.contains("waits its turn") && !screen.contains("free threads"), "{screen}");
    bench.keys("j");
    assert!(shown(&mut bench).contains("keeps its memory, on GPUs too; c lets it go on"));
    bench.keys("j");
    // However long it is, all of it is there, over as many lines as it takes.
    let screen = shown(&mut bench).replace(['│', '\n'], " ");
    let words: Vec<&str> = screen.split_whitespace().collect();
    assert!(words.join(" ").contains(why), "{screen}");
    bench.keys("j");
    let screen = shown(&mut bench);
    assert!(screen.contains("not before 03-02 06:30"), "{screen}");
    assert!(screen.contains("not before 2026-03-02 06:30:00 UTC"), "{screen}");
    bench.keys("j");
    let screen = shown(&mut bench);
    assert!(screen.contains("waits for `teacher`"), "{screen}");
    assert!(screen.contains("for `teacher` (20260301-110000-00c0ffee) to succeed: it is running"));
    // Without an engine nothing is promised.
    bench.msg(Msg::Engine(EngineNews::Link(Link::Down)));
    bench.keys("g");
    let screen = shown(&mut bench);
    assert!(screen.contains("waits for an engine"), "{screen}");
}

#[test]
fn keys_that_mean_nothing_to_a_run_say_so_and_tell_the_engine_nothing() {
    let queued_at = t(QUEUED);
    let mut bench = at_runs((80, 24), |e| {
        e.run(RunKind::Finetune, "ended", failed());
        e.run(RunKind::Finetune, "works", running());
        waiting(e, "waits", RunState::Queued { queued_at });
    });
    bench.keys("p");
    assert!(bench.note().unwrap().1.contains("only a running run is paused"));
    bench.keys("c");
    assert!(bench.note().unwrap().1.contains("neither paused nor stopped"));
    bench.keys("S");
    assert!(shown(&mut bench).contains("out of the queue? c puts it back"));
    bench.keys("n j +");
    assert!(bench.note().unwrap().1.contains("does not wait for its turn: it is running"));
    bench.keys("S");
    assert!(shown(&mut bench).contains("Stop `works` with a checkpoint?"));
    bench.keys("n j");
    for (key, said) in [("c", "r tries it again"), ("S", "has ended already"), ("-", "failed")] {
        bench.keys(key);
        assert!(bench.note().unwrap().1.contains(said), "{key}: {:?}", bench.note());
    }
}

#[test]
fn a_run_that_waits_for_a_secret_asks_for_somebody_and_one_that_waits_for_others_does_not() {
    let queued_at = t(QUEUED);
    let mut all = Vec::new();
    let mut bench = at_runs((100, 30), |e| {
        let reason = "waits for the secret LAB_KEY".to_owned();
        all.push(waiting(e, "locked", RunState::Blocked { queued_at, reason }));
        let reason = format!("waits for {} to succeed", all[0].id);
        all.push(waiting(e, "patient", RunState::Blocked { queued_at, reason }));
    });
    up(&mut bench, all.iter().map(RunRecord::view).collect());
    bench.keys("1");
    let screen = shown(&mut bench);
    assert!(
        screen.contains("locked waits for the secret LAB_KEY (7, then r gives it)"),
        "{screen}"
    );
    assert!(!screen.contains("patient waits"), "{screen}");
    bench.keys("7 r");
    assert!(bench.note().unwrap().1.contains("has not ended (blocked)"), "{:?}", bench.note());
    bench.keys("j r").settle_but(&[]);
    assert!(bench.note().unwrap().1.contains("no engine"), "the engine is asked");
}

#[test]
fn a_question_answered_with_no_is_forgotten() {
    let mut bench = at_runs((80, 24), |e| {
        e.run(RunKind::Finetune, "older", running());
        e.run(RunKind::Finetune, "newer", failed());
    });
    bench.keys("j x");
    assert!(shown(&mut bench).contains("Cancel `older`?"));
    assert!(bench.app.screens.runs.asked.is_some());
    // The palette's `cancel-now` is then about the row under the cursor, not about this one.
    bench.keys("n");
    assert!(bench.app.screens.runs.asked.is_none());
}

#[test]
fn metrics_are_a_chart_with_their_nan_and_are_exported() {
    let mut bench = at_runs((100, 30), |e| {
        let r = e.run(RunKind::Finetune, "tiny on all", failed());
        let mut m = Attempt::open(r.dir.join("attempt-1")).unwrap().metrics().unwrap();
        for i in 1..=40u64 {
            let loss = if i == 40 { f64::NAN } else { 3.0 / i as f64 };
            m.log(i, Some(80), &[("loss", loss), ("lr", 1e-3)]).unwrap();
        }
    });
    bench.keys("m m");
    let screen = shown(&mut bench);
    assert!(screen.contains("1 NaN or infinite") && screen.contains("loss"), "{screen}");
    bench.keys("l");
    assert!(shown(&mut bench).contains("learning rate"));
    bench.keys("e enter").settle_but(&[]);
    assert!(bench.effects.iter().any(|e| matches!(e, Effect::Export { .. })));
}

#[test]
fn a_hundred_thousand_runs_are_walked_from_either_end_and_searched() {
    let mut bench = at_runs((80, 24), |e| {
        let new = NewRun::new(RunKind::Command, &e.workspace);
        let (dir, spec) = new.create(&e.runs, |_| Ok(())).unwrap();
        e.db.begin_bulk().unwrap();
        for i in 0..100_000u32 {
            let spec = RunSpec {
                id: RunId::new(format!("20260101-{i:06}-c0ffee00")).unwrap(),
                request_id: i.to_string(),
                label: Some(format!("run number {i}")),
                ..spec.clone()
            };
            let state = if i % 50_000 == 7 { failed() } else { succeeded() };
            e.add(&spec, &dir, 1, &state);
        }
    });
    let screen = shown(&mut bench);
    assert!(screen.contains("1 of 100,000") && screen.contains("number 99999"), "{screen}");
    bench.keys("G");
    let screen = shown(&mut bench);
    assert!(screen.contains("100,000 of 100,000") && screen.contains("number 0"), "{screen}");
    for _ in 0..30 {
        bench.keys("pageup").settle_but(&[]);
    }
    let screen = shown(&mut bench);
    assert!(!screen.contains("number 0 "), "{screen}");
    bench.keys("s");
    assert!(shown(&mut bench).contains("oldest first"));
    bench.keys("s g /").types("number 31415").keys("enter");
    let screen = shown(&mut bench);
    assert!(screen.contains("1 of 1 ") && screen.contains("number 31415"), "{screen}");
    bench.keys("esc v v");
    let screen = shown(&mut bench);
    assert!(screen.contains("ended badly") && screen.contains("1 of 2"), "{screen}");
}

#[test]
fn every_size_shows_the_list_and_none_breaks() {
    let mut bench = at_runs((80, 24), |e| {
        for (i, label) in
            ["عربي ونص", "বাংলা লেখা", "中文标签", "한국어 이름", "plain"].iter().enumerate()
        {
            e.run(RunKind::Augment, label, if i == 4 { running() } else { succeeded() });
        }
    });
    for (w, h) in
        [(80, 24), (40, 10), (120, 40), (160, 30), (200, 50), (500, 200), (1, 1), (7, 3), (60, 12)]
    {
        bench.resize(w, h);
        for keys in ["m", "m", "m", "enter", "esc"] {
            bench.keys(keys);
            let screen = shown(&mut bench);
            assert!(w < 40 || screen.contains("plain"), "{w}x{h}\n{screen}");
        }
    }
    bench.app.shared.looks.plain = true;
    bench.resize(80, 24);
    let screen = shown(&mut bench);
    assert!(screen.is_ascii() || !screen.contains('╭'), "{screen}");
}

#[test]
fn progress_says_how_far_and_how_long_and_a_resume_counts_from_where_it_took_up() {
    let mut record = None;
    let mut bench = at_runs((120, 24), |e| {
        record = Some(e.run(RunKind::Finetune, "tiny on all", running()));
    });
    let mut record = record.unwrap();
    record.attempt = 2;
    up(&mut bench, vec![record.view()]);
    for (done, at) in [(900, "2026-03-01T11:10:00Z"), (910, "2026-03-01T11:11:00Z")] {
        let progress = ProgressNow { done, total: Some(1000), note: "loss 1".into(), at: t(at) };
        bench.msg(Msg::Engine(EngineNews::Progress {
            run: record.id.clone(),
            progress: Some(progress),
            files: [].into(),
        }));
    }
    let screen = shown(&mut bench);
    assert!(
        screen.contains("91 % · 9 min left") && screen.contains("910 of 1,000 · loss 1"),
        "{screen}"
    );
}

#[test]
#[ignore = "prints screens for a person: cargo test --lib look -- --ignored --nocapture"]
fn look() {
    for size in [(80, 24), (120, 40), (160, 45), (40, 10)] {
        let mut bench = at_runs(size, |e| {
            e.run(RunKind::Augment, "samples of 12 seeds", succeeded());
            let r = e.run(RunKind::Finetune, "tiny on all", failed());
            let mut m = Attempt::open(r.dir.join("attempt-1")).unwrap().metrics().unwrap();
            for i in 1..=200u64 {
                m.log(
                    i,
                    Some(800),
                    &[("loss", 3.0 / i as f64 + 0.1 * (i % 7) as f64), ("lr", 1e-3)],
                )
                .unwrap();
            }
            let text: String = (0..100).map(|i| format!("step {i}: all is well\n")).collect();
            fs::write(r.dir.join("attempt-1/out.log"), text).unwrap();
            e.run(RunKind::Evaluate, "survey alignment of 3 models", running());
        });
        bench.keys("j");
        println!("{}", shown(&mut bench));
        bench.keys("m");
        println!("{}", shown(&mut bench));
        bench.keys("m");
        println!("{}", shown(&mut bench));
        bench.keys("enter");
        println!("{}", shown(&mut bench));
    }
}
