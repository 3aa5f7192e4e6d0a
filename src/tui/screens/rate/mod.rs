//! The Rate screen: two texts, one key. The rules are the session's ([`crate::study::session`]);
//! here are its drawing, its keys, and the carrying out of its writes.

mod commands;
mod draw;
mod draw_answers;
mod draw_item;
mod draw_practice;
mod draw_welcome;
mod keys;
mod own_form;
mod skip;
#[cfg(test)]
mod tests;
mod words;
mod work;

use crossterm::event::{KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::domain::{RaterId, StudyId, StudyType};
use crate::store::Action;
use crate::study::StudyError;
use crate::study::session::{
    Act, Loaded, Pick, SaveError, Saved, Session, Standing, View, What, Write, who,
};
use crate::tui::data::Lane;
use crate::tui::load::Load;
use crate::tui::pen::Pen;
use crate::tui::screen::{Answer, Cx, Effect, Screen, ScreenId, Shared, Taken, Tone};
use crate::tui::widgets::{Form, ListControl, Memory};

pub use commands::COMMANDS;
use words::{Purpose, Typed, Words};
use work::{Draft, Opened};

/// What fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Panel {
    /// The studies and raters.
    #[default]
    Pick,
    /// Whatever the session shows.
    Session,
    /// One's own ratings.
    Own,
    /// The pair as one text.
    Reader,
    /// Why a pair is passed over.
    Skip,
}

/// A row of one's own ratings.
#[derive(Debug, Clone, PartialEq)]
struct OwnRow {
    number: usize,
    left: String,
    standing: Standing,
}

/// Its state.
#[derive(Debug)]
pub struct Rate {
    /// Study and rater of the command line.
    asked: Option<(Option<String>, Option<String>)>,
    wanted: Option<(StudyId, RaterId)>,
    picks: Memory<Pick>,
    picks_load: Load<Vec<Pick>>,
    /// The session being opened; its error stays until something else is done.
    opening: Load<Opened>,
    session: Option<Session>,
    panel: Panel,
    own: Memory<OwnRow>,
    form: Option<Form>,
    making: Load<(StudyId, RaterId)>,
    words: Option<Words>,
    /// The words under way to the disk: their pair, and what for.
    sent_words: Option<(i64, Purpose)>,
    draft: Draft,
    keeping: Load<()>,
    saving: Load<Result<Saved, SaveError>>,
    reloading: Load<Result<Loaded, StudyError>>,
    /// When the write under way was sent.
    sent_at: Option<Timestamp>,
    scroll: usize,
    /// How far the texts can be scrolled, as of the last drawing.
    most: usize,
    /// Rows of a page of text, as of the last drawing.
    page: i64,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            asked: None,
            wanted: None,
            picks: Memory::new(
                |p| format!("{} {}", p.study, p.rater.as_ref().map_or("", |r| r.as_str())),
                |p| format!("{} {}", p.study, p.rater.as_ref().map_or("", |r| r.as_str())),
                &[
                    ("newest study", |_, _| std::cmp::Ordering::Equal),
                    ("study", |a, b| (&a.study, &a.rater).cmp(&(&b.study, &b.rater))),
                    ("rater", |a, b| (&a.rater, &a.study).cmp(&(&b.rater, &b.study))),
                ],
            ),
            picks_load: Load::default(),
            opening: Load::default(),
            session: None,
            panel: Panel::Pick,
            own: Memory::new(
                |o| o.number.to_string(),
                |o| format!("{} {}", o.number, o.left),
                &[
                    ("number", |a, b| a.number.cmp(&b.number)),
                    ("score", |a, b| score_of(a.standing).cmp(&score_of(b.standing))),
                ],
            ),
            form: None,
            making: Load::default(),
            words: None,
            sent_words: None,
            draft: Draft::default(),
            keeping: Load::default(),
            saving: Load::default(),
            reloading: Load::default(),
            sent_at: None,
            scroll: 0,
            most: 0,
            page: 0,
        }
    }
}

fn score_of(s: Standing) -> u8 {
    match s {
        Standing::Rated { score, .. } => score.get(),
        _ => 0,
    }
}

impl Rate {
    /// What the command line asked for, before the first frame.
    pub fn open(&mut self, study: Option<String>, rater: Option<String>) {
        self.asked = Some((study, rater));
    }

    fn open_named(&mut self, cx: &mut Cx<'_>) {
        let Some((study, rater)) = self.asked.clone() else { return };
        self.panel = Panel::Session;
        self.making.ask(cx, Lane::Read, move |a| {
            let place = a.place().clone();
            let store = place.read()?;
            let user = std::env::var("USER").ok();
            Ok(who(store.read(), study.as_deref(), rater.as_deref(), user.as_deref())?)
        });
    }

