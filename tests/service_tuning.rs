//! Tuning at a service: the real binary against a service on this machine that follows the published
//! description of files, fine-tuning jobs, events and cancelling.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets an error fails")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use polyculture::finetune::TrainSummary;
use polyculture::job::{Attempt, MetricsRow, NewRun, RunKind, read_jsonl};
use serde_json::{Value, json};

#[path = "endpoint/mod.rs"]
mod endpoint;
use endpoint::{Endpoint, Seen, Step};

/// What the service knows.
#[derive(Default)]
struct Service {
    jobs: Vec<Value>,
    files: usize,
    /// States that looks at a job find, one after the other; the last one stays.
    states: Vec<&'static str>,
    looks: usize,
    /// Calls that are answered otherwise, by the beginning of their line.
    instead: BTreeMap<&'static str, Vec<Step>>,
}

type Shared = Arc<Mutex<Service>>;

fn serve(shared: &Shared) -> Endpoint {
    let shared = Arc::clone(shared);
    Endpoint::start(move |seen| answer(&mut shared.lock().unwrap(), seen))
}

fn answer(s: &mut Service, seen: &Seen) -> Step {
    if seen.header("authorization") != Some("Bearer local-test-word") {
        return Step::error(401, "no key");
    }
    for (line, steps) in &mut s.instead {
        if seen.line.starts_with(line) && !steps.is_empty() {
            let step = steps.remove(0);
            // A job may be made though its answer is lost.
            if matches!(step, Step::Close) {
                create(s, seen);
            }
            return step;
        }
    }
    let path = seen.line.split_once(' ').unwrap().1.to_owned();
    if seen.line.starts_with("POST /v1/files") {
        s.files += 1;
        return Step::json(200, &json!({"id": format!("file-{}", s.files), "object": "file"}));
    }
    if seen.line == "POST /v1/fine_tuning/jobs" {
        return Step::json(200, &create(s, seen));
    }
    if path.starts_with("/v1/fine_tuning/jobs?") {
        return Step::json(200, &json!({"object": "list", "data": s.jobs, "has_more": false}));
    }
    if path.contains("/events") {
        return Step::json(200, &events(&path, s.looks));
    }
    if path.ends_with("/cancel") {
        s.states = vec!["cancelled"];
        return Step::json(200, &json!({"id": "ftjob-1", "status": "cancelled"}));
    }
    let Some(mut job) = s.jobs.first().cloned() else {
        return Step::error(404, "no such job");
    };
    let state = s.states[s.looks.min(s.states.len() - 1)];
    s.looks += 1;
    job["status"] = state.into();
    if state == "succeeded" {
        job["fine_tuned_model"] = "ft:base:org::abc".into();
    }
    if state == "failed" {
        job["error"] =
            json!({"code": "x", "message": "The file has too few lines.", "param": null});
    }
    Step::json(200, &job)
}

fn create(s: &mut Service, seen: &Seen) -> Value {
    let id = format!("ftjob-{}", s.jobs.len() + 1);
    let mut job = seen.body.clone();
    job["id"] = id.into();
    job["object"] = "fine_tuning.job".into();
    job["status"] = "validating_files".into();
    job["fine_tuned_model"] = Value::Null;
    s.jobs.push(job.clone());
    job
}

/// Two pages, newest first.
fn events(path: &str, looks: usize) -> Value {
    let event = |n: usize| {
        json!({"object": "fine_tuning.job.event", "id": format!("ev-{n}"), "created_at": n,
            "level": "info", "type": "metrics", "message": format!("Step {n}/4"),
            "data": {"step": n, "total_steps": 4, "train_loss": 1.0 / n as f64}})
    };
    let last = looks.min(4);
    let all: Vec<Value> = (1..=last).rev().map(event).collect();
    let after = path.split("after=ev-").nth(1).and_then(|n| n.parse::<usize>().ok());
    let all: Vec<Value> = match after {
        None => all,
        Some(n) => all.into_iter().filter(|e| e["created_at"].as_u64() < Some(n as u64)).collect(),
    };
    let more = all.len() > 2;
    json!({"object": "list", "data": all.into_iter().take(2).collect::<Vec<_>>(), "has_more": more})
}

