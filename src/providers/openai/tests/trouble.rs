//! Servers in trouble: what is tried again, and what comes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use super::*;

#[test]
fn what_may_work_later_is_tried_again() {
    let half = completion("half").to_string().into_bytes();
    let html = "<html><head><title>Welcome</title></head><body>Log in</body></html>";
    let cut = b"data: {\"choices\":[{\"delta\":{\"content\":\"par\"}}]}\n\n".to_vec();
    let steps: Vec<(&str, Step)> = vec![
        ("408", Step::error(408, "slow")),
        ("409", Step::error(409, "conflict")),
        ("429", Step::error(429, "too fast")),
        ("429 with a wait", Step::error(429, "too fast").with("retry-after", "0")),
        ("429 until", Step::error(429, "x").with("retry-after", "Fri, 20 Nov 2020 10:00:00 GMT")),
        ("500", Step::error(500, "oops")),
        ("502", Step::text(502, "text/html", html)),
        ("503", Step::text(503, "text/plain", "")),
        ("504", Step::text(504, "text/plain", "gateway")),
        ("half a body", Step::Half(half.clone())),
        ("a cut stream", Step::CutStream(cut.clone())),
        (
            "a stream that stops",
            Step::text(200, "text/event-stream", &String::from_utf8(cut).unwrap()),
        ),
        ("closed", Step::Close),
        ("HTML", Step::text(200, "text/html", html)),
        ("empty", Step::text(200, "application/json", "")),
        ("no choices", Step::text(200, "application/json", "{\"id\": \"x\"}")),
        ("an empty list", Step::text(200, "application/json", "{\"choices\": []}")),
        ("an error in a success", Step::error(200, "overloaded")),
        ("JSON cut", Step::text(200, "application/json", "{\"choices\": [{\"mess")),
        ("another shape", Step::text(200, "application/json", "[1, 2]")),
    ];
    for (name, step) in steps {
        let (asked, seen, stored) = one("", vec![step.clone()]);
        let (replies, totals) = asked.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(replies[0].as_ref().unwrap().text, "fine", "{name}");
        assert_eq!((seen.len(), totals.calls), (2, 2), "{name}");
        let whole_success = matches!(&step, Step::Reply { status: 200, .. });
        assert_eq!(stored.lines().count(), 1 + usize::from(whole_success), "{name}: {stored}");
    }
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_forever() {
    let (asked, seen, _) = one("reply_timeout_s = 0.2", vec![Step::Silence]);
    assert_eq!(asked.unwrap().0[0].as_ref().unwrap().text, "fine");
    assert_eq!(seen.len(), 2);
    let silent = vec![Step::Silence; 9];
    let (asked, seen, _) = one("reply_timeout_s = 0.05\nretries = 2", silent);
    let (replies, totals) = asked.unwrap();
    let failed = replies[0].as_ref().unwrap_err();
    assert_eq!(failed.code, "timeout");
    assert!(
        failed.detail.contains("0.05 s") && failed.detail.contains("3 tries"),
        "{}",
        failed.detail
    );
    assert_eq!((seen.len(), totals.failed), (3, 1));
}

#[test]
fn ten_megabytes_are_not_read_and_other_requests_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|seen| {
        if seen.asked() == "number 3" { Step::Huge(10_500_000) } else { Step::say(&seen.asked()) }
    });
    let (replies, totals) = ask_all(&mut model(dir.path(), &endpoint, ""), &numbered(8)).unwrap();
    assert_eq!((totals.failed, totals.calls), (1, 8), "it is not tried again: it would be as long");
    assert_eq!(replies[3].as_ref().unwrap_err().code, "too-long");
    let stored = std::fs::metadata(dir.path().join("replies.jsonl")).unwrap().len();
    assert!(stored < 20_000, "{stored}");
}

#[test]
fn a_request_that_never_works_fails_with_its_reason_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|seen| match seen.asked().as_str() {
        "number 1" => Step::error(500, "boom \u{1b}[2J"),
        "number 2" => Step::text(200, "text/html", "<html>no</html>"),
        "number 3" => Step::error(400, "messages: not like that"),
        "number 4" => Step::error(429, "too fast").with("retry-after-ms", "1"),
        other => Step::say(other),
    });
    let mut model = model(dir.path(), &endpoint, "retries = 3");
    let (replies, totals) = ask_all(&mut model, &numbered(10)).unwrap();
    let codes: Vec<&str> =
        replies.iter().map(|r| r.as_ref().map_or_else(|e| e.code.as_str(), |_| "kept")).collect();
    let kept = ["kept"; 5];
    assert_eq!(
        codes,
        [&["kept", "server", "bad-reply", "bad-request", "rate-limit"][..], &kept].concat()
    );
    assert_eq!((totals.requests, totals.failed), (10, 4));
    let tries = |n: &str| endpoint.seen().iter().filter(|s| s.asked() == n).count();
    assert_eq!(
        ["number 1", "number 2", "number 3", "number 4"].map(tries),
        [4, 3, 1, 13],
        "paid replies are tried least, being too fast most"
    );
    let detail = &replies[1].as_ref().unwrap_err().detail;
    assert!(detail.contains("boom") && !detail.contains('\u{1b}'), "{detail:?}");
    // Failed requests are put again by the next attempt; the others are not.
    let before = endpoint.seen().len();
    let (_, totals) = ask_all(&mut model, &numbered(10)).unwrap();
    assert_eq!(totals.stored, 6);
    let spent = model.meter().unwrap().spent().calls;
    drop(model);
    let model = self::model(dir.path(), &endpoint, "");
    assert_eq!(model.meter().unwrap().spent().calls, spent, "each call is counted once");
    assert!(endpoint.seen()[before..].iter().all(|s| s.asked().as_str() < "number 5"));
}