    fn open_wanted(&mut self, cx: &mut Cx<'_>) {
        let Some((study, rater)) = self.wanted.clone() else { return };
        self.panel = Panel::Session;
        self.session = None;
        self.words = None;
        self.scroll = 0;
        // on the lane of writes: what an earlier day left goes out before anything is read
        self.opening.ask(cx, Lane::Write, move |a| work::open(a, &study, &rater));
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        let Some(opened) = self.opening.take() else { return };
        match Session::new(opened.loaded) {
            Ok(session) => self.session = Some(session),
            Err(e) => cx.note(Tone::Bad, e.to_string()),
        }
        self.draft = opened.draft;
        if opened.sent {
            cx.note(Tone::Good, "a rating that was not saved last time is saved now");
        } else if !self.draft.words.is_empty() {
            cx.note(Tone::Plain, "a comment you did not finish is kept: `c` on its pair");
        }
    }

    /// The write came to an end.
    fn saved(&mut self, cx: &mut Cx<'_>) {
        let lost = self.saving.error().map(ToString::to_string);
        let result = match self.saving.take() {
            Some(result) => result,
            None => Err(SaveError::Failed { why: lost.unwrap_or_default() }),
        };
        self.sent_at = None;
        let Some(session) = &mut self.session else { return };
        let good = result.is_ok();
        let write = session.unsaved().cloned();
        let effect = session.written(result, cx.shared.now);
        // what did not reach the disk is kept outside the database, and sent another day
        let unsaved = session.unsaved().cloned();
        // only the write that carried the words says that they are saved
        let of_words = |assignment: i64| {
            matches!(&write, Some(Write { what: What::Event(e), .. })
                if e.assignment == assignment && matches!(e.action, Action::Flag | Action::Skip))
        };
        let sent = self.sent_words.take().filter(|(assignment, _)| of_words(*assignment));
        if good && let Some((assignment, purpose)) = sent {
            self.draft.set(assignment, purpose, "");
            self.draft.unsaved = unsaved;
            self.words = None;
            self.keep(cx);
            let said = match purpose {
                Purpose::Comment => "comment saved",
                Purpose::Flag => "flag saved",
                Purpose::LeaveOut => "passed over, with your reason",
            };
            cx.note(Tone::Good, said);
        } else {
            self.sent_words = sent;
            self.keep_unsaved(cx);
        }
        self.scroll = if good { 0 } else { self.scroll };
        self.carry_out(effect, cx);
    }

    /// Keeps the write that is not on the disk outside the database, to be sent another day; and
    /// forgets one that is there or was refused for good.
    fn keep_unsaved(&mut self, cx: &mut Cx<'_>) {
        let unsaved = self.session.as_ref().and_then(|s| s.unsaved().cloned());
        if self.draft.unsaved != unsaved {
            self.draft.unsaved = unsaved;
            self.keep(cx);
        }
    }

    /// True while words that were sent are on their way to the disk.
    fn words_are_under_way(&self) -> bool {
        self.words.is_some() && self.sent_words.is_some() && self.saving.is_asked()
    }

    /// Writes the draft beside the engine's state.
    fn keep(&mut self, cx: &mut Cx<'_>) {
        let Some((study, rater)) = self.wanted.clone() else { return };
        let draft = self.draft.clone();
        self.keeping
            .ask(cx, Lane::Files, move |a| work::write_draft(a.place(), &study, &rater, &draft));
    }

    fn carry_out(&mut self, effect: Option<crate::study::session::Effect>, cx: &mut Cx<'_>) {
        use crate::study::session::Effect as Todo;
        match effect {
            Some(Todo::Save(write)) => {
                self.sent_at = Some(cx.shared.now);
                self.saving.ask(cx, Lane::Write, move |a| Ok(work::carry_out(a, &write)));
                // by then it is saved, or there is something to say about the waiting
                cx.ask(Effect::Again(500));
            }
            Some(Todo::Reload) => {
                let Some((study, rater)) = self.wanted.clone() else { return };
                self.reloading.ask(cx, Lane::Read, move |a| Ok(work::reload(a, &study, &rater)));
            }
            None => {}
        }
    }

    fn view(&self) -> Option<View<'_>> {
        self.session.as_ref().map(Session::view)
    }
}

impl Screen for Rate {
    fn id(&self) -> ScreenId {
        ScreenId::Rate
    }

