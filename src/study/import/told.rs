//! What another tool tells of one judgement, and how its item and its score are found.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;

use crate::store::Item;

use super::super::rating_file::parse_score;

/// One judgement as the other tool tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Told {
    /// 1-based number of its record.
    pub number: u64,
    /// What it is called: `record 3, annotation 1001`.
    pub place: String,
    /// The rater's name there; empty if the file does not say.
    pub rater: String,
    /// Names that the item may have, the most telling first.
    pub ids: Vec<String>,
    /// Texts that were shown.
    pub texts: Vec<String>,
    /// The seed, where the record names it.
    pub seed: Option<String>,
    /// Answers by the name of their question.
    pub answers: Vec<(String, Value)>,
    /// When.
    pub rated_at: Option<Timestamp>,
    /// How long, in milliseconds.
    pub active_ms: Option<u32>,
    /// The rater's words.
    pub comment: Option<String>,
}

/// What a parser found.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Judgements of people.
    pub told: Vec<Told>,
    /// Records that are none: number, place, reason.
    pub bad: Vec<(u64, String, String)>,
    /// Judgements left out, by reason.
    pub left_out: BTreeMap<String, usize>,
}

impl Parsed {
    pub(super) fn leave_out(&mut self, why: impl Into<String>) {
        *self.left_out.entry(why.into()).or_default() += 1;
    }

    pub(super) fn bad(&mut self, number: u64, place: impl Into<String>, why: impl Into<String>) {
        self.bad.push((number, place.into(), why.into()));
    }
}

/// Keys under which an item's name may stand, the most telling first.
const ITEM_KEYS: [&str; 5] = ["item", "item_id", "sample", "sample_id", "instance_id"];
const SEED_KEYS: [&str; 4] = ["seed", "seed_id", "cluster", "question_id"];

/// A name: a text or a number.
pub(super) fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::String(s) if !s.trim().is_empty() => Some(s.trim().to_owned()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// The item's names, its seed and the texts shown, from the fields of a record.
pub(super) fn fields(told: &mut Told, fields: &Map<String, Value>) {
    told.ids.extend(ITEM_KEYS.iter().filter_map(|k| fields.get(*k).and_then(name_of)));
    if told.seed.is_none() {
        told.seed = SEED_KEYS.iter().find_map(|k| fields.get(*k).and_then(name_of));
    }
    told.texts.extend(fields.values().filter_map(Value::as_str).map(str::to_owned));
}

/// True for names that are fields of ours and never an answer.
pub(super) fn is_ours(key: &str) -> bool {
    ITEM_KEYS.contains(&key) || SEED_KEYS.contains(&key)
}

/// A moment as tools write it: RFC 3339.
pub(super) fn moment(value: Option<&Value>) -> Option<Timestamp> {
    value?.as_str()?.trim().parse().ok()
}

/// Seconds as milliseconds.
pub(super) fn seconds(value: Option<&Value>) -> Option<u32> {
    let value = value?;
    let s = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (s.is_finite() && (0.0..4e6).contains(&s)).then_some((s * 1000.0).round() as u32)
}

/// A score out of an answer: a number, a text that begins with one (`4 - details differ`) or ends
/// in one after `_` (`scale_4`), or a list of one of these. The error says what was expected.
pub(super) fn score(value: &Value) -> Result<u8, String> {
    match value {
        Value::Number(n) => parse_score(&n.to_string()),
        Value::Array(list) if list.len() == 1 => score(&list[0]),
        Value::Array(list) => Err(format!("{} answers: expected one of 1 to 5", list.len())),
        Value::String(s) => {
            let s = s.trim();
            let end = s.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(s.len());
            let (head, tail) = s.split_at(end);
            // `4,5` and `4-5` are no 4
            let more = tail.trim_start_matches([',', '-', '\u{2013}']);
            let range = more.len() < tail.len() && more.starts_with(|c: char| c.is_ascii_digit());
            let apart = !range && tail.chars().next().is_none_or(|c| !c.is_alphanumeric());
            if !head.is_empty() && apart {
                return parse_score(head.trim_end_matches('.'));
            }
            match s.rsplit_once('_') {
                Some((_, n)) if !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) => {
                    parse_score(n)
                }
                _ => {
                    let short: String = s.chars().take(40).collect();
                    Err(format!(
                        "answer `{short}`: expected 1 to 5, alone or before the words of the choice"
                    ))
                }
            }
        }
        other => Err(format!("answer {other}: expected 1 to 5")),
    }
}

/// Names of questions that a study of ours asks.
const KNOWN_QUESTIONS: [&str; 6] =
    ["similarity", "score", "rating", "preference", "appropriateness", "label"];

