//! What a screen is, what it may read, and what it may ask for.
//!
//! A screen never does input or output: it asks for work by [`Cx`], and is told of the answer. So
//! `state, keys, state` is a pure function, and no slow disk can make a key wait.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Rect;

use super::data::{Access, EngineNow, Lane, WorkError};
use super::looks::Looks;
use super::pen::Pen;
use super::widgets::ListControl;
use crate::domain::Survey;
use crate::launch::Place;

/// The eight screens.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the activities, and what stands beside them")]
pub enum ScreenId {
    Overview,
    Seeds,
    Samples,
    Rate,
    Finetune,
    Evaluate,
    Runs,
    Settings,
    /// The panel of one folder: no tab of its own.
    Watch,
    /// A study as whoever leads it sees it: no tab of its own.
    Study,
}

impl ScreenId {
    /// In the order of the tabs.
    pub const ALL: [Self; 8] = [
        Self::Overview,
        Self::Seeds,
        Self::Samples,
        Self::Rate,
        Self::Finetune,
        Self::Evaluate,
        Self::Runs,
        Self::Settings,
    ];

    /// As tabs and help show it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Seeds => "Seeds",
            Self::Samples => "Samples",
            Self::Rate => "Rate",
            Self::Finetune => "Fine-tune",
            Self::Evaluate => "Evaluate",
            Self::Runs => "Runs",
            Self::Settings => "Settings",
            Self::Watch => "Watch",
            Self::Study => "Study",
        }
    }
}

/// What every screen may read.
#[derive(Debug)]
pub struct Shared {
    /// The workspace.
    pub place: Place,
    /// Theme, glyphs, directions.
    pub looks: Looks,
    /// Seeds and cultures; `None` until they are read.
    pub survey: Option<Arc<Survey>>,
    /// What the engine says.
    pub engine: EngineNow,
    /// Goes up whenever somebody changed the workspace's database.
    pub changes: u64,
    /// Now, as of this message. Screens take the time from here, never from a clock.
    pub now: jiff::Timestamp,
    /// Only rating is offered: no palette, no path, no shell, no other data.
    pub alone: bool,
    /// Size of the terminal.
    pub size: (u16, u16),
}

/// A number that no two pieces of work share.
pub type Ticket = u64;

/// Work off the screen's task.
pub type Job = Box<dyn FnOnce(&mut Access) -> Result<Box<dyn Any + Send>, WorkError> + Send>;

/// An answer to work asked for.
#[derive(Debug)]
pub struct Answer {
    /// Of the work.
    pub ticket: Ticket,
    /// What came out; `None` once a slot took it.
    pub value: Option<Result<Box<dyn Any + Send>, WorkError>>,
}

pub use crate::launch::Tone;

/// What a screen asks the program to do.
pub enum Effect {
    /// Work on a lane; the answer goes to the screen that asked.
    Work {
        /// Who asked.
        to: ScreenId,
        /// Its number.
        ticket: Ticket,
        /// Where it is done.
        lane: Lane,
        /// The work.
        job: Job,
        /// Set by a later ask: this one is then not begun.
        stale: Option<Arc<std::sync::atomic::AtomicBool>>,
    },
    /// Another screen, told something first (see [`Screen::told`]).
    Go(ScreenId, Option<Told>),
    /// A line above the footer.
    Note(Tone, String),
    /// Into the clipboard of the person's own terminal.
    Copy(String),
    /// Runs that ended: bell or notification, where the user's `[notify]` wants it.
    Ended(Vec<crate::job::RunView>),
    /// Show a text in the pager.
    Pager(String),
    /// Write a file and say where it is.
    Export {
        /// Its name without folder.
        name: String,
        /// What it holds.
        bytes: Vec<u8>,
    },
    /// Make a file of what is looked at, in this format, and say where it is.
    ExportOf {
        /// What is exported.
        what: Box<Exportable>,
        /// `svg`, `png`, `csv`, `md`.
        format: &'static str,
    },
    /// Ask before doing: the text, and the command's name to run on `y`.
    Confirm(String, &'static str),
    /// Another theme, from now on; `keep` writes it into the settings.
    Theme {
        /// Its name.
        name: String,
        /// Whether it is kept.
        keep: bool,
    },
    /// Another bidi mode.
    Bidi(crate::text::BidiMode),
    /// Draw again after so many milliseconds (a clock on the screen).
    Again(u64),
    /// Say after so many milliseconds that the keys rest, unless asked again before.
    Rest(u64),
    /// Put the program aside, as Ctrl-Z does.
    Suspend,
    /// Draw every cell again.
    Redraw,
    /// Save the screen as a picture.
    Shot,
    /// Plain drawing on or off.
    Plain,
    /// Clicks and the wheel on or off.
    Mouse,
    /// Leave the program.
    Quit,
}

impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Work { to, ticket, lane, .. } => {
                write!(f, "Work({to:?}, {ticket}, {lane:?})")
            }
            Self::Go(to, told) => write!(f, "Go({to:?}, {told:?})"),
            Self::Note(tone, text) => write!(f, "Note({tone:?}, {text:?})"),
            Self::Copy(text) => write!(f, "Copy({text:?})"),
            Self::Ended(runs) => write!(f, "Ended({})", runs.len()),
            Self::Pager(_) => f.write_str("Pager"),
            Self::Export { name, .. } => write!(f, "Export({name:?})"),
            Self::ExportOf { what, format } => write!(f, "ExportOf({}.{format})", what.name),
            Self::Confirm(text, command) => write!(f, "Confirm({text:?}, {command})"),
            Self::Theme { name, keep } => write!(f, "Theme({name}, {keep})"),
            Self::Bidi(mode) => write!(f, "Bidi({mode})"),
            Self::Again(ms) => write!(f, "Again({ms})"),
            Self::Rest(ms) => write!(f, "Rest({ms})"),
            Self::Suspend => f.write_str("Suspend"),
            Self::Redraw => f.write_str("Redraw"),
            Self::Shot => f.write_str("Shot"),
            Self::Plain => f.write_str("Plain"),
            Self::Mouse => f.write_str("Mouse"),
            Self::Quit => f.write_str("Quit"),
        }
    }
}

