//! Reading one rater's part of a study; what is wrong is said before anything is shown.

use std::collections::BTreeMap;

use crate::domain::StudyType;
use crate::domain::{RaterId, Score, StudyId};
use crate::store::{
    Consent, ConsentGiven, EventKind, Item, Practice, RaterKind, RatingRow, Reader, Reason,
};
use crate::study::{About, RaterTexts, StudyError};

use super::Standing;
use super::seen::replay_views;

/// A pair, its history, and nothing that would tell what it is for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) assignment: i64,
    pub(super) left: String,
    /// Empty where one answer is judged.
    pub(super) right: String,
    /// The question asked, where the study shows one.
    pub(super) context: Option<String>,
    pub(super) language: String,
    /// By the item's first and second text, as stored.
    pub(super) standing: Standing,
    /// True where the score of a preference is turned round on its way to the log and back.
    pub(super) turned: bool,
    /// True while the texts are to be covered until a key.
    pub(super) sensitive: bool,
    /// True once they were uncovered.
    pub(super) revealed: bool,
    pub(super) flags: Vec<Reason>,
    pub(super) comments: Vec<String>,
    /// Spent on it since its last rating, in milliseconds.
    pub(super) spent_ms: u64,
    /// As much of it as is in the log.
    pub(super) logged_ms: u64,
    /// Whether the word difference was shown since its last rating.
    pub(super) diff_seen: bool,
}

impl Entry {
    /// A score as it stands on the screen from one of the log, and the other way round.
    pub(super) fn turn(&self, score: Score) -> Score {
        if !self.turned {
            return score;
        }
        Score::new(4_u8.saturating_sub(score.get())).unwrap_or(score)
    }

    /// Its standing as the screen shows it.
    pub(super) fn shown_standing(&self) -> Standing {
        match self.standing {
            Standing::Rated { score, event } => Standing::Rated { score: self.turn(score), event },
            other => other,
        }
    }
}

/// A step that undo goes back over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) assignment: i64,
    pub(super) event: i64,
    /// `None`: skipped.
    pub(super) score: Option<Score>,
}

/// One rater's part of a study, as read from the database.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub(super) study: StudyId,
    pub(super) rater: RaterId,
    pub(super) consented: bool,
    /// True where an earlier text was agreed to.
    pub(super) consent_changed: bool,
    pub(super) about: About,
    pub(super) texts: RaterTexts,
    /// This rater's answers in practice, in order.
    pub(super) practised: Vec<Practice>,
    pub(super) word_diff: bool,
    pub(super) entries: Vec<Entry>,
    pub(super) trail: Vec<Step>,
    /// Active milliseconds of each rating so far.
    pub(super) times: Vec<u64>,
    /// Active milliseconds of everything so far.
    pub(super) active_ms: u64,
}

impl Loaded {
    /// Pairs of this rater.
    pub fn total(&self) -> usize {
        self.entries.len()
    }

    /// The one language of all pairs; `None` where there are several.
    pub fn language(&self) -> Option<&str> {
        one_language(&self.entries)
    }
}

fn one_language(entries: &[Entry]) -> Option<&str> {
    let first = entries.first()?.language.as_str();
    entries.iter().all(|e| e.language == first).then_some(first)
}

/// `consent` and 1 of `consent.de@1`: a consent of the program in whatever language.
fn of_any_language(version: &str) -> (&str, &str) {
    let (name, number) = version.rsplit_once('@').unwrap_or((version, ""));
    (name.split('.').next().unwrap_or_default(), number)
}

/// Whether this text was agreed to. Where nothing but a version was stored (studies of old, and
/// imported ones), the version decides.
fn agreed(stored: Option<&Consent>, given: &[ConsentGiven], texts: &RaterTexts) -> bool {
    match stored {
        None => false,
        // one's own samples: there is nobody to consent to
        Some(c) if c.version == "own" => true,
        Some(_) if !given.is_empty() => given.iter().any(|g| g.sha256 == texts.consent_sha256),
        Some(c) => of_any_language(&c.version) == of_any_language(&texts.consent.reference()),
    }
}

