//! English phrases with one slot that only few words may fill. A synonym put there blindly
//! ("with esteem to", "by and gigantic") breaks them.

use super::reading::Reading;

/// What may begin a question before "you": auxiliaries, question words, conjunctions.
const BEFORE_YOU: &[&str] = &[
    "do",
    "did",
    "can",
    "could",
    "would",
    "will",
    "should",
    "shall",
    "are",
    "were",
    "have",
    "had",
    "may",
    "might",
    "must",
    "don't",
    "didn't",
    "can't",
    "couldn't",
    "wouldn't",
    "won't",
    "shouldn't",
    "aren't",
    "weren't",
    "haven't",
    "ought",
    "what",
    "how",
    "when",
    "where",
    "if",
    "as",
    "whether",
    "since",
    "because",
    "while",
    "although",
    "though",
    "unless",
    "until",
    "that",
    "and",
    "or",
    "but",
    "so",
    "for",
    "to",
    "with",
    "from",
    "in",
    "then",
    "before",
    "after",
    "once",
    "like",
    "unlike",
    "have",
    "why",
    "who",
    "whom",
    "which",
    "thank",
    "around",
    "near",
    "here",
    "about",
    "among",
    "between",
    "behind",
    "does",
    "is",
    "was",
];

/// A question that begins with some other word and "you": "roads you tell me ..?".
pub(super) fn no_auxiliary(text: &Reading) -> Option<String> {
    let question = text.parts.last().is_some_and(|p| p.folded == "?");
    let [first, second, ..] = text.parts.as_slice() else { return None };
    (question && second.folded == "you" && !BEFORE_YOU.contains(&first.folded.as_str()))
        .then(|| format!("a question cannot begin with `{} you`", first.raw))
}

/// One frame: the words before the slot, those after it, and what may stand between.
struct Frame {
    before: &'static [&'static str],
    after: &'static [&'static str],
    fillers: &'static [&'static str],
}

/// Frames that may stand anywhere.
const ANYWHERE: &[Frame] = &[
    Frame { before: &["in", "the", "grand"], after: &["of", "things"], fillers: &["scheme"] },
    Frame { before: &["the", "grand", "scheme", "of"], after: &[], fillers: &["things"] },
    Frame { before: &["on", "the", "other"], after: &[","], fillers: &["hand", "side", "end"] },
    Frame {
        before: &["would", "you", "be"],
        after: &["to"],
        fillers: &[
            "able",
            "willing",
            "prepared",
            "ready",
            "happy",
            "inclined",
            "likely",
            "open",
            "quick",
            "keen",
            "glad",
            "content",
            "reluctant",
            "opposed",
            "free",
            "unable",
            "tempted",
            "sorry",
            "afraid",
            "proud",
            "pleased",
            "eager",
            "hesitant",
            "unwilling",
            "right",
            "wrong",
            "kind",
            "asked",
            "allowed",
            "obliged",
            "forced",
            "unlikely",
            "closer",
            "interested",
        ],
    },
];

/// Frames that open a sentence.
const OPENING: &[Frame] = &[
    Frame {
        before: &["in"],
        after: &["of"],
        fillers: &[
            "terms",
            "light",
            "view",
            "favour",
            "favor",
            "spite",
            "case",
            "cases",
            "front",
            "place",
            "charge",
            "need",
            "search",
            "support",
            "times",
            "time",
            "periods",
            "matters",
            "search",
            "defence",
            "defense",
            "pursuit",
            "praise",
            "recognition",
            "consideration",
            "respect",
            "honour",
            "honor",
            "memory",
            "lieu",
            "part",
            "parts",
            "some",
            "many",
            "most",
            "all",
            "one",
            "none",
            "any",
            "each",
            "half",
            "both",
            "several",
            "areas",
            "fear",
            "contrast",
            "consequence",
            "point",
            "advance",
            "moments",
            "years",
            "days",
            "excess",
            "anticipation",
            "absence",
            "control",
            "questions",
            "situations",
            "phases",
            "spells",
            "much",
            "either",
        ],
    },
    Frame {
        before: &["with"],
        after: &["to"],
        fillers: &[
            "regard",
            "regards",
            "respect",
            "reference",
            "relation",
            "access",
            "attention",
            "nothing",
            "something",
            "much",
            "little",
            "time",
            "money",
            "reason",
            "reasons",
            "a",
            "people",
            "nowhere",
            "everything",
            "power",
            "children",
        ],
    },
    Frame {
        before: &["on"],
        after: &[","],
        fillers: &[
            "average",
            "balance",
            "occasion",
            "reflection",
            "paper",
            "principle",
            "time",
            "purpose",
            "television",
            "tv",
            "top",
            "sundays",
            "weekdays",
            "weekends",
            "earth",
            "holidays",
        ],
    },
    Frame { before: &["by", "and"], after: &[","], fillers: &["large"] },
];

