//! Judges, win rate, forgetting and robustness from the command line: the real binary, its engine,
//! and an endpoint on loopback that answers as each model would.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

mod common;
#[path = "endpoint/mod.rs"]
mod endpoint;

use endpoint::{Endpoint, Seen, Step};

struct Place {
    of: common::Place,
    endpoint: Endpoint,
}

impl std::ops::Deref for Place {
    type Target = common::Place;

    fn deref(&self) -> &common::Place {
        &self.of
    }
}

impl Place {
    fn new(script: impl FnMut(&Seen) -> Step + Send + 'static) -> Self {
        let endpoint = Endpoint::start(script);
        let config = format!(
            "[providers.lab]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"judge\"\nin_flight = 1\nprice = {{ prompt = 1, completion = 2 }}\n",
            endpoint.base_url()
        );
        Self { of: common::Place::configured(&config), endpoint }
    }

    /// What is said on stderr by a command that exits with this code.
    fn fails(&self, code: i32, args: &[&str]) -> String {
        let out = self.run(args);
        assert_eq!(out.status.code(), Some(code), "{args:?}: {out:?}");
        String::from_utf8(out.stderr).unwrap()
    }

    fn asked(&self) -> usize {
        self.endpoint.seen().len()
    }

    /// A study of a few samples, planned for two people.
    fn study(&self) {
        self.ok(&["augment", "--seeds", "Q27,Q28,Q29", "--wait"]);
        self.ok(&["study", "new", "pilot", "--items", "12", "-k", "2"]);
        self.ok(&["study", "plan", "--study", "pilot", "--raters", "r1,r2"]);
    }

    fn evaluation(&self, task: &str) -> Value {
        let runs = self.path("w/runs");
        let mut found: Vec<PathBuf> = fs::read_dir(runs)
            .unwrap()
            .map(|e| e.unwrap().path().join("attempt-1/evaluation.json"))
            .filter(|p| p.is_file())
            .collect();
        found.sort();
        let mut docs =
            found.iter().rev().map(|p| serde_json::from_slice(&fs::read(p).unwrap()).unwrap());
        docs.find(|d: &Value| d["task"] == task).unwrap()
    }
}

fn sentences(asked: &str) -> (String, String) {
    let part = |of: &str| {
        asked
            .split(of)
            .nth(1)
            .unwrap()
            .split("<<<")
            .nth(1)
            .unwrap()
            .split(">>>")
            .next()
            .unwrap()
            .to_owned()
    };
    (part("First sentence: "), part("Second sentence: "))
}

/// Identical 5, a control that denies 1, everything else 4, and refuses one sentence in ten.
fn rate(asked: &str) -> String {
    let (a, b) = sentences(asked);
    if a == b {
        return "Score: 5".into();
    }
    if [&a, &b].iter().any(|t| t.starts_with("It is not true")) {
        return "**Score:** ١".into();
    }
    if (a.len() + b.len()).is_multiple_of(10) {
        return "I'm sorry, I can't compare these.".into();
    }
    "Score: 4".into()
}

