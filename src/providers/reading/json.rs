//! JSON in a reply: whole, with prose around it, several values in a row, or torn.

use serde_json::Value;

/// Beginnings of values that are tried: a reply that is all brackets must not cost much.
const TRIES: usize = 200;

/// Keys under which models put a sentence.
const SENTENCE_KEYS: [&str; 12] = [
    "text",
    "sentence",
    "paraphrase",
    "rewrite",
    "rewritten",
    "translation",
    "statement",
    "question",
    "content",
    "output",
    "result",
    "answer",
];

/// Keys whose text is about the reply and no part of it.
const OTHER_KEYS: [&str; 8] =
    ["error", "message", "detail", "refusal", "reason", "note", "comment", "explanation"];

/// Sentences found in JSON.
pub(super) struct Found {
    pub items: Vec<String>,
    /// The JSON breaks off: what was complete is in `items`.
    pub torn: bool,
}

/// Every complete JSON object or array of a text, in order; those inside others are not repeated.
pub fn values(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut at = 0;
    for _ in 0..TRIES {
        let Some(i) = text[at..].find(['{', '[']).map(|i| at + i) else { break };
        let mut stream = serde_json::Deserializer::from_str(&text[i..]).into_iter::<Value>();
        if let Some(Ok(v)) = stream.next() {
            at = i + stream.byte_offset();
            found.push(v);
        } else {
            at = i + 1;
        }
    }
    found
}

/// The sentences, where the reply has them in JSON. `None`: it holds no JSON with sentences in it.
pub(super) fn sentences(text: &str) -> Option<Found> {
    let mut items = Vec::new();
    for v in values(text) {
        collect(&v, &mut items);
    }
    if !items.is_empty() {
        // A broken value around whole ones (`[{..}, {..}, {".. `) is torn all the same.
        let torn = starts_like_json(text) && !balanced(text);
        return Some(Found { items, torn });
    }
    // Broken JSON (torn, or a comma too many): its complete strings count.
    starts_like_json(text).then(|| Found { items: strings(text), torn: !balanced(text) })
}

fn collect(v: &Value, out: &mut Vec<String>) {
    match v {
        Value::Array(all) => {
            for x in all {
                match x {
                    Value::String(s) => out.push(s.clone()),
                    Value::Object(_) | Value::Array(_) => collect(x, out),
                    _ => {}
                }
            }
        }
        Value::Object(map) => {
            let named = SENTENCE_KEYS.iter().find_map(|k| map.get(*k));
            if let Some(Value::String(s)) = named {
                out.push(s.clone());
                return;
            }
            let lists = map.values().any(|x| matches!(x, Value::Array(_) | Value::Object(_)));
            for (key, x) in map {
                match x {
                    Value::Array(_) | Value::Object(_) => collect(x, out),
                    _ if OTHER_KEYS.contains(&key.to_lowercase().as_str()) => {}
                    // {"1": "..", "2": ".."}, {"sentence_1": ".."}
                    Value::String(s)
                        if !lists && (map.len() == 1 || key.ends_with(char::is_numeric)) =>
                    {
                        out.push(s.clone());
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// After an optional fence the first thing is a bracket.
fn starts_like_json(text: &str) -> bool {
    let rest = text.trim_start();
    let rest = rest
        .strip_prefix("```")
        .map_or(rest, |r| r.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).trim_start());
    // `[1] A sentence` is a numbered line.
    rest.starts_with('{')
        || rest.strip_prefix('[').is_some_and(|r| {
            r.trim_start().is_empty() || r.trim_start().starts_with(['"', '{', '['])
        })
}

/// Brackets outside strings are all closed.
fn balanced(text: &str) -> bool {
    let (mut depth, mut inside, mut escaped) = (0i64, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            '{' | '[' if !inside => depth += 1,
            '}' | ']' if !inside => depth -= 1,
            _ => {}
        }
    }
    depth <= 0 && !inside
}

/// Complete string literals that are no keys.
fn strings(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('"').map(|i| at + i) {
        let Some(end) = string_end(text, start) else { break };
        let is_key = text[end..].trim_start().starts_with(':');
        if !is_key && let Ok(s) = serde_json::from_str::<String>(&text[start..end]) {
            out.push(s);
        }
        at = end;
    }
    out
}

/// The byte after the quote that closes the literal opened at `start`.
fn string_end(text: &str, start: usize) -> Option<usize> {
    let mut escaped = false;
    for (i, b) in text.bytes().enumerate().skip(start + 1) {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(i + 1),
            _ => {}
        }
    }
    None
}
