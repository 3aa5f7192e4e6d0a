//! What an act does, and what a save moves.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::Score;
use crate::domain::StudyType;
use crate::store::{Action, ConsentGiven, EventKind, NewEvent, Reason, ViewKind};
use crate::study::StudyError;

use super::clock::Clock;
use super::load::{Done, apply};
use super::state::{BREAK_AFTER_ITEMS, BREAK_AFTER_MS, Failed, Place};
use super::view::LastSaved;
use super::{Act, Effect, Loaded, SaveError, Saved, Session, Standing, What, Write};

impl Session {
    /// What the rater did, and when. While a write is under way nothing else is taken.
    pub fn act(&mut self, act: Act, now: Timestamp) -> Option<Effect> {
        self.notice = None;
        self.clock.touch(now);
        if self.pending.is_some() {
            if act != Act::Look {
                self.notice = Some("saving ..; this key was not taken".into());
            }
            return None;
        }
        match (self.place, act) {
            (_, Act::Look) => None,
            (_, Act::Retry) => self.retry(now),
            (place, Act::Leave) => self.leave_off(place, now),
            (Place::Welcome, Act::Begin) => self.begin(now),
            (Place::FirstGuideline, Act::Begin | Act::Guideline(false)) => {
                self.practise(now);
                None
            }
            (Place::Practice { round, i, given: None }, Act::Score(score)) => {
                self.answer_practice(round, i, score, now)
            }
            (Place::Practice { given: Some(_), .. }, Act::Begin) => {
                self.practise(now);
                None
            }
            (Place::PracticeOver, Act::Begin) => {
                self.show_next(now);
                None
            }
            (Place::Practice { .. } | Place::PracticeOver, Act::Guideline(true)) => {
                // reading it again leads back to where practice stands
                self.place = Place::FirstGuideline;
                None
            }
            (Place::Guideline(back), Act::Begin | Act::Guideline(_)) => {
                self.place = back.map_or(Place::Done, Place::Item);
                self.clock.resume(now);
                None
            }
            (Place::Break { then, .. }, Act::Begin) => {
                self.since_break = (0, 0);
                match then.filter(|i| *i < self.loaded.total()) {
                    Some(i) => self.show(i, now),
                    None => self.place = Place::Done,
                }
                None
            }
            (Place::Item(i), act) => self.act_on(i, act, now),
            (Place::Done, act) => self.act_at_end(act, now),
            _ => None,
        }
    }

    fn begin(&mut self, now: Timestamp) -> Option<Effect> {
        if !self.loaded.consented {
            let texts = &self.loaded.texts;
            let given = ConsentGiven {
                language: texts.consent_language.clone(),
                version: texts.consent.reference(),
                sha256: texts.consent_sha256.clone(),
                at: now,
            };
            return Some(self.send(What::Consent(given), now));
        }
        self.after_welcome(now);
        None
    }

    fn after_welcome(&mut self, now: Timestamp) {
        if self.is_fresh() {
            self.place = Place::FirstGuideline;
        } else {
            self.show_next(now);
        }
    }

    pub(super) fn show_next(&mut self, now: Timestamp) {
        match self.front() {
            Some(i) => self.show(i, now),
            None => self.place = Place::Done,
        }
    }

    fn act_at_end(&mut self, act: Act, now: Timestamp) -> Option<Effect> {
        match act {
            Act::Begin => {
                let first = self.loaded.entries.iter().position(|e| e.standing == Standing::PutOff);
                if let Some(i) = first {
                    self.again = true;
                    self.show(i, now);
                }
                None
            }
            Act::Back => {
                self.show(self.loaded.total() - 1, now);
                None
            }
            Act::GoTo(_) | Act::Front => self.go(act, 0, now),
            Act::Guideline(true) => {
                self.place = Place::Guideline(None);
                None
            }
            Act::Undo if self.may_leave() => self.undo(now),
            _ => None,
        }
    }

