//! What an answer means: for this request, for the provider, and for how fast we go.

use super::dialect::{Dialect, Sent};
use super::envelope::Complaint;
use super::headers::Waits;

/// What became of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A success: the body is for the desk.
    Answered,
    /// This request will not work; others may. The word for counts, and what was said.
    Failed(&'static str, String),
    /// May work later.
    Again {
        /// The word for counts, should it not.
        code: &'static str,
        /// What was said.
        detail: String,
        /// It was too much for the service.
        too_much: bool,
    },
    /// The service does not know an option: without it, at once.
    Other(Box<Dialect>),
    /// No request will work: stop.
    Stop(String),
}

/// Judges an answer by its status and body. `sent` is what stood in the call.
pub fn judge(status: u16, body: &str, dialect: &Dialect, sent: &Sent) -> Verdict {
    if (200..300).contains(&status) {
        return Verdict::Answered;
    }
    let complaint = Complaint::read(body);
    let said = if complaint.words.is_empty() {
        format!("HTTP {status}")
    } else {
        format!("HTTP {status}: {}", complaint.words)
    };
    match status {
        300..=399 => Verdict::Stop(format!(
            "{said}: it sends us elsewhere, and a key is not carried along. Write the address it \
             means as base_url"
        )),
        401 => Verdict::Stop(format!("{said} (the key is missing or wrong)")),
        402 => Verdict::Stop(format!("{said} (the account has to be paid)")),
        403 if complaint.has(&["moderation", "flagged", "content policy", "safety"]) => {
            Verdict::Failed("refused", said)
        }
        403 => Verdict::Stop(format!("{said} (the key may not do this)")),
        404 | 405 | 410 => Verdict::Stop(format!("{said} (check base_url, and the model's name)")),
        429 if complaint.has(&["insufficient_quota", "billing"]) => {
            Verdict::Stop(format!("{said} (the account has nothing left)"))
        }
        429 => Verdict::Again { code: "rate-limit", detail: said, too_much: true },
        408 => Verdict::Again { code: "timeout", detail: said, too_much: false },
        409 | 425 => Verdict::Again { code: "server", detail: said, too_much: false },
        503 | 529 => Verdict::Again { code: "server", detail: said, too_much: true },
        501 | 505 => Verdict::Failed("server", said),
        _ => {
            // Some answer 500 to an option that they do not know.
            if let Some(next) = dialect.without(&complaint, sent) {
                return Verdict::Other(Box::new(next));
            }
            if status >= 500 {
                return Verdict::Again { code: "server", detail: said, too_much: false };
            }
            if complaint.has(&["model_not_found", "model not found", "does not exist"])
                && complaint.names("model")
            {
                return Verdict::Stop(format!("{said} (check the model's name)"));
            }
            if complaint.has(&["invalid_api_key", "api key not valid", "incorrect api key"]) {
                return Verdict::Stop(format!("{said} (the key is missing or wrong)"));
            }
            let code =
                if complaint.has(&["content_filter", "content management", "safety", "moderation"])
                {
                    "refused"
                } else if status == 413
                    || complaint.has(&[
                        "context_length",
                        "context length",
                        "maximum context",
                        "too long",
                        "context size",
                        "exceeds the limit",
                        "max_model_len",
                    ])
                {
                    "too-long"
                } else {
                    "bad-request"
                };
            Verdict::Failed(code, said)
        }
    }
}

/// Longest wait that a run sits through, in seconds. A service that asks for more has a daily
/// limit: the run stops, and goes on when it is started again.
const LONGEST_WAIT: f64 = 900.0;