/// A fixed phrase with the wrong word in its slot.
pub(super) fn broken_phrase(text: &Reading) -> Option<String> {
    let folded: Vec<&str> = text.parts.iter().map(|p| p.folded.as_str()).collect();
    // An opening phrase may also stand after a first comma ("Men, on mean, ..").
    let comma = folded.iter().position(|w| *w == ",").map(|i| i + 1);
    let openings = [Some(0), comma].into_iter().flatten();
    openings
        .flat_map(|at| OPENING.iter().map(move |f| (at, f)))
        .chain((0..folded.len()).flat_map(|at| ANYWHERE.iter().map(move |f| (at, f))))
        .find_map(|(at, frame)| broken_at(&folded, at, frame))
}

fn broken_at(folded: &[&str], at: usize, frame: &Frame) -> Option<String> {
    let rest = folded.get(at..)?;
    let slot = frame.before.len();
    let begins = rest.len() > slot && rest[..slot] == *frame.before;
    if !begins || frame.fillers.contains(&rest[slot]) {
        return None;
    }
    let filler = rest[slot];
    let after = &rest[slot + 1..];
    let ends = frame.after.iter().enumerate().all(|(i, w)| after.get(i) == Some(w));
    let plural = filler.ends_with('s') && !filler.ends_with("ss");
    // -ing and plural words make free phrases of their own: "with living to", "in lines of".
    let free = slot == 1 && frame.after != [","] && (plural || filler.ends_with("ing"));
    (ends && !free && filler.chars().all(char::is_alphabetic)).then(|| {
        let expected = frame.fillers.first().copied().unwrap_or_default();
        let words: Vec<&str> = frame.before.iter().copied().chain([filler]).collect();
        format!("`{}`: expected a word such as `{expected}` there", words.join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_to_you_begins_with_an_auxiliary() {
        for bad in ["Lamps you tell me how often it rains?", "Truth you of the view that it rains?"]
        {
            assert!(no_auxiliary(&Reading::new(bad)).is_some(), "{bad}");
        }
        for good in
            ["Can you tell me how often it rains?", "Lamps you see", "If you sleep, who barks?"]
        {
            assert_eq!(no_auxiliary(&Reading::new(good)), None, "{good}");
        }
    }

    #[test]
    fn a_fixed_phrase_takes_only_its_own_words() {
        for bad in [
            "By and huge, cats sleep",
            "In the grand ladder of things, cats sleep",
            "Cats, in the grand scheme of chairs, sleep",
            "In lamp of this, cats sleep",
            "In fondness of this, cats sleep",
            "With honour to cats, they sleep",
            "Cats, on medium, sleep",
            "Would you be gifted to tell me?",
        ] {
            assert!(broken_phrase(&Reading::new(bad)).is_some(), "{bad}");
        }
        for good in [
            "By and large, cats sleep",
            "In light of this, cats sleep",
            "In lots of ways, cats sleep",
            "With regard to cats, they sleep",
            "On average, cats sleep",
            "He stood by and watched",
            "Would you be willing to tell me?",
            "With nobody there, cats sleep",
        ] {
            assert_eq!(broken_phrase(&Reading::new(good)), None, "{good}");
        }
    }
}
