//! The loop: one wait for everything, one write a frame, nothing while nothing happens.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::app::{App, Msg};
use super::data::{EngineNow, Workers, watch_engine, watch_store};
use super::keymap::{Keymap, KeymapError};
use super::looks::Looks;
use super::screen::{Effect, ScreenId, Shared, Tone};
use super::screens::Screens;
use super::settings::{self, UserLooks};
use super::terminal::{self, Copied, Input, Options, Signal, Terminal};
use super::theme::ThemeError;
use crate::engine::notify;
use crate::launch::{BesideWork, NotOpened, Opening, Place, Say};

/// Why the workbench does not open.
#[derive(Debug, Error)]
pub enum TuiError {
    /// Keys.
    #[error(transparent)]
    Keymap(#[from] KeymapError),
    /// A theme, when not even a built-in one can be read.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// The settings file.
    #[error("{0}")]
    Settings(String),
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
}

/// Opens the workbench and stays until it is left.
///
/// # Errors
/// See [`TuiError`]; the terminal is whole again before any of them is returned.
pub fn open(opening: Opening) -> Result<(), TuiError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    let alone = opening.rate.is_some();
    let file = settings::looks_file();
    let (mut user, complaint) = match UserLooks::load(&file) {
        Ok(u) => (u, None),
        Err(e) => (UserLooks::default(), Some(e)),
    };
    user.plain |= opening.plain;
    if let Some(theme) = opening.theme.clone() {
        user.theme = theme;
    }
    if let Some(bidi) = opening.bidi {
        user.bidi = bidi;
    }
    let keymap = Keymap::load(&settings::keys_file())?;
    let depth = terminal::colour_depth(|n| std::env::var(n).ok());
    let light = terminal::light_background(|n| std::env::var(n).ok());
    let background = light.map(|light| if light { [255; 3] } else { [0; 3] });
    let (theme, other) = settings::theme_or_automatic(&user.theme, depth, background);
    let looks = Looks {
        theme: theme?,
        plain: user.plain,
        bidi: user.bidi,
        direction: user.bidi.resolve(|n| std::env::var(n).ok()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let options = Options {
        mouse: user.mouse && !alone,
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
    let at = if alone { ScreenId::Rate } else { ScreenId::Overview };
    let mut app = App::new(shared, keymap, Screens::default(), at);
    let memory = Memory::of(&opening.place);
    if !alone {
        app.restore(&memory.read());
    }
    if let Some((study, rater)) = opening.rate.clone() {
        app.screens.rate.open(study, rater);
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
        ends: None,
    };
    let end = runtime.block_on(this.go(events, &mut beside));
    this.terminal.leave();
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
    user: UserLooks,
    depth: terminal::ColourDepth,
    background: Option<[u8; 3]>,
    dirty: bool,
    last_draw: Option<Instant>,
    first: bool,
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
            }
            if self.first && !self.dirty {
                self.first = false;
                self.watch(beside);
            }
        }
    }

