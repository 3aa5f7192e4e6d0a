//! Plays the log of a study again and compares with what the tables say.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::{ItemId, RaterId, StudyId};
use crate::store::{
    Assignment, EventKind, Item, ItemKind, JUDGE_SLOTS, Rater, RaterKind, RatingRow, Reader,
    StudyRecord,
};

use super::StudyError;
use super::setup::{hex, item_checksum};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// To be known, and nothing is wrong with the data.
    Notice,
    /// The data is not what the program wrote, or a rule was broken.
    Broken,
}

/// One thing that was found, with what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// What.
    pub what: String,
    /// What to do.
    pub way_out: String,
}

/// Clocks of two hosts may differ by so much before anything is said.
const CLOCKS: SignedDuration = SignedDuration::from_secs(60);
const RESTORE: &str = "the database was changed by something else: keep it, and restore a backup";

struct Found(Vec<Finding>);

impl Found {
    fn broken(&mut self, what: String, way_out: &str) {
        self.0.push(Finding { severity: Severity::Broken, what, way_out: way_out.to_owned() });
    }

    fn notice(&mut self, what: String, way_out: &str) {
        self.0.push(Finding { severity: Severity::Notice, what, way_out: way_out.to_owned() });
    }
}

/// Checks a study: items against their checksums, places against k, raters against languages and
/// cultures, the log against the ratings that stand, its times, the texts, the amendments and the
/// withdrawals. An empty list, or notices alone: it is sound.
///
/// # Errors
/// No such study; the database cannot be read.
pub fn verify(reader: Reader<'_>, study: &StudyId) -> Result<Vec<Finding>, StudyError> {
    let record = reader.need_study(study)?;
    let items: BTreeMap<ItemId, Item> =
        reader.items(study)?.into_iter().map(|i| (i.id.clone(), i)).collect();
    let raters: BTreeMap<RaterId, Rater> =
        reader.raters(study)?.into_iter().map(|r| (r.id.clone(), r)).collect();
    let assignments = reader.assignments(study)?;
    let events = reader.rating_events(study)?;
    let mut found = Found(Vec::new());
    check_items(&mut found, &record, &items);
    check_places(&mut found, &record, reader.k_of(study)?, &items, &raters, &assignments);
    check_log(&mut found, &record, &assignments, &events);
    check_standing(&mut found, &assignments, &events, &reader.current_ratings(study)?);
    check_times(&mut found, &events);
    for text in reader.study_texts(study)? {
        let sum = hex(&Sha256::digest(text.body.as_bytes()));
        if sum != text.sha256 {
            found.broken(format!("text {} is not what its checksum says", text.name()), RESTORE);
        }
    }
    check_amendments(&mut found, reader, &record, &items, &raters)?;
    let gone = reader.withdrawals(study)?;
    for w in &gone {
        let left = events.iter().filter(|e| e.rater == w.rater).count();
        if left > 0 {
            found.broken(
                format!("{} left the study and has {left} events", w.rater),
                "run `polyculture study withdraw` for them again",
            );
        }
        let looked = reader.views_of(study, &w.rater)?.len()
            + reader.practice(study)?.iter().filter(|p| p.rater == w.rater).count();
        if looked > 0 {
            found.broken(
                format!("{} left the study and has {looked} looks or practice answers", w.rater),
                "run `polyculture study withdraw` for them again",
            );
        }
        if assignments.iter().any(|a| a.content.rater == w.rater && a.released_at.is_none()) {
            found.broken(format!("{} left the study and has items", w.rater), RESTORE);
        }
    }
    Ok(found.0)
}

fn check_items(found: &mut Found, record: &StudyRecord, items: &BTreeMap<ItemId, Item>) {
    let top = record.study_type.top();
    for item in items.values() {
        if item_checksum(item) != item.sha256 {
            found.broken(format!("item {}: texts and checksum differ", item.id), RESTORE);
        }
        if let Some(of) = &item.repeat_of {
            let same = items.get(of).is_some_and(|o| {
                o.repeat_of.is_none()
                    && (&o.seed_text, &o.sample_text) == (&item.seed_text, &item.sample_text)
            });
            if !same {
                found.broken(format!("item {} repeats {of}, and differs", item.id), RESTORE);
            }
        }
        let known = item.expected.is_some_and(|(lo, hi)| lo >= 1 && hi <= top);
        if item.kind.is_control() != item.expected.is_some() || (item.kind.is_control() && !known) {
            found.broken(format!("item {}: no control has this expectation", item.id), RESTORE);
        }
        let everybody = item.kind.is_control() || item.kind == ItemKind::Anchor;
        if everybody != item.k.is_none() {
            found.broken(
                format!("item {}: its kind and its k do not go together", item.id),
                RESTORE,
            );
        }
    }
}