/// Which question's answers are the scores: the one named, the only one whose answers are scores,
/// or the only one with a name that our studies use. The names to choose from, otherwise.
pub(super) fn question(told: &[Told], named: Option<&str>) -> Result<String, Vec<String>> {
    let asked: BTreeSet<&str> =
        told.iter().flat_map(|t| &t.answers).map(|(name, _)| name.as_str()).collect();
    if let Some(named) = named {
        let known = asked.iter().map(|n| (*n).to_owned()).collect();
        return if asked.contains(named) { Ok(named.to_owned()) } else { Err(known) };
    }
    let scored: BTreeSet<&str> = told
        .iter()
        .flat_map(|t| &t.answers)
        .filter(|(_, v)| score(v).is_ok())
        .map(|(name, _)| name.as_str())
        .collect();
    let only = |names: Vec<&str>| (names.len() == 1).then(|| names[0].to_owned());
    let known = scored.iter().copied().filter(|n| KNOWN_QUESTIONS.contains(n)).collect();
    only(scored.iter().copied().collect())
        .or_else(|| only(known))
        .ok_or_else(|| asked.iter().map(|n| (*n).to_owned()).collect())
}

/// The items of a study, to find one by name or by its texts.
#[derive(Debug)]
pub(super) struct Index<'a> {
    items: &'a [Item],
    names: &'a BTreeMap<String, usize>,
    by_text: BTreeMap<String, Vec<usize>>,
}

/// How texts are compared: composed, without outer space and doubled space.
fn plain(text: &str) -> String {
    let composed: String = text.nfc().collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl<'a> Index<'a> {
    pub(super) fn new(items: &'a [Item], names: &'a BTreeMap<String, usize>) -> Self {
        let mut by_text: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        // A repeat shows the texts of another item and is only reached by its name.
        for (i, item) in items.iter().enumerate() {
            if item.repeat_of.is_some() || item.sample_text.trim().is_empty() {
                continue;
            }
            by_text.entry(plain(&item.sample_text)).or_default().push(i);
        }
        Self { items, names, by_text }
    }

    /// The name of the item, and whether it was found by its texts.
    pub(super) fn find(&self, told: &Told) -> Result<(String, bool), String> {
        if let Some(i) = told.ids.iter().find_map(|id| self.names.get(id)) {
            return Ok((self.items[*i].id.to_string(), false));
        }
        let shown: BTreeSet<String> = told.texts.iter().map(|t| plain(t)).collect();
        let other = |i: &Item| {
            let texts = [Some(&i.seed_text), i.context.as_ref()];
            texts.into_iter().flatten().filter(|t| !t.is_empty()).map(|t| plain(t)).collect()
        };
        let mut found: BTreeSet<usize> = BTreeSet::new();
        for i in shown.iter().filter_map(|t| self.by_text.get(t)).flatten() {
            let others: Vec<String> = other(&self.items[*i]);
            if others.iter().all(|t| shown.contains(t)) {
                found.insert(*i);
            }
        }
        if found.is_empty() && shown.len() == 1 {
            // one text that holds both, as some tools show pairs
            let all: String = shown.iter().cloned().collect();
            for (_, items) in self.by_text.iter().filter(|(t, _)| all.contains(t.as_str())) {
                let both = |i: &&usize| other(&self.items[**i]).iter().all(|t| all.contains(t));
                found.extend(items.iter().filter(both));
            }
        }
        // a control that shows one text twice fits wherever that text stands: more texts say more
        let texts = |i: usize| {
            let item = &self.items[i];
            let all = [Some(&item.seed_text), Some(&item.sample_text), item.context.as_ref()];
            let all = all.into_iter().flatten().filter(|t| !t.trim().is_empty());
            all.map(|t| plain(t)).collect::<BTreeSet<_>>().len()
        };
        let most = found.iter().map(|i| texts(*i)).max();
        found.retain(|i| Some(texts(*i)) == most);
        let names: Vec<&str> = found.iter().map(|i| self.items[*i].id.as_str()).collect();
        match names.as_slice() {
            [one] => Ok(((*one).to_owned(), true)),
            [] => Err(match told.ids.first() {
                Some(id) => format!("no item `{id}` in the study, and no item with these texts"),
                None => "no name of an item (`item`, `item_id`, `sample`), and no item of the \
                         study with these texts"
                    .to_owned(),
            }),
            several => Err(format!(
                "its texts fit {} items ({}): expected the item's name beside them",
                several.len(),
                several.join(", ")
            )),
        }
    }
}

impl Index<'_> {
    /// All names that items are known by.
    pub(super) fn known(&self) -> BTreeSet<String> {
        self.names.keys().cloned().collect()
    }
}