    fn act_on(&mut self, i: usize, act: Act, now: Timestamp) -> Option<Effect> {
        let entry = self.loaded.entries.get(i)?;
        let standing = entry.standing;
        let covered = entry.sensitive && !entry.revealed;
        match act {
            // a write that failed is not forgotten for it
            Act::Reveal if covered => {
                if self.may_leave() {
                    self.log_first(i, ViewKind::Revealed, now)
                } else {
                    None
                }
            }
            Act::Score(_) | Act::ShowDiff(_) | Act::Broken if covered => {
                self.notice = Some("the texts are covered: Enter shows them, s passes over".into());
                None
            }
            Act::Score(score) if score.get() > self.loaded.about.study_type.top() => {
                self.notice = Some("here 1, 2 and 3 rate, or a, t and b".into());
                None
            }
            Act::Score(score) => self.rate(i, entry.turn(score), standing, now),
            Act::Skip | Act::LeaveOut(..) if matches!(standing, Standing::Rated { .. }) => {
                self.notice = Some("this pair is rated; `u` takes a rating back".into());
                None
            }
            Act::Skip if standing == Standing::PutOff => {
                self.move_on(i, now);
                None
            }
            Act::Skip => self.event(i, Action::Skip, None, None, now),
            Act::LeaveOut(Reason::Comment, _) => None,
            Act::LeaveOut(reason, _) if standing == Standing::LeftOut(reason) => {
                self.move_on(i, now);
                None
            }
            Act::LeaveOut(reason, words) => self.event(i, Action::Skip, Some(reason), words, now),
            Act::Broken => self.event(i, Action::Flag, Some(Reason::BrokenText), None, now),
            Act::Flag(words) => self.event(i, Action::Flag, Some(Reason::Other), Some(words), now),
            Act::Comment(words) if words.trim().is_empty() => None,
            Act::Comment(words) => {
                self.event(i, Action::Flag, Some(Reason::Comment), Some(words), now)
            }
            Act::ShowDiff(_) if !self.loaded.word_diff => {
                self.notice = Some("this study does not show the word difference".into());
                None
            }
            Act::ShowDiff(_) if self.loaded.about.study_type != StudyType::Similarity => {
                self.notice =
                    Some("the word difference is for pairs that should mean the same".into());
                None
            }
            // logged once a rating: shown again it is known already
            Act::ShowDiff(true) if !entry.diff_seen && self.may_leave() => {
                self.log_first(i, ViewKind::Diff, now)
            }
            Act::ShowDiff(true) if self.failed.is_some() => None,
            Act::ShowDiff(on) => {
                self.diff = on;
                None
            }
            Act::Guideline(true) => {
                self.clock.pause(now);
                self.place = Place::Guideline(Some(i));
                None
            }
            Act::Pause => {
                self.leave_by(i, ViewKind::Pause, now);
                self.place = Place::Break { asked: true, then: Some(i) };
                None
            }
            Act::Undo if self.may_leave() => self.undo(now),
            Act::Back | Act::Next | Act::Front | Act::GoTo(_) if self.may_leave() => {
                self.go(act, i, now)
            }
            _ => None,
        }
    }

    /// The rater goes: the time on the pair they are at is logged, and what else waits for a write.
    fn leave_off(&mut self, place: Place, now: Timestamp) -> Option<Effect> {
        if let Place::Item(i) | Place::Guideline(Some(i)) = place {
            self.clock.pause(now);
            self.note_time(i, ViewKind::Leave);
            if let Some(e) = self.loaded.entries.get_mut(i) {
                e.spent_ms = self.clock.active_ms();
            }
        }
        if self.unlogged.is_empty() || self.failed.is_some() {
            self.resume_item(now);
            return None;
        }
        Some(self.send(What::Views, now))
    }

    /// The clock runs on where a pair is on the screen.
    fn resume_item(&mut self, now: Timestamp) {
        if matches!(self.place, Place::Item(_)) {
            self.clock.resume(now);
        }
    }