    fn mode(&self) -> &'static str {
        if self.form.is_some() {
            return "form";
        }
        if self.words.is_some() {
            return "words";
        }
        match (self.panel, self.view()) {
            (Panel::Pick, _) => "pick",
            (Panel::Own, _) => "own",
            (Panel::Reader, _) => "reader",
            (Panel::Skip, _) => "skip",
            (Panel::Session, None) if self.opening.is_asked() || self.making.is_asked() => {
                "opening"
            }
            (Panel::Session, None) => "failed",
            (Panel::Session, Some(View::Welcome(_))) => "welcome",
            (Panel::Session, Some(View::Guideline { .. })) => "guide",
            (Panel::Session, Some(View::Practice(p))) if p.given.is_none() => "practice",
            (Panel::Session, Some(View::Practice(_) | View::PracticeOver { .. })) => "feedback",
            (Panel::Session, Some(View::Item(_))) => "item",
            (Panel::Session, Some(View::Break(_))) => "break",
            (Panel::Session, Some(View::Done(_))) => "done",
        }
    }

    fn hint(&self, command: &str) -> Option<&'static str> {
        let choice = self.session.as_ref()?.about().study_type == StudyType::Preference;
        match command {
            "rate.1" | "rate.practice-1" if choice => Some("to 3: choose"),
            _ => None,
        }
    }

    fn enter(&mut self, cx: &mut Cx<'_>) {
        if self.session.is_some() {
            return;
        }
        match self.asked {
            Some(_) => self.open_named(cx),
            None => self.read_picks(cx),
        }
    }

    fn is_typing(&self) -> bool {
        self.form.is_some() || self.words.is_some()
    }

    fn typed(&mut self, key: KeyEvent, cx: &mut Cx<'_>) -> Taken {
        if self.form.is_some() {
            return self.form_key(key, cx);
        }
        if self.words_are_under_way() && !key.modifiers.contains(KeyModifiers::CONTROL) {
            return Taken::Yes;
        }
        let Some(words) = &mut self.words else { return Taken::No };
        let typed = words.key(key);
        match typed {
            Typed::Yes => self.words_changed(cx),
            Typed::Send => self.words_send(cx),
            Typed::Leave => self.words_leave(cx),
            Typed::No => {}
        }
        typed.into()
    }

    fn pasted(&mut self, text: &str, cx: &mut Cx<'_>) {
        if let Some(form) = &mut self.form {
            form.paste(text);
        } else if self.words_are_under_way() {
            // what is on its way to the disk is not typed on
        } else if let Some(words) = &mut self.words {
            words.paste(text);
            self.words_changed(cx);
        }
    }

    fn list(&mut self) -> Option<&mut dyn ListControl> {
        match self.panel {
            _ if self.is_typing() => None,
            Panel::Pick => Some(&mut self.picks),
            Panel::Own => Some(&mut self.own),
            _ => None,
        }
    }

    fn answered(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) {
        if self.picks_load.accept(answer) {
            if let Some(rows) = self.picks_load.take() {
                self.picks.set_rows(rows);
            }
        } else if self.making.accept(answer) {
            if let Some(who) = self.making.take() {
                self.form = None;
                self.wanted = Some(who);
                self.open_wanted(cx);
            } else if let Some(e) = self.making.error().filter(|_| self.form.is_some()) {
                cx.note(Tone::Bad, e.to_string());
            }
        } else if self.opening.accept(answer) {
            self.opened(cx);
        } else if self.saving.accept(answer) {
            self.saved(cx);
        } else if self.reloading.accept(answer) {
            if let (Some(result), Some(session)) = (self.reloading.take(), &mut self.session) {
                let here = session.here();
                session.reloaded(result, cx.shared.now);
                if session.here() != here {
                    // words of a pair that is gone are not for the next one
                    self.words = None;
                    self.sent_words = None;
                }
                if let Some(said) = session.notice() {
                    cx.note(Tone::Warn, said);
                }
            }
            self.keep_unsaved(cx);
        } else if self.keeping.accept(answer)
            && let Some(e) = self.keeping.error()
        {
            cx.note(Tone::Warn, e.to_string());
        }
    }

    fn leave(&mut self, cx: &mut Cx<'_>) {
        // before the time on the pair is sent: a write under way may outlast the program
        self.keep_unsaved(cx);
        self.act(Act::Leave, cx);
    }

    fn changed(&mut self, cx: &mut Cx<'_>) {
        if self.panel == Panel::Pick {
            self.read_picks(cx);
        }
    }

    fn ticked(&mut self, cx: &mut Cx<'_>) {
        if self.saving.is_asked() {
            self.keep_unsaved(cx);
            cx.ask(Effect::Again(1000));
        }
    }

    fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        self.draw_all(pen, area, shared);
    }

    fn save(&self) -> serde_json::Value {
        match (&self.wanted, &self.session) {
            (Some((study, rater)), Some(_)) => serde_json::json!({"study": study, "rater": rater}),
            _ => serde_json::Value::Null,
        }
    }

    fn restore(&mut self, saved: &serde_json::Value) {
        let word = |name: &str| saved[name].as_str().map(str::to_owned);
        if let (Some(study), Some(rater)) = (word("study"), word("rater")) {
            self.asked = Some((Some(study), Some(rater)));
        }
    }

    fn unsaved(&self) -> Option<String> {
        let session = self.session.as_ref()?;
        if session.has_unsaved() {
            return Some(
                "The last rating is not saved yet. It is kept and sent at the next start.".into(),
            );
        }
        let n = self.draft.words.len();
        (n > 0).then(|| "A comment was not sent. It is kept for the next start.".into())
    }
}
