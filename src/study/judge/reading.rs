//! From a judge's reply to a score, or to the reason why there is none. Nothing is rounded, nothing
//! is guessed: two different scores in one reply are no score.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::providers::{ChatReply, Finish, declines, excerpt, without_reasoning};
use crate::store::VerdictClass;
use crate::text::ascii_digits;

/// What a reply came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Its class.
    pub class: VerdictClass,
    /// The score, 1 to 5, for class `score` alone.
    pub score: Option<u8>,
    /// Why there is none; empty where there is one.
    pub detail: String,
}

impl Reading {
    fn score(score: u8) -> Self {
        Self { class: VerdictClass::Score, score: Some(score), detail: String::new() }
    }

    fn none(class: VerdictClass, detail: impl Into<String>) -> Self {
        Self { class, score: None, detail: detail.into() }
    }
}

/// A pattern of this file, which a test compiles.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// A number, not part of a longer one, a word or a fraction.
static NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"-?[0-9]+(?:[.,][0-9]+)?(?:\s*/\s*[0-9]+)?"));
/// The word for a score in the languages of the cultures, then a number.
static LABELLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:\bscore|\brating|\banswer|\bnote|\bbewertung|\bpunktzahl|\bwertung|\bpuan|\bpuntuación|\bpuntuacion|\bcalificación|\bpontuação|\bnota|βαθμός|βαθμολογία|оценка|评分|评价|分数|得分|점수|평점|স্কোর|নম্বর|الدرجة|التقييم|النتيجة)[\s*_`\x22']*(?:is|=|:|：|of|ist|es|é|είναι|은|는|为|是|هو|هي)?[\s*_`\x22']*(-?[0-9]+(?:[.,][0-9]+)?)",
    )
});
/// What makes one number one of two: `3-4`, `3 or 4`, `3 bis 4`.
static RANGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)^[\s*_`]*(?:-|–|~|/|or\b|to\b|and\b|oder\b|bis\b|ou\b|o\b|y\b|ή|veya|ya da|或|到|至|أو|বা|또는)[\s*_`]*[0-9]",
    )
});
/// Mentions of the scale, which are no answers: `1 to 5`, `1-5`, `out of 5`, `/5`.
static SCALE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)\b1\s*(?:to|-|–|bis|a|à|から|到|至|~)\s*5\b|\s*/\s*5(?:\.0)?\b|\b(?:out of|of|von|de|sur|από|من|over)\s+5\b",
    )
});

/// The same for a scale of 1 to 3.
static SCALE_OF_THREE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)\b1\s*(?:to|-|–|bis|a|à|から|到|至|~)\s*3\b|\s*/\s*3(?:\.0)?\b|\b(?:out of|of|von|de|sur|από|من|over)\s+3\b",
    )
});

/// Reads a reply on the scale of 1 to `top`, 5 or 3.
pub fn read_score(reply: &ChatReply, top: u8) -> Reading {
    let Some(said) = without_reasoning(&reply.text) else {
        return Reading::none(VerdictClass::CutOff, "the reply ends inside its reasoning");
    };
    let text = ascii_digits(said.trim()).into_owned();
    let found = if text.is_empty() { Found::Nothing } else { find(&text, top) };
    match found {
        Found::One(score) => return Reading::score(score),
        Found::Bad(detail) if reply.finish != Finish::Length => {
            // A refusal may name numbers too ("I cannot rate this from 1 to 5").
            if declines(reply) {
                return Reading::none(VerdictClass::Refused, excerpt(&text, 120));
            }
            return Reading::none(VerdictClass::Unparsable, detail);
        }
        Found::Bad(_) | Found::Nothing => {}
    }
    if declines(reply) {
        let why = reply.refusal.as_deref().unwrap_or(&text);
        return Reading::none(VerdictClass::Refused, excerpt(why, 120));
    }
    if reply.finish == Finish::Length {
        return Reading::none(VerdictClass::CutOff, format!("cut off: {}", excerpt(&text, 120)));
    }
    let detail = if text.is_empty() {
        "an empty reply".to_owned()
    } else {
        format!("no score in: {}", excerpt(&text, 120))
    };
    Reading::none(VerdictClass::Unparsable, detail)
}

