//! Our parser: a line that is a label, a JSON field, a line that names its answer, else the only
//! label that is mentioned. What is ambiguous is no label.

use std::collections::HashMap;

use serde_json::Value;

use super::reading::{ends, fold, is_unspaced};
use super::{Invalid, Reading};
use crate::evaluate::classify::task::Task;
use crate::providers::{sounds_declining, without_reasoning};

/// Fields of a JSON reply that hold the answer.
const FIELDS: [&str; 9] = [
    "label",
    "answer",
    "class",
    "classification",
    "category",
    "prediction",
    "result",
    "output",
    "verdict",
];

/// Words before an answer that say nothing, folded.
const LEADS: &[&str] = &[
    "the",
    "final",
    "answer",
    "label",
    "class",
    "classification",
    "category",
    "verdict",
    "output",
    "result",
    "is",
    "my",
    "it",
    "its",
    "this",
    "text",
    "sentence",
    "would",
    "be",
    "i",
    "say",
    "sure",
    "respuesta",
    "etiqueta",
    "resposta",
    "rotulo",
    "es",
    "e",
    "la",
    "a",
    "antwort",
    "ist",
    "die",
    "cevap",
    "etiket",
    "απαντηση",
    "ετικετα",
    "η",
    "ειναι",
    "الاجابة",
    "الجواب",
    "التصنيف",
    "উত্তর",
    "লেবেল",
    "答案",
    "标签",
    "回答",
    "是",
    "답",
    "정답",
    "레이블",
];

/// Words of a line that names its answer: what follows is it.
const NAMES: &[&str] = &[
    "answer",
    "label",
    "classification",
    "verdict",
    "respuesta",
    "etiqueta",
    "resposta",
    "rotulo",
    "antwort",
    "cevap",
    "etiket",
    "απαντηση",
    "ετικετα",
    "الاجابة",
    "الجواب",
    "التصنيف",
    "উত্তর",
    "লেবেল",
    "答案",
    "标签",
    "回答",
    "정답",
    "레이블",
];

/// Yes and no, folded: they answer only at the start of a line.
const SHORT: &[&str] = &[
    "yes",
    "no",
    "si",
    "sim",
    "nao",
    "ja",
    "nein",
    "evet",
    "hayir",
    "ναι",
    "οχι",
    "نعم",
    "لا",
    "হ্যাঁ",
    "না",
    "是",
    "否",
    "예",
    "네",
    "아니오",
    "아니요",
];

/// Words that turn the label after them (or, in some languages, before them) into the other one.
const NEGATORS: &[&str] = &[
    "not",
    "no",
    "isnt",
    "doesnt",
    "dont",
    "never",
    "without",
    "neither",
    "nothing",
    "free",
    "non",
    "nicht",
    "kein",
    "keine",
    "keinen",
    "ohne",
    "nao",
    "sem",
    "sin",
    "nunca",
    "δεν",
    "μη",
    "χωρις",
    "ليس",
    "ليست",
    "لا",
    "غير",
    "بدون",
];
const NEGATORS_AFTER: &[&str] =
    &["degil", "yok", "নয়", "না", "নেই", "아님", "아닙니다", "아니다", "없음"];
/// Words between a negator and the label that it turns.
const REACH: usize = 4;

/// Bytes of a reply in which a refusal would stand.
const REFUSAL_WITHIN: usize = 600;

/// A word of a label.
#[derive(Debug, Clone)]
struct Word {
    /// Folded; with a blank on both sides unless its script has none between words.
    text: String,
    label: usize,
    digits: bool,
}

/// The parser of one task.
#[derive(Debug, Clone)]
pub struct DefaultParser {
    exact: HashMap<String, usize>,
    /// Longest first, without yes and no.
    words: Vec<Word>,
    /// The words that the prompt asks for, as written, longest first.
    asked: Vec<(String, usize)>,
    labels: usize,
    digits: bool,
}

impl DefaultParser {
    /// For the labels of a task.
    pub fn new(task: &Task) -> Self {
        let mut exact = HashMap::new();
        let mut words = Vec::new();
        let mut asked = Vec::new();
        for (label, l) in task.labels.iter().enumerate() {
            asked.push((l.say.clone(), label));
            for word in std::iter::once(&l.say).chain(&l.words) {
                let folded = fold(word);
                if folded.is_empty() {
                    continue;
                }
                if !SHORT.contains(&folded.as_str()) {
                    let digits = folded.bytes().all(|b| b.is_ascii_digit());
                    let text =
                        if is_unspaced(&folded) { folded.clone() } else { format!(" {folded} ") };
                    words.push(Word { text, label, digits });
                }
                exact.insert(folded, label);
            }
            // The gold value itself is understood too, unless it is a word of another label.
            let gold = fold(&l.gold);
            if !gold.is_empty() {
                exact.entry(gold).or_insert(label);
            }
        }
        words.sort_by_key(|w| std::cmp::Reverse(w.text.chars().count()));
        asked.sort_by_key(|(w, _)| std::cmp::Reverse(w.len()));
        let digits = words.iter().any(|w| w.digits);
        Self { exact, words, asked, labels: task.labels.len(), digits }
    }

