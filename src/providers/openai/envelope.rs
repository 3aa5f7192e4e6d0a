//! What comes back: the envelope of a reply, and the words of a complaint. Nothing in it is trusted
//! to be there.

use serde::Deserialize;
use serde_json::Value;

use crate::providers::{CallFailed, ChatReply, Finish, Usage};
use crate::text::display;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Envelope {
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Counts>,
    error: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Choice {
    message: Option<Said>,
    /// A piece of a stream.
    delta: Option<Said>,
    /// Plain completions.
    text: Option<String>,
    finish_reason: Option<String>,
    logprobs: Option<LogProbs>,
}

/// Reasoning that comes apart (`reasoning_content`, `reasoning`) is not read: it is no part of what
/// was said, and stays in the stored reply.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    content: Option<Content>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Part {
    text: Option<String>,
}

impl Content {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.into_iter().filter_map(|p| p.text).collect(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Counts {
    prompt_tokens: Option<f64>,
    completion_tokens: Option<f64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LogProbs {
    content: Option<Vec<TokenLogProbs>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TokenLogProbs {
    token: String,
    logprob: Option<f64>,
    top_logprobs: Option<Vec<TokenLogProbs>>,
}

fn bad(detail: impl Into<String>) -> CallFailed {
    CallFailed { code: "bad-reply".into(), detail: detail.into() }
}

fn finish(word: Option<&str>) -> Finish {
    match word {
        Some("stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" | "STOP") => Finish::Stop,
        Some("length" | "max_tokens" | "MAX_TOKENS") => Finish::Length,
        Some("content_filter" | "safety" | "SAFETY") => Finish::Filtered,
        _ => Finish::Unknown,
    }
}

/// Reads a reply out of its envelope. `usage`, `key` and `stored` are for the desk to fill in.
///
/// # Errors
/// `bad-reply`: no JSON, no `choices`, an error in the envelope of a success.
pub fn reply(raw: &str) -> Result<ChatReply, CallFailed> {
    let envelope = read(raw)?;
    if let Some(error) = envelope.error.filter(|e| !e.is_null()) {
        return Err(bad(format!(
            "an error in the envelope of a success: {}",
            clip(&words(&error))
        )));
    }
    let choice = envelope.choices.and_then(|c| c.into_iter().next());
    let Some(choice) = choice else { return Err(bad("no `choices` in it")) };
    let finish = finish(choice.finish_reason.as_deref());
    let (text, refusal) = match (choice.message, choice.text) {
        (Some(said), _) => (said.content.map(Content::text), said.refusal),
        (None, Some(text)) => (Some(text), None),
        (None, None) => return Err(bad("no `message` in its first choice")),
    };
    Ok(ChatReply {
        text: text.unwrap_or_default(),
        finish,
        refusal: refusal.filter(|r| !r.is_empty()),
        usage: Usage::default(),
        model: envelope.model.unwrap_or_default(),
        key: String::new(),
        stored: false,
    })
}

fn read(raw: &str) -> Result<Envelope, CallFailed> {
    let start = raw.trim_start();
    if start.starts_with("data:") || start.starts_with("event:") || start.starts_with(": ") {
        return stream(start);
    }
    serde_json::from_str(raw).map_err(|e| {
        if start.starts_with('<') {
            bad(format!("HTML instead of JSON: {}", clip(&title(raw))))
        } else if start.is_empty() {
            bad("an empty body")
        } else {
            bad(format!("no JSON of a chat completion ({e}): {}", clip(raw)))
        }
    })
}

/// Some gateways stream whether they are asked to or not: the pieces are put together.
fn stream(raw: &str) -> Result<Envelope, CallFailed> {
    let (mut whole, mut text, mut refusal) = (Envelope::default(), String::new(), None);
    let (mut ended, mut any) = (None, false);
    for data in raw.lines().filter_map(|l| l.trim_end().strip_prefix("data:")) {
        let data = data.trim();
        if data == "[DONE]" {
            ended.get_or_insert(None);
            break;
        }
        let piece: Envelope =
            serde_json::from_str(data).map_err(|e| bad(format!("a piece of a stream: {e}")))?;
        if piece.error.is_some() {
            whole.error = piece.error;
        }
        whole.model = whole.model.or(piece.model);
        whole.usage = piece.usage.or(whole.usage);
        if let Some(choice) = piece.choices.and_then(|c| c.into_iter().next()) {
            any = true;
            if let Some(said) = choice.delta.or(choice.message) {
                text.push_str(&said.content.map(Content::text).unwrap_or_default());
                refusal = refusal.or(said.refusal);
            }
            if choice.finish_reason.is_some() {
                ended = Some(choice.finish_reason);
            }
        }
    }
    let Some(reason) = ended else { return Err(bad("the stream was cut")) };
    if any {
        let said = Said { content: Some(Content::Text(text)), refusal };
        whole.choices =
            Some(vec![Choice { message: Some(said), finish_reason: reason, ..Choice::default() }]);
    }
    Ok(whole)
}

/// The token counts of a body, where it has any. Never fails: it is read before the body is stored.
pub fn usage(raw: &str) -> Option<Usage> {
    #[derive(Deserialize)]
    struct Only {
        usage: Option<Counts>,
    }
    let counts = match serde_json::from_str::<Only>(raw) {
        Ok(only) => only.usage,
        Err(_) => read(raw).ok().and_then(|e| e.usage),
    }?;
    let count = |n: Option<f64>| n.filter(|n| *n >= 0.0).map(|n| n as u64);
    let (prompt, completion) = (count(counts.prompt_tokens), count(counts.completion_tokens));
    (prompt.is_some() || completion.is_some())
        .then(|| Usage { prompt: prompt.unwrap_or(0), completion: completion.unwrap_or(0) })
}

/// The likeliest first tokens with their natural log-probabilities, likeliest first; `None` where
/// the service sent none.
pub fn first_token(raw: &str) -> Option<Vec<(String, f64)>> {
    let envelope = read(raw).ok()?;
    let first = envelope.choices?.into_iter().next()?.logprobs?.content?.into_iter().next()?;
    let mut tokens: Vec<(String, f64)> = first
        .top_logprobs
        .unwrap_or_default()
        .into_iter()
        .filter_map(|t| Some((t.token, t.logprob?)))
        .collect();
    if let Some(p) = first.logprob
        && !tokens.iter().any(|(t, _)| *t == first.token)
    {
        tokens.push((first.token, p));
    }
    tokens.retain(|(_, p)| !p.is_nan());
    tokens.sort_by(|a, b| b.1.total_cmp(&a.1));
    (!tokens.is_empty()).then_some(tokens)
}

/// What a service says about a call that it did not carry out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Complaint {
    /// Its words, ready for a terminal, at most a few lines.
    pub words: String,
    /// A word of its own for the kind.
    pub code: String,
    /// The option it names.
    pub param: String,
    /// Its words in lower case, whole.
    text: String,
}

impl Complaint {
    /// Reads the body of an error, whatever it is.
    pub fn read(raw: &str) -> Self {
        let value: Value = serde_json::from_str(raw).unwrap_or(Value::Null);
        // One service wraps it in a list.
        let value = value.get(0).cloned().unwrap_or(value);
        let error = value.get("error").filter(|e| !e.is_null()).unwrap_or(&value);
        let said = if value.is_null() {
            if raw.trim_start().starts_with('<') { title(raw) } else { raw.trim().to_owned() }
        } else {
            words(error)
        };
        let field = |name: &str| match error.get(name) {
            Some(Value::String(s)) => s.to_lowercase(),
            Some(Value::Number(n)) => n.to_string(),
            _ => String::new(),
        };
        let (mut code, kind) = (field("code"), field("type"));
        if !kind.is_empty() {
            code = format!("{code} {kind}");
        }
        Self { words: clip(&said), code, param: field("param"), text: said.to_lowercase() }
    }

    /// True when one of the words stands in it.
    pub fn has(&self, any: &[&str]) -> bool {
        any.iter().any(|w| self.text.contains(w) || self.code.contains(w))
    }

    /// True when it names one of these options, by its field or in its words.
    pub fn is_about(&self, names: &[&str]) -> bool {
        if self.param.is_empty() || self.param == "messages" {
            names.iter().any(|n| self.text.contains(n))
        } else {
            names.iter().any(|n| self.param.split(['.', '[']).any(|p| p == *n))
        }
    }

    /// True when the option as such is the trouble, not its value.
    pub fn is_about_an_option(&self) -> bool {
        self.has(&[
            "unsupported",
            "not supported",
            "not support",
            "unknown",
            "unrecognized",
            "unrecognised",
            "not allowed",
            "not permitted",
            "extra inputs",
            "extra fields",
            "additional properties",
            "unexpected",
            "not available",
            "not implemented",
            "only the default",
            "invalid parameter",
            "extra_forbidden",
            "not enabled",
            "does not accept",
            "cannot be used",
            "not recognized",
            "invalid schema",
            "must contain the word",
            // A temperature of 0, which some will not hear of.
            "strictly positive",
            "must be positive",
            "greater than 0",
        ]) && !self.has(&["too large", "context length", "maximum context"])
    }

    /// True when a number is too large.
    pub fn is_about_size(&self) -> bool {
        self.has(&[
            "less than or equal",
            "at most",
            "maximum",
            "must be between",
            "too large",
            "<=",
        ])
    }

    /// True when the name stands in its words.
    pub fn names(&self, name: &str) -> bool {
        self.text.contains(name)
    }

    /// True when it says to use the name instead.
    pub fn suggests(&self, name: &str) -> bool {
        ["use '", "use `", "use \"", "use "]
            .iter()
            .any(|u| self.text.contains(&format!("{u}{name}")))
    }
}

/// The words of an error object in any of the usual shapes.
fn words(error: &Value) -> String {
    match error {
        Value::String(s) => s.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join("; "),
        Value::Object(fields) => {
            let inner = ["message", "detail", "msg", "error", "error_description", "title"]
                .iter()
                .find_map(|n| fields.get(*n).filter(|v| !v.is_null()));
            match (inner, fields.get("loc")) {
                // Pydantic names the field apart.
                (Some(v), Some(Value::Array(at))) => {
                    let at: Vec<String> = at.iter().map(words).collect();
                    format!("{}: {}", at.join("."), words(v))
                }
                (Some(v), _) => words(v),
                (None, _) => error.to_string(),
            }
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What a page is called, or its first words.
fn title(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let inside = lower.find("<title>").map(|i| i + 7).and_then(|from| {
        lower[from..].find("</title>").map(|n| html[from..from + n].trim().to_owned())
    });
    inside.filter(|t| !t.is_empty()).unwrap_or_else(|| {
        let mut out = String::new();
        let mut tag = false;
        for c in html.chars().take(4_000) {
            match c {
                '<' => tag = true,
                '>' => tag = false,
                c if !tag => out.push(c),
                _ => {}
            }
        }
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    })
}

/// A few lines of someone else's words, harmless on a terminal.
pub fn clip(text: &str) -> String {
    const MOST: usize = 300;
    let mut short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() {
        short.push_str(" ..");
    }
    display(short.trim())
}
