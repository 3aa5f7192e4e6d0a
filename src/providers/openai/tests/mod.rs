//! The provider at its door, against an endpoint on this machine that misbehaves in every way that
//! is known.

mod keys;
mod refusals;
mod trouble;

use std::path::Path;

use super::endpoint::{Endpoint, Step, completion};
use super::*;
use crate::providers::{ChatModel, ChatRequest, Totals, ask_all};

/// A configuration file with one provider `a` at the endpoint.
fn config(dir: &Path, endpoint: &Endpoint, more: &str) -> UserConfig {
    let file = dir.join("config.toml");
    let text = format!(
        "[providers.a]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\n{more}\n",
        endpoint.base_url()
    );
    std::fs::write(&file, text).unwrap();
    UserConfig::read(&file).unwrap()
}

fn places(dir: &Path) -> ReplyPlaces {
    let write = dir.join("replies.jsonl");
    let budget = dir.join("budget.json");
    ReplyPlaces { read: vec![write.clone()], write: Some(write), budget: Some(budget) }
}

/// The model, with waits that tests do not notice.
fn model(dir: &Path, endpoint: &Endpoint, more: &str) -> Recorded<OpenAi> {
    let config = config(dir, endpoint, more);
    let mut model = open(&config, "a", "", &places(dir)).unwrap();
    model.backend().first_backoff = 0.001;
    model
}

fn say(text: &str) -> ChatRequest {
    ChatRequest::greedy("Be brief.", text, 5)
}

fn numbered(n: usize) -> Vec<ChatRequest> {
    (0..n).map(|i| say(&format!("number {i}"))).collect()
}

type Asked = Result<(Vec<Result<ChatReply, CallFailed>>, Totals), ProviderError>;

/// One request to an endpoint that does the given steps, then says `fine`.
fn one(more: &str, steps: Vec<Step>) -> (Asked, Vec<super::endpoint::Seen>, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut steps = steps.into_iter();
    let endpoint = Endpoint::start(move |_| steps.next().unwrap_or_else(|| Step::say("fine")));
    let asked = ask_all(&mut model(dir.path(), &endpoint, more), &[say("hello")]);
    let stored = std::fs::read_to_string(dir.path().join("replies.jsonl")).unwrap();
    (asked, endpoint.seen(), stored)
}

#[test]
fn a_request_becomes_a_call_and_its_reply_is_stored_and_parsed() {
    let (asked, seen, stored) =
        one("headers = { x-team = \"t\" }\nquery = { api-version = \"1\" }", vec![]);
    let (replies, totals) = asked.unwrap();
    let reply = replies[0].as_ref().unwrap();
    assert_eq!((reply.text.as_str(), reply.model.as_str()), ("fine", "m-2026"));
    assert_eq!(reply.usage, crate::providers::Usage { prompt: 7, completion: 3 });
    assert_eq!((totals.calls, totals.requests, totals.cost), (1, 1, None));
    assert_eq!(seen[0].line, "POST /v1/chat/completions?api-version=1");
    assert_eq!(seen[0].header("x-team"), Some("t"));
    assert_eq!(seen[0].header("authorization"), None);
    assert_eq!(
        seen[0].body,
        serde_json::json!({"model": "m", "messages": [{"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hello"}], "temperature": 0.0, "max_tokens": 5})
    );
    let line: crate::providers::replies::StoredReply = serde_json::from_str(stored.trim()).unwrap();
    assert_eq!(line.key, reply.key);
    assert_eq!(line.body, completion("fine").to_string(), "raw, as received");
    assert_eq!(line.by, "openai:a/m");
}

#[test]
fn what_was_delivered_is_never_paid_twice() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|seen| Step::say(&seen.asked()));
    let requests = numbered(300);
    let prices = "price = { prompt = 1e6, completion = 2e6 }";
    let (first, totals) = ask_all(&mut model(dir.path(), &endpoint, prices), &requests).unwrap();
    assert_eq!((totals.calls, totals.stored), (300, 0));
    assert_eq!(totals.cost, Some(300.0 * 13.0));
    let mut again = model(dir.path(), &endpoint, prices);
    assert_eq!(again.meter().unwrap().spent().calls, 300);
    assert_eq!(again.meter().unwrap().spent().cost, Some(3900.0));
    let (second, totals) = ask_all(&mut again, &requests).unwrap();
    assert_eq!((totals.calls, totals.stored, totals.cost), (0, 300, None));
    assert_eq!(endpoint.seen().len(), 300);
    for (i, (a, b)) in first.iter().zip(&second).enumerate() {
        let (a, b) = (a.as_ref().unwrap(), b.as_ref().unwrap());
        assert_eq!((&a.text, &a.key), (&b.text, &b.key));
        assert_eq!(a.text, format!("number {i}"));
    }
}

#[test]
fn requests_are_drawn_only_as_fast_as_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|seen| Step::say(&seen.asked()));
    let mut model = model(dir.path(), &endpoint, "in_flight = 3");
    let drawn = std::sync::atomic::AtomicUsize::new(0);
    let mut heard = 0;
    let mut requests = numbered(50).into_iter().inspect(|_| {
        drawn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    model
        .ask(&mut requests, &mut |_, _| {
            heard += 1;
            let ahead = drawn.load(std::sync::atomic::Ordering::Relaxed) - heard;
            assert!(ahead <= 3, "{ahead} drawn ahead");
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(heard, 50);
}
