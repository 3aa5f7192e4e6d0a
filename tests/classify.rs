//! Classification tasks at the command line: the real binary, real files, a real loopback service,
//! and a job that is killed in the middle.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

mod common;
#[path = "endpoint/mod.rs"]
mod endpoint;
use common::Place;
use endpoint::{Endpoint, Seen, Step};

impl Place {
    fn new(base_url: &str) -> Self {
        let config = format!(
            "[providers.lab]\nkind = \"openai\"\nbase_url = \"{base_url}\"\nmodel = \"m\"\nin_flight = 8\n"
        );
        Self::configured(&config)
    }

    /// The error document and the exit code.
    fn fails(&self, args: &[&str]) -> (Value, Option<i32>) {
        let out = self.run(&[args, &["--json"]].concat());
        let text = String::from_utf8(out.stdout.clone()).unwrap();
        let doc: Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{args:?}: {e}: {out:?}"));
        (doc["error"].clone(), out.status.code())
    }
}

#[test]
fn texts_that_are_wrong_are_refused_at_their_line_and_nothing_is_added() {
    let p = Place::new("http://localhost:1/v1");
    for (name, text, line, says) in [
        ("column", &b"{\"text\": \"a\", \"label\": \"OFF\"}\n"[..], 1, "no text"),
        (
            "label",
            b"{\"data\": \"a\", \"label\": \"OFF\"}\n{\"data\": \"b\"}\n",
            2,
            "no gold label",
        ),
        ("json", b"{\"data\": \"a\", \"label\": \"OFF\"}\n\n{\"data\": \"b\",\n", 3, "not JSON"),
        ("torn", b"{\"data\": \"a\", \"label\": \"OFF\"}\n{\"data\": \"b", 2, "ends inside"),
        ("array", b"[1, 2]\n", 1, "no object"),
        ("null", b"{\"data\": null, \"label\": \"OFF\"}\n", 1, "null"),
        ("utf8", b"{\"data\": \"\xe4\", \"label\": \"OFF\"}\n", 1, "not UTF-8"),
    ] {
        let file = p.file(&format!("{name}.jsonl"), text);
        let (e, code) = p.fails(&["tasks", "add", &file, "--as", "turkish/abusive"]);
        let message = e["message"].as_str().unwrap();
        assert_eq!(code, Some(1), "{name}: {message}");
        assert!(message.contains(says) && message.contains(&format!("line {line}")), "{message}");
        assert!(message.contains(&format!("{name}.jsonl")), "{message}");
        assert_eq!(e["line"], line, "{e}");
    }
    assert!(!p.ws().join("tasks/turkish").exists());
    let (e, code) = p.fails(&["tasks", "show", "turkish/abusiv"]);
    assert_eq!(code, Some(2));
    assert!(e["message"].as_str().unwrap().contains("turkish/abusive"), "{e}");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_read_and_an_empty_file_is_flagged() {
    let p = Place::new("http://localhost:1/v1");
    let file = p.file(
        "bom.jsonl",
        b"\xef\xbb\xbf{\"data\": \"a\", \"label\": \"OFF\"}\r\n{\"data\": \"b\", \"label\": \"NOT\"}\r\n",
    );
    let doc = p.json(&["tasks", "check", &file, "--as", "turkish/abusive"]);
    assert_eq!(doc["items"][0]["items"], 2);
    assert_eq!(doc["items"][0]["ceiling"], 1.0);
    let empty = p.file("empty.jsonl", b"");
    let out = p.run(&["tasks", "check", &empty, "--as", "turkish/abusive", "--json"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8(out.stdout).unwrap().contains("holds no items"));
    let stray = p.file("stray.jsonl", b"{\"data\": \"a\", \"label\": \"off\"}\n");
    let out = p.run(&["tasks", "check", &stray, "--as", "turkish/abusive"]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("`off` (1)") && !text.contains("a label is missing"), "{text}");
}

#[test]
fn a_task_file_that_is_wrong_is_named_with_its_line() {
    let p = Place::new("http://localhost:1/v1");
    let good = p.ok(&["tasks", "show", "english/sample-offensive", "--file"]);
    let good = good
        .replace("english/sample-offensive", "english/mine")
        .replace("samples/english-offensive", "english/mine");
    for (from, to, says) in [
        ("kind = \"offensive\"", "kind = \"rude\"", "no kind of task"),
        ("parser = \"default\"", "parser = \"magic\"", "no parser"),
        ("culture = \"english\"", "culture = \"german\"", "the culture, a slash"),
        ("Text: {text}", "Text:", "{text}"),
        ("say = \"OFF\"", "say = \"RUDE\"", "never says"),
        ("gold = \"NOT\"", "gold = \"OFF\"", "twice"),
        ("words = [\"offensive\"", "words = [\"not offensive\"", "is given for"),
        ("gold = \"NOT\"", "gold = \"\"", "empty `gold`"),
        ("text = [\"data\"]", "text = []", "names no column"),
        ("version = 1", "version = 9", "form 9"),
        ("title =", "titel =", "titel"),
    ] {
        assert!(good.contains(from), "{from}");
        let file = p.file("mine.toml", good.replacen(from, to, 1).as_bytes());
        let (e, code) = p.fails(&["tasks", "add", &file]);
        let message = e["message"].as_str().unwrap();
        assert_eq!(code, Some(1), "{message}");
        assert!(message.contains(says) && message.contains("mine.toml, line "), "{message}");
    }
    let file = p.file("mine.toml", good.as_bytes());
    p.ok(&["tasks", "add", &file]);
    let listed = p.json(&["tasks", "list", "--kind", "offensive", "--culture", "en"]);
    let mine = listed["items"].as_array().unwrap().iter().find(|t| t["name"] == "english/mine");
    assert_eq!(mine.unwrap()["here"], false);
    let (e, _) = p.fails(&["evaluate", "--model", "lab/m", "--tasks", "english/mine"]);
    assert!(e["message"].as_str().unwrap().contains("tasks add FILE --as english/mine"), "{e}");
}

#[test]
fn the_registry_is_listed_with_counts_and_constants() {
    let p = Place::new("http://localhost:1/v1");
    let all = p.json(&["tasks", "list"]);
    let all = all["items"].as_array().unwrap();
    let registered: Vec<&Value> = all.iter().filter(|t| t["sample"] == false).collect();
    assert_eq!((registered.len(), all.len()), (61, 85));
    let mex = all.iter().find(|t| t["name"] == "spanish/offensive_mex_a3t").unwrap();
    assert_eq!(mex["items"], 1000);
    assert!((mex["best_constant"]["macro_f1"].as_f64().unwrap() - 0.393).abs() < 6e-4);
    assert_eq!(mex["aliases"][0], "spanish/offensive_detect_mex_a3t");
    assert!(mex["source"]["get"].as_str().unwrap().contains("data/Spanish/"));
    let stance = p.json(&["tasks", "list", "--kind", "stance", "--culture", "spanish"]);
    assert_eq!(stance["items"].as_array().unwrap().len(), 2);
}

/// Answers by the length of the text: labels, refusals, nonsense.
fn answer(asked: &str) -> Step {
    let words: Vec<&str> =
        asked.lines().filter_map(|l| l.split_once(" = ").map(|(word, _)| word)).collect();
    match asked.len() % 11 {
        0 => Step::say("I'm sorry, I can't help with that."),
        1 => Step::say("What a text!"),
        n => Step::say(words[n % words.len()]),
    }
}

#[test]
fn a_run_that_is_killed_and_retried_pays_for_nothing_twice_and_its_replies_can_be_opened() {
    // Silent in the first third until the job is killed: however slow this thread is, it is there.
    let killed = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&killed);
    let endpoint = Endpoint::start(move |seen| {
        if seen.number < 150 || over.load(SeqCst) { answer(&seen.asked()) } else { Step::Silence }
    });
    let p = Place::new(&endpoint.base_url());
    let tasks = "samples/english,samples/korean";
    let plan = p.json(&["evaluate", "--model", "lab/a,lab/b", "--tasks", tasks, "--dry-run"]);
    assert_eq!(plan["calls"], 480, "10 sets of 24 items, two models");
    assert!(plan["prompt_tokens"].as_u64().unwrap() > 480 && endpoint.seen().is_empty());
    let started =
        p.json(&["evaluate", "--model", "lab/a,lab/b", "--tasks", tasks, "--draws", "500"]);
    let run = started["id"].as_str().unwrap().to_owned();
    let dir = p.ws().join("runs").join(&run);
    // 10 sets of 24 items, two models: killed in the first third.
    let deadline = Instant::now() + Duration::from_mins(2);
    while endpoint.seen().len() <= 150 {
        assert!(Instant::now() < deadline, "{} calls", endpoint.seen().len());
        std::thread::sleep(Duration::from_millis(2));
    }
    let marks: Value =
        serde_json::from_slice(&fs::read(dir.join("attempt-1/run.json")).unwrap()).unwrap();
    let pid = i32::try_from(marks["work"]["pid"].as_i64().unwrap()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    killed.store(true, SeqCst);
    let end = p.run(&["runs", "wait", &run]);
    assert!(!end.status.success(), "{end:?}");
    let paid = fs::read_to_string(dir.join("attempt-1/replies.jsonl")).unwrap().lines().count();
    assert!((100..480).contains(&paid), "{paid}");
    p.ok(&["runs", "retry", &run]);
    p.ok(&["runs", "wait", &run]);
    let mut calls: HashMap<(String, String), usize> = HashMap::new();
    for call in endpoint.seen() {
        let model = call.body["model"].as_str().unwrap().to_owned();
        *calls.entry((model, call.asked())).or_default() += 1;
    }
    assert_eq!(calls.len(), 480);
    // Only what was under way at the kill was asked again: eight at a time.
    let again: usize = calls.values().map(|n| n - 1).sum();
    assert!(again <= 8, "{again}");
    let evaluation: Value =
        serde_json::from_slice(&fs::read(dir.join("attempt-2/evaluation.json")).unwrap()).unwrap();
    assert_eq!(evaluation["sets"].as_array().unwrap().len(), 10);
    for set in evaluation["sets"].as_array().unwrap() {
        for m in set["models"].as_array().unwrap() {
            let cells = m["confusion"].as_array().unwrap().iter();
            let items: u64 =
                cells.flat_map(|r| r.as_array().unwrap()).filter_map(Value::as_u64).sum();
            assert_eq!(items, 24, "{}", set["task"]);
        }
    }
    // The same once more: everything is in the reply store of the workspace.
    let before = endpoint.seen().len();
    p.ok(&[
        "evaluate",
        "--model",
        "lab/a",
        "--tasks",
        "samples/korean",
        "--wait",
        "--draws",
        "500",
    ]);
    assert_eq!(endpoint.seen().len(), before);
    // Single replies: hidden texts, then shown ones.
    let refused = p.json(&["evaluate", "replies", &run, "--refused", "--model", "lab/a"]);
    let one = &refused["items"][0];
    assert!(one["text"].is_null() && one["said"].is_null() && one["length"] == 34, "{one}");
    let (task, item) = (one["task"].as_str().unwrap(), one["item"].to_string());
    let shown = p.json(&[
        "evaluate",
        "replies",
        &run,
        "--task",
        task,
        "--item",
        &item,
        "--model",
        "lab/a",
        "--show-text",
    ]);
    let one = &shown["items"][0];
    assert_eq!(one["said"], "I'm sorry, I can't help with that.");
    assert!(!one["text"].as_str().unwrap().is_empty());
    let wrong = p.json(&["evaluate", "replies", &run, "--wrong", "--limit", "1000"]);
    let all = p.json(&["evaluate", "replies", &run, "--limit", "1000"]);
    assert_eq!(all["items"].as_array().unwrap().len(), 480);
    assert!(wrong["items"].as_array().unwrap().len() < 480);
}

#[test]
fn a_service_that_goes_away_in_the_middle_is_asked_again_by_itself_when_it_is_back() {
    let away = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&away);
    let answered = Arc::new(AtomicBool::new(false));
    let began = Arc::clone(&answered);
    let endpoint = Endpoint::start(move |seen| {
        if !began.load(SeqCst) && seen.number == 10 {
            gone.store(true, SeqCst);
            began.store(true, SeqCst);
        }
        if gone.load(SeqCst) { Step::Close } else { answer(&seen.asked()) }
    });
    let p = Place::configured(&format!(
        "[providers.lab]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\nin_flight = 2\nretries = 1\n",
        endpoint.base_url()
    ));
    // Long enough a pause to bring the service back in it, on a busy machine too.
    let engine = p.command(&["engine", "start"]).env("POLYCULTURE_RETRY_FIRST_MS", "4000").output();
    assert!(engine.unwrap().status.success());
    let ask = ["evaluate", "--model", "lab/m", "--tasks", "samples/korean", "--draws", "200"];
    let run = p.json(&ask)["id"].as_str().unwrap().to_owned();
    let deadline = Instant::now() + Duration::from_mins(2);
    loop {
        let shown = p.json(&["runs", "show", &run]);
        if shown["attempt"].as_u64() > Some(1) {
            break;
        }
        assert!(Instant::now() < deadline && shown["state"] != "failed", "{shown}");
        std::thread::sleep(Duration::from_millis(20));
    }
    away.store(false, SeqCst);
    p.ok(&["runs", "wait", &run]);
    let why = fs::read_to_string(p.ws().join("runs").join(&run).join("attempt-2/again.json"));
    assert!(why.unwrap().contains("tried again by itself"));
    // What it had answered was not asked again.
    let first: Vec<String> = endpoint.seen().iter().take(8).map(Seen::asked).collect();
    for text in first {
        let times = endpoint.seen().iter().filter(|c| c.asked() == text).count();
        assert_eq!(times, 1, "{text}");
    }
}

#[test]
fn a_flagged_set_is_refused_before_anything_is_sent() {
    let endpoint = Endpoint::start(|seen| answer(&seen.asked()));
    let p = Place::new(&endpoint.base_url());
    let one_class: String =
        (0..30).map(|i| format!("{{\"data\": \"text {i}\", \"label\": \"NOT\"}}\n")).collect();
    let file = p.file("one.jsonl", one_class.as_bytes());
    p.ok(&["tasks", "add", &file, "--as", "english/offensive_easy"]);
    let ask = ["evaluate", "--model", "lab/m", "--tasks", "english/offensive_easy"];
    let (e, _) = p.fails(&ask);
    let message = e["message"].as_str().unwrap();
    assert!(
        message.contains("one gold label") && message.contains("--allow-degenerate"),
        "{message}"
    );
    assert_eq!(endpoint.seen().len(), 0);
    let more = ["--allow-degenerate", "--draws", "500", "--wait"];
    let out = p.run(&[&ask[..], &more[..]].concat());
    assert!(out.status.success(), "{out:?}");
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("! every item has one gold label"), "{text}");
    // Texts that changed under the program's feet.
    let kept = p.ws().join("tasks/english/offensive_easy.jsonl");
    fs::write(&kept, one_class.replace("text 1\"", "text one\"")).unwrap();
    let (e, _) = p.fails(&[&ask[..], &["--allow-degenerate"]].concat());
    assert!(e["message"].as_str().unwrap().contains("checksum"), "{e}");
}
