//! The program's state, and the pure step from a message to the next state and what is to be done.

mod chrome;
mod commands;
mod help;
mod locked;
mod overlay;
mod palette;
mod run_command;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Rect;

use super::data::{EngineNews, Lane};
use super::key::Key;
use super::keymap::Keymap;
use super::load::Load;
use super::pace::{Kept, Pace, rests_after};
use super::pen::Pen;
use super::screen::{Answer, Cx, Effect, Screen, ScreenId, Shared, Taken, Ticket, Tone};
use super::screens::Screens;
use crate::domain::Survey;

pub use commands::COMMANDS;
pub use locked::permitted;
pub use overlay::Overlay;

/// See [`Reader::survey_stamp`](crate::store::Reader::survey_stamp).
type Stamp = [u64; 4];

/// What can happen.
#[derive(Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Msg {
    Key(KeyEvent),
    Paste(String),
    Mouse(MouseEvent),
    Resize(u16, u16),
    Answer(ScreenId, Answer),
    Engine(EngineNews),
    StoreChanged,
    /// A time that was asked for with [`Effect::Again`] has come.
    Tick,
    /// The keys rest: the time that was asked for with [`Effect::Rest`] has come.
    Rested,
    /// Something outside the screens to say.
    Note(Tone, String),
}

/// The program's state.
#[derive(Debug)]
pub struct App {
    /// What every screen reads.
    pub shared: Shared,
    /// Keys and commands.
    pub keymap: Keymap,
    pub(super) screens: Screens,
    at: ScreenId,
    overlay: Option<Overlay>,
    note: Option<(Tone, String)>,
    survey: Load<Option<(Stamp, Survey)>>,
    /// The survey that is known, and whether the database changed while it was asked after.
    stamp: Option<Stamp>,
    survey_again: bool,
    effects: Vec<Effect>,
    tickets: Ticket,
    /// Where the screen was drawn last: for the mouse.
    body: Rect,
    pace: Pace,
    /// The pace before this key, and when a key moved a cursor last.
    before: Pace,
    moved_at: Option<jiff::Timestamp>,
    kept: Kept,
}

/// The screens whose state outlives the program: those with a tab, and a study under way.
fn remembered() -> impl Iterator<Item = ScreenId> {
    ScreenId::ALL.into_iter().chain([ScreenId::Study])
}

impl App {
    /// At its first screen; [`App::start`] asks for what that needs.
    pub fn new(shared: Shared, keymap: Keymap, screens: Screens, at: ScreenId) -> Self {
        Self {
            shared,
            keymap,
            screens,
            at,
            overlay: None,
            note: None,
            survey: Load::default(),
            stamp: None,
            survey_again: false,
            effects: Vec::new(),
            tickets: 0,
            body: Rect::ZERO,
            pace: Pace::Rest,
            before: Pace::Rest,
            moved_at: None,
            kept: Kept::default(),
        }
    }

    /// The screen that is shown.
    pub fn at(&self) -> ScreenId {
        self.at
    }

    /// What stands over it.
    pub fn overlay(&self) -> Option<&Overlay> {
        self.overlay.as_ref()
    }

    /// The line above the footer.
    pub fn note(&self) -> Option<&(Tone, String)> {
        self.note.as_ref()
    }

    /// Asks for what the first screen needs.
    pub fn start(&mut self) -> Vec<Effect> {
        self.read_survey();
        self.with_screen(|s, cx| s.enter(cx));
        std::mem::take(&mut self.effects)
    }

    /// One step. Never waits, never reads or writes anything.
    pub fn update(&mut self, msg: Msg, now: jiff::Timestamp) -> Vec<Effect> {
        self.shared.now = now;
        match msg {
            Msg::Key(key) => self.key(key),
            Msg::Paste(text) => self.paste(&text),
            Msg::Mouse(event) => {
                if self.overlay.is_none() {
                    self.mouse(event);
                }
            }
            Msg::Resize(w, h) => self.shared.size = (w, h),
            Msg::Answer(to, mut answer) => self.answer(to, &mut answer),
            Msg::Engine(news) => self.engine(news),
            Msg::StoreChanged => {
                self.shared.changes += 1;
                self.read_survey();
                self.with_screen(|s, cx| s.changed(cx));
            }
            Msg::Rested => self.pace = Pace::Rest,
            Msg::Tick => self.with_screen(|s, cx| s.ticked(cx)),
            Msg::Note(tone, text) => self.note = Some((tone, text)),
        }
        // What a handler asked of the program itself is done here; the rest goes to the loop.
        let mut out = Vec::new();
        for effect in std::mem::take(&mut self.effects) {
            self.settle(effect, &mut out);
        }
        out.append(&mut self.effects);
        out
    }

