//! A bench for tests of screens: a real workspace in a temporary folder, keys in, screen out. Work
//! that a screen asks for is carried out only when the test says so, so that what stands on the
//! screen while it waits can be looked at as well.

use std::collections::VecDeque;
use std::path::Path;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;
use tempfile::TempDir;

use super::app::{App, Msg};
use super::data::{Access, EngineNow, Lane, WorkError};
use super::key::Key;
use super::keymap::Keymap;
use super::looks::Looks;
use super::screen::{Answer, Effect, Job, ScreenId, Shared, Ticket, Tone};
use super::screens::Screens;
use super::theme;
use crate::launch::Place;
use crate::store::Workspace as Store;
use crate::text::{self, BidiMode, Resolved};

/// Work that waits: who asked, its number, its lane, the work, and whether it is wanted still.
struct Waiting {
    to: ScreenId,
    ticket: Ticket,
    lane: Lane,
    job: Job,
    stale: Option<std::sync::Arc<std::sync::atomic::AtomicBool>>,
}

/// The bench.
pub struct Bench {
    /// The program under test.
    pub app: App,
    /// What the program was asked to do beside work: copies, pagers, exports.
    pub effects: Vec<Effect>,
    access: Access,
    waiting: VecDeque<Waiting>,
    now: jiff::Timestamp,
    /// The program waits for the keys to rest.
    hurries: bool,
    folder: TempDir,
}

impl Bench {
    /// A workspace with the sample seeds, on the Overview, in a terminal of so many cells.
    pub fn new(size: (u16, u16)) -> Self {
        Self::made(size, false, |_| {})
    }

    /// A workspace with nothing in it.
    pub fn empty(size: (u16, u16)) -> Self {
        Self::made(size, true, |_| {})
    }

    /// A workspace with the sample seeds and what `fill` puts there.
    pub fn filled(size: (u16, u16), fill: impl FnOnce(&mut Store)) -> Self {
        Self::made(size, false, fill)
    }

    fn made(size: (u16, u16), empty: bool, fill: impl FnOnce(&mut Store)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The name stands on every screen: it must not be a random one.
        let place = Place::init(&folder.path().join("garden"), empty).unwrap();
        fill(&mut place.write().unwrap());
        let shared = Shared {
            place: place.clone(),
            looks: Looks {
                theme: theme::load("dark", Path::new("/nowhere")).unwrap(),
                plain: false,
                bidi: BidiMode::App,
                direction: Resolved::App,
            },
            survey: None,
            engine: EngineNow::default(),
            changes: 0,
            now: jiff::Timestamp::UNIX_EPOCH,
            alone: false,
            size,
        };
        let keymap = Keymap::load(Path::new("/nowhere/keys.toml")).unwrap();
        let app = App::new(shared, keymap, Screens::default(), ScreenId::Overview);
        let mut bench = Self {
            app,
            effects: Vec::new(),
            access: Access::new(place),
            waiting: VecDeque::new(),
            now: "2026-03-01T12:00:00Z".parse().unwrap(),
            hurries: false,
            folder,
        };
        bench.app.shared.now = bench.now;
        let effects = bench.app.start();
        bench.take(effects);
        bench.settle();
        bench
    }

    /// Shows a screen, with what it asks for.
    #[must_use]
    pub fn at(mut self, screen: ScreenId) -> Self {
        let n = ScreenId::ALL.iter().position(|s| *s == screen).unwrap() + 1;
        self.keys(&n.to_string()).settle();
        self
    }

