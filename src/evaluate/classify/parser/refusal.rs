//! How models say that they will not answer, in the languages of the tasks.

use std::sync::LazyLock;

use super::fold;

/// Phrases of our own observation, kept short so that endings do not matter. They are looked for
/// only where a reply holds no plain answer.
const PHRASES: &[&str] = &[
    // English
    "I cannot",
    "I can't",
    "I can not",
    "I'm sorry",
    "I am sorry",
    "sorry, but",
    "as an AI",
    "as a language model",
    "I'm unable",
    "I am unable",
    "I'm not able",
    "I am not able",
    "I won't",
    "I will not",
    "cannot assist",
    "can't assist",
    "cannot help",
    "can't help",
    "unable to assist",
    "unable to help",
    "I must decline",
    "I decline",
    "I apologize",
    "I apologise",
    "against my guidelines",
    "not comfortable",
    "I'd rather not",
    "I prefer not",
    // Spanish, Portuguese, German
    "lo siento",
    "no puedo",
    "desculpe",
    "sinto muito",
    "não posso",
    "não consigo",
    "tut mir leid",
    "ich kann nicht",
    "ich kann das nicht",
    "kann ich nicht",
    "ich darf nicht",
    // Turkish, Greek
    "üzgünüm",
    "yardımcı olamam",
    "yardımcı olamıyorum",
    "cevap veremem",
    "λυπάμαι",
    "συγγνώμη",
    "δεν μπορώ",
    // Arabic, Bengali
    "عذرا",
    "آسف",
    "لا أستطيع",
    "لا يمكنني",
    "দুঃখিত",
    "পারছি না",
    "পারি না",
    "পারব না",
    // Chinese, Korean
    "抱歉",
    "对不起",
    "我无法",
    "我不能",
    "죄송",
    "할 수 없",
    "도와드릴 수 없",
    "답변할 수 없",
];

/// Characters of a reply in which a refusal would stand.
const LOOK_AT: usize = 400;

static FOLDED: LazyLock<Vec<String>> = LazyLock::new(|| {
    PHRASES
        .iter()
        .map(|p| {
            let folded = fold(p);
            if super::reading::is_unspaced(&folded) { folded } else { format!(" {folded} ") }
        })
        .collect()
});

/// True where the reply reads as a refusal.
pub fn is_refusal(reply: &str) -> bool {
    let start = &reply[..reply.floor_char_boundary(LOOK_AT)];
    let folded = format!(" {} ", fold(start));
    FOLDED.iter().any(|p| folded.contains(p.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_known_in_every_language_of_the_tasks() {
        for refusal in [
            "I'm sorry, but I can't help with that.",
            "As an AI language model I do not label people.",
            "Lo siento, no puedo ayudar con eso.",
            "Desculpe, não posso fazer isso.",
            "Es tut mir leid, das geht nicht.",
            "Üzgünüm, bu konuda yardımcı olamam.",
            "Λυπάμαι, δεν μπορώ να βοηθήσω.",
            "عذرًا، لا أستطيع المساعدة في ذلك.",
            "দুঃখিত, আমি সাহায্য করতে পারছি না।",
            "抱歉，我无法回答这个问题。",
            "죄송하지만 도와드릴 수 없습니다.",
        ] {
            assert!(is_refusal(refusal), "{refusal}");
        }
        for answer in ["OFF", "not offensive", "This is spam.", "没有威胁", "위협 아님"] {
            assert!(!is_refusal(answer), "{answer}");
        }
    }
}