/// Reads what `rater` has to do in `study` and has done.
///
/// # Errors
/// No such study, or one without a plan; a rater that is not in it or is no person; one with
/// nothing to rate: because all of it was taken back, because no pair is in their languages, or
/// because the plan gave them nothing.
pub fn load(reader: Reader<'_>, study: &StudyId, rater: &RaterId) -> Result<Loaded, StudyError> {
    let record = reader.need_study(study)?;
    if record.fixed.is_none() {
        return Err(StudyError::NotPlanned { study: study.clone() });
    }
    let who = (study.clone(), rater.clone());
    let Some(person) = reader.rater(study, rater)? else {
        let others = reader.raters(study)?.len();
        return Err(StudyError::UnknownRater { study: who.0, rater: who.1, others });
    };
    if person.kind != RaterKind::Human {
        let kind = if person.kind == RaterKind::Judge { "a model judge" } else { "a script" };
        return Err(StudyError::NotAPerson { study: who.0, rater: who.1, kind });
    }
    let mut items: BTreeMap<_, Item> =
        reader.items(study)?.into_iter().map(|i| (i.id.clone(), i)).collect();
    let assignments = reader.assignments_of(study, rater)?;
    let taken_back = assignments.iter().filter(|a| a.released_at.is_some()).count();
    let mut entries = Vec::new();
    for a in assignments.into_iter().filter(|a| a.released_at.is_none()) {
        // a repeat has an item of its own, so that every item is taken once
        let Some(item) = items.remove(&a.content.item) else { continue };
        let (seed, sample) = (item.seed_text, item.sample_text);
        let (left, right) = match (record.study_type, a.content.swap) {
            (StudyType::Appropriateness, _) => (sample, String::new()),
            (_, true) => (sample, seed),
            (_, false) => (seed, sample),
        };
        entries.push(Entry {
            assignment: a.id,
            left,
            right,
            context: item.context,
            language: item.language,
            standing: Standing::Open,
            turned: record.study_type == StudyType::Preference && a.content.swap,
            sensitive: item.sensitive,
            revealed: false,
            flags: Vec::new(),
            comments: Vec::new(),
            spent_ms: 0,
            logged_ms: 0,
            diff_seen: false,
        });
    }
    if entries.is_empty() {
        if taken_back > 0 {
            return Err(StudyError::AllTakenBack { study: who.0, rater: who.1, n: taken_back });
        }
        let mut languages: Vec<String> = items.into_values().map(|i| i.language).collect();
        languages.sort_unstable();
        languages.dedup();
        if !languages.iter().any(|l| person.languages.contains(l)) {
            return Err(StudyError::OtherLanguage {
                study: who.0,
                rater: who.1,
                languages: languages.join(", "),
                declared: person.languages.join(", "),
            });
        }
        return Err(StudyError::NothingAssigned { study: who.0, rater: who.1 });
    }
    // Who rates in several languages reads the words that all raters share.
    let language = one_language(&entries).unwrap_or("en").to_owned();
    let texts = RaterTexts::of(reader, &record, &language)?;
    let consented = agreed(person.consent.as_ref(), &reader.consents(study, rater)?, &texts);
    let mut practised = reader.practice(study)?;
    practised.retain(|p| p.rater == *rater);
    let mut loaded = Loaded {
        study: who.0,
        rater: who.1,
        consented,
        consent_changed: !consented && person.consent.is_some(),
        about: About::of(&record),
        texts,
        practised,
        // studies made before the setting existed allow it
        word_diff: record.spec.get("word_diff").and_then(serde_json::Value::as_bool) != Some(false),
        entries,
        trail: Vec::new(),
        times: Vec::new(),
        active_ms: 0,
    };
    let events = reader.events_of(study, rater)?;
    for row in &events {
        loaded.replay(row);
    }
    replay_views(&mut loaded.entries, &reader.views_of(study, rater)?, &events);
    Ok(loaded)
}

impl Loaded {
    /// Takes an event of the log into account, in the order of the log.
    fn replay(&mut self, row: &RatingRow) {
        let Some(entry) = self.entries.iter_mut().find(|e| e.assignment == row.assignment) else {
            return;
        };
        let spent = row.active_ms.map_or(0, u64::from);
        if row.kind != EventKind::Flag {
            self.active_ms += spent;
        }
        if matches!(row.kind, EventKind::Submit) && spent > 0 {
            self.times.push(spent);
        }
        apply(
            entry,
            &mut self.trail,
            &Done {
                event: row.event,
                kind: row.kind,
                score: row.score.and_then(|s| Score::new(s).ok()),
                reason: row.reason,
                comment: row.comment.as_deref(),
                previous: row.previous,
            },
        );
    }
}

/// An event that is in the log: read from there, or written a moment ago.
pub(super) struct Done<'a> {
    pub(super) event: i64,
    pub(super) kind: EventKind,
    pub(super) score: Option<Score>,
    pub(super) reason: Option<Reason>,
    pub(super) comment: Option<&'a str>,
    pub(super) previous: Option<i64>,
}

/// What an event of the log makes of its pair. Loading and saving both come here, so that a
/// session that goes on and one that is opened anew stand at the same place.
pub(super) fn apply(entry: &mut Entry, trail: &mut Vec<Step>, done: &Done<'_>) {
    let step = Step { assignment: entry.assignment, event: done.event, score: done.score };
    let rated = |score| Standing::Rated { score, event: done.event };
    match done.kind {
        EventKind::Submit | EventKind::Edit => {
            if let Some(score) = done.score {
                entry.standing = rated(score);
                trail.push(step);
            }
        }
        EventKind::Undo => {
            trail.retain(|s| Some(s.event) != done.previous);
            let before =
                trail.iter().rev().find(|s| s.assignment == entry.assignment && s.score.is_some());
            entry.standing = match before.and_then(|s| s.score.map(|score| (score, s.event))) {
                Some((score, event)) => Standing::Rated { score, event },
                None => Standing::Open,
            };
        }
        EventKind::Skip => {
            if !matches!(entry.standing, Standing::Rated { .. }) {
                entry.standing = done.reason.map_or(Standing::PutOff, Standing::LeftOut);
            }
            trail.push(step);
        }
        EventKind::Flag => match done.reason {
            Some(Reason::Comment) => {}
            reason => entry.flags.push(reason.unwrap_or(Reason::Other)),
        },
    }
    if let Some(words) = done.comment {
        entry.comments.push(words.to_owned());
    }
}