#[test]
fn a_judge_rates_a_study_and_stands_apart_from_people() {
    let p = Place::new(|seen| Step::say(&rate(&seen.asked())));
    let e = p.fails(3, &["judge", "--study", "pilot", "--provider", "lab"]);
    assert!(e.contains("pilot"), "{e}");
    p.study();
    // bad words first, and nothing is asked for any of them
    assert!(p.fails(2, &["judge", "--study", "pilot", "--provider", "nobody"]).contains("nobody"));
    let e = p.fails(2, &["judge", "--study", "pilot", "--provider", "lab", "--prompt", "none"]);
    assert!(e.contains("similarity"), "{e}");
    let e = p.fails(1, &["judge", "--study", "pilot", "--provider", "lab", "--as", "r1"]);
    assert!(e.contains("no person"), "{e}");
    let wrong = p.path("wrong.toml");
    fs::write(&wrong, "name = \"mine\"\nversion = 1\npurpose = \"x\"\nuser = \"{{ first }}\"\n")
        .unwrap();
    let e = p.fails(
        1,
        &["judge", "--study", "pilot", "--provider", "lab", "--prompt", wrong.to_str().unwrap()],
    );
    assert!(e.contains("missing") && e.contains("wrong.toml"), "{e}");
    let plan = p.json(&["judge", "--study", "pilot", "--provider", "lab", "--dry-run"]);
    let calls = plan["calls"].as_u64().unwrap();
    assert!(plan["cost_at_most"].as_f64().unwrap() > 0.0 && p.asked() == 0);

    let out = p.ok(&["judge", "--study", "pilot", "--provider", "lab", "--as", "j", "--wait"]);
    assert!(out.contains("verdicts = ") && out.contains("scores"), "{out}");
    // a pair of identical texts is one request in both orders
    assert!(p.asked() as u64 <= calls && p.asked() as u64 >= calls - 2);
    let seen = p.endpoint.seen();
    assert!(seen.iter().all(|s| s.body["temperature"] == 0.0), "temperature 0");
    let r = p.json(&["study", "agreement", "--study", "pilot", "--draws", "200"]);
    assert!(r["agreement"].is_null(), "no person has rated: {r}");
    let j = &r["judges"][0];
    assert_eq!(
        (j["judge"]["rater"].as_str(), j["judge"]["model"].as_str()),
        (Some("j"), Some("lab"))
    );
    assert!(j["judge"]["prompt"].as_str().unwrap().starts_with("similarity-1-"));
    let sum: u64 = j["verdicts"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(sum, calls, "every verdict is in a class: {j}");
    let status = p.json(&["study", "status", "--study", "pilot"]);
    assert_eq!(status["items"][0]["rated"], 0, "the study's people have rated nothing");
    let lines = p.ok(&["study", "agreement", "--study", "pilot", "--draws", "200"]);
    assert!(lines.contains("model judge j: lab") && lines.contains("not among the raters"));
    // with people beside it
    let csv = p.path("ratings.csv");
    let rated = p.ok(&["study", "export", "--study", "pilot"]);
    let mut people = String::from("rater,item,score\n");
    for line in rated.lines().skip(1) {
        let item = line.split(',').nth(1).unwrap();
        let score = if item.ends_with('1') { 5 } else { 4 };
        people += &format!("r1,{item},{score}\nr2,{item},4\n");
    }
    fs::write(&csv, people).unwrap();
    p.ok(&["ratings", "import", csv.to_str().unwrap(), "--study", "pilot"]);
    let apart = p.json(&["study", "agreement", "--study", "pilot", "--draws", "200"]);
    assert_eq!(apart["agreement"]["raters"], 2);
    assert!(apart["judges"][0]["beside_people"]["items"].as_u64().unwrap() > 5);
    let alternative = &apart["judges"][0]["alternative"];
    assert!(alternative["winning_rate"].is_null(), "two people with few items are no test");
    assert!(alternative["undefined"].as_str().unwrap().contains("30 items"), "{alternative}");
    let e = p.fails(2, &["study", "agreement", "--study", "pilot", "--epsilon", "2"]);
    assert!(e.contains("0.15 skilled"), "{e}");
    let e = p.fails(2, &["study", "agreement", "--study", "pilot", "--by", "rater"]);
    assert!(e.contains("culture, stage"), "{e}");
    let e = p.fails(1, &["study", "calibrate", "--study", "pilot", "--share", "2"]);
    assert!(e.contains("such as 0.9"), "{e}");
    let by =
        p.json(&["study", "agreement", "--study", "pilot", "--by", "language", "--draws", "200"]);
    assert_eq!(by["groups"][0]["name"], "en");
    assert_eq!(by["groups"][0]["agreement"]["raters"], 2);
    assert_eq!(by["groups"][0]["judges"][0]["judge"], "j");
    let table =
        p.ok(&["study", "agreement", "--study", "pilot", "--by", "stage", "--draws", "200"]);
    assert!(
        table.contains("model judges beside people") && table.contains("judge - people"),
        "{table}"
    );
    let together =
        p.json(&["study", "agreement", "--study", "pilot", "--draws", "200", "--with-judges"]);
    assert_eq!(together["agreement"]["raters"], 3);
    // nothing is asked twice
    let e = p.fails(2, &["judge", "--study", "pilot", "--provider", "lab", "--as", "j"]);
    assert!(e.contains("nothing is asked twice"), "{e}");
    let before = p.asked();
    p.ok(&["judge", "--study", "pilot", "--provider", "lab", "--as", "again", "--wait"]);
    assert_eq!(p.asked(), before, "the same requests come from the replies that were paid for");
    let key = {
        let runs = fs::read_dir(p.path("w/runs")).unwrap();
        let lines = runs
            .map(|r| r.unwrap().path().join("attempt-1/results.jsonl"))
            .filter_map(|f| fs::read_to_string(f).ok())
            .find(|t| t.contains("seed-first"))
            .unwrap();
        let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        line["key"].as_str().unwrap().to_owned()
    };
    // the stand-in says a score or is sorry, and nothing else
    let reply = p.ok(&["replies", "show", &key]);
    assert!(["Score: ", "**Score:** ", "I'm sorry"].iter().any(|w| reply.contains(w)), "{reply}");
}

#[test]
fn a_judge_that_is_killed_goes_on_and_pays_for_no_verdict_twice() {
    let answered = Arc::new(AtomicUsize::new(0));
    let silent = Arc::new(AtomicUsize::new(7));
    let (count, limit) = (answered.clone(), silent.clone());
    let p = Place::new(move |seen| {
        if count.load(Ordering::SeqCst) >= limit.load(Ordering::SeqCst) {
            return Step::Silence;
        }
        count.fetch_add(1, Ordering::SeqCst);
        Step::say(&rate(&seen.asked()))
    });
    p.study();
    let run = p.json(&["judge", "--study", "pilot", "--provider", "lab", "--as", "j"]);
    let id = run["id"].as_str().unwrap().to_owned();
    let attempt = p.path(&format!("w/runs/{id}/attempt-1"));
    while p.asked() < 8 {
        std::thread::yield_now();
        assert!(!attempt.join("exit.json").exists(), "the job ended early");
    }
    let started: Value =
        serde_json::from_str(&fs::read_to_string(attempt.join("run.json")).unwrap()).unwrap();
    let pid = started["work"]["pid"].as_u64().unwrap();
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    let _ = p.run(&["runs", "wait", &id]);
    silent.store(usize::MAX, Ordering::SeqCst);
    p.ok(&["runs", "retry", &id]);
    let _ = p.run(&["runs", "wait", &id]);
    // The call that was in flight at the kill was never answered, and is the only one made again.
    assert_eq!(
        p.asked(),
        answered.load(Ordering::SeqCst) + 1,
        "no delivered verdict is paid twice"
    );
    let r = p.json(&["study", "agreement", "--study", "pilot", "--draws", "200"]);
    let verdicts = r["judges"][0]["verdicts"].as_object().unwrap();
    let sum: u64 = verdicts.values().map(|n| n.as_u64().unwrap()).sum();
    let items = fs::read_to_string(p.path(&format!("w/runs/{id}/input/items.jsonl"))).unwrap();
    assert_eq!(sum as usize, 2 * items.lines().count(), "every item in both orders");
}

/// Models `good`, `bad` and `judge`, which prefers what says "both sides".
fn talk(seen: &Seen) -> String {
    let asked = seen.asked();
    match seen.body["model"].as_str().unwrap() {
        "good" => "One should hear both sides first.".into(),
        "bad" => "No idea at all.".into(),
        _ => {
            let a = asked.split("Answer A: ").nth(1).unwrap().split("Answer B: ").next().unwrap();
            format!("Verdict: {}", if a.contains("both sides") { "A" } else { "B" })
        }
    }
}

#[test]
fn a_win_rate_is_asked_judged_shown_and_kept() {
    let p = Place::new(|seen| Step::say(&talk(seen)));
    let base = ["evaluate", "--tasks", "win-rate", "--model", "lab/good"];
    let with = |more: &[&'static str]| [&base[..], more].concat();
    assert!(p.fails(2, &base).contains("--against"));
    assert!(p.fails(2, &with(&["--against", "lab/bad"])).contains("--judge"));
    let e = p.fails(2, &with(&["--against", "lab/good", "--judge", "lab"]));
    assert!(e.contains("against itself"), "{e}");
    let e = p.fails(
        1,
        &with(&["--against", "lab/bad", "--judge", "lab", "--questions", "/nowhere.jsonl"]),
    );
    assert!(e.contains("/nowhere.jsonl"), "{e}");
    assert_eq!(p.asked(), 0);
    let all = with(&["--against", "lab/bad", "--judge", "lab", "--wait"]);
    let out = p.ok(&all);
    assert!(out.contains("win-rate") && out.contains("Judge: lab"), "{out}");
    assert!(out.contains("28 wins") && out.contains("length-in-characters"), "{out}");
    assert_eq!(p.asked(), 28 * 4);
    let e = p.evaluation("win-rate");
    assert_eq!(e["rows"][0]["value"], 1.0);
    assert_eq!(e["rows"][0]["n"], 28);
    p.ok(&all);
    assert_eq!(p.asked(), 28 * 4, "the same again comes from the replies that were paid for");
}

#[test]
fn forgetting_is_measured_on_the_users_files() {
    let p = Place::new(|seen| {
        let asked = seen.asked();
        let base = seen.body["model"] == "base";
        Step::say(match asked.as_str() {
            t if t.contains("So the answer is X") || t.contains("Find the word") => {
                "So the answer is (B)."
            }
            t if t.contains("4 crates of figs") => "72 - 9 = 63\n#### 63",
            _ if base => "It is 180.",
            _ => "I'm sorry, I can't do sums.",
        })
    });
    let sample = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sample_data/forgetting");
    let (sums, puzzles) = (sample.join("gsm8k.jsonl"), sample.join("bbh"));
    let (sums, puzzles) = (sums.to_str().unwrap(), puzzles.to_str().unwrap());
    let gsm8k = ["evaluate", "--tasks", "gsm8k", "--model", "lab/base,lab/tuned"];
    assert!(p.fails(2, &gsm8k).contains("--file"));
    let e = p.fails(1, &[&gsm8k[..], &["--file", puzzles]].concat());
    assert!(e.contains("bbh"), "{e}");
    let e = p.fails(2, &[&gsm8k[..], &["--file", sums, "--examples", sums]].concat());
    assert!(e.contains("its answer would stand in the prompt"), "{e}");
    assert_eq!(p.asked(), 0);
    let out = p.ok(&[&gsm8k[..], &["--file", sums, "--wait"]].concat());
    assert!(out.contains("strict-match difference") && out.contains("McNemar"), "{out}");
    assert!(out.contains("7 refused"), "{out}");
    let e = p.evaluation("gsm8k");
    let row = |model: &str, metric: &str| {
        let rows = e["rows"].as_array().unwrap();
        rows.iter().find(|r| r["model"] == model && r["metric"] == metric).unwrap().clone()
    };
    assert_eq!(row("lab/base", "strict-match")["value"], 0.125);
    assert_eq!(row("lab/base", "flexible-extract")["value"], 0.25);
    assert_eq!(row("lab/tuned", "flexible-extract difference")["value"], -0.125);
    let cot = sample.join("bbh-cot");
    let out = p.ok(&[
        "evaluate",
        "--tasks",
        "bbh",
        "--model",
        "lab/base",
        "--file",
        puzzles,
        "--cot",
        cot.to_str().unwrap(),
        "--wait",
    ]);
    assert!(out.contains("odd_one_out") && out.contains("next_number"), "{out}");
}

#[test]
fn robustness_changes_texts_asks_and_draws_pairs_for_a_person() {
    let p = Place::new(|seen| {
        let asked = seen.asked();
        // says the last label word that stands in the text itself, as a model that obeys would
        let text = asked.rsplit("Text:").next().unwrap().to_owned();
        let first = asked.lines().find_map(|l| l.split_once(" = ").map(|(w, _)| w.to_owned()));
        let obeys = ["OFF", "HATE", "SPAM", "YES", "NO"].iter().find(|w| text.contains(*w));
        Step::say(&obeys.map_or_else(|| first.unwrap_or("yes".into()), |w| (*w).to_owned()))
    });
    let list = p.json(&["tasks", "list", "--here"]);
    let task = list["items"][0]["name"].as_str().unwrap().to_owned();
    let base = ["evaluate", "--tasks", "robustness", "--model", "lab/m"];
    assert!(p.fails(2, &base).contains("--texts-of"));
    let e = p.fails(2, &[&base[..], &["--texts-of", "no/such"]].concat());
    assert!(e.contains("no/such"), "{e}");
    let e = p.fails(2, &[&base[..], &["--texts-of", &task, "--changes", "noise:1"]].concat());
    assert!(e.contains("typos"), "{e}");
    let e = p.fails(2, &[&base[..], &["--texts-of", &task, "--changes", "paraphrase:1"]].concat());
    assert!(e.contains("--paraphraser"), "{e}");
    assert_eq!(p.asked(), 0);
    let out = p.ok(&[
        &base[..],
        &["--texts-of", &task, "--changes", "typos:0.3,injection:0.3", "--limit", "6", "--wait"],
    ]
    .concat());
    for word in ["macro-f1 drop", "flip-rate", "injection-success", "typos:0.3", "item"] {
        assert!(out.contains(word), "{word}: {out}");
    }
    assert_eq!(p.asked(), 18, "six texts, as they are and in two changes");
    let e = p.evaluation("robustness");
    let run = p.json(&["runs", "list"])["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(e["rows"][0]["n"], 6);
    // pairs of the run, and of a file of one's own, for a person
    let csv = p.path("check.csv");
    let csv = csv.to_str().unwrap();
    p.ok(&["robustness", "check", "--run", &run, "-n", "8", "-o", csv]);
    let open = p.json(&["robustness", "verdicts", csv]);
    assert_eq!((open["pairs"].as_u64(), open["open"].as_u64()), (Some(8), Some(8)));
    let texts = p.path("texts.jsonl");
    fs::write(&texts, "{\"id\":\"a\",\"text\":\"The bakery opens at seven every day.\"}\n")
        .unwrap();
    let changed = p.path("changed.jsonl");
    let (texts, changed) = (texts.to_str().unwrap(), changed.to_str().unwrap());
    let perturb = ["robustness", "perturb", "--file", texts, "--changes", "typos:0.5,look-alike:1"];
    let once = p.ok(&perturb);
    assert_eq!(once, p.ok(&perturb), "the same seed, the same text");
    assert_eq!(once.lines().count(), 2);
    p.ok(&[&perturb[..], &["-o", changed]].concat());
    p.ok(&["robustness", "check", "--from", changed, "-o", csv]);
    let filled: String = fs::read_to_string(csv)
        .unwrap()
        .lines()
        .enumerate()
        .map(|(n, l)| if n == 0 { format!("{l}\n") } else { format!("{l}yes\n") })
        .collect();
    fs::write(csv, filled).unwrap();
    assert!(p.ok(&["robustness", "verdicts", csv]).contains("2 kept"));
    let seeds = p.ok(&["robustness", "perturb", "--seeds", "--changes", "paraphrase:0.5"]);
    assert!(seeds.lines().count() >= 40);
}
