//! Services that refuse: options, models, shapes; and budgets of our own.

use super::*;
use crate::providers::{Finish, ReplySchema};

#[test]
fn a_service_that_turns_us_away_stops_the_run_at_once_with_its_words() {
    for (status, words) in
        [(401, "No such key"), (403, "Not your model"), (404, "No model `m` here")]
    {
        let dir = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::start(move |_| Step::error(status, words));
        let mut model = model(dir.path(), &endpoint, "in_flight = 1");
        let mut heard = 0;
        let e = model
            .ask(&mut numbered(100).into_iter(), &mut |_, _| {
                heard += 1;
                std::ops::ControlFlow::Continue(())
            })
            .unwrap_err();
        assert!(matches!(e, ProviderError::Refused { .. }), "{e:?}");
        assert!(
            e.to_string().contains(words) && e.to_string().contains(&status.to_string()),
            "{e}"
        );
        assert_eq!((endpoint.seen().len(), heard), (1, 0));
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Endpoint::start(|_| Step::say("stolen"));
    let target = elsewhere.base_url();
    for status in [301, 302, 307, 308] {
        let step = Step::text(status, "text/plain", "").with("location", &target);
        let (asked, _, _) = one("", vec![step]);
        let e = asked.unwrap_err().to_string();
        assert!(e.contains("elsewhere") && e.contains("base_url"), "{e}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn an_option_that_is_refused_is_left_out_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|seen| {
        let has = |field: &str| !seen.body[field].is_null();
        if has("response_format") {
            Step::error(400, "response_format: Extra inputs are not permitted")
        } else if has("max_tokens") {
            Step::error(
                400,
                "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
            )
        } else if has("seed") {
            Step::error(422, "unknown field `seed`")
        } else {
            assert!(has("max_completion_tokens"));
            Step::say(&seen.asked())
        }
    });
    let mut model = model(dir.path(), &endpoint, "");
    let mut requests = numbered(40);
    for r in &mut requests {
        r.sampling.seed = Some(3);
        let schema = serde_json::json!({"type": "object"});
        r.schema = Some(ReplySchema { name: "s".into(), schema });
    }
    let (replies, totals) = ask_all(&mut model, &requests).unwrap();
    assert!(replies.iter().all(Result::is_ok), "{replies:?}");
    // Schema, object, max_tokens, seed: learnt by the first window of calls, not by each request.
    assert!(totals.calls <= 40 + 4 * 16 + 8, "{}", totals.calls);
    let sent = endpoint.seen().len();
    let (_, totals) = ask_all(&mut model, &numbered(60)[40..]).unwrap();
    assert_eq!((totals.calls, endpoint.seen().len() - sent), (20, 20), "remembered");
}

#[test]
fn replies_in_every_usual_envelope_are_read() {
    let json = |v: &serde_json::Value| Step::json(200, v);
    let message = |m: serde_json::Value, why: &str| {
        json(&serde_json::json!({"model": "z", "choices": [{"message": m, "finish_reason": why}]}))
    };
    let stream = "data: {\"model\":\"z\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
                  : ping\n\ndata: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n\
                  data: {\"choices\":[{\"delta\":{\"content\":\"fi\"}}]}\n\n\
                  data: {\"choices\":[{\"delta\":{\"content\":\"ne\"},\"finish_reason\":\"stop\"}]}\n\n\
                  data: {\"choices\":[],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    let parts = serde_json::json!([{"type": "text", "text": "fi"}, {"type": "text", "text": "ne"}]);
    let cases = [
        (Step::text(200, "text/event-stream", stream), "fine", Finish::Stop),
        (
            message(
                serde_json::json!({"content": "fine", "reasoning_content": "let me think"}),
                "stop",
            ),
            "fine",
            Finish::Stop,
        ),
        (
            message(
                serde_json::json!({"content": "fine", "reasoning": "let me think"}),
                "eos_token",
            ),
            "fine",
            Finish::Stop,
        ),
        (message(serde_json::json!({"content": parts}), "length"), "fine", Finish::Length),
        (
            message(serde_json::json!({"content": null, "reasoning": "no end"}), "length"),
            "",
            Finish::Length,
        ),
        (
            message(serde_json::json!({"content": null, "refusal": "I cannot"}), "stop"),
            "",
            Finish::Stop,
        ),
        (message(serde_json::json!({"role": "assistant"}), "content_filter"), "", Finish::Filtered),
        (message(serde_json::json!({"content": "fine"}), "tool_calls"), "fine", Finish::Unknown),
        (
            json(&serde_json::json!({"choices": [{"text": "fine", "finish_reason": null}]})),
            "fine",
            Finish::Unknown,
        ),
        (
            message(serde_json::json!({"content": "\u{1b}[31mfine\u{7}"}), "stop"),
            "\u{1b}[31mfine\u{7}",
            Finish::Stop,
        ),
    ];
    for (i, (step, text, finish)) in cases.into_iter().enumerate() {
        let (asked, seen, _) = one("", vec![step]);
        let reply = asked.unwrap().0.remove(0).unwrap();
        assert_eq!((reply.text.as_str(), reply.finish, seen.len()), (text, finish, 1), "{i}");
        assert_eq!(reply.refusal.is_some(), i == 5);
        assert!(reply.usage.prompt > 0, "counted by us where the service does not");
    }
}

#[test]
fn another_models_name_is_kept_with_the_reply() {
    let (asked, seen, _) = one("", vec![]);
    assert_eq!(seen[0].body["model"], "m");
    assert_eq!(asked.unwrap().0[0].as_ref().unwrap().model, "m-2026");
}

#[test]
fn bytes_that_are_no_text_do_no_harm() {
    let mut body = br#"{"choices":[{"message":{"content":"fine "#.to_vec();
    body.extend_from_slice(&[0xff, 0xfe]);
    body.extend_from_slice(br#""}}]}"#);
    let (asked, _, _) = one("", vec![Step::Reply { status: 200, headers: vec![], body }]);
    assert!(asked.unwrap().0[0].as_ref().unwrap().text.starts_with("fine "));
}

#[test]
fn a_limit_of_the_run_stops_it_and_nothing_is_lost() {
    for (limit, calls) in [
        (r#"{"max_calls": 10}"#, 10),
        // 7 + 3 tokens a call; a request may take 15 or so: the last few do not fit.
        (r#"{"max_tokens": 100}"#, 8),
        (r#"{"max_cost": 100.0}"#, 8),
    ] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("budget.json"), limit).unwrap();
        let endpoint = Endpoint::start(|seen| Step::say(&seen.asked()));
        let prices = "price = { prompt = 1e6, completion = 1e6, currency = \"EUR\" }";
        let mut m = model(dir.path(), &endpoint, prices);
        let mut heard = 0;
        let e = m
            .ask(&mut numbered(50).into_iter(), &mut |_, r| {
                heard += usize::from(r.is_ok());
                std::ops::ControlFlow::Continue(())
            })
            .unwrap_err();
        assert!(matches!(e, ProviderError::Budget(_)), "{e:?}");
        let seen = endpoint.seen().len();
        assert!(seen <= 10 && seen >= calls, "{limit}: {seen} calls");
        assert_eq!((heard, m.replies().len()), (seen, seen));
        let spent = m.meter().unwrap().spent();
        assert!(spent.cost.unwrap() <= 100.0, "{spent:?}");
        drop(m);
        // The next attempt has the same limit, and what was spent counts.
        let mut m = model(dir.path(), &endpoint, prices);
        assert!(ask_all(&mut m, &numbered(50)).is_err());
        assert!(endpoint.seen().len() <= 10);
        let (_, totals) = ask_all(&mut m, &numbered(seen)[..1]).unwrap();
        assert_eq!(totals.stored, 1);
    }
}

#[test]
fn a_limit_in_money_needs_a_price() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("budget.json"), r#"{"max_cost": 1}"#).unwrap();
    let endpoint = Endpoint::start(|_| Step::Close);
    let config = config(dir.path(), &endpoint, "");
    let e = open(&config, "a", "", &places(dir.path())).unwrap_err().to_string();
    assert!(e.contains("price = {") && e.contains("config.toml"), "{e}");
}

#[test]
fn log_probabilities_become_scores_and_a_service_without_them_is_asked_once() {
    let prompts: Vec<crate::domain::prompt::Prompt> = (0..5)
        .map(|i| crate::domain::prompt::Prompt {
            system: String::new(),
            user: format!("Choose {i}"),
            answers: vec!["2".into(), "1".into()],
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|_| {
        let top =
            serde_json::json!([{"token": "1", "logprob": -0.5}, {"token": " 2", "logprob": -1.5}]);
        let mut v = completion("1");
        v["choices"][0]["logprobs"] =
            serde_json::json!({"content": [{"token": "1", "logprob": -0.5, "top_logprobs": top}]});
        Step::json(200, &v)
    });
    let mut m = model(dir.path(), &endpoint, "");
    for _ in 0..2 {
        let scores = m.score(&prompts).unwrap().unwrap();
        assert_eq!(scores.len(), 5);
        assert!(scores.iter().all(|s| (s.log_probs[0] + 1.5).abs() < 1e-9 && (s.log_probs[1] + 0.5).abs() < 1e-9));
    }
    assert_eq!(endpoint.seen().len(), 5, "stored like other replies");
    assert_eq!(endpoint.seen()[0].body["top_logprobs"], 20);
    drop((m, endpoint));

    for step in [Step::say("1"), Step::error(400, "logprobs is not supported")] {
        let dir = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::start(move |seen| {
            if seen.body["logprobs"].is_null() { Step::say("1") } else { step.clone() }
        });
        let mut m = model(dir.path(), &endpoint, "");
        assert!(m.score(&prompts).is_none());
        assert!(m.score(&prompts).is_none());
        assert!(endpoint.seen().len() <= 2, "{}", endpoint.seen().len());
    }
}

#[test]
fn a_test_of_a_provider_says_what_it_offers() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(|seen| {
        if seen.body["response_format"]["type"] == "json_schema" {
            return Step::error(400, "response_format json_schema is not supported");
        }
        Step::say("yes")
    });
    let probe = probe(&config(dir.path(), &endpoint, ""), "a", "other").unwrap();
    assert_eq!((probe.model.as_str(), probe.answered_by.as_str()), ("other", "m-2026"));
    assert_eq!((probe.structured, probe.log_probs, probe.usage), ("json_object", false, true));
    assert_eq!((probe.said.as_str(), probe.calls, probe.refuses.as_str()), ("yes", 4, ""));
    let endpoint = Endpoint::start(|_| Step::error(401, "no key"));
    assert!(super::probe(&config(dir.path(), &endpoint, ""), "a", "").is_err());
}
