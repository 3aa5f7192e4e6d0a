//! What keeps the words of a user from becoming special tokens.
//!
//! A template's output is one text: the template's own markers and what people said. Before it is
//! rendered, a mark is put around what is said and inside every special token's text that stands
//! in it. The tokenizer looks for special tokens before it normalises, so the marked ones are not
//! found; its normaliser then takes the marks out ([`patch`]). The mark is a noncharacter of
//! Unicode, which no text should hold; one that does loses it.

use super::template::{Speaker, Turn};

/// The mark: U+FDD0, "not a character".
pub(super) const MARK: char = '\u{FDD0}';

/// The texts that must not be spoken.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    /// Special tokens, and added ones that look like markers (`<think>`).
    all: Vec<String>,
    /// Those that are special: the assistant's own history may hold the others (`</think>`), and
    /// templates look for them there.
    special: Vec<String>,
    /// What parts a marker's text.
    within: char,
}

impl Default for Guard {
    fn default() -> Self {
        Self::new(std::iter::empty())
    }
}

impl Guard {
    /// `tokens`: text of each added token, and whether it is special.
    pub(super) fn new(tokens: impl Iterator<Item = (String, bool)>) -> Self {
        let (mut all, mut special) = (Vec::new(), Vec::new());
        for (text, is_special) in tokens.filter(|t| !t.0.is_empty()) {
            if is_special {
                special.push(text.clone());
            }
            // Others are plain pieces of text (runs of spaces), unless they look like markers.
            if is_special || text.contains(['<', '[', '|']) {
                all.push(text);
            }
        }
        Self { all, special, within: MARK }
    }

    /// The same, with a space inside the markers' texts: for vocabularies that would write the
    /// text of a marker as the marker.
    pub(super) fn spaced(&self) -> Self {
        Self { within: ' ', ..self.clone() }
    }

    /// Whether a token is guarded.
    pub(super) fn holds(&self, token: &str) -> bool {
        self.all.iter().any(|t| t == token)
    }

    /// Whether a text has a guarded token in it.
    pub(super) fn speaks(&self, text: &str) -> bool {
        self.all.iter().any(|t| text.contains(t.as_str()))
    }

    /// What is said, with its marks. White space at its ends stays outside of them, so that a
    /// template's `trim` finds it.
    pub(super) fn wrap(&self, turn: &Turn<'_>) -> String {
        let tokens = if turn.role == Speaker::Assistant { &self.special } else { &self.all };
        let body = turn.content.trim();
        if tokens.is_empty() || body.is_empty() {
            return turn.content.to_owned();
        }
        let start = turn.content.len() - turn.content.trim_start().len();
        let (before, after) = (&turn.content[..start], &turn.content[start + body.len()..]);
        let mut text = body.replace(MARK, "");
        for t in tokens {
            if text.contains(t.as_str()) {
                let (first, rest) = t.split_at(t.chars().next().map_or(0, char::len_utf8));
                // One character has no inside: it cannot be said.
                let within = self.within;
                let said =
                    if rest.is_empty() { String::new() } else { format!("{first}{within}{rest}") };
                text = text.replace(t.as_str(), &said);
            }
        }
        format!("{before}{MARK}{text}{MARK}{after}")
    }
}

/// Makes a `tokenizer.json` blind to the marks: every added token is looked for in the text as it
/// stands, and the first thing that the normaliser does is to take the marks out.
pub(super) fn patch(json: &mut serde_json::Value) {
    if let Some(tokens) = json.get_mut("added_tokens").and_then(|v| v.as_array_mut()) {
        for t in tokens {
            t["normalized"] = false.into();
        }
    }
    let unmark = serde_json::json!({
        "type": "Replace", "pattern": {"String": MARK.to_string()}, "content": ""
    });
    let old = json.get("normalizer").cloned().unwrap_or_default();
    let mut all = vec![unmark];
    if !old.is_null() {
        all.push(old);
    }
    json["normalizer"] = serde_json::json!({"type": "Sequence", "normalizers": all});
}