const RECIPE: &str = "name = \"s\"\nbackend = \"openai\"\nepochs = 2\nbatch = 3\nseed = 5\n\
    target = \"hard\"\n[model]\nfrom = \"provider:lab/base\"\n[openai]\nsuffix = \"greek\"\n\
    learning_rate_multiplier = 0.5\n";

struct Home(tempfile::TempDir, PathBuf);

impl Home {
    fn new(service: &Endpoint) -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = format!(
            "[providers.lab]\nkind = \"openai\"\nbase_url = \"{}\"\nkey_env = \"LAB_WORD\"\n",
            service.base_url()
        );
        std::fs::write(home.path().join("config.toml"), config).unwrap();
        let mut run = NewRun::new(RunKind::Finetune, home.path());
        run.env = BTreeMap::new();
        let made = run.create(&home.path().join("runs"), |input| {
            let write = |name: &str, text: &str| std::fs::write(input.join(name), text).unwrap();
            write("recipe.toml", RECIPE);
            write(
                "provider.json",
                &json!({"kind": "endpoint", "provider": "lab", "model": "base"}).to_string(),
            );
            let line = json!({"messages": [{"role": "user", "content": "Work?"},
                {"role": "assistant", "content": "1"}]});
            write("training.jsonl", &format!("{line}\n{line}\n"));
            Ok(())
        });
        let run = made.unwrap().0;
        Self(home, run)
    }

    fn start(&self, number: u32, crash: &str) -> (Attempt, Child) {
        let attempt = Attempt::create(&self.1, number).unwrap();
        (attempt.clone(), self.again(&attempt, crash))
    }

    fn again(&self, attempt: &Attempt, crash: &str) -> Child {
        let log = std::fs::File::create(attempt.file("out.log")).unwrap();
        Command::new(env!("CARGO_BIN_EXE_polyculture"))
            .arg("__work")
            .arg(attempt.dir())
            .env("POLYCULTURE_CONFIG", self.0.path().join("config.toml"))
            .env("LAB_WORD", "local-test-word")
            .env("POLYCULTURE_TEST_CRASH", crash)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    fn work(&self, number: u32, crash: &str) -> (Attempt, Option<i32>) {
        let (a, mut child) = self.start(number, crash);
        (a, child.wait().unwrap().code())
    }
}

fn said(a: &Attempt) -> String {
    std::fs::read_to_string(a.file("out.log")).unwrap()
}

fn created(service: &Endpoint) -> Vec<Seen> {
    let all = service.seen().into_iter();
    all.filter(|s| s.line == "POST /v1/fine_tuning/jobs").collect()
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn result(a: &Attempt) -> TrainSummary {
    read_jsonl::<TrainSummary>(&a.file("results.jsonl")).unwrap().pop().unwrap()
}

#[test]
fn a_job_is_followed_to_its_model_through_states_that_nobody_knows() {
    let shared = Shared::default();
    shared.lock().unwrap().states =
        vec!["validating_files", "queued", "warming_the_oven", "running", "succeeded"];
    let service = serve(&shared);
    let home = Home::new(&service);
    let (a, code) = home.work(1, "");
    assert_eq!(code, Some(0), "{}", said(&a));
    assert_eq!(result(&a).remote.as_deref(), Some("provider:lab/ft:base:org::abc"));
    assert!(said(&a).contains("warming_the_oven"));
    let asked = created(&service);
    assert_eq!(asked.len(), 1);
    let body = &asked[0].body;
    assert_eq!(body["training_file"], "file-1");
    assert_eq!(body["suffix"], "greek");
    let hyper = &body["method"]["supervised"]["hyperparameters"];
    assert_eq!(*hyper, json!({"n_epochs": 2, "batch_size": 3, "learning_rate_multiplier": 0.5}));
    assert_eq!(asked[0].header("idempotency-key"), body["metadata"]["polyculture_run"].as_str());
    let upload = service.seen().into_iter().find(|s| s.line == "POST /v1/files").unwrap();
    assert!(upload.header("content-type").unwrap().starts_with("multipart/form-data; boundary="));
    // Every event once, oldest first.
    let rows: Vec<MetricsRow> = read_jsonl(&a.file("metrics.jsonl")).unwrap();
    let steps: Vec<u64> = rows.iter().map(|r| r.step).collect();
    assert_eq!(steps, [1, 2, 3, 4]);
    assert_eq!((rows[1].values["loss"], rows[1].total), (0.5, Some(4)));
    assert!(!said(&a).contains("local-test-word"));
}

#[test]
fn killed_at_any_point_a_retry_finds_the_job_and_makes_no_second_one() {
    for crash in ["service-before-create", "service-after-create", ""] {
        let shared = Shared::default();
        shared.lock().unwrap().states = vec!["running"];
        let service = serve(&shared);
        let home = Home::new(&service);
        let (first, mut child) = home.start(1, crash);
        if crash.is_empty() {
            until("looks at the job", || shared.lock().unwrap().looks > 2);
            kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGKILL).unwrap();
        }
        assert_eq!(child.wait().unwrap().code(), None, "killed: {}", said(&first));
        shared.lock().unwrap().states = vec!["running", "succeeded"];
        let (second, code) = home.work(2, "");
        assert_eq!(code, Some(0), "{crash}: {}", said(&second));
        assert_eq!(created(&service).len(), 1, "{crash}");
        assert_eq!(shared.lock().unwrap().jobs.len(), 1, "{crash}");
        assert_eq!(shared.lock().unwrap().files, 1, "{crash}");
        assert!(result(&second).remote.is_some());
    }
}