    fn settle(&mut self, effect: Effect, out: &mut Vec<Effect>) {
        match effect {
            Effect::Go(to, told) => {
                self.go(to);
                if let Some(what) = told {
                    self.with_screen(|s, cx| s.told(what, cx));
                }
                for e in std::mem::take(&mut self.effects) {
                    self.settle(e, out);
                }
            }
            Effect::Note(tone, text) => self.note = Some((tone, text)),
            Effect::Confirm(text, command) => {
                self.overlay = Some(Overlay::Confirm { text, command });
            }
            other => out.push(other),
        }
    }

    /// Reads the survey, unless it is the one that is known.
    fn read_survey(&mut self) {
        if self.shared.alone {
            return;
        }
        self.survey_again = self.survey.is_asked();
        if self.survey_again {
            return;
        }
        let known = self.stamp;
        let mut cx = Cx::new(&self.shared, self.at, &mut self.effects, &mut self.tickets);
        self.survey.ask(&mut cx, Lane::Slow, move |a| {
            a.read(|r| {
                let stamp = r.survey_stamp()?;
                Ok(if known == Some(stamp) { None } else { Some((stamp, r.survey()?)) })
            })
        });
    }

    fn answer(&mut self, to: ScreenId, answer: &mut Answer) {
        if self.survey.accept(answer) {
            if let Some((stamp, survey)) = self.survey.take().flatten() {
                self.stamp = Some(stamp);
                if self.shared.survey.as_deref() != Some(&survey) {
                    self.shared.survey = Some(Arc::new(survey));
                    self.with_screen(|s, cx| s.changed(cx));
                }
            } else if let Some(e) = self.survey.error() {
                self.note = Some((Tone::Bad, e.to_string()));
            }
            if std::mem::take(&mut self.survey_again) {
                self.read_survey();
            }
            return;
        }
        let mut cx = Cx::new(&self.shared, to, &mut self.effects, &mut self.tickets);
        self.screens.get(to).answered(answer, &mut cx);
    }

    fn engine(&mut self, news: EngineNews) {
        let quiet = matches!(news, EngineNews::Progress { .. });
        let ended = self.shared.engine.take(news);
        if let Some(run) = ended.last().filter(|_| !self.shared.alone) {
            let tone = match run.state {
                crate::job::StateName::Succeeded => Tone::Good,
                crate::job::StateName::Cancelled => Tone::Plain,
                _ => Tone::Bad,
            };
            let name = run.label.clone().unwrap_or_else(|| run.kind.word().to_owned());
            self.note = Some((tone, format!("{name}: {} (7 shows it)", run.state.word())));
            self.effects.push(Effect::Ended(ended));
        }
        // Progress asks for another frame alone, except where its files are followed.
        if !quiet || matches!(self.at, ScreenId::Runs | ScreenId::Finetune) {
            self.with_screen(|s, cx| s.changed(cx));
        }
    }