fn check_places(
    found: &mut Found,
    record: &StudyRecord,
    k: u32,
    items: &BTreeMap<ItemId, Item>,
    raters: &BTreeMap<RaterId, Rater>,
    assignments: &[Assignment],
) {
    let mut slots = BTreeSet::new();
    let mut pairs = BTreeSet::new();
    let mut held: BTreeMap<&ItemId, u32> = BTreeMap::new();
    for a in assignments.iter().filter(|a| a.released_at.is_none()) {
        let (Some(item), Some(rater)) = (items.get(&a.content.item), raters.get(&a.content.rater))
        else {
            found.broken(format!("assignment {} has no item or no rater", a.id), RESTORE);
            continue;
        };
        if !slots.insert((&item.id, a.content.slot)) || !pairs.insert((&item.id, &rater.id)) {
            found.broken(format!("item {}: a place is taken twice", item.id), RESTORE);
        }
        if rater.kind == RaterKind::Judge || a.content.slot >= JUDGE_SLOTS {
            continue;
        }
        *held.entry(&item.id).or_default() += 1;
        if item.k.is_some_and(|own| a.content.slot >= own.max(k)) {
            found.broken(format!("item {}: more raters than k", item.id), RESTORE);
        }
        if !rater.may_rate(item) {
            found.broken(
                format!("{} has item {}, in another language or culture", rater.id, item.id),
                "amend what the rater declares, or release them (`polyculture study amend`)",
            );
        }
    }
    if record.fixed.is_some() && !assignments.is_empty() {
        let few: Vec<&str> = items
            .values()
            .filter(|i| i.k.is_some() && held.get(&i.id).copied().unwrap_or(0) < k)
            .map(|i| i.id.as_str())
            .collect();
        if let Some(first) = few.first() {
            found.notice(
                format!("{} items have fewer than {k} raters ({first} first)", few.len()),
                "`polyculture study amend --add-raters FILE` fills their places",
            );
        }
    }
}

/// Rules of single events: whose they are, what scores there are, that each is once.
fn check_log(
    found: &mut Found,
    record: &StudyRecord,
    assignments: &[Assignment],
    events: &[RatingRow],
) {
    let by_id: BTreeMap<i64, &Assignment> = assignments.iter().map(|a| (a.id, a)).collect();
    let mut uuids = BTreeSet::new();
    let top = record.study_type.top();
    for e in events {
        if !uuids.insert(&e.uuid) {
            found.broken(format!("event {} is in the log twice", e.uuid), RESTORE);
        }
        if by_id.get(&e.assignment).is_none_or(|a| a.content.rater != e.rater) {
            found.broken(format!("event {} is not by the assignment's rater", e.event), RESTORE);
        }
        let scored = matches!(e.kind, EventKind::Submit | EventKind::Edit);
        if scored != e.score.is_some() || e.score.is_some_and(|s| !(1..=top).contains(&s)) {
            found.broken(
                format!("event {}: {:?} with score {:?} of 1 to {top}", e.event, e.kind, e.score),
                RESTORE,
            );
        }
        let released = by_id.get(&e.assignment).and_then(|a| a.released_at);
        // times of another tool are not ours to compare
        if e.source.is_none() && released.is_some_and(|r| e.at > r + CLOCKS) {
            // the tables keep the order of the log; times are those of clocks
            found.notice(
                format!("event {} is later than the end of its assignment", e.event),
                "the order of the log holds: a clock was set back",
            );
        }
    }
}