#[test]
fn a_server_that_is_not_there_is_said_so_before_the_rest_is_tried() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|_| Step::Close);
    let mut model = model(dir.path(), &endpoint, "retries = 1\nin_flight = 2");
    drop(endpoint);
    let e = ask_all(&mut model, &numbered(500)).unwrap_err().to_string();
    assert!(e.contains("`a`") && e.contains("127.0.0.1") && e.contains("2 tries"), "{e}");
}

#[test]
fn a_server_that_only_ever_fails_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|_| Step::text(200, "text/html", "<title>Our web site</title>"));
    let mut model = model(dir.path(), &endpoint, "retries = 1");
    let e = ask_all(&mut model, &numbered(500)).unwrap_err().to_string();
    assert!(e.contains("Our web site") && e.contains("in a row"), "{e}");
    assert!(endpoint.seen().len() < 250, "{}", endpoint.seen().len());
    // The same when requests are put one by one.
    let dir = tempfile::tempdir().unwrap();
    let mut model = self::model(dir.path(), &endpoint, "retries = 1");
    let asked: Vec<bool> =
        numbered(8).iter().map(|r| ask_all(&mut model, std::slice::from_ref(r)).is_ok()).collect();
    assert_eq!(asked, [true, true, true, true, true, true, true, false]);
}

#[test]
fn a_server_that_takes_three_at_a_time_gets_no_storm() {
    let dir = tempfile::tempdir().unwrap();
    let (live, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (l, m) = (Arc::clone(&live), Arc::clone(&most));
    let turned_away = Arc::new(AtomicUsize::new(0));
    let t = Arc::clone(&turned_away);
    let mut recent = std::collections::VecDeque::new();
    // Three in any twenty milliseconds; the fourth is turned away.
    let endpoint = Endpoint::start(move |seen| {
        let now = std::time::Instant::now();
        recent.retain(|at: &std::time::Instant| now - *at < Duration::from_millis(20));
        m.fetch_max(l.load(Relaxed), Relaxed);
        if recent.len() >= 3 {
            t.fetch_add(1, Relaxed);
            return Step::error(429, "too many").with("retry-after-ms", "20");
        }
        recent.push_back(now);
        Step::After(Duration::from_millis(5), Box::new(Step::say(&seen.asked())))
    });
    let (replies, totals) = ask_all(&mut model(dir.path(), &endpoint, ""), &numbered(100)).unwrap();
    assert!(replies.iter().all(Result::is_ok), "{totals:?}");
    assert_eq!(totals.failed, 0);
    assert_eq!(totals.calls as usize, 100 + turned_away.load(Relaxed));
}

#[test]
fn a_daily_limit_stops_the_run_instead_of_sleeping_through_it() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|seen| {
        if seen.number < 5 {
            Step::say(&seen.asked())
        } else {
            Step::error(429, "daily limit").with("retry-after", "40000")
        }
    });
    let mut model = model(dir.path(), &endpoint, "in_flight = 1");
    let e = ask_all(&mut model, &numbered(50)).unwrap_err().to_string();
    assert!(e.contains("667 minutes"), "{e}");
    assert_eq!(endpoint.seen().len(), 6);
    assert_eq!(model.replies().len(), 5, "nothing is lost");
}

#[test]
fn a_caller_who_has_enough_does_not_wait_for_a_server_that_is_silent() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint =
        Endpoint::start(
            |seen| {
                if seen.asked() == "number 0" { Step::say("fine") } else { Step::Silence }
            },
        );
    let mut model = model(dir.path(), &endpoint, "");
    model.backend().grace = 0.05;
    let mut heard = 0;
    let totals = model
        .ask(&mut numbered(100).into_iter(), &mut |_, _| {
            heard += 1;
            std::ops::ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!((heard, totals.requests), (1, 1));
    assert!(endpoint.seen().len() <= 16);
}
