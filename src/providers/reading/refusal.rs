//! Refusals, in the languages that models of today refuse in.

/// Phrases that no survey item holds: wherever they stand in the first words, it is a refusal.
const ANYWHERE: [&str; 20] = [
    "as an ai",
    "as a language model",
    "as a large language model",
    "i cannot assist",
    "i can't assist",
    "cannot help with",
    "can't help with",
    "unable to assist",
    "unable to help with",
    "i cannot fulfill",
    "i can't fulfill",
    "i cannot comply",
    "i can't comply",
    "i must decline",
    "i'm not able to help",
    "i am not able to help",
    "this request violates",
    "en tant qu'ia",
    "como modelo de lenguaje",
    "als ki-modell",
];

/// Beginnings with which a model says no.
const BEGINNINGS: [&str; 45] = [
    "i'm sorry",
    "i am sorry",
    "sorry, ",
    "sorry but",
    "i apologize",
    "i cannot provide",
    "i can't provide",
    "i cannot rewrite",
    "i can't rewrite",
    "i cannot translate",
    "i can't translate",
    "i won't ",
    "unfortunately, i can",
    "je suis désolé",
    "désolé,",
    "je ne peux pas",
    "lo siento",
    "no puedo ayudar",
    "es tut mir leid",
    "tut mir leid",
    "ich kann dir dabei nicht",
    "desculpe",
    "sinto muito",
    "não posso ajudar",
    "mi dispiace",
    "üzgünüm",
    "извините",
    "к сожалению, я не могу",
    "λυπάμαι",
    "συγγνώμη",
    "xin lỗi",
    "maaf,",
    "عذرًا",
    "عذراً",
    "عذرا",
    "آسف",
    "أعتذر",
    "দুঃখিত",
    "क्षमा करें",
    "माफ़ कीजिए",
    "抱歉",
    "对不起",
    "很抱歉",
    "申し訳",
    "죄송",
];

/// Words at the beginning that are looked at, in characters.
const LOOK: usize = 160;
/// Longest reply that is taken as a refusal whole, in lines with words in them.
const LINES: usize = 6;

/// True where one text is a refusal and no sentence of a survey.
pub fn is_refusal(text: &str) -> bool {
    let start: String =
        text.trim().chars().take(LOOK).collect::<String>().to_lowercase().replace('\u{2019}', "'");
    let start = start.trim_start_matches(|c: char| !c.is_alphabetic());
    BEGINNINGS.iter().any(|b| start.starts_with(b)) || ANYWHERE.iter().any(|p| start.contains(p))
}

/// True where a whole reply is a refusal: it begins as one and is no list.
pub(super) fn whole(text: &str) -> bool {
    is_refusal(text)
        && text.lines().filter(|l| !l.trim().is_empty()).count() <= LINES
        && super::lines::marked(text) < 2
}
