//! The loop: one wait for everything, one write a frame, nothing while nothing happens.

mod effects;
mod memory;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::app::{App, Msg};
use super::data::{EngineNow, Workers, watch_engine, watch_store};
use super::keymap::{Keymap, KeymapError};
use super::looks::Looks;
use super::screen::{ScreenId, Shared, Tone};
use super::screens::Screens;
use super::settings::{self, InForce, UserLooks};
use super::terminal::{self, Input, Options, Signal, Terminal};
use super::theme::{Theme, ThemeError};
use crate::launch::{BesideWork, NotOpened, Opening, Say};
use memory::Memory;

/// Why the workbench does not open.
#[derive(Debug, Error)]
pub enum TuiError {
    /// Keys.
    #[error(transparent)]
    Keymap(#[from] KeymapError),
    /// A theme, when not even a built-in one can be read.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// The terminal.
    #[error("the terminal: {0}")]
    Terminal(#[from] io::Error),
    /// No terminal at all.
    #[error("this is no terminal: the workbench needs one on its input and its output")]
    NoTerminal,
    /// The terminal was lost, or the program was asked to end from outside.
    #[error("ended by {0}")]
    Ended(&'static str),
}

impl From<TuiError> for NotOpened {
    fn from(e: TuiError) -> Self {
        let usage = !matches!(e, TuiError::Terminal(_) | TuiError::Ended(_));
        Self { message: e.to_string(), usage }
    }
}

enum Event {
    Input(Input),
    Msg(Msg),
    /// A bell or a notification.
    Tell(String),
    /// A theme was read: the name asked for, the theme, and what there is to say.
    Theme(String, Option<Box<Theme>>, Option<String>),
}

/// Opens the workbench and stays until it is left.
///
/// # Errors
/// See [`TuiError`]; the terminal is whole again before any of them is returned.
pub fn open(opening: Opening) -> Result<(), TuiError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    let alone = opening.rate.is_some() || opening.watch.is_some();
    let file = settings::looks_file();
    let (kept, complaint) = match UserLooks::load(&file) {
        Ok(u) => (u, None),
        Err(e) => (UserLooks::default(), Some(e)),
    };
    let user = InForce::new(kept, &opening);
    let keymap = Keymap::load(&settings::keys_file())?;
    let depth = terminal::colour_depth(|n| std::env::var(n).ok());
    let light = terminal::light_background(|n| std::env::var(n).ok());
    let background = light.map(|light| if light { [255; 3] } else { [0; 3] });
    let (theme, other) = settings::theme_or_automatic(&user.now.theme, depth, background);
    let looks = Looks {
        theme: theme?,
        plain: user.now.plain,
        bidi: user.now.bidi,
        direction: user.now.bidi.resolve(|n| std::env::var(n).ok()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let options = Options {
        mouse: user.now.mouse && !alone,
        explicit_bidi: looks.direction == crate::text::Resolved::App,
        depth,
        ..Options::default()
    };
    let terminal = Terminal::start(options)?;
    let (send, events) = unbounded_channel();
    let inputs = {
        let send = send.clone();
        terminal::inputs(move |i| drop(send.send(Event::Input(i))))?
    };
    let (w, h) = terminal.size();
    let shared = Shared {
        place: opening.place.clone(),
        looks,
        survey: None,
        engine: EngineNow::default(),
        changes: 0,
        now: jiff::Timestamp::now(),
        alone,
        size: (w, h),
    };
    let at = match (&opening.watch, alone) {
        (Some(_), _) => ScreenId::Watch,
        (None, true) => ScreenId::Rate,
        (None, false) => ScreenId::Overview,
    };
    let mut app = App::new(shared, keymap, Screens::default(), at);
    let memory = Memory::of(&opening.place);
    if !alone {
        app.restore(&memory.read());
    }
    if let Some((study, rater)) = opening.rate.clone() {
        app.screens.rate.open(study, rater);
    }
    if let Some(dir) = opening.watch.clone() {
        app.screens.watch.open(dir);
    }
    for said in [complaint, other].into_iter().flatten() {
        drop(app.update(Msg::Note(Tone::Warn, said), jiff::Timestamp::now()));
    }
    let workers = {
        let send = send.clone();
        let answer = move |to, answer| drop(send.send(Event::Msg(Msg::Answer(to, answer))));
        Workers::new(opening.place.clone(), Arc::new(answer))
    };
    let mut beside = opening.beside;
    let mut this = Loop {
        app,
        terminal,
        _inputs: inputs,
        workers,
        send,
        user,
        depth,
        background,
        dirty: true,
        last_draw: None,
        first: true,
        rest: None,
        ends: None,
    };
    let end = runtime.block_on(this.go(events, &mut beside));
    this.terminal.leave();
    let effects = this.app.closing();
    this.carry_out(effects);
    this.workers.finish();
    if !this.app.shared.alone {
        memory.write(&this.app.save());
    }
    match end {
        Some(End::Left) | None => Ok(()),
        Some(End::Signal(name)) => Err(TuiError::Ended(name)),
        Some(End::Failed(e)) => Err(e.into()),
    }
}

enum End {
    Left,
    Signal(&'static str),
    Failed(io::Error),
}

struct Loop {
    app: App,
    terminal: Terminal,
    /// Ends with the loop.
    _inputs: terminal::InputThread,
    workers: Workers,
    send: UnboundedSender<Event>,
    user: InForce,
    depth: terminal::ColourDepth,
    background: Option<[u8; 3]>,
    dirty: bool,
    last_draw: Option<Instant>,
    first: bool,
    /// When the keys will have rested.
    rest: Option<Instant>,
    ends: Option<End>,
}

impl Loop {
    async fn go(
        &mut self,
        mut events: UnboundedReceiver<Event>,
        beside: &mut Option<BesideWork>,
    ) -> Option<End> {
        // Frames over a slow line are fewer: bytes in flight are what makes it feel slow.
        let slow = std::env::var_os("SSH_CONNECTION").is_some();
        let least = Duration::from_millis(if slow { 33 } else { 16 });
        self.draw();
        let effects = self.app.start();
        self.carry_out(effects);
        loop {
            if self.ends.is_some() {
                return self.ends.take();
            }
            let due = match (self.dirty, self.last_draw) {
                (false, _) => None,
                (true, None) => Some(Duration::ZERO),
                (true, Some(at)) => Some(least.saturating_sub(at.elapsed())),
            };
            let rests = self.rest.map(|at| at.saturating_duration_since(Instant::now()));
            tokio::select! {
                biased;
                event = events.recv() => {
                    let event = event?;
                    self.take(event);
                    // Whatever else is waiting belongs to the same frame.
                    while self.ends.is_none() && let Ok(event) = events.try_recv() {
                        self.take(event);
                    }
                    if self.dirty && self.last_draw.is_none_or(|at| at.elapsed() >= least) {
                        self.draw();
                    }
                }
                () = tokio::time::sleep(due.unwrap_or(Duration::MAX)), if due.is_some() => {
                    self.draw();
                }
                () = tokio::time::sleep(rests.unwrap_or(Duration::MAX)), if rests.is_some() => {
                    self.rest = None;
                    self.take(Event::Msg(Msg::Rested));
                }
            }
            if self.first && !self.dirty {
                self.first = false;
                self.watch(beside);
            }
        }
    }

    /// After the first frame: nothing that starts the program may wait for these.
    fn watch(&mut self, beside: &mut Option<BesideWork>) {
        if let Err(e) = self.terminal.ask_background() {
            self.ends = Some(End::Failed(e));
        }
        // One rater alone looks at nothing that others write: fifty of them would otherwise draw a
        // frame for each commit of the forty-nine.
        if !self.app.shared.alone {
            let send = self.send.clone();
            let folder = self.app.shared.place.folder().root().to_owned();
            let told = move || drop(send.send(Event::Msg(Msg::StoreChanged)));
            if let Err(e) = watch_store(&folder, told) {
                let said =
                    format!("changes by others are seen only when a screen is entered ({e})");
                drop(self.send.send(Event::Msg(Msg::Note(Tone::Warn, said))));
            }
            let send = self.send.clone();
            watch_engine(move |news| send.send(Event::Msg(Msg::Engine(news))).is_ok());
        }
        if let Some(BesideWork(work)) = beside.take() {
            let send = self.send.clone();
            let say: Say = Box::new(move |tone, text| {
                drop(send.send(Event::Msg(Msg::Note(tone, text))));
            });
            std::thread::spawn(move || work(say));
        }
    }

    fn take(&mut self, event: Event) {
        let msg = match event {
            Event::Msg(msg) => msg,
            Event::Tell(bytes) => {
                self.terminal.tell(&bytes);
                return;
            }
            Event::Theme(name, theme, said) => {
                // Whoever moved on meanwhile wants another one.
                if name == self.user.now.theme {
                    if let Some(theme) = theme {
                        self.app.shared.looks.theme = *theme;
                    }
                    if let Some(said) = said {
                        self.say(Tone::Warn, said);
                    }
                    self.dirty = true;
                }
                return;
            }
            Event::Input(input) => match input {
                Input::Key(k) => Msg::Key(k),
                Input::Mouse(m) => Msg::Mouse(m),
                Input::Paste(t) => Msg::Paste(t),
                Input::Focus(_) => return,
                Input::Resize(w, h) => {
                    if let Err(e) = self.terminal.resized(w, h) {
                        self.ends = Some(End::Failed(e));
                    }
                    Msg::Resize(w, h)
                }
                Input::Background { r, g, b } => {
                    self.background = Some([r, g, b]);
                    if self.user.now.theme == "auto" {
                        self.set_theme("auto");
                    }
                    return;
                }
                Input::Signal(Signal::Suspend) => {
                    self.suspend();
                    return;
                }
                Input::Signal(Signal::Continue) => {
                    if let Err(e) = self.terminal.refresh() {
                        self.ends = Some(End::Failed(e));
                    }
                    self.dirty = true;
                    return;
                }
                Input::Signal(Signal::HangUp) => {
                    self.ends = Some(End::Signal("a hang-up of the terminal"));
                    return;
                }
                Input::Signal(Signal::Panicked) => {
                    let said = "a defect of the program; what it said stands above";
                    self.ends = Some(End::Signal(said));
                    return;
                }
                Input::Signal(Signal::Terminate) => {
                    self.ends = Some(End::Signal("a signal to terminate"));
                    return;
                }
                Input::Signal(Signal::Interrupt) => {
                    self.ends = Some(End::Signal("an interrupt"));
                    return;
                }
                Input::Lost => {
                    self.ends = Some(End::Signal("the loss of the terminal"));
                    return;
                }
            },
        };
        self.dirty = true;
        let effects = self.app.update(msg, jiff::Timestamp::now());
        self.carry_out(effects);
    }

    fn draw(&mut self) {
        if self.terminal.is_behind() {
            // No frame is queued: what is drawn once the line is free is the state of then.
            self.last_draw = Some(Instant::now());
            return;
        }
        let app = &mut self.app;
        let drawn = self.terminal.draw(|frame| {
            let cursor = app.draw(frame.buffer_mut());
            if let Some(at) = cursor {
                frame.set_cursor_position(at);
            }
        });
        self.dirty = false;
        match drawn {
            // What changed nothing on the screen holds nobody up: an answer that comes a moment
            // later is drawn at once.
            Ok(drawn) if drawn.bytes == 0 => {}
            Ok(_) => self.last_draw = Some(Instant::now()),
            Err(e) => self.ends = Some(End::Failed(e)),
        }
    }
}