enum Found {
    One(u8),
    Bad(String),
    Nothing,
}

/// JSON, then a labelled number, then a number that stands alone. Each is looked for only where the
/// one before is not there at all.
fn find(text: &str, top: u8) -> Found {
    match in_json(text, top) {
        Found::Nothing => {}
        other => return other,
    }
    let mentions = if top == 3 { &SCALE_OF_THREE } else { &SCALE };
    let plain = match mentions.as_ref() {
        Some(scale) => scale.replace_all(text, " "),
        None => text.into(),
    };
    if let Some(labelled) = LABELLED.as_ref() {
        let found: Vec<regex::Match<'_>> =
            labelled.captures_iter(&plain).filter_map(|c| c.get(1)).collect();
        let open = |m: &&regex::Match<'_>| {
            RANGE.as_ref().is_some_and(|range| range.is_match(&plain[m.end()..]))
        };
        if let Some(m) = found.iter().find(open) {
            return Found::Bad(format!("several scores: {}", excerpt(&plain[m.start()..], 60)));
        }
        let scores: Vec<&str> = found.iter().map(regex::Match::as_str).collect();
        if !scores.is_empty() {
            return agree(&scores, top);
        }
    }
    let Some(number) = NUMBER.as_ref() else { return Found::Nothing };
    let numbers: Vec<&str> = number.find_iter(&plain).map(|m| m.as_str()).collect();
    if !numbers.is_empty() {
        return agree(&numbers, top);
    }
    chinese(&plain, top).map_or(Found::Nothing, Found::One)
}

/// All of the numbers must be the same whole number of the scale.
fn agree(numbers: &[&str], top: u8) -> Found {
    let mut score = None;
    for n in numbers {
        let value = match whole(n, top) {
            Ok(v) => v,
            Err(why) => return Found::Bad(why),
        };
        if score.is_some_and(|s| s != value) {
            return Found::Bad(format!("several scores: {}", excerpt(&numbers.join(", "), 60)));
        }
        score = Some(value);
    }
    score.map_or(Found::Nothing, Found::One)
}

fn whole(text: &str, top: u8) -> Result<u8, String> {
    let number = text.replace(',', ".");
    match number.parse::<f64>() {
        Ok(x) if x.fract() != 0.0 => Err(format!("{text} is no whole score; nothing is rounded")),
        Ok(x) if (1.0..=f64::from(top)).contains(&x) => Ok(x as u8),
        _ => Err(format!("{} is not on the scale of 1 to {top}", excerpt(text, 20))),
    }
}

/// The first JSON object with a key that names a score.
fn in_json(text: &str, top: u8) -> Found {
    for (start, _) in text.match_indices('{').take(20) {
        let mut documents = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        let Some(Ok(Value::Object(object))) = documents.next() else { continue };
        let score = object.iter().find(|(key, _)| {
            let key = key.to_lowercase();
            ["score", "rating", "similarity", "answer"].iter().any(|k| key.contains(k))
        });
        match score {
            Some((_, Value::Number(n))) => return agree(&[&n.to_string()], top),
            Some((_, Value::String(s))) => {
                let s = s.split('/').next().unwrap_or_default().trim();
                return agree(&[s], top);
            }
            Some((key, Value::Null)) => return Found::Bad(format!("`{key}` is null")),
            _ => {}
        }
    }
    Found::Nothing
}