    /// Rates a pair, the score being that of the log.
    fn rate(
        &mut self,
        i: usize,
        score: Score,
        standing: Standing,
        now: Timestamp,
    ) -> Option<Effect> {
        match standing {
            Standing::Rated { score: same, .. } if same == score && self.failed.is_none() => {
                self.move_on(i, now);
                None
            }
            Standing::Rated { event, .. } => {
                self.event(i, Action::Edit { score, previous: event }, None, None, now)
            }
            _ => self.event(i, Action::Submit(score), None, None, now),
        }
    }

    /// A pair with an unsaved act is not left.
    fn may_leave(&mut self) -> bool {
        let free = self.failed.is_none();
        if !free {
            self.notice = Some("the last act is not saved yet: `r` tries again".into());
        }
        free
    }

    fn go(&mut self, act: Act, from: usize, now: Timestamp) -> Option<Effect> {
        let last = self.front().unwrap_or(self.loaded.total().saturating_sub(1));
        let open = |i: usize| self.loaded.entries.get(i).map(|e| e.standing);
        let to = match act {
            Act::Back => from.checked_sub(1),
            Act::Next => Some(from + 1),
            Act::GoTo(number) => number.checked_sub(1),
            _ => Some(last),
        };
        match to.filter(|i| *i <= last || open(*i).is_some_and(|s| s != Standing::Open)) {
            Some(i) if i < self.loaded.total() => {
                // at the end no pair is on the screen: the clock is nobody's
                if self.place == Place::Item(from) {
                    self.leave(from, now);
                }
                self.show(i, now);
            }
            _ => self.notice = Some("there is no pair to go to in that direction yet".into()),
        }
        None
    }

    fn undo(&mut self, now: Timestamp) -> Option<Effect> {
        let Some(step) = self.loaded.trail.last().copied() else {
            self.notice = Some("there is nothing to undo".into());
            return None;
        };
        let at = self.loaded.entries.iter().position(|e| e.assignment == step.assignment)?;
        if step.score.is_none() {
            if let Place::Item(i) = self.place {
                self.leave(i, now);
            }
            // a skip is not taken back by an event: the pair is shown again, and rating it is
            self.loaded.trail.pop();
            self.show(at, now);
            return None;
        }
        let action = Action::Undo { previous: step.event };
        let event = NewEvent {
            guideline_version: Some(self.loaded.texts.version()),
            ..NewEvent::new(step.assignment, self.loaded.rater.clone(), action)
        };
        Some(self.send(What::Event(event), now))
    }

    /// Makes the write of an act on a pair; the one that failed is used again where it is the same.
    fn event(
        &mut self,
        i: usize,
        action: Action,
        reason: Option<Reason>,
        comment: Option<String>,
        now: Timestamp,
    ) -> Option<Effect> {
        if self.stale {
            return self.retry(now);
        }
        let comment = comment.filter(|c| !c.trim().is_empty());
        let entry = self.loaded.entries.get(i)?;
        if let Some(Failed { write: Write { what: What::Event(e), .. }, unsure, .. }) = &self.failed
        {
            if (e.assignment, e.action, e.reason, &e.comment)
                == (entry.assignment, action, reason, &comment)
            {
                return self.retry(now);
            }
            if e.comment.is_some() {
                self.notice = Some("your words are not saved yet: `r` tries again".into());
                return None;
            }
            if *unsure {
                // it may have been stored after all: look before anything else is written
                self.notice = Some("the study is read again; then repeat the key".into());
                self.stale = true;
                return Some(Effect::Reload);
            }
        }
        let event = NewEvent {
            uuid: Uuid::now_v7(),
            assignment: entry.assignment,
            rater: self.loaded.rater.clone(),
            action,
            reason,
            comment,
            shown_at: self.clock.shown_at(),
            active_ms: Some(u32::try_from(self.clock.active_ms()).unwrap_or(u32::MAX)),
            diff_visible: Some(entry.diff_seen),
            guideline_version: Some(self.loaded.texts.version()),
            source: None,
            rated_at: None,
        };
        Some(self.send(What::Event(event), now))
    }

