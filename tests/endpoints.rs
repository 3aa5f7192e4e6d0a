//! Services at the command line's door, and a job that is killed in the middle: the real binary, a
//! real process, real HTTP on this machine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use polyculture::job::Attempt;
use polyculture::providers::{ChatRequest, ModelSource, ReplyPlaces};
use serde_json::Value;

#[path = "endpoint/mod.rs"]
mod endpoint;
use endpoint::{Endpoint, Step};

fn config(dir: &Path, base_url: &str, more: &str) -> String {
    let file = dir.join("config.toml");
    let text = format!(
        "[providers.lab]\nkind = \"openai\"\nbase_url = \"{base_url}\"\nmodel = \"m\"\n{more}\n"
    );
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn polyculture(dir: &Path, config: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_polyculture"))
        .args(args)
        .current_dir(dir)
        .env("POLYCULTURE_STATE_DIR", dir.join("s"))
        .env("POLYCULTURE_CONFIG", config)
        .env("LAB_KEY_FOR_TESTS", "quite-secret")
        .env_remove("POLYCULTURE_WORKSPACE")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"))
}

#[test]
fn a_configuration_that_does_not_parse_is_named_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path(), "http://localhost:1", "colour = \"red\"");
    let out = polyculture(dir.path(), &file, &["--json", "providers", "list"]);
    assert_eq!(out.status.code(), Some(1));
    let e = json(&out);
    assert_eq!(e["error"]["line"], 5);
    assert_eq!(e["error"]["file"], file);
    let none = dir.path().join("none.toml");
    let out = polyculture(dir.path(), none.to_str().unwrap(), &["providers", "list"]);
    assert_eq!(out.status.code(), Some(3), "a file that was named must be there");
    let file = config(dir.path(), "http://localhost:1", "");
    let out = polyculture(dir.path(), &file, &["--json", "providers", "show", "nobody"]);
    assert_eq!((out.status.code(), &json(&out)["error"]["code"]), (Some(2), &"not-found".into()));
}

#[test]
fn providers_are_listed_and_tested_and_no_key_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|seen| match seen.header("authorization") {
        Some("Bearer quite-secret") => Step::say("yes \u{1b}[31m quite-secret"),
        other => Step::error(401, &format!("wrong key {other:?}")),
    });
    let file = config(
        dir.path(),
        &endpoint.base_url(),
        "key_env = \"LAB_KEY_FOR_TESTS\"\nprice = { prompt = 1, completion = 2 }",
    );
    let mut printed = String::new();
    for args in
        [&["providers", "list"][..], &["providers", "show", "lab"], &["providers", "test", "lab"]]
    {
        for json in [true, false] {
            let args = if json { [&["--json"], args].concat() } else { args.to_vec() };
            let out = polyculture(dir.path(), &file, &args);
            assert!(out.status.success(), "{out:?}");
            printed.push_str(&String::from_utf8(out.stdout).unwrap());
            printed.push_str(&String::from_utf8(out.stderr).unwrap());
        }
    }
    assert!(!printed.contains("quite-secret"), "{printed}");
    assert!(!printed.contains('\u{1b}'), "{printed}");
    for word in ["LAB_KEY_FOR_TESTS", "m-2026", "token counts        yes", "log-probabilities   no"]
    {
        assert!(printed.contains(word), "{word}: {printed}");
    }
    // A wrong key, and none.
    let file = config(dir.path(), &endpoint.base_url(), "key_command = \"echo other-key\"");
    let out = polyculture(dir.path(), &file, &["providers", "test", "lab"]);
    let words = String::from_utf8(out.stderr).unwrap();
    assert!(words.contains("HTTP 401") && !words.contains("other-key"), "{words}");
    let before = endpoint.seen().len();
    let file = config(dir.path(), &endpoint.base_url(), "key_env = \"LAB_KEY_THAT_IS_NOT_SET\"");
    let out = polyculture(dir.path(), &file, &["providers", "test", "lab"]);
    let words = String::from_utf8(out.stderr).unwrap();
    assert!(words.contains("LAB_KEY_THAT_IS_NOT_SET"), "{words}");
    assert_eq!((out.status.code(), endpoint.seen().len()), (Some(1), before), "nothing is sent");
}

const CHILD: &str = "POLYCULTURE_TEST_ASKS_IN";