/// How long all calls wait after this answer.
///
/// # Errors
/// The wait is too long to sit through: in words.
pub fn pause(verdict: &Verdict, waits: Waits) -> Result<Option<f64>, String> {
    let wait = match verdict {
        Verdict::Again { .. } => waits.asked.or(waits.reset),
        Verdict::Answered => waits.reset,
        _ => None,
    };
    match wait {
        Some(s) if s > LONGEST_WAIT => Err(format!(
            "it asks to come back in {} minutes: its limit for a longer time is used up. What was \
             answered is stored; start the run again then",
            (s / 60.0).ceil()
        )),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UserConfig;
    use crate::providers::openai::dialect::{MaxTokens, Shape};

    fn dialect() -> Dialect {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        std::fs::write(
            &file,
            "[providers.a]\nkind = \"openai\"\nbase_url = \"http://localhost/v1\"\n",
        )
        .unwrap();
        Dialect::new(UserConfig::read(&file).unwrap().provider("a").unwrap())
    }

    fn all() -> Sent {
        Sent {
            shape: true,
            max_tokens: true,
            temperature: true,
            top_p: true,
            seed: true,
            stop: true,
            log_probs: true,
        }
    }

    #[test]
    fn each_status_has_its_meaning() {
        let error = |m: &str| serde_json::json!({"error": {"message": m}}).to_string();
        let one = |status, body: &str| judge(status, body, &dialect(), &all());
        for status in [301, 302, 307, 308, 401, 402, 403, 404] {
            let v = one(status, &error("Go away \u{1b}[31m"));
            let Verdict::Stop(words) = v else { panic!("{status}: {v:?}") };
            assert!(words.contains(&status.to_string()) && words.contains("Go away"), "{words}");
            assert!(!words.contains('\u{1b}'), "{words:?}");
        }
        for (status, code, too_much) in [
            (408, "timeout", false),
            (409, "server", false),
            (429, "rate-limit", true),
            (500, "server", false),
            (502, "server", false),
            (503, "server", true),
            (504, "server", false),
        ] {
            let v = one(status, "<html><head><title>Bad\nGateway</title></head></html>");
            let Verdict::Again { code: c, detail, too_much: t } = v else {
                panic!("{status}: {v:?}")
            };
            assert_eq!((c, t), (code, too_much), "{status}");
            assert!(detail.contains("Bad") && !detail.contains('<'), "{detail}");
        }
        for (status, body, code) in [
            (400, error("messages: must not be empty"), "bad-request"),
            (
                422,
                r#"{"detail":[{"loc":["body","messages"],"msg":"field required"}]}"#.into(),
                "bad-request",
            ),
            (413, String::new(), "too-long"),
            (400, error("This model's maximum context length is 4096 tokens."), "too-long"),
            (400, r#"{"error":{"code":"content_filter","message":"x"}}"#.into(), "refused"),
            (403, error("Your input was flagged by moderation"), "refused"),
            (501, error("no"), "server"),
        ] {
            let v = one(status, &body);
            let Verdict::Failed(c, words) = v else { panic!("{status} {body}: {v:?}") };
            assert_eq!(c, code, "{words}");
        }
        for (status, body) in [
            (
                429,
                r#"{"error":{"type":"insufficient_quota","message":"You exceeded your current quota"}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
            ),
            (
                400,
                r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}]"#,
            ),
        ] {
            assert!(matches!(one(status, body), Verdict::Stop(_)), "{status} {body}");
        }
        assert_eq!(one(200, "anything"), Verdict::Answered);
    }

    #[test]
    fn an_option_that_a_service_does_not_know_is_left_out_and_others_stay() {
        // Words of services as they are met; the change that is meant.
        type Check = fn(&Dialect) -> bool;
        let cases: [(u16, &str, Check); 17] = [
            (
                400,
                r#"{"error":{"message":"Invalid schema for response_format 'x': additionalProperties is required","param":"response_format"}}"#,
                |d| d.shape == Shape::Object,
            ),
            (
                400,
                r#"{"error":{"message":"'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.","param":"messages"}}"#,
                |d| d.shape == Shape::Object,
            ),
            (
                422,
                r#"{"error":"Input validation error: `temperature` must be strictly positive"}"#,
                |d| !d.temperature,
            ),
            (
                400,
                r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens","code":"unsupported_parameter"}}"#,
                |d| d.max_tokens == MaxTokens::New,
            ),
            (
                400,
                r#"{"error":{"message":"Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.","param":"temperature","code":"unsupported_value"}}"#,
                |d| !d.temperature && d.top_p,
            ),
            (
                400,
                r#"{"error":{"message":"Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.","param":null}}"#,
                |d| d.shape == Shape::Object,
            ),
            (
                422,
                r#"{"detail":[{"type":"extra_forbidden","loc":["body","response_format"],"msg":"Extra inputs are not permitted"}]}"#,
                |d| d.shape == Shape::Object,
            ),
            (400, r#"{"error":"unknown field `seed`"}"#, |d| !d.seed && d.stop),
            (
                400,
                r#"{"error":{"message":"unknown field: parameter 'logprobs' is not a valid field"}}"#,
                |d| d.log_probs == 0,
            ),
            (
                400,
                r#"{"error":{"message":"top_logprobs must be less than or equal to 5","param":"top_logprobs"}}"#,
                |d| d.log_probs == 5,
            ),
            (403, r#"{"error":{"message":"x"}}"#, |_| true),
            (500, r#"{"error":{"message":"logprobs are not supported"}}"#, |d| d.log_probs == 0),
            (400, r#"{"message":"unrecognized request argument supplied: top_p"}"#, |d| !d.top_p),
            (
                400,
                r#"{"error":{"message":"'stop' is not supported with this model","param":"stop"}}"#,
                |d| !d.stop,
            ),
            (
                400,
                r#"{"error":{"message":"max_tokens is too large: 5000. This model supports at most 4096 completion tokens","param":"max_tokens"}}"#,
                |_| true,
            ),
            (
                400,
                r#"{"error":{"message":"Unknown parameter: 'max_tokens'.","param":"max_tokens"}}"#,
                |d| d.max_tokens == MaxTokens::No,
            ),
            (400, r#"{"error":{"message":"json_schema is unsupported; grammar failed"}}"#, |d| {
                d.shape == Shape::Object
            }),
        ];
        for (status, body, right) in cases {
            match judge(status, body, &dialect(), &all()) {
                Verdict::Other(next) => assert!(right(&next), "{body}: {next:?}"),
                Verdict::Stop(_) => assert_eq!(status, 403, "{body}"),
                Verdict::Failed(code, _) => {
                    assert!(body.contains("too large") && code == "bad-request", "{body}");
                }
                other => panic!("{body}: {other:?}"),
            }
            // What was not sent is not to blame.
            let v = judge(status, body, &dialect(), &Sent::default());
            assert!(!matches!(v, Verdict::Other(_)), "{body}: {v:?}");
        }
        let mut twice = dialect();
        for shape in [Shape::Object, Shape::No] {
            let body = r#"{"error":{"message":"response_format is not supported"}}"#;
            let Verdict::Other(next) = judge(400, body, &twice, &all()) else { panic!() };
            assert_eq!(next.shape, shape);
            twice = *next;
        }
    }

    #[test]
    fn a_wait_of_a_day_is_not_sat_through() {
        let again = Verdict::Again { code: "rate-limit", detail: String::new(), too_much: true };
        let waits = |asked, reset| Waits { asked, reset };
        assert_eq!(pause(&again, waits(Some(2.0), Some(9.0))), Ok(Some(2.0)));
        assert_eq!(pause(&again, waits(None, Some(9.0))), Ok(Some(9.0)));
        assert_eq!(pause(&Verdict::Answered, waits(Some(2.0), None)), Ok(None));
        assert_eq!(pause(&Verdict::Answered, waits(None, Some(3.0))), Ok(Some(3.0)));
        assert!(pause(&again, waits(Some(86_400.0), None)).unwrap_err().contains("1440 minutes"));
    }
}