    /// Calls the screen that is shown.
    pub(super) fn with_screen<T>(
        &mut self,
        f: impl FnOnce(&mut dyn Screen, &mut Cx<'_>) -> T,
    ) -> T {
        let mut cx = Cx::new(&self.shared, self.at, &mut self.effects, &mut self.tickets);
        f(self.screens.get(self.at), &mut cx)
    }

    /// Shows another screen.
    pub(super) fn go(&mut self, to: ScreenId) {
        if self.shared.alone {
            return;
        }
        self.with_screen(|s, cx| s.leave(cx));
        self.at = to;
        self.overlay = None;
        self.with_screen(|s, cx| s.enter(cx));
    }

    /// A cursor was moved: what stands beside its list waits until the keys rest.
    pub(super) fn hurry(&mut self) {
        let now = self.shared.now;
        let gap = self.moved_at.replace(now).map(|at| now.duration_since(at).as_millis());
        let gap = gap.and_then(|ms| u64::try_from(ms).ok());
        self.pace = self.before.moved();
        self.effects.push(Effect::Rest(rests_after(gap)));
    }

    fn key(&mut self, event: KeyEvent) {
        if event.kind == crossterm::event::KeyEventKind::Release {
            return;
        }
        // Any key but one that moves the cursor wants to see what it is about.
        self.before = std::mem::take(&mut self.pace);
        let key = Key::from(event);
        if self.overlay.is_some() {
            self.overlay_key(event, key);
            return;
        }
        // What was said stands until the next key.
        self.note = None;
        let always = self
            .keymap
            .command(key, self.at, "", false)
            .filter(|c| matches!(c.name, "app.quit" | "app.redraw"));
        if let Some(c) = always {
            self.run(c);
            return;
        }
        if self.with_screen(|s, _| s.is_typing())
            && self.with_screen(|s, cx| s.typed(event, cx)) == Taken::Yes
        {
            return;
        }
        let (mode, list) = self.with_screen(|s, _| (s.mode(), s.list().is_some()));
        if let Some(c) = self.keymap.command(key, self.at, mode, list).filter(|c| self.allows(c)) {
            self.run(c);
        }
    }

    fn paste(&mut self, text: &str) {
        if let Some(overlay) = &mut self.overlay {
            overlay.paste(text);
            self.overlay_changed();
        } else if self.with_screen(|s, _| s.is_typing()) {
            self.with_screen(|s, cx| s.pasted(text, cx));
        } else {
            let said = "pasted text has nowhere to go here: open a field first";
            self.note = Some((Tone::Plain, said.into()));
        }
    }

    fn mouse(&mut self, event: MouseEvent) {
        use crossterm::event::{MouseButton, MouseEventKind};
        if event.row == 0 && matches!(event.kind, MouseEventKind::Down(MouseButton::Left)) {
            if let Some(to) = self.tab_at(event.column) {
                self.go(to);
            }
            return;
        }
        let wheel = match event.kind {
            MouseEventKind::ScrollDown => 3,
            MouseEventKind::ScrollUp => -3,
            _ => 0,
        };
        if wheel == 0 {
            self.with_screen(|s, cx| s.mouse(event, cx));
        } else {
            self.before = self.pace;
            self.move_list(|list| list.step(wheel));
        }
    }

    /// Draws everything; gives where the cursor stands.
    pub fn draw(&mut self, buffer: &mut ratatui::buffer::Buffer) -> Option<(u16, u16)> {
        let area = buffer.area;
        let looks = self.shared.looks.clone();
        let mut kept = std::mem::take(&mut self.kept);
        if self.pace == Pace::Rest {
            kept.clear();
        }
        let mut pen = Pen::new(&looks, buffer).paced(self.pace, &mut kept);
        self.draw_chrome(&mut pen, area);
        let cursor = pen.cursor();
        self.kept = kept;
        cursor
    }

    /// The program ends, whatever ends it: what the screen still has to keep.
    pub fn closing(&mut self) -> Vec<Effect> {
        self.with_screen(|s, cx| s.leave(cx));
        std::mem::take(&mut self.effects)
    }

    /// What is typed and saved nowhere.
    pub fn unsaved(&self) -> Option<String> {
        remembered().find_map(|id| self.screens.look(id).unsaved())
    }

    /// Where the person is.
    pub fn save(&self) -> serde_json::Value {
        let mut screens = serde_json::Map::new();
        for id in remembered() {
            let saved = self.screens.look(id).save();
            if !saved.is_null() {
                screens.insert(id.title().to_owned(), saved);
            }
        }
        serde_json::json!({"at": self.at, "screens": screens})
    }

    /// The other way. Whatever does not fit any more is ignored.
    pub fn restore(&mut self, saved: &serde_json::Value) {
        if !self.shared.alone
            && let Ok(at) = serde_json::from_value(saved["at"].clone())
        {
            self.at = at;
        }
        for id in remembered() {
            let of = &saved["screens"][id.title()];
            if !of.is_null() {
                self.screens.get(id).restore(of);
            }
        }
    }
}