    /// Reads a reply.
    pub fn read(&self, reply: &str) -> Reading {
        // The usual case first: the word that was asked for and nothing else.
        if reply.len() <= 64
            && let Some(&label) = self.exact.get(&fold(reply))
        {
            return Reading::Label(label);
        }
        let shown = ends(reply);
        let Some(bare) = without_reasoning(&shown) else {
            return Reading::Invalid(Invalid::CutOff);
        };
        let lines: Vec<&str> = bare.lines().map(str::trim).filter(|l| !is_blank(l)).collect();
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
            return Reading::Invalid(Invalid::Empty);
        };
        if let Some(label) = self.json(&bare) {
            return Reading::Label(label);
        }
        let named = lines.iter().rev().find_map(|l| self.named(l));
        if let Some(label) = self.line(first).or(named).or_else(|| self.line(last)) {
            return Reading::Label(label);
        }
        if sounds_declining(&bare[..bare.floor_char_boundary(REFUSAL_WITHIN)]) {
            return self.asked_once(&bare).map_or(Reading::Refusal, Reading::Label);
        }
        match self.mentioned(first) {
            Mentions::One(label) => return Reading::Label(label),
            Mentions::Several => return Reading::Invalid(Invalid::Several),
            Mentions::None => {}
        }
        match self.mentioned(&bare) {
            Mentions::One(label) => Reading::Label(label),
            Mentions::Several => Reading::Invalid(Invalid::Several),
            Mentions::None => Reading::Invalid(Invalid::NoLabel),
        }
    }

    /// A line that is a label, bare or after words that say nothing: `1. **OFF**`, `Answer: OFF`.
    fn line(&self, line: &str) -> Option<usize> {
        let folded = fold(line);
        let mut rest = folded.as_str();
        loop {
            if let Some(&label) = self.exact.get(rest) {
                return Some(label);
            }
            let (word, after) = rest.split_once(' ')?;
            let numbering = !self.digits && word.bytes().all(|b| b.is_ascii_digit());
            if !numbering && !LEADS.contains(&word) {
                return None;
            }
            rest = after;
        }
    }

    /// What follows the last `answer`, `label` and the like in a line, where that is a label.
    fn named(&self, line: &str) -> Option<usize> {
        let folded = fold(line);
        let (at, name) = NAMES
            .iter()
            .filter_map(|n| folded.rfind(n).map(|i| (i, *n)))
            .max_by_key(|(i, _)| *i)?;
        let rest = folded[at + name.len()..].trim_start();
        if rest.is_empty() {
            return None;
        }
        self.line(rest).or_else(|| match self.mentioned_folded(rest) {
            Mentions::One(label) => Some(label),
            _ => None,
        })
    }

    fn json(&self, text: &str) -> Option<usize> {
        let mut from = 0;
        while let Some(i) = text[from..].find('{') {
            let at = from + i;
            let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
            if let Some(Ok(Value::Object(map))) = values.next() {
                let field = map
                    .iter()
                    .find(|(k, _)| FIELDS.contains(&k.to_lowercase().as_str()))
                    .or_else(|| map.iter().next().filter(|_| map.len() == 1));
                return field.and_then(|(_, v)| self.value(v));
            }
            from = at + 1;
        }
        None
    }

    fn value(&self, v: &Value) -> Option<usize> {
        match v {
            Value::String(s) => self.line(s),
            Value::Number(n) => self.line(&n.to_string()),
            Value::Bool(b) => self.line(if *b { "yes" } else { "no" }),
            Value::Array(a) if a.len() == 1 => self.value(&a[0]),
            _ => None,
        }
    }

    /// The only word that the prompt asked for which stands in the reply as it was written.
    fn asked_once(&self, reply: &str) -> Option<usize> {
        let mut rest = reply.to_owned();
        let mut found = None;
        for (word, label) in &self.asked {
            if word.bytes().all(|b| b.is_ascii_digit()) {
                continue;
            }
            let parts: Vec<&str> = rest.split(word.as_str()).collect();
            let whole = |side: Option<char>| side.is_none_or(|c| !c.is_alphanumeric() && c != '_');
            let there = parts
                .windows(2)
                .any(|w| whole(w[0].chars().next_back()) && whole(w[1].chars().next()));
            if there {
                if found.is_some_and(|f| f != *label) {
                    return None;
                }
                found = Some(*label);
            }
            // `OFF` must not be found again inside `NOT_OFF`.
            rest = parts.join("\u{1}");
        }
        found
    }

    fn mentioned(&self, text: &str) -> Mentions {
        self.mentioned_folded(&fold(text))
    }

    fn mentioned_folded(&self, folded: &str) -> Mentions {
        let mut text = format!(" {folded} ");
        let mut found = Mentions::None;
        // Yes or no at the start answers; what follows may say the same again.
        let first = folded.split(' ').next().unwrap_or_default();
        if SHORT.contains(&first)
            && let Some(&label) = self.exact.get(first)
        {
            found = found.and(label);
        }
        for w in &self.words {
            while let Some(at) = text.find(&w.text) {
                let end = at + w.text.len();
                let turned = !w.digits && is_negated(&text[..at], &text[end..]);
                match (turned, self.labels) {
                    (false, _) => found = found.and(w.label),
                    (true, 2) => found = found.and(1 - w.label),
                    // Not this one, of three or more: it says nothing of the others.
                    (true, _) => {}
                }
                // Blanks stay, so that neighbours keep their edges; bars are in no word.
                text.replace_range(at..end, &format!(" {} ", "|".repeat(w.text.len().max(3) - 2)));
            }
        }
        found
    }
}

fn is_blank(line: &str) -> bool {
    line.starts_with("```") || fold(line).is_empty()
}

fn is_negated(before: &str, after: &str) -> bool {
    let near = before.split_whitespace().rev().take(REACH);
    near.take_while(|w| !w.starts_with('|')).any(|w| NEGATORS.contains(&w))
        || after.split_whitespace().take(2).any(|w| NEGATORS_AFTER.contains(&w))
}

/// Labels that are mentioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mentions {
    None,
    One(usize),
    Several,
}

impl Mentions {
    fn and(self, label: usize) -> Self {
        match self {
            Self::None => Self::One(label),
            Self::One(l) if l == label => self,
            _ => Self::Several,
        }
    }
}
