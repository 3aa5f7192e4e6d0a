//! What stands around a reply's own text: reasoning, special tokens, code fences.

/// Names of blocks in which models think aloud.
const REASONING: [&str; 8] = [
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reflection",
    "analysis",
    "seed:think",
];

/// Where a model's own end marks leak into the text, it ended.
const ENDS: [&str; 6] =
    ["<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<|end|>", "<|return|>", "</s>"];

/// The text after the last reasoning block. A block that is never closed swallows what follows it;
/// one that was never opened (the prompt opened it) swallows what stands before its end.
pub fn without_reasoning(text: &str) -> &str {
    let mut text = text;
    // Channels: the last one is the answer.
    if let Some(i) = text.rfind("<|message|>") {
        text = &text[i + "<|message|>".len()..];
    }
    let tags = |close: bool| {
        let lower = text.to_ascii_lowercase();
        REASONING.into_iter().filter_map(move |name| {
            let tag = if close { format!("</{name}>") } else { format!("<{name}>") };
            lower.rfind(&tag).map(|i| (i, i + tag.len()))
        })
    };
    let end = tags(true).map(|(_, end)| end).max();
    let start = tags(false).map(|(start, _)| start).max();
    text = match (start, end) {
        (Some(s), Some(e)) if s > e => &text[e..s],
        (_, Some(e)) => &text[e..],
        (Some(s), None) => first_open(text).map_or(&text[..s], |first| &text[..first]),
        (None, None) => text,
    };
    let stop = ENDS.iter().filter_map(|m| text.find(m)).min().unwrap_or(text.len());
    &text[..stop]
}

fn first_open(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    REASONING.iter().filter_map(|name| lower.find(&format!("<{name}>"))).min()
}

/// A gateway's error page.
pub(super) fn is_html(text: &str) -> bool {
    let start: String = text.chars().take(64).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// A line that only opens or closes something: a fence, a rule, a tag of its own.
pub(super) fn is_frame(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("```")
        || line.starts_with("~~~")
        || (!line.is_empty() && line.chars().all(|c| "[]{}(),".contains(c)))
        || (line.len() > 1 && line.chars().all(|c| "-*_=#~ ".contains(c)))
        || (line.starts_with('<')
            && line.ends_with('>')
            && line[1..]
                .trim_start_matches('/')
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_->".contains(c)))
}
