//! The reply store at its door, with real files and a backend that counts what it is asked.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;
use crate::providers::budget::Budget;
use crate::providers::{
    CallFailed, ChatModel, ChatRequest, Finish, ProviderError, ReplyPlaces, Usage, ask_all,
};

/// Answers a batch at a time, as an embedded model does.
struct Echo {
    asked: Arc<Mutex<Vec<String>>>,
    model: &'static str,
}

impl Backend for Echo {
    fn name(&self) -> String {
        "local:echo".into()
    }

    fn content(&self) -> String {
        self.model.into()
    }

    fn answer(&mut self, desk: &mut Desk<'_>) -> Result<(), ProviderError> {
        loop {
            let mut batch = Vec::new();
            while batch.len() < 3
                && let Some(job) = desk.job()?
            {
                batch.push(job);
            }
            if batch.is_empty() {
                return Ok(());
            }
            for mut job in batch {
                let said = job.request.messages[0].content.clone();
                self.asked.lock().unwrap().push(said.clone());
                desk.sent(&mut job);
                let usage = Usage { prompt: 2, completion: 1 };
                if said.starts_with("bad") {
                    let failed = CallFailed { code: "server".into(), detail: "no".into() };
                    let raw = Raw { body: "oops".into(), status: 500, ..Raw::default() };
                    desk.fail(job, failed, Some(raw))?;
                } else {
                    let raw = Raw::plain(&format!("{said}!"), Finish::Stop, "echo", usage);
                    assert!(desk.reply(job, raw)?.is_none());
                }
            }
        }
    }
}

type Asked = Arc<Mutex<Vec<String>>>;

fn echo(places: &ReplyPlaces) -> (Recorded<Echo>, Asked) {
    let asked = Asked::default();
    let backend = Echo { asked: Arc::clone(&asked), model: "echo-1" };
    (Recorded::new(backend, places).unwrap(), asked)
}

fn places(dir: &Path) -> ReplyPlaces {
    let write = dir.join("replies.jsonl");
    ReplyPlaces { read: vec![write.clone()], write: Some(write), budget: None }
}

fn say(text: &str) -> ChatRequest {
    ChatRequest::greedy("", text, 5)
}

#[test]
fn what_was_answered_is_not_asked_again_and_what_failed_is() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path());
    let requests: Vec<_> = ["a", "b", "bad", "c"].map(say).into();
    let (mut model, asked) = echo(&places);
    let (first, totals) = ask_all(&mut model, &requests).unwrap();
    assert_eq!((totals.requests, totals.calls, totals.failed, totals.stored), (4, 4, 1, 0));
    assert_eq!(totals.usage, Usage { prompt: 6, completion: 3 });
    assert_eq!(asked.lock().unwrap().len(), 4);
    drop(model);

    let (mut model, asked) = echo(&places);
    let (again, totals) = ask_all(&mut model, &requests).unwrap();
    assert_eq!(*asked.lock().unwrap(), ["bad"]);
    assert_eq!((totals.calls, totals.stored, totals.failed), (1, 3, 1));
    assert_eq!(totals.usage, Usage::default());
    for (a, b) in first.iter().zip(&again) {
        assert_eq!(a.as_ref().map(|r| (&r.text, &r.key)), b.as_ref().map(|r| (&r.text, &r.key)));
    }
    assert!(again[0].as_ref().unwrap().stored);
}

#[test]
fn equal_requests_under_way_are_one_call() {
    let dir = tempfile::tempdir().unwrap();
    let (mut model, asked) = echo(&places(dir.path()));
    let requests = vec![say("a"), say("a"), ChatRequest { draw: 1, ..say("a") }, say("a")];
    let (replies, totals) = ask_all(&mut model, &requests).unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2, "a second draw is a call of its own");
    assert_eq!((totals.requests, totals.stored), (4, 2));
    assert!(replies.iter().all(|r| r.as_ref().unwrap().text == "a!"));
}

