//! From a judge's reply to a choice, or to the reason why there is none.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::providers::{ChatReply, Finish, declines, excerpt, without_reasoning};

/// What a judge chose: by place, not by model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The answer shown first.
    A,
    /// The answer shown second.
    B,
    /// Neither.
    Tie,
    /// It declined.
    Refused,
    /// The reply ended before a verdict.
    CutOff,
    /// No verdict, or several, can be read.
    Unparsable,
    /// No reply came back.
    Failed,
}

impl Choice {
    /// True for a verdict: one of the answers, or a tie.
    pub fn is_verdict(self) -> bool {
        matches!(self, Self::A | Self::B | Self::Tie)
    }
}

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// Words for a tie, and the names of the answers.
const NAMES: &str =
    "tie|draw|neither|equal|unentschieden|empate|ισοπαλία|平局|무승부|berabere|تعادل|ড্র|A|B|[12]";

/// A word for the verdict in the languages of the cultures, then a name.
static LABELLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)(?:\bverdict|\bwinner|\bchoice|\bbetter (?:answer|one|response)|\bfinal answer|\burteil|\bkarar|\bveredicto|\bveredito|απόφαση|判定|判断|결론|판정|الحكم|রায়){DRESS}(?:is|=|:|：|ist|es|é|είναι|是|은|는)?{DRESS}(?:(?:answer|response|option|antwort|respuesta|resposta|απάντηση|答案|回答)\s+)?({NAMES})\b"
    ))
});
/// What the whole of a first line may be.
static BARE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)^{DRESS}(?:(?:answer|response|option|antwort|答案|回答)\s*)?({NAMES}){DRESS}[.。]?\s*(?:\n|$)"
    ))
});
/// `Answer B is the better one`.
static SAID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:\banswer\s+|\bresponse\s+|\boption\s+)(A|B|1|2)\s+(?:is|was|seems)\s+(?:clearly\s+|slightly\s+|much\s+)?(?:the\s+)?(?:better|best|stronger|preferable)",
    )
});
/// Emphasis, quotes and brackets around a name.
const DRESS: &str = r"[\s*_`\x22'\[\]()]*";
/// What makes one name one of two: `A or B`.
static EITHER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)^{DRESS}(?:or|and|/|&|oder|und|ou|o|y|ή|veya|或|和|또는|أو|বা){DRESS}(?:A|B|[12])\b"
    ))
});

fn choice(word: &str) -> Choice {
    match word.to_lowercase().as_str() {
        "a" | "1" => Choice::A,
        "b" | "2" => Choice::B,
        _ => Choice::Tie,
    }
}

/// Reads a reply: the choice, and why there is none.
pub fn read_choice(reply: &ChatReply) -> (Choice, String) {
    let Some(said) = without_reasoning(&reply.text) else {
        return (Choice::CutOff, "the reply ends inside its reasoning".into());
    };
    let text = crate::text::ascii_digits(said.trim()).into_owned();
    let mut found: Vec<Choice> = in_json(&text).into_iter().collect();
    for pattern in [&LABELLED, &BARE, &SAID] {
        if found.is_empty()
            && let Some(p) = pattern.as_ref()
        {
            let names: Vec<regex::Match<'_>> =
                p.captures_iter(&text).filter_map(|c| c.get(1)).collect();
            let open = |m: &regex::Match<'_>| {
                EITHER.as_ref().is_some_and(|e| e.is_match(&text[m.end()..]))
            };
            if names.iter().any(open) {
                return (Choice::Unparsable, format!("several verdicts: {}", excerpt(&text, 120)));
            }
            found = names.iter().map(|m| choice(m.as_str())).collect();
        }
    }
    found.sort_unstable();
    found.dedup();
    match found[..] {
        [one] => return (one, String::new()),
        [_, ..] if reply.finish != Finish::Length => {
            return (Choice::Unparsable, format!("several verdicts: {}", excerpt(&text, 120)));
        }
        _ => {}
    }
    if declines(reply) {
        let why = reply.refusal.as_deref().unwrap_or(&text);
        return (Choice::Refused, excerpt(why, 120));
    }
    if reply.finish == Finish::Length {
        return (Choice::CutOff, format!("cut off: {}", excerpt(&text, 120)));
    }
    let what = if text.is_empty() {
        "an empty reply".to_owned()
    } else {
        format!("no verdict in: {}", excerpt(&text, 120))
    };
    (Choice::Unparsable, what)
}