    pub(super) fn send(&mut self, what: What, now: Timestamp) -> Effect {
        // the time of saving is not the rater's
        self.clock.pause(now);
        let (study, rater) = (self.loaded.study.clone(), self.loaded.rater.clone());
        if let What::Event(event) = &what
            && !matches!(event.action, Action::Flag | Action::Undo { .. })
        {
            // the rating holds all the time on its pair
            self.unlogged.retain(|v| v.assignment != event.assignment);
        }
        let views = self.unlogged.clone();
        let texts = self.loaded.texts.unstored.clone();
        let write = Write { study, rater, what, views, texts };
        self.failed = None;
        self.unsure = false;
        self.pending = Some(write.clone());
        Effect::Save(write)
    }

    pub(super) fn retry(&mut self, now: Timestamp) -> Option<Effect> {
        if self.stale {
            return Some(Effect::Reload);
        }
        let Failed { write, unsure, .. } = self.failed.take()?;
        // one try of which nothing is known is enough, whatever comes of the next
        self.unsure = unsure;
        self.clock.pause(now);
        self.pending = Some(write.clone());
        Some(Effect::Save(write))
    }

    /// The outcome of the write under way. Only now does the session move on; after a failure it
    /// stays where it is, and the same act sends the same write again.
    pub fn written(&mut self, result: Result<Saved, SaveError>, now: Timestamp) -> Option<Effect> {
        let write = self.pending.take()?;
        match result {
            Ok(saved) => {
                self.logged(&write.views);
                if let What::View(view) = &write.what {
                    self.logged(std::slice::from_ref(view));
                }
                self.loaded.texts.unstored.retain(|t| !write.texts.contains(t));
                self.saved(&write.what, saved, now);
                None
            }
            Err(e) => {
                if let What::View(view) = &write.what {
                    // spent all the same, and perhaps stored
                    self.spent(view);
                }
                self.clock.resume(now);
                self.stale = matches!(e, SaveError::Refused { .. });
                let unsure = self.unsure || matches!(e, SaveError::Failed { .. });
                self.failed = Some(Failed { write, message: e.to_string(), unsure });
                self.stale.then_some(Effect::Reload)
            }
        }
    }

    fn saved(&mut self, what: &What, saved: Saved, now: Timestamp) {
        let event = match what {
            What::Event(event) => event,
            What::Consent(_) => {
                self.loaded.consented = true;
                self.loaded.consent_changed = false;
                self.last_saved = Some(LastSaved { number: 0, score: None, undone: false });
                return self.after_welcome(now);
            }
            What::Practice(answer) => return self.practised(answer),
            What::View(view) => return self.seen(view.assignment, view.kind, now),
            What::Views => return self.resume_item(now),
        };
        let at = self.loaded.entries.iter().position(|e| e.assignment == event.assignment);
        let Some(i) = at else { return self.show_next(now) };
        let (kind, score, previous) = event.action.parts();
        if matches!(kind, EventKind::Submit | EventKind::Edit | EventKind::Skip) {
            // noted while this event waited to be tried again: stored later it would look as if
            // the pair had been opened once more
            self.unlogged.retain(|v| v.assignment != event.assignment);
        }
        let score = score.and_then(|s| Score::new(s).ok());
        let number = saved.event.unwrap_or_default();
        let entry = &mut self.loaded.entries[i];
        let comment = event.comment.as_deref();
        let done = Done { event: number, kind, score, reason: event.reason, comment, previous };
        apply(entry, &mut self.loaded.trail, &done);
        let shown = score.map(|s| entry.turn(s));
        self.last_saved =
            Some(LastSaved { number: i + 1, score: shown, undone: kind == EventKind::Undo });
        let spent = event.active_ms.map_or(0, u64::from);
        match kind {
            EventKind::Undo => {
                if let Place::Item(here) = self.place {
                    self.leave(here, now);
                }
                self.show(i, now);
            }
            EventKind::Flag => self.clock.resume(now),
            EventKind::Submit | EventKind::Edit | EventKind::Skip => {
                let entry = &mut self.loaded.entries[i];
                entry.spent_ms = 0;
                entry.logged_ms = 0;
                entry.diff_seen = false;
                self.loaded.active_ms += spent;
                self.since_break.1 += spent;
                self.since_break.0 += 1;
                if kind == EventKind::Submit && spent > 0 {
                    self.loaded.times.push(spent);
                }
                self.finish(i, now);
            }
        }
    }