#[test]
fn a_torn_last_line_is_cut_and_the_rest_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path());
    let (mut model, _) = echo(&places);
    ask_all(&mut model, &[say("a"), say("b")]).unwrap();
    drop(model);
    let path = places.write.clone().unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"no json at all\n").unwrap();
    file.write_all(&whole.as_bytes()[..40]).unwrap();
    drop(file);
    let (mut model, asked) = echo(&places);
    ask_all(&mut model, &[say("a"), say("b"), say("c")]).unwrap();
    assert_eq!(*asked.lock().unwrap(), ["c"]);
    let lines = std::fs::read_to_string(&path).unwrap();
    assert_eq!(lines.lines().count(), 4, "{lines}");
    assert!(lines.lines().last().unwrap().contains("c!"));
}

#[test]
fn replies_of_earlier_attempts_and_of_other_runs_count_but_only_ours_were_paid_by_us() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        let d = dir.path().join(name);
        std::fs::create_dir_all(&d).unwrap();
        d.join("replies.jsonl")
    };
    let (one, two, other) = (at("run/attempt-1"), at("run/attempt-2"), at("run/input/replies"));
    for (path, text) in [(&one, "a"), (&other, "b")] {
        let (mut model, _) = echo(&places(path.parent().unwrap()));
        ask_all(&mut model, &[say(text)]).unwrap();
    }
    let places = ReplyPlaces {
        write: Some(two.clone()),
        read: vec![two.clone(), one, other, dir.path().join("missing.jsonl")],
        budget: None,
    };
    let (mut model, asked) = echo(&places);
    assert_eq!(model.replies().meter().spent().calls, 1);
    let (replies, _) = ask_all(&mut model, &[say("a"), say("b"), say("c")]).unwrap();
    assert_eq!(*asked.lock().unwrap(), ["c"]);
    assert!(replies[1].as_ref().unwrap().stored);
    assert_eq!(std::fs::read_to_string(&two).unwrap().lines().count(), 1);
    // Another model's replies are not ours.
    let backend = Echo { asked: Arc::clone(&asked), model: "echo-2" };
    let mut model = Recorded::new(backend, &places).unwrap();
    ask_all(&mut model, &[say("a")]).unwrap();
    assert_eq!(*asked.lock().unwrap(), ["c", "a"]);
}

#[test]
fn two_models_of_one_job_share_their_file_and_their_limits() {
    let dir = tempfile::tempdir().unwrap();
    let budget = dir.path().join(Budget::NAME);
    std::fs::write(&budget, r#"{"max_calls": 7}"#).unwrap();
    let places = ReplyPlaces { budget: Some(budget.clone()), ..places(dir.path()) };
    let ((mut a, _), (mut b, asked)) = (echo(&places), echo(&places));
    assert!(Arc::ptr_eq(a.replies(), b.replies()));
    assert_eq!(a.replies().meter().budget().max_calls, Some(7));
    ask_all(&mut a, &[say("a")]).unwrap();
    ask_all(&mut b, &[say("a")]).unwrap();
    assert!(asked.lock().unwrap().is_empty());
    drop((a, b));
    std::fs::write(&budget, r#"{"max_call": 7}"#).unwrap();
    assert!(matches!(Replies::open(&places), Err(ProviderError::Replies { .. })));
}

#[test]
fn a_caller_who_has_enough_is_asked_for_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let (mut model, asked) = echo(&places(dir.path()));
    let mut drawn = 0;
    let mut endless = std::iter::from_fn(|| {
        drawn += 1;
        Some(say(&format!("{drawn}")))
    });
    let mut heard = 0;
    model
        .ask(&mut endless, &mut |_, _| {
            heard += 1;
            if heard == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    // Those under way were brought to an end: they are paid for.
    assert_eq!((asked.lock().unwrap().len(), heard, drawn), (6, 6, 6));
}

#[test]
fn a_reply_is_found_again_by_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let places = places(dir.path());
    let (mut model, _) = echo(&places);
    let (replies, _) = ask_all(&mut model, &[say("a"), say("bad \u{1b}[2J")]).unwrap();
    let key = replies[0].as_ref().unwrap().key.parse().unwrap();
    let found = find(&places.read, &key).unwrap().unwrap();
    assert!(found.body.contains("a!") && found.by == "local:echo" && found.status == 200);
    let key = ReplyKey::of("echo-1", &say("bad \u{1b}[2J"), false);
    let failed = find(&places.read, &key).unwrap().unwrap();
    assert_eq!((failed.failed.as_deref(), failed.body.as_str()), (Some("server"), "oops"));
    assert!(find(&places.read, &ReplyKey::of("x", &say("a"), false)).unwrap().is_none());
}
