//! What a reply says before anybody asks what it means: reasoning taken away, refusals told from
//! answers. The same for judges, graders and classifiers.

use std::borrow::Cow;

use super::{ChatReply, Finish};

/// Pairs of marks around reasoning that some models write into their reply.
const REASONING: [(&str, &str); 3] =
    [("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<reasoning>", "</reasoning>")];

/// How a refusal begins or what it holds, folded to lower case, in the languages of the cultures
/// here. Phrases of our own collection; a reply that holds an answer too is not a refusal, which is
/// why the readers look for the answer first.
const REFUSALS: [&str; 56] = [
    "i can't",
    "i cannot",
    "i can not",
    "i'm unable",
    "i am unable",
    "i won't",
    "i will not",
    "i'm sorry",
    "i am sorry",
    "as an ai",
    "i must decline",
    "not able to help",
    "not comfortable",
    "cannot assist",
    "can't assist",
    "我无法",
    "我不能",
    "抱歉",
    "对不起",
    "作为一个ai",
    "لا أستطيع",
    "لا يمكنني",
    "آسف",
    "عذرا",
    "عذرًا",
    "আমি পারব না",
    "দুঃখিত",
    "ich kann nicht",
    "ich kann das nicht",
    "ich kann dir dabei nicht",
    "es tut mir leid",
    "tut mir leid",
    "죄송",
    "할 수 없습니다",
    "não posso",
    "desculpe",
    "sinto muito",
    "lo siento",
    "no puedo",
    "üzgünüm",
    "yapamam",
    "yardımcı olamam",
    "λυπάμαι",
    "δεν μπορώ",
    "je ne peux pas",
    "désolé",
    "i apologize",
    "i apologise",
    "i decline",
    "i'd rather not",
    "unable to assist",
    "não consigo",
    "পারছি না",
    "পারি না",
    "συγγνώμη",
    "도와드릴 수 없",
];

/// The reply without reasoning blocks. `None` where one was opened and never closed: the reply was
/// cut off inside it, and what is left is no answer.
pub fn without_reasoning(text: &str) -> Option<Cow<'_, str>> {
    let mut out = Cow::Borrowed(text);
    for (open, close) in REASONING {
        // A template may have swallowed the opening mark.
        if !out.contains(open) {
            if let Some((_, rest)) = out.rsplit_once(close) {
                out = Cow::Owned(rest.to_owned());
            }
            continue;
        }
        let mut kept = String::new();
        let mut rest: &str = &out;
        while let Some((before, inside)) = rest.split_once(open) {
            kept.push_str(before);
            rest = inside.split_once(close)?.1;
        }
        kept.push_str(rest);
        out = Cow::Owned(kept);
    }
    Some(out)
}

/// True for a reply that declines. Ask only where no answer was found.
pub fn declines(reply: &ChatReply) -> bool {
    reply.finish == Finish::Filtered || reply.refusal.is_some() || sounds_declining(&reply.text)
}

/// The same by the words alone.
pub fn sounds_declining(text: &str) -> bool {
    let folded = crate::text::fold(text);
    REFUSALS.iter().any(|r| folded.contains(r))
}

/// The first `limit` characters, for showing; the whole reply is in the reply store.
pub fn excerpt(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_is_taken_away_and_an_open_block_is_no_answer() {
        assert_eq!(without_reasoning("<think>2? 3?</think>4").unwrap(), "4");
        assert_eq!(without_reasoning("2? 3?</think>\n4").unwrap(), "\n4");
        assert_eq!(without_reasoning("a<think>b</think>c<think>d</think>e").unwrap(), "ace");
        assert_eq!(without_reasoning("<think>2? 3"), None);
        assert_eq!(without_reasoning("4").unwrap(), "4");
    }

    #[test]
    fn refusals_are_known_in_the_languages_of_the_cultures() {
        for text in [
            "I’m sorry, but I can’t help with that.",
            "抱歉，我无法回答。",
            "عذرًا، لا أستطيع ذلك",
            "Es tut mir leid.",
            "죄송합니다.",
            "Λυπάμαι, δεν μπορώ.",
            "দুঃখিত",
        ] {
            assert!(sounds_declining(text), "{text}");
        }
        assert!(!sounds_declining("Score: 4. Both texts say that work is not a duty."));
    }

    #[test]
    fn an_excerpt_never_cuts_a_character() {
        assert_eq!(excerpt("четыре", 3), "чет…");
        assert_eq!(excerpt("ok", 3), "ok");
    }
}