    /// Plain drawing.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.app.shared.looks.plain = true;
        self
    }

    /// Another theme.
    #[must_use]
    pub fn theme(mut self, name: &str) -> Self {
        self.app.shared.looks.theme = theme::load(name, Path::new("/nowhere")).unwrap();
        self
    }

    /// What a form's command answers, instead of another process.
    #[must_use]
    pub fn command(
        mut self,
        f: impl FnMut(&[String]) -> Result<Value, WorkError> + Send + 'static,
    ) -> Self {
        self.access.pretend(Box::new(f));
        self
    }

    /// A step later.
    pub fn msg(&mut self, msg: Msg) -> &mut Self {
        let effects = self.app.update(msg, self.now);
        self.take(effects);
        self
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Work { to, ticket, lane, job, stale } => {
                    self.waiting.push_back(Waiting { to, ticket, lane, job, stale });
                }
                Effect::Rest(_) => self.hurries = true,
                Effect::ExportOf { what, format } => {
                    let bytes = what.bytes(format).unwrap();
                    self.effects
                        .push(Effect::Export { name: format!("{}.{format}", what.name), bytes });
                }
                other => self.effects.push(other),
            }
        }
    }

    /// The keys rest.
    pub fn rest(&mut self) -> &mut Self {
        if std::mem::take(&mut self.hurries) {
            self.msg(Msg::Rested);
        }
        self
    }

    /// Presses keys, as keymaps write them, with blanks between: `"j j enter ctrl-s"`.
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        for name in keys.split_whitespace() {
            let key = Key::parse(name).unwrap_or_else(|| panic!("no key `{name}`"));
            let mut modifiers = KeyModifiers::NONE;
            modifiers.set(KeyModifiers::CONTROL, key.ctrl);
            modifiers.set(KeyModifiers::ALT, key.alt);
            self.msg(Msg::Key(KeyEvent::new(key.code, modifiers)));
        }
        self
    }

    /// Presses keys and lets everything settle.
    #[must_use]
    pub fn tapped(mut self, keys: &str) -> Self {
        self.keys(keys).settle();
        self
    }

    /// Types a text, letter by letter.
    pub fn types(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.msg(Msg::Key(KeyCode::Char(c).into()));
        }
        self
    }

    /// Another size.
    pub fn resize(&mut self, w: u16, h: u16) -> &mut Self {
        self.msg(Msg::Resize(w, h))
    }

    /// Carries out all work that was asked for, and what is asked for meanwhile, in order. The
    /// engine's lane is left alone: tests of screens start no process.
    pub fn settle(&mut self) -> &mut Self {
        self.settle_but(&[Lane::Engine])
    }

    /// The same, but work on these lanes goes on waiting.
    pub fn settle_but(&mut self, held: &[Lane]) -> &mut Self {
        self.rest();
        self.carry_out(held)
    }

    /// Carries out the work alone: the keys do not rest.
    pub fn work(&mut self) -> &mut Self {
        self.carry_out(&[Lane::Engine])
    }

    fn carry_out(&mut self, held: &[Lane]) -> &mut Self {
        for _ in 0..10_000 {
            let Some(at) = self.waiting.iter().position(|w| !held.contains(&w.lane)) else {
                return self;
            };
            let Some(Waiting { to, ticket, job, stale, .. }) = self.waiting.remove(at) else {
                return self;
            };
            if stale.is_some_and(|s| s.load(std::sync::atomic::Ordering::Relaxed)) {
                continue;
            }
            let value = Some(job(&mut self.access));
            self.msg(Msg::Answer(to, Answer { ticket, value }));
        }
        panic!("the screen asks without end");
    }

    /// Fails all work that waits on a lane, as a locked database or a full disk would.
    pub fn fail(&mut self, lane: Lane, why: &str) -> &mut Self {
        while let Some(at) = self.waiting.iter().position(|w| w.lane == lane) {
            let Some(Waiting { to, ticket, .. }) = self.waiting.remove(at) else { break };
            self.msg(Msg::Answer(to, Answer { ticket, value: Some(Err(WorkError::new(why))) }));
        }
        self
    }

    /// Work that waits on a lane.
    pub fn waiting(&self, lane: Lane) -> usize {
        self.waiting.iter().filter(|w| w.lane == lane).count()
    }

    /// Somebody else writes into the workspace, and the program hears of it.
    pub fn written(&mut self, f: impl FnOnce(&mut Store)) -> &mut Self {
        f(&mut self.place().write().unwrap());
        self.msg(Msg::StoreChanged)
    }

    /// The workspace.
    pub fn place(&self) -> Place {
        self.app.shared.place.clone()
    }

    /// A folder for other files, gone after the test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The line above the footer.
    pub fn note(&self) -> Option<(Tone, String)> {
        self.app.note().cloned()
    }

    /// The frame.
    pub fn buffer(&mut self) -> Buffer {
        let (w, h) = self.app.shared.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, w, h));
        self.app.draw(&mut buffer);
        buffer
    }

    /// The frame as text: rows without the blanks at their ends.
    pub fn screen(&mut self) -> String {
        let buffer = self.buffer();
        let area = buffer.area;
        let mut out = String::new();
        for y in area.top()..area.bottom() {
            let mut line = String::new();
            let mut x = area.left();
            while x < area.right() {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                // The second half of a wide cluster is no cell of its own.
                x += text::width(symbol).max(1) as u16;
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        // No frame ever holds what a terminal would obey.
        let obeyed = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!out.chars().any(obeyed), "control characters in a frame:\n{out:?}");
        out
    }

    /// Whether the frame holds this text.
    pub fn shows(&mut self, text: &str) -> bool {
        self.screen().contains(text)
    }
}

/// Compares the frame with the stored one of this name.
macro_rules! assert_screen {
    ($name:expr, $bench:expr) => {
        insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!($name, $bench.screen());
        });
    };
}
pub(crate) use assert_screen;

/// Texts that do harm where they are not made harmless, and texts of many scripts.
pub const HOSTILE: [&str; 9] = [
    "\u{1b}[2J\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}5n",
    "\u{202e}desrever\u{202c} \u{2066}isolated\u{2069}\u{200f}\u{feff}",
    "zero\u{200b}width\u{200d}\u{ad} \0nul \r\n\tand\u{b}more",
    "مساعدة الجيران واجب على الجميع، حتى في الأوقات الصعبة.",
    "প্রতিবেশীকে সাহায্য করা সবার কর্তব্য, কঠিন সময়েও।",
    "이웃을 돕는 것은 어려운 때에도 모두의 의무이다.",
    "帮助邻居是每个人的责任，即使在困难时期也是如此。",
    "e\u{301}\u{301}\u{301}\u{301} 👩‍👩‍👧‍👦 🇬🇷 ﷽ ﻻ",
    "Η βοήθεια προς τους γείτονες είναι υποχρέωση όλων.",
];

/// A word of 5,000 letters.
pub fn long_word() -> String {
    "Donaudampfschifffahrt".chars().cycle().take(5_000).collect()
}