/// Plays the log: what stands afterwards is what the tables say stands.
fn check_standing(
    found: &mut Found,
    assignments: &[Assignment],
    events: &[RatingRow],
    current: &[RatingRow],
) {
    // scores that were given and not taken back, by assignment
    let mut stack: BTreeMap<i64, Vec<(i64, Option<u8>)>> = BTreeMap::new();
    for e in events {
        let of = stack.entry(e.assignment).or_default();
        let top = of.last().map(|(id, _)| *id);
        let fits = match e.kind {
            EventKind::Submit => top.is_none() && e.previous.is_none(),
            EventKind::Edit | EventKind::Undo => top.is_some() && e.previous == top,
            EventKind::Skip | EventKind::Flag => e.previous.is_none(),
        };
        if !fits {
            found.broken(
                format!("event {}: {:?} does not follow what stood", e.event, e.kind),
                RESTORE,
            );
        }
        match e.kind {
            EventKind::Submit | EventKind::Edit => of.push((e.event, e.score)),
            EventKind::Undo => of.retain(|(id, _)| Some(*id) != e.previous),
            EventKind::Skip | EventKind::Flag => {}
        }
    }
    let open: BTreeSet<i64> =
        assignments.iter().filter(|a| a.released_at.is_none()).map(|a| a.id).collect();
    let played: BTreeMap<i64, (i64, Option<u8>)> = stack
        .into_iter()
        .filter(|(a, _)| open.contains(a))
        .filter_map(|(a, s)| Some((a, *s.last()?)))
        .collect();
    let stands: BTreeMap<i64, (i64, Option<u8>)> =
        current.iter().map(|r| (r.assignment, (r.event, r.score))).collect();
    for a in played.keys().chain(stands.keys()).collect::<BTreeSet<_>>() {
        if played.get(a) != stands.get(a) {
            found.broken(
                format!(
                    "assignment {a}: the log says {:?}, the ratings say {:?}",
                    played.get(a),
                    stands.get(a)
                ),
                RESTORE,
            );
        }
    }
}

fn check_times(found: &mut Found, events: &[RatingRow]) {
    let mut newest: BTreeMap<&RaterId, jiff::Timestamp> = BTreeMap::new();
    let (mut back, mut early, mut long) = (0usize, 0usize, 0usize);
    for e in events.iter().filter(|e| e.source.is_none()) {
        if newest.get(&e.rater).is_some_and(|t| e.at < *t - CLOCKS) {
            back += 1;
        }
        let t = newest.entry(&e.rater).or_insert(e.at);
        *t = (*t).max(e.at);
        if let Some(shown) = e.shown_at {
            early += usize::from(shown > e.at + CLOCKS);
            let span = e.at.duration_since(shown) + CLOCKS;
            let active = SignedDuration::from_millis(i64::from(e.active_ms.unwrap_or(0)));
            long += usize::from(shown <= e.at && active > span);
        }
    }
    let order = "the order of the log holds; times of these events are not to be trusted";
    if back > 0 {
        found.notice(format!("a clock was set back before {back} events"), order);
    }
    if early > 0 {
        found.notice(format!("{early} events are older than the showing of their pair"), order);
    }
    if long > 0 {
        found.notice(format!("{long} events took more active time than passed"), order);
    }
}

/// What came after the plan was fixed is named by an amendment that came after it too.
fn check_amendments(
    found: &mut Found,
    reader: Reader<'_>,
    record: &StudyRecord,
    items: &BTreeMap<ItemId, Item>,
    raters: &BTreeMap<RaterId, Rater>,
) -> Result<(), StudyError> {
    let amendments = reader.amendments(&record.id)?;
    let Some(fixed) = record.fixed else {
        if !amendments.is_empty() {
            found.broken("amendments of a study that is not fixed".to_owned(), RESTORE);
        }
        return Ok(());
    };
    let mut items_named = BTreeSet::new();
    for (n, a) in (1u32..).zip(&amendments) {
        if a.n != n {
            found.broken(format!("amendment {n} is missing"), RESTORE);
        }
        if a.at < fixed - CLOCKS {
            found.broken(format!("amendment {} is older than the plan", a.n), RESTORE);
        }
        items_named.extend(a.change.items.iter().cloned());
        for item in a.change.items.iter().filter(|i| !items.contains_key(*i)) {
            found.broken(format!("amendment {} names item {item}, which is missing", a.n), RESTORE);
        }
        for rater in a.change.raters.iter().filter(|r| !raters.contains_key(*r)) {
            found.notice(
                format!("amendment {} names rater {rater}, who never came", a.n),
                "nothing; an import named them and took none of their ratings",
            );
        }
    }
    if let Some(spec) = super::StudySpec::stored(&record.spec)
        && (spec.k, spec.seed) != (record.k, record.seed)
    {
        found.broken("settings and study differ in k or in the seed of chance".into(), RESTORE);
    }
    let numbered = items.len();
    if items_named.len() > numbered {
        found.broken("amendments name more items than there are".into(), RESTORE);
    }
    Ok(())
}
