//! One item: quotes and emphasis off, glosses off, and what no sentence may hold.

use super::{Item, refusal, unreadable};

/// Longest text of one item, in characters; survey items have fewer than 300.
const LONGEST: usize = 2_000;

/// Opening quotes with what closes them.
const QUOTES: [(char, &str); 20] = [
    ('"', "\""),
    ('\'', "'"),
    ('`', "`'"),
    ('\u{b4}', "\u{b4}"),
    ('\u{201c}', "\u{201d}\u{201c}"),
    ('\u{201d}', "\u{201d}"),
    ('\u{201e}', "\u{201c}\u{201d}"),
    ('\u{201f}', "\u{201d}"),
    ('\u{2018}', "\u{2019}\u{2018}"),
    ('\u{2019}', "\u{2019}"),
    ('\u{201a}', "\u{2018}\u{2019}"),
    ('\u{ab}', "\u{bb}"),
    ('\u{bb}', "\u{ab}\u{bb}"),
    ('\u{2039}', "\u{203a}"),
    ('\u{203a}', "\u{2039}"),
    ('\u{300c}', "\u{300d}"),
    ('\u{300e}', "\u{300f}"),
    ('\u{ff02}', "\u{ff02}"),
    ('\u{ff07}', "\u{ff07}"),
    ('\u{301d}', "\u{301e}\u{301f}"),
];

/// The beginning of a text, for a reason.
pub(super) fn excerpt(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let short: String = line.chars().filter(|c| !c.is_control()).take(120).collect();
    if short.len() < line.len() { format!("{short}\u{2026}") } else { short }
}

/// The item, ready for use; `None` where nothing stood there.
pub(super) fn item(raw: &str) -> Option<Item> {
    let text = bare(raw);
    if text.is_empty() {
        return None;
    }
    if !text.chars().any(char::is_alphabetic) {
        return Some(Err(unreadable("there is no word in it")));
    }
    if text.chars().count() > LONGEST {
        return Some(Err(unreadable("longer than 2,000 characters")));
    }
    if text.chars().any(is_unsafe) {
        return Some(Err(unreadable("control characters inside the text")));
    }
    if text.contains("**") || text.contains("__") || text.contains("``") || text.contains("<|") {
        return Some(Err(unreadable("markup inside the sentence")));
    }
    if refusal::is_refusal(text) {
        return Some(Err(super::refused(text)));
    }
    Some(Ok(text.to_owned()))
}

/// Terminal escapes, line breaks, and marks that turn the direction of what follows.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}' | '\u{200e}' | '\u{200f}' | '\u{2060}')
}

/// Blanks, list commas, emphasis and quotes off both ends, as often as they come.
pub(super) fn bare(raw: &str) -> &str {
    let mut text = raw.trim_matches(is_blank);
    for _ in 0..8 {
        let before = text;
        text =
            text.strip_suffix(',').filter(|t| t.ends_with(['"', '\'', '\u{201d}'])).unwrap_or(text);
        for mark in ["**", "__", "*", "_"] {
            if let Some(inner) = text.strip_prefix(mark).and_then(|t| t.strip_suffix(mark)) {
                text = inner;
            }
        }
        text = unquoted(text);
        text = without_gloss(text);
        text = text.trim_matches(is_blank);
        if text == before {
            break;
        }
    }
    text
}

/// The inside of quotes that stand around the whole text, or around the sentence before a gloss:
/// `"We agree." (viewpoint first)`.
fn unquoted(text: &str) -> &str {
    let Some(open) = text.chars().next() else { return text };
    let Some((_, closers)) = QUOTES.iter().find(|(o, _)| *o == open) else { return text };
    let inner = &text[open.len_utf8()..];
    if let Some(close) = inner.chars().next_back().filter(|c| closers.contains(*c)) {
        let inside = &inner[..inner.len() - close.len_utf8()];
        // `"Yes" and "no"`: the outer marks belong to different words.
        let closes_early = inside.find(|c| closers.contains(c));
        let reopens = inside.rfind(open);
        let apart = matches!((closes_early, reopens), (Some(c), Some(o)) if c < o)
            && !matches!(open, '\'' | '\u{2019}');
        return if apart { text } else { inside };
    }
    if open == '\'' || open == '\u{2019}' {
        return text;
    }
    let Some(end) = inner.rfind(|c| closers.contains(c)) else { return text };
    let after = inner[end..].trim_start_matches(|c| closers.contains(c)).trim_start();
    let gloss = after.starts_with(['(', '\u{ff08}', '-', '\u{2013}', '\u{2014}', '*', '[', '#']);
    if gloss { &inner[..end] } else { text }
}

/// A remark in brackets after the final mark is the model's, not the sentence's.
fn without_gloss(text: &str) -> &str {
    let closes = text.ends_with([')', '\u{ff09}', ']']);
    let Some(open) = text.rfind(['(', '\u{ff08}', '[']).filter(|_| closes) else { return text };
    let before = text[..open].trim_end();
    let ended = before.ends_with([
        '.', '!', '?', '\u{3002}', '\u{ff01}', '\u{ff1f}', '\u{61f}', '\u{964}', '\u{6d4}',
    ]);
    if ended { before } else { text }
}