    /// After the first frame: nothing that starts the program may wait for these.
    fn watch(&mut self, beside: &mut Option<BesideWork>) {
        let send = self.send.clone();
        let folder = self.app.shared.place.folder().root().to_owned();
        let watched = watch_store(&folder, move || drop(send.send(Event::Msg(Msg::StoreChanged))));
        if let Err(e) = watched {
            let said = format!("changes by others are seen only when a screen is entered ({e})");
            drop(self.send.send(Event::Msg(Msg::Note(Tone::Warn, said))));
        }
        if let Err(e) = self.terminal.ask_background() {
            self.ends = Some(End::Failed(e));
        }
        if !self.app.shared.alone {
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
                    if self.user.theme == "auto" {
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
                Input::Signal(_) => {
                    self.ends = Some(End::Signal("a signal"));
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

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Work { to, ticket, lane, job, stale } => {
                    self.workers.put(to, ticket, lane, job, stale);
                }
                Effect::Copy(text) => {
                    let copied = self.terminal.copy(&text);
                    let sent = matches!(copied, Copied::Sent { .. });
                    self.say(if sent { Tone::Plain } else { Tone::Warn }, copied.to_string());
                }
                Effect::Ended(runs) => {
                    if let Some(bytes) = notice(&runs) {
                        self.terminal.tell(&bytes);
                    }
                }
                Effect::Pager(text) => self.page(&text),
                Effect::Export { name, bytes } => self.export(&name, &bytes),
                Effect::Theme { name, keep } => {
                    self.set_theme(&name);
                    if keep {
                        self.user.theme = name;
                        self.keep_looks();
                    }
                }
                Effect::Bidi(mode) => {
                    self.user.bidi = mode;
                    self.app.shared.looks.bidi = mode;
                    let to = mode.resolve(|n| std::env::var(n).ok());
                    self.app.shared.looks.direction = to;
                    let _ = self.terminal.set_bidi(to == crate::text::Resolved::App);
                    self.keep_looks();
                }
                Effect::Plain => {
                    self.user.plain = !self.user.plain;
                    self.app.shared.looks.plain = self.user.plain;
                    self.keep_looks();
                    self.dirty = true;
                }
                Effect::Mouse => {
                    self.user.mouse = !self.user.mouse;
                    let _ = self.terminal.set_mouse(self.user.mouse);
                    self.keep_looks();
                    let on = if self.user.mouse { "on" } else { "off" };
                    self.say(Tone::Plain, format!("the mouse is {on}"));
                }
                Effect::Again(ms) => {
                    let send = self.send.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(ms)).await;
                        drop(send.send(Event::Msg(Msg::Tick)));
                    });
                }
                Effect::Suspend => self.suspend(),
                Effect::Redraw => {
                    let (w, h) = self.terminal.size();
                    let _ = self.terminal.resized(w, h);
                }
                Effect::Shot => {
                    let (w, h) = self.terminal.size();
                    let mut frame =
                        ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, w, h));
                    self.app.draw(&mut frame);
                    let svg = super::shot::svg(&frame, self.app.shared.looks.theme.background);
                    let name = format!("screen-{}.svg", self.app.at().title().to_lowercase());
                    self.export(&name, svg.as_bytes());
                }
                Effect::Quit => self.ends = Some(End::Left),
                // Done by the program's own step already.
                Effect::Go(..) | Effect::Note(..) | Effect::Confirm(..) => {}
            }
        }
    }

    fn say(&mut self, tone: Tone, text: String) {
        drop(self.app.update(Msg::Note(tone, text), jiff::Timestamp::now()));
        self.dirty = true;
    }

    fn set_theme(&mut self, name: &str) {
        let (theme, said) = settings::theme_or_automatic(name, self.depth, self.background);
        if let Ok(theme) = theme {
            self.app.shared.looks.theme = theme;
        }
        if let Some(said) = said {
            self.say(Tone::Warn, said);
        }
        self.dirty = true;
    }

    fn keep_looks(&mut self) {
        if let Err(e) = self.user.save(&settings::looks_file()) {
            self.say(Tone::Warn, format!("not kept for the next start: {e}"));
        }
    }

    fn suspend(&mut self) {
        match self.terminal.suspend() {
            Ok(true) => {}
            Ok(false) => {
                let said = "there is no shell to go back to: Ctrl-C leaves";
                self.say(Tone::Plain, said.into());
            }
            Err(e) => self.ends = Some(End::Failed(e)),
        }
        let (w, h) = self.terminal.size();
        drop(self.app.update(Msg::Resize(w, h), jiff::Timestamp::now()));
        self.dirty = true;
    }

    /// The person's pager on a text, the terminal being whole meanwhile.
    fn page(&mut self, text: &str) {
        if self.app.shared.alone {
            return;
        }
        let pager = std::env::var("PAGER").ok().filter(|p| !p.trim().is_empty());
        let pager = pager.unwrap_or_else(|| "less".into());
        let text = crate::text::display_lines(text);
        let shown = self.terminal.outside(|| {
            let mut child =
                Command::new("sh").arg("-c").arg(&pager).stdin(Stdio::piped()).spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // A pager that is left early closes its end.
                drop(io::Write::write_all(&mut stdin, text.as_bytes()));
            }
            child.wait()
        });
        self.dirty = true;
        match shown {
            Ok(Ok(s)) if s.success() => {}
            Ok(Ok(s)) => self.say(Tone::Warn, format!("the pager `{pager}` ended with {s}")),
            Ok(Err(e)) | Err(e) => self.say(Tone::Bad, format!("the pager `{pager}`: {e}")),
        }
    }

    fn export(&mut self, name: &str, bytes: &[u8]) {
        let folder = self.app.shared.place.folder().root().join("exports");
        // Names come from data too: only what is harmless in a file's name stays.
        let name: String = name
            .chars()
            .map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' })
            .collect();
        let file = folder.join(name.trim_start_matches('.'));
        let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, bytes));
        match written {
            Ok(()) => self.say(Tone::Good, format!("written: {}", file.display())),
            Err(e) => self.say(Tone::Bad, format!("{}: {e}", file.display())),
        }
    }

    fn draw(&mut self) {
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

/// Where a person was, by workspace: in the user's state, not in the workspace.
struct Memory(Option<PathBuf>);

impl Memory {
    fn of(place: &Place) -> Self {
        use sha2::{Digest, Sha256};
        let root = place.folder().root();
        let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
        let state = crate::engine::StateDir::find().ok();
        Self(state.map(|s| s.dir().join("workbench").join(format!("{name}.json"))))
    }

    fn read(&self) -> serde_json::Value {
        let text = self.0.as_ref().and_then(|f| std::fs::read_to_string(f).ok());
        text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()
    }

    fn write(&self, value: &serde_json::Value) {
        // Losing it costs a few keys, never work.
        if let Some(file) = &self.0
            && let Some(folder) = file.parent()
            && std::fs::create_dir_all(folder).is_ok()
        {
            drop(std::fs::write(file, value.to_string()));
        }
    }
}

/// The bytes that tell the terminal of ends, by the user's `[notify]`. A configuration that does
/// not parse tells nobody here: the Settings screen and `doctor` say what is wrong with it.
fn notice(ended: &[crate::job::RunView]) -> Option<String> {
    let settings = crate::config::UserConfig::load().ok()?.notify;
    let told: Vec<_> = ended
        .iter()
        .filter(|r| settings.tells(r.state.word()))
        .filter(|r| notify::took(r) >= f64::from(settings.after_s))
        .collect();
    let mut text = notify::sentence(told.last()?);
    if told.len() > 1 {
        text.push_str(&format!(", and {} more", told.len() - 1));
    }
    settings.terminal.bytes(&text)
}