/// What one screen tells another on the way there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Told {
    Seed(crate::domain::QuestionId),
    Seeds(Vec<crate::domain::QuestionId>),
    /// Grow these seeds with this threshold: the form, not the run.
    Augment(Vec<crate::domain::QuestionId>, String),
    Sample(crate::domain::SampleId),
    Study(crate::domain::StudyId),
    SamplesOfRun(crate::domain::RunId),
    Run(crate::domain::RunId),
    Evaluation(String),
    Model(String),
    Start(&'static str),
    File(PathBuf),
}

/// Asks for effects in a screen's name.
pub struct Cx<'a> {
    /// What every screen may read.
    pub shared: &'a Shared,
    me: ScreenId,
    effects: &'a mut Vec<Effect>,
    tickets: &'a mut Ticket,
}

impl<'a> Cx<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        me: ScreenId,
        effects: &'a mut Vec<Effect>,
        tickets: &'a mut Ticket,
    ) -> Self {
        Self { shared, me, effects, tickets }
    }

    /// Any effect.
    pub fn ask(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Another screen.
    pub fn go(&mut self, to: ScreenId, told: Option<Told>) {
        self.ask(Effect::Go(to, told));
    }

    /// A line above the footer.
    pub fn note(&mut self, tone: Tone, text: impl Into<String>) {
        self.ask(Effect::Note(tone, text.into()));
    }

    pub(super) fn work(
        &mut self,
        lane: Lane,
        stale: Option<Arc<std::sync::atomic::AtomicBool>>,
        job: Job,
    ) -> Ticket {
        *self.tickets += 1;
        let ticket = *self.tickets;
        self.ask(Effect::Work { to: self.me, ticket, lane, job, stale });
        ticket
    }
}

/// Whether a key was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Taken {
    Yes,
    No,
}

/// One of the eight.
pub trait Screen {
    /// Which one.
    fn id(&self) -> ScreenId;

    /// What keys mean now: `browse`, `form`, ..; commands name it in [`When::In`](super::command::When).
    fn mode(&self) -> &'static str {
        "browse"
    }

    /// Another word for a command in the footer, where what it does depends on what is shown.
    fn hint(&self, _command: &str) -> Option<&'static str> {
        None
    }

    /// Shown now: ask for what is needed. Called again whenever it is returned to.
    fn enter(&mut self, cx: &mut Cx<'_>);

    /// Left for another screen: what was only tried is put back.
    fn leave(&mut self, _cx: &mut Cx<'_>) {}

    /// Another screen sent the person here with something in hand.
    fn told(&mut self, _what: Told, _cx: &mut Cx<'_>) {}

    /// True while letters are text: keys go to [`Screen::typed`] before the keymap is asked.
    fn is_typing(&self) -> bool {
        false
    }

    /// A key while typing. What is not taken goes to the keymap.
    fn typed(&mut self, _key: KeyEvent, _cx: &mut Cx<'_>) -> Taken {
        Taken::No
    }

    /// Text pasted while typing.
    fn pasted(&mut self, _text: &str, _cx: &mut Cx<'_>) {}

    /// A click or a turn of the wheel inside the area last drawn. Never needed: keys do it all.
    fn mouse(&mut self, _event: MouseEvent, _cx: &mut Cx<'_>) {}

    /// The list that has the focus.
    fn list(&mut self) -> Option<&mut dyn ListControl> {
        None
    }

    /// Its list was moved, filtered, sorted: ask for what stands beside the row.
    fn moved(&mut self, _cx: &mut Cx<'_>) {}

    /// Work it asked for is done.
    fn answered(&mut self, answer: &mut Answer, cx: &mut Cx<'_>);

    /// The database or the engine changed. Only the screen that is shown hears of it; the others
    /// look again when they are entered.
    fn changed(&mut self, _cx: &mut Cx<'_>) {}

    /// A question that it asked with [`Effect::Confirm`] was not answered with yes.
    fn refused(&mut self) {}

    /// A time that it asked for with [`Effect::Again`] has come.
    fn ticked(&mut self, _cx: &mut Cx<'_>) {}

    /// Draws itself.
    fn draw(&mut self, pen: &mut Pen<'_>, area: Rect, shared: &Shared);

    /// Where the person is, to be there again at the next start.
    fn save(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// The other way. Whatever does not fit any more is ignored.
    fn restore(&mut self, _saved: &serde_json::Value) {}

    /// Something typed that is nowhere else: asked before the program ends.
    fn unsaved(&self) -> Option<String> {
        None
    }

    /// What `e` exports here: name without ending, and the chart or table looked at.
    fn export(&self, _shared: &Shared) -> Option<Exportable> {
        None
    }
}

/// What `e` exports.
#[derive(Debug, Clone)]
pub struct Exportable {
    /// Name without folder and ending.
    pub name: String,
    /// Exported as SVG, PNG, CSV and Markdown.
    pub chart: Option<crate::chart::Chart>,
    /// A table: header and rows. Exported as CSV and Markdown.
    pub table: Option<(Vec<String>, Vec<Vec<String>>)>,
}