#[test]
fn an_answer_that_is_lost_is_looked_for_and_not_asked_for_again() {
    let shared = Shared::default();
    {
        let mut s = shared.lock().unwrap();
        s.states = vec!["succeeded"];
        s.instead.insert("POST /v1/fine_tuning/jobs", vec![Step::Close]);
    }
    let service = serve(&shared);
    let home = Home::new(&service);
    let (a, code) = home.work(1, "");
    assert_eq!(code, Some(0), "{}", said(&a));
    assert_eq!(shared.lock().unwrap().jobs.len(), 1);
}

#[test]
fn a_run_that_is_cancelled_cancels_its_job_and_one_that_a_shutdown_ends_does_not() {
    for asked in [true, false] {
        let shared = Shared::default();
        shared.lock().unwrap().states = vec!["running"];
        let service = serve(&shared);
        let home = Home::new(&service);
        let (a, mut child) = home.start(1, "");
        until("looks at the job", || shared.lock().unwrap().looks > 1);
        if asked {
            let stop = json!({"why": "cancel", "grace_s": 10});
            std::fs::write(a.file("stop.json"), stop.to_string()).unwrap();
        }
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(143), "{}", said(&a));
        let cancels = service.seen().iter().filter(|s| s.line.ends_with("/cancel")).count();
        assert_eq!(cancels, usize::from(asked));
        // A retry of the one makes a job, of the other takes it up.
        shared.lock().unwrap().states = vec!["succeeded"];
        let (b, code) = home.work(2, "");
        assert_eq!(code, Some(0), "{}", said(&b));
        assert_eq!(created(&service).len(), if asked { 2 } else { 1 });
    }
}

#[test]
fn the_services_own_words_are_shown_as_they_are() {
    const NO: &str = "This account may not fine-tune any more. See https://example.test/help.";
    let shared = Shared::default();
    shared.lock().unwrap().instead.insert("POST /v1/fine_tuning/jobs", vec![Step::error(403, NO)]);
    let service = serve(&shared);
    let home = Home::new(&service);
    let (a, code) = home.work(1, "");
    assert_eq!(code, Some(1));
    let words = std::fs::read_to_string(a.file("failure.json")).unwrap();
    assert!(words.contains(NO) && words.contains("HTTP 403"), "{words}");
    // It was refused, not made: a retry asks again, with the file that lies there.
    shared.lock().unwrap().states = vec!["failed"];
    let (b, code) = home.work(2, "");
    assert_eq!(code, Some(1));
    let words = std::fs::read_to_string(b.file("failure.json")).unwrap();
    assert!(words.contains("The file has too few lines."), "{words}");
    assert_eq!((shared.lock().unwrap().files, created(&service).len()), (1, 2));
}