/// `四` or `四分` alone.
fn chinese(text: &str, top: u8) -> Option<u8> {
    let bare = text.trim().trim_end_matches(['。', '.', '分']).trim();
    let place = ["一", "二", "三", "四", "五"].iter().position(|n| *n == bare)?;
    u8::try_from(place + 1).ok().filter(|score| *score <= top)
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

    fn read_five(reply: &ChatReply) -> Reading {
        read_score(reply, 5)
    }

    #[test]
    fn a_scale_of_three_ends_at_three() {
        for (text, score) in [
            ("Score: 3", Some(3)),
            ("On 1 to 3: 2", Some(2)),
            ("Score: 4", None),
            ("{\"score\": 5}", None),
            ("四", None),
            ("二", Some(2)),
            ("Score: 1/3", Some(1)),
        ] {
            assert_eq!(read_score(&reply(text, Finish::Stop), 3).score, score, "{text}");
        }
    }

    #[test]
    fn what_is_no_score_is_told_apart_by_its_reason() {
        use VerdictClass::{CutOff, Refused, Unparsable};
        for (text, class, word) in [
            ("", Unparsable, "empty"),
            ("They are rather alike.", Unparsable, "no score"),
            ("Score: 4.5", Unparsable, "rounded"),
            ("Score: 7", Unparsable, "scale"),
            ("Score: 0", Unparsable, "scale"),
            ("-3", Unparsable, "scale"),
            ("45", Unparsable, "scale"),
            ("Between 3 and 4", Unparsable, "several"),
            ("Score: 3-4", Unparsable, "several"),
            ("Score: **3** or 4", Unparsable, "several"),
            ("评分：3或4", Unparsable, "several"),
            ("Score: 4\nScore: 2", Unparsable, "several"),
            ("{\"score\": null}", Unparsable, "null"),
            ("{\"score\": 9}", Unparsable, "scale"),
            ("I'm sorry, but I can't rate this.", Refused, "sorry"),
            ("I cannot give a score of 4 or 5 here.", Refused, "cannot"),
            ("抱歉，我无法评价。", Refused, "抱歉"),
            ("<think>the first says", CutOff, "reasoning"),
        ] {
            let r = read_five(&reply(text, Finish::Stop));
            assert_eq!(r.class, class, "{text}: {r:?}");
            assert!(r.score.is_none() && r.detail.contains(word), "{text}: {r:?}");
        }
        let cut = read_five(&reply("Let me compare the two sentences. The first", Finish::Length));
        assert_eq!(cut.class, CutOff);
        assert_eq!(read_five(&reply("", Finish::Filtered)).class, Refused);
        let field = ChatReply { refusal: Some("no".into()), ..reply("", Finish::Stop) };
        assert_eq!(read_five(&field).class, Refused);
    }

    #[test]
    fn a_score_is_read_however_it_is_wrapped() {
        for (text, score) in [
            ("Score: 4", 4),
            ("4", 4),
            ("**Score:** 4", 4),
            ("Score: **4**/5", 4),
            ("4/5", 4),
            ("On the scale of 1 to 5 I would give it a 3.", 3),
            ("Rating = 2 out of 5.", 2),
            ("```json\n{\"score\": 5, \"reason\": \"1 word differs\"}\n```", 5),
            ("Sure! {\"Rating\": \"3\"} as asked.", 3),
            ("<think>2 or 3?</think>\nScore: 3", 3),
            ("Score: 4.0", 4),
            ("Score: 4. There are 2 differences in wording.", 4),
            ("الدرجة: ٤", 4),
            ("স্কোর: ৪", 4),
            ("评分：４", 4),
            ("四分。", 4),
            ("점수: 2", 2),
            ("Βαθμός: 1", 1),
            ("Nota: 5 de 5", 5),
            ("Bewertung: 3", 3),
        ] {
            let r = read_five(&reply(text, Finish::Stop));
            assert_eq!(r.score, Some(score), "{text}: {r:?}");
            assert_eq!(r.class, VerdictClass::Score);
        }
        // cut off after the score is no loss
        assert_eq!(read_five(&reply("Score: 2\nBecause the", Finish::Length)).score, Some(2));
    }

    #[test]
    fn every_pattern_of_this_file_compiles() {
        assert!(NUMBER.is_some() && RANGE.is_some() && LABELLED.is_some() && SCALE.is_some());
        assert!(SCALE_OF_THREE.is_some());
    }

    proptest! {
        #[test]
        fn no_reply_stops_the_reader_and_a_score_is_always_on_the_scale(text in ".{0,80}") {
            let r = read_five(&reply(&text, Finish::Stop));
            prop_assert_eq!(r.score.is_some(), r.class == VerdictClass::Score);
            prop_assert!(r.score.is_none_or(|s| (1..=5).contains(&s)));
        }
    }
}