fn in_json(text: &str) -> Option<Choice> {
    for (start, _) in text.match_indices('{').take(20) {
        let mut documents = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        let Some(Ok(Value::Object(object))) = documents.next() else { continue };
        for (key, value) in &object {
            let key = key.to_lowercase();
            let named = ["verdict", "winner", "choice", "better", "answer"];
            if let (true, Some(said)) = (named.iter().any(|n| key.contains(n)), value.as_str()) {
                let bare = BARE.as_ref()?.captures(said)?;
                return bare.get(1).map(|m| choice(m.as_str()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Usage;
    use proptest::prelude::*;

    fn reply(text: &str, finish: Finish) -> ChatReply {
        ChatReply {
            text: text.into(),
            finish,
            refusal: None,
            usage: Usage::default(),
            model: "m".into(),
            key: "k".into(),
            stored: false,
        }
    }

    #[test]
    fn what_is_no_verdict_is_told_apart() {
        for (text, class) in [
            ("", Choice::Unparsable),
            ("Both answers have their points, and a reader may like either.", Choice::Unparsable),
            ("Verdict: A\nVerdict: B", Choice::Unparsable),
            ("Verdict: C", Choice::Unparsable),
            ("Verdict: A or B", Choice::Unparsable),
            ("Verdict: **A** / B", Choice::Unparsable),
            ("A lot could be said about this.", Choice::Unparsable),
            ("I'm sorry, I can't compare these.", Choice::Refused),
            ("<think>Answer A is", Choice::CutOff),
        ] {
            assert_eq!(read_choice(&reply(text, Finish::Stop)).0, class, "{text}");
        }
        assert_eq!(read_choice(&reply("Let me see. The", Finish::Length)).0, Choice::CutOff);
        assert_eq!(read_choice(&reply("", Finish::Filtered)).0, Choice::Refused);
    }

    #[test]
    fn a_verdict_is_read_however_it_is_wrapped() {
        for (text, class) in [
            ("Verdict: A", Choice::A),
            ("**Verdict: B**", Choice::B),
            ("B", Choice::B),
            ("B.", Choice::B),
            ("Answer A", Choice::A),
            ("[[A]]", Choice::A),
            ("Verdict: tie", Choice::Tie),
            ("Tie", Choice::Tie),
            ("The better answer is B, since it names both views.", Choice::B),
            ("Answer A is clearly the better one.", Choice::A),
            ("Answer A is vague, answer B is not.\n\nVerdict: B", Choice::B),
            ("{\"verdict\": \"B\", \"reason\": \"A is vague\"}", Choice::B),
            ("```json\n{\"winner\": \"tie\"}\n```", Choice::Tie),
            ("<think>A? B?</think>Verdict: B", Choice::B),
            ("判定：A", Choice::A),
            ("판정: B", Choice::B),
            ("Urteil: unentschieden", Choice::Tie),
            ("২", Choice::B),
        ] {
            let (found, why) = read_choice(&reply(text, Finish::Stop));
            assert_eq!(found, class, "{text}: {why}");
        }
        assert!(LABELLED.is_some() && BARE.is_some() && SAID.is_some() && EITHER.is_some());
    }

    proptest! {
        #[test]
        fn no_reply_stops_the_reader(text in ".{0,80}") {
            let (found, why) = read_choice(&reply(&text, Finish::Stop));
            prop_assert_eq!(found.is_verdict(), why.is_empty());
        }
    }
}