#[test]
fn every_published_end_but_success_with_a_model_is_a_failure_in_the_services_words() {
    // As the published description has them: `error` is an object or null.
    let error = |m: &str| json!({"code": "invalid_training_file", "message": m, "param": null});
    for (status, more, says) in [
        ("failed", json!({"error": error("Line 3 is no conversation.")}), "Line 3 is no"),
        ("failed", json!({"error": null}), "ftjob-1 failed at"),
        ("failed", json!({"error": {"code": "", "message": "", "param": ""}}), "ftjob-1 failed at"),
        ("cancelled", json!({"error": null}), "ftjob-1 cancelled at"),
        ("succeeded", json!({"fine_tuned_model": null}), "names no model"),
    ] {
        let shared = Shared::default();
        let service = serve(&shared);
        let mut job = json!({"id": "ftjob-1", "object": "fine_tuning.job", "status": status,
            "fine_tuned_model": null, "finished_at": 1, "estimated_finish": null});
        job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let line = "GET /v1/fine_tuning/jobs/ftjob-1";
        let step = || Step::json(200, &job);
        shared.lock().unwrap().instead.insert(line, (0..4).map(|_| step()).collect());
        let home = Home::new(&service);
        let (a, code) = home.work(1, "");
        assert_eq!(code, Some(1), "{status}: {}", said(&a));
        let words = std::fs::read_to_string(a.file("failure.json")).unwrap();
        assert!(words.contains(says) && words.contains("lasting"), "{says}: {words}");
        assert!(!a.file("results.jsonl").exists(), "{status}");
    }
}

#[test]
fn a_refusal_lasts_and_a_bad_moment_of_the_service_is_tried_again() {
    let body = |v: Value| Step::json(v["status"].as_u64().unwrap() as u16, &v["body"]);
    let openai = |status: u16, kind: &str, code: Value| {
        json!({"status": status, "body": {"error": {"message": "They say no.", "type": kind,
            "param": "training_file", "code": code}}})
    };
    for (answer, says, kind) in [
        (openai(400, "invalid_request_error", json!("invalid_file")), "They say no.", "lasting"),
        (openai(404, "invalid_request_error", json!("model_not_found")), "HTTP 404", "lasting"),
        (openai(429, "insufficient_quota", json!("insufficient_quota")), "They say no.", "lasting"),
        (openai(429, "requests", json!("rate_limit_exceeded")), "They say no.", "transient"),
        (json!({"status": 422, "body": {"error": "no such model"}}), "no such model", "lasting"),
        (json!({"status": 400, "body": {"message": "bad words"}}), "bad words", "lasting"),
        (json!({"status": 400, "body": {"detail": "a third form"}}), "a third form", "lasting"),
    ] {
        let shared = Shared::default();
        let service = serve(&shared);
        let line = "POST /v1/fine_tuning/jobs";
        shared.lock().unwrap().instead.insert(line, vec![body(answer)]);
        let home = Home::new(&service);
        let (a, code) = home.work(1, "");
        assert_eq!(code, Some(1), "{}", said(&a));
        let words = std::fs::read_to_string(a.file("failure.json")).unwrap();
        assert!(words.contains(says) && words.contains(kind), "{says}: {words}");
        assert!(shared.lock().unwrap().jobs.is_empty());
    }
}

#[test]
fn troubles_on_the_way_are_waited_out() {
    let shared = Shared::default();
    {
        let mut s = shared.lock().unwrap();
        s.states = vec!["running", "succeeded"];
        s.instead.insert(
            "GET /v1/fine_tuning/jobs/ftjob-1",
            vec![
                Step::error(503, "busy"),
                Step::Reply { status: 200, headers: vec![], body: b"no json".to_vec() },
                Step::Half(b"{\"id\"".to_vec()),
                Step::error(429, "slower"),
            ],
        );
    }
    let service = serve(&shared);
    let home = Home::new(&service);
    let (a, code) = home.work(1, "");
    assert_eq!(code, Some(0), "{}", said(&a));
    assert!(said(&a).contains("no status"), "{}", said(&a));
}