/// Not a test of its own: the job that the next one kills. It asks 400 questions and writes down
/// what it heard.
#[test]
fn the_job_that_is_killed() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let attempt = Attempt::open(dir).unwrap();
    let source = ModelSource::Endpoint { provider: "lab".into(), model: String::new() };
    let mut model = polyculture::providers::open(&source, &ReplyPlaces::of(&attempt), 1).unwrap();
    let mut heard =
        fs::OpenOptions::new().create(true).append(true).open(attempt.file("heard.txt")).unwrap();
    let questions: Vec<String> = (0..400).map(|i| format!("question {i}")).collect();
    let mut requests = questions.iter().map(|q| ChatRequest::greedy("", q.as_str(), 5));
    model
        .ask(&mut requests, &mut |i, reply| {
            let reply = reply.unwrap();
            assert_eq!(reply.text, format!("answer to {}", questions[i as usize]));
            writeln!(heard, "{}", questions[i as usize]).unwrap();
            ControlFlow::Continue(())
        })
        .unwrap();
}

#[test]
fn a_job_that_is_killed_pays_for_no_delivered_reply_again() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("runs/r1");
    fs::create_dir_all(run.join("input")).unwrap();
    let endpoint = Endpoint::start(|seen| {
        let answer = Step::say(&format!("answer to {}", seen.asked()));
        Step::After(Duration::from_millis(2), Box::new(answer))
    });
    let file = config(dir.path(), &endpoint.base_url(), "in_flight = 8");
    let start = |number: u32| {
        let attempt = Attempt::create(&run, number).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_job_that_is_killed", "--nocapture"])
            .env(CHILD, attempt.dir())
            .env("POLYCULTURE_CONFIG", &file)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        (attempt, child)
    };
    let heard = |attempt: &Attempt| -> Vec<String> {
        let text = fs::read_to_string(attempt.file("heard.txt")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    // Killed three times, each time a little further on.
    let mut delivered: Vec<String> = Vec::new();
    for number in 1..=3 {
        let seen_before = endpoint.seen().len();
        let (attempt, mut child) = start(number);
        while endpoint.seen().len() < seen_before + 60 {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for call in &endpoint.seen()[seen_before..] {
            assert!(!delivered.contains(&call.asked()), "{} was paid twice", call.asked());
        }
        let now = heard(&attempt);
        delivered.extend(now.into_iter().filter(|q| !q.is_empty()));
        delivered.sort();
        delivered.dedup();
    }
    assert!(delivered.len() > 100, "{}", delivered.len());
    let seen_before = endpoint.seen().len();
    let (attempt, mut child) = start(4);
    assert!(child.wait().unwrap().success());
    assert_eq!(heard(&attempt).len(), 400, "everything was answered in the end");
    let mut calls: HashMap<String, usize> = HashMap::new();
    for (i, call) in endpoint.seen().into_iter().enumerate() {
        assert!(
            i < seen_before || !delivered.contains(&call.asked()),
            "{} was paid twice",
            call.asked()
        );
        *calls.entry(call.asked()).or_default() += 1;
    }
    assert_eq!(calls.len(), 400);
    // Only calls that were under way at a kill were made again: eight at a time.
    let twice: usize = calls.values().map(|n| n - 1).sum();
    assert!(twice <= 3 * 8, "{twice}");
}

#[test]
fn a_stored_reply_is_shown_by_its_key_and_harms_no_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path(), "http://localhost:1", "");
    let ws = dir.path().join("w");
    let out = polyculture(dir.path(), &file, &["init", ws.to_str().unwrap()]);
    assert!(out.status.success(), "{out:?}");
    let attempt = ws.join("runs/r1/attempt-1");
    fs::create_dir_all(&attempt).unwrap();
    let key = "ab".repeat(32);
    let line = serde_json::json!({"key": key, "status": 200, "at": "2026-11-20T10:00:00Z",
        "by": "openai:lab/m", "body": "red \u{1b}[31m text"});
    fs::write(attempt.join("replies.jsonl"), format!("{line}\n")).unwrap();
    let show = |args: &[&str]| polyculture(&ws, &file, &[&["replies", "show"], args].concat());
    let out = show(&[&key]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.contains("openai:lab/m") && text.contains("red") && !text.contains('\u{1b}'),
        "{text}"
    );
    let out = show(&[&key, "--run", "r1", "--json"]);
    assert_eq!(json(&out)["body"], "red \u{1b}[31m text", "as received, for scripts");
    assert_eq!(show(&[&key, "--run", "r2"]).status.code(), Some(2));
    assert_eq!(show(&["xyz"]).status.code(), Some(2));
}