    /// Moves on from a pair that is done, over a break where one is due.
    fn finish(&mut self, i: usize, now: Timestamp) {
        self.clock = Clock::default();
        let due = self.since_break.0 >= BREAK_AFTER_ITEMS || self.since_break.1 >= BREAK_AFTER_MS;
        match self.next_to_do(i) {
            Some(next) if due => self.place = Place::Break { asked: false, then: Some(next) },
            Some(next) => self.show(next, now),
            None => self.place = Place::Done,
        }
    }

    fn move_on(&mut self, i: usize, now: Timestamp) {
        self.leave(i, now);
        match self.next_to_do(i) {
            Some(next) => self.show(next, now),
            None => self.place = Place::Done,
        }
    }

    fn leave(&mut self, i: usize, now: Timestamp) {
        self.leave_by(i, ViewKind::Leave, now);
    }

    fn leave_by(&mut self, i: usize, kind: ViewKind, now: Timestamp) {
        self.clock.pause(now);
        self.note_time(i, kind);
        if let Some(e) = self.loaded.entries.get_mut(i) {
            e.spent_ms = self.clock.active_ms();
        }
        self.clock = Clock::default();
    }

    /// What was to be shown is in the log now.
    fn seen(&mut self, assignment: i64, kind: ViewKind, now: Timestamp) {
        let at = self.loaded.entries.iter().position(|e| e.assignment == assignment);
        if let Some(i) = at {
            let here = self.place == Place::Item(i);
            let entry = &mut self.loaded.entries[i];
            match kind {
                ViewKind::Diff => {
                    entry.diff_seen = true;
                    self.diff = here;
                }
                ViewKind::Revealed => entry.revealed = true,
                ViewKind::Shown | ViewKind::Pause | ViewKind::Leave => {}
            }
        }
        self.clock.resume(now);
    }

    fn show(&mut self, i: usize, now: Timestamp) {
        self.place = Place::Item(i);
        // off for every pair: who wants the difference asks for it
        self.diff = false;
        self.clock.show(now, self.loaded.entries.get(i).map_or(0, |e| e.spent_ms));
    }

    /// The study as it is now in the database. The session stands at the same pair where the rater
    /// still has it, else at the first that waits.
    pub fn reloaded(&mut self, result: Result<Loaded, StudyError>, now: Timestamp) {
        let loaded = match result {
            Ok(loaded) => loaded,
            Err(e) => {
                if let Some(failed) = &mut self.failed {
                    failed.message = format!("not saved: {e}; `r` tries again");
                }
                return;
            }
        };
        let here = match self.place {
            Place::Item(i) | Place::Guideline(Some(i)) | Place::Break { then: Some(i), .. } => {
                self.loaded.entries.get(i).map(|e| e.assignment)
            }
            _ => None,
        };
        if let Some(failed) = self.failed.take() {
            self.notice = Some(failed.message);
        }
        self.stale = false;
        let before = std::mem::replace(&mut self.loaded, loaded);
        self.keep_seen(&before.entries);
        self.practice_reloaded();
        let Some(here) = here else { return };
        match self.loaded.entries.iter().position(|e| e.assignment == here) {
            Some(i) => self.show(i, now),
            None => self.show_next(now),
        }
    }
}
