//! The terminal: taken, drawn on with one write a frame, read without waking, and given back whole
//! whatever ends the program.
//!
//! Nothing here waits for an answer of the terminal, and nothing but this room writes to it.

mod clipboard;
mod colour;
mod csi;
mod input;
mod line;
mod painter;
mod parser;
mod pen;
mod screen;
mod scroll;
mod signals;
#[cfg(test)]
mod tests;
mod trust;

use std::io;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};
use nix::sys::signal::{SIGSTOP, kill};
use nix::unistd::{Pid, getpgrp, getsid};
use ratatui::Frame;

pub use clipboard::Copied;
pub use colour::{ColourDepth, colour_depth, is_light, light_background};
pub use input::{InputThread, inputs};
pub use line::{leave_now, panicked};
pub use parser::PASTE_LIMIT;
pub use screen::Drawn;

use line::{Line, Modes};
use painter::Style;
use screen::Screen;

/// What comes from the terminal and from the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key went down, or repeats.
    Key(KeyEvent),
    /// The mouse; columns and rows count from 0.
    Mouse(MouseEvent),
    /// Pasted text, at most [`PASTE_LIMIT`] bytes, line ends `\n`, otherwise as it came: it may hold
    /// control characters.
    Paste(String),
    /// The window got the focus (true) or lost it.
    Focus(bool),
    /// The new size in cells: columns, rows. Hand it to [`Terminal::resized`].
    Resize(u16, u16),
    /// The terminal's background, the answer to [`Terminal::ask_background`], if ever it comes.
    Background {
        /// Red, 0 to 255.
        r: u8,
        /// Green, 0 to 255.
        g: u8,
        /// Blue, 0 to 255.
        b: u8,
    },
    /// A signal, or a panic elsewhere.
    Signal(Signal),
    /// The terminal is gone. Nothing comes after it: end.
    Lost,
}

/// What the system asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// End (`SIGTERM`, `SIGQUIT`). Asked again two seconds later, the process ends by itself.
    Terminate,
    /// The terminal closes (`SIGHUP`): end.
    HangUp,
    /// `SIGINT` from outside; a typed Ctrl-C is a key. End.
    Interrupt,
    /// Stop (`SIGTSTP` from outside; a typed Ctrl-Z is a key): call [`Terminal::suspend`].
    Suspend,
    /// Stopped and continued by someone else: call [`Terminal::refresh`].
    Continue,
    /// A thread or task panicked; the terminal was given back and the panic printed: end.
    Panicked,
}

/// How to start.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Ask for mouse reports.
    pub mouse: bool,
    /// Tell the terminal that rows are laid out by us (`CSI 8 l`), and take it back at the end.
    pub explicit_bidi: bool,
    /// Wrap frames in synchronized updates. Terminals that know none ignore it.
    pub synchronized: bool,
    /// The colours that there are.
    pub depth: ColourDepth,
    /// Set the cursor anew after clusters on whose width terminals disagree.
    pub re_anchor: bool,
}

impl Default for Options {
    fn default() -> Self {
        let depth = colour_depth(|name| std::env::var(name).ok());
        Self { mouse: true, explicit_bidi: true, synchronized: true, depth, re_anchor: true }
    }
}

impl Options {
    fn style(self) -> Style {
        Style { synchronized: self.synchronized, depth: self.depth, re_anchor: self.re_anchor }
    }
}

/// The terminal while it is ours. Dropping it gives it back.
#[derive(Debug)]
pub struct Terminal {
    line: Arc<Line>,
    screen: Screen<Arc<Line>>,
}

impl Terminal {
    /// Takes the terminal: raw, on its other screen, modes on, blank. Waits for no answer of it.
    ///
    /// # Errors
    /// When neither standard input and output nor `/dev/tty` is a terminal, or it cannot be set.
    pub fn start(options: Options) -> io::Result<Self> {
        let modes =
            Modes { mouse: options.mouse, explicit_bidi: options.explicit_bidi, asked: false };
        let line = Line::open(modes)?;
        let screen = Screen::new(Arc::clone(&line), line::size(), options.style())?;
        line.enter()?;
        Ok(Self { line, screen })
    }

    /// Whether the line to the terminal is behind. A frame sent now would wait, and every key with
    /// it: better to draw the newest state a moment later.
    pub fn is_behind(&self) -> bool {
        self.line.is_behind()
    }

    /// Draws a frame: one `write(2)`, or none when nothing changed. Once the terminal was given back
    /// (by a panic elsewhere, say) it draws nothing more.
    ///
    /// # Errors
    /// When the terminal is gone: end.
    pub fn draw(&mut self, f: impl FnOnce(&mut Frame<'_>)) -> io::Result<Drawn> {
        if !self.line.is_entered() {
            return Ok(Drawn { bytes: 0 });
        }
        self.screen.draw(f)
    }

    /// Takes a new size in cells. The next frame clears and paints everything, in one write.
    pub fn resized(&mut self, width: u16, height: u16) -> io::Result<()> {
        self.screen.resize(width, height)
    }

    /// Takes the terminal again as if anew: the next frame paints everything. After someone else
    /// wrote on it, and after [`Signal::Continue`].
    pub fn refresh(&mut self) -> io::Result<()> {
        // A shell that stopped and continued us may have set the terminal its own way.
        let was_ours = self.line.is_entered();
        self.with_terminal_parked(was_ours, |line| {
            if !line.in_foreground() {
                stop_until_foreground(line);
            }
            if line.in_foreground() {
                line.leave();
            }
        })
    }

    /// Stops this program (Ctrl-Z) and returns when the shell continues it: true. The next frame
    /// then paints everything. False, and nothing done, where no shell could continue it: it is the
    /// terminal's only program.
    pub fn suspend(&mut self) -> io::Result<bool> {
        // A shell that controls jobs gives each its own group.
        if getsid(None).is_ok_and(|session| session == getpgrp()) {
            return Ok(false);
        }
        let was_ours = self.line.is_entered();
        self.with_terminal_parked(was_ours, |line| {
            line.leave();
            stop_until_foreground(line);
        })?;
        Ok(true)
    }

    /// Gives the terminal to another program (a pager, an editor) for as long as `f` runs. The
    /// input thread is off the terminal meanwhile, and signals of the keyboard are the other's. The
    /// next frame paints everything.
    pub fn outside<T>(&mut self, f: impl FnOnce() -> T) -> io::Result<T> {
        let was_ours = self.line.is_entered();
        self.with_terminal_parked(was_ours, |line| {
            line.leave();
            f()
        })
    }

    /// Runs `f` with the input thread off the terminal, then takes the terminal again.
    fn with_terminal_parked<T>(&mut self, take: bool, f: impl FnOnce(&Line) -> T) -> io::Result<T> {
        let thread = input::current();
        if let Some(thread) = &thread {
            thread.park();
        }
        let result = f(&self.line);
        // In the background only who is ending arrives here: the terminal stays the shell's, and
        // the thread off it.
        if take && !panicked() && self.line.in_foreground() {
            self.line.enter()?;
        }
        if let Some(thread) = thread.filter(|_| self.line.is_entered()) {
            thread.resume();
        }
        let (width, height) = line::size();
        self.screen.resize(width, height)?;
        Ok(result)
    }

    /// Asks the terminal for its background. The answer, if the terminal knows, comes as
    /// [`Input::Background`]; nobody waits for it. Consoles that would print the question are not
    /// asked.
    pub fn ask_background(&mut self) -> io::Result<()> {
        let term = std::env::var("TERM").unwrap_or_default();
        if term.is_empty() || ["linux", "dumb"].contains(&term.as_str()) || term.starts_with("vt") {
            return Ok(());
        }
        self.line.set_modes(|modes| modes.asked = true)
    }

    /// Copies a text to the clipboard of whoever sits at the terminal, or says why not.
    pub fn copy(&mut self, text: &str) -> Copied {
        use painter::Sink as _;
        let request = match clipboard::request(text, |name| std::env::var(name).ok()) {
            Ok(request) => request,
            Err(refused) => return refused,
        };
        match self.line.send(&request) {
            Ok(()) => Copied::Sent { bytes: text.len() },
            Err(e) => Copied::Failed(e.to_string()),
        }
    }

    /// Sends a bell or a notification. One that cannot be sent is not missed.
    pub fn tell(&mut self, bytes: &str) {
        use painter::Sink as _;
        let _ = self.line.send(bytes.as_bytes());
    }

    /// Who lays out rows of right-to-left text: us (true), or the terminal.
    pub fn set_bidi(&mut self, explicit: bool) -> io::Result<()> {
        self.line.set_modes(|modes| modes.explicit_bidi = explicit)
    }

    /// Mouse reports on or off.
    pub fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.line.set_modes(|modes| modes.mouse = on)
    }

    /// Changes everything that can change while it runs; the next frame paints everything.
    pub fn set_options(&mut self, options: Options) -> io::Result<()> {
        self.line.set_modes(|modes| {
            modes.mouse = options.mouse;
            modes.explicit_bidi = options.explicit_bidi;
        })?;
        self.screen.set_style(options.style())
    }

    /// Cells: columns, rows.
    pub fn size(&self) -> (u16, u16) {
        self.screen.size()
    }

    /// Gives the terminal back for good and ends the input thread: what is typed from here on is
    /// the shell's. Once is enough; more do nothing.
    pub fn leave(&mut self) {
        if let Some(thread) = input::current() {
            thread.end();
        }
        self.line.leave();
    }
}

/// Stops the whole job (a wrapper such as `cargo run` that did not stop would leave the shell
/// waiting for it) until the shell gives us the terminal. Continued in the background (`bg`) we stop
/// again; asked to end we go on and end.
fn stop_until_foreground(line: &Line) {
    let stop = || {
        let _ = kill(Pid::from_raw(0), SIGSTOP);
    };
    loop {
        let thread = input::current();
        match &thread {
            Some(thread) => thread.stopped(stop),
            None => stop(),
        }
        if line.in_foreground() || thread.is_some_and(|thread| thread.is_ending()) {
            return;
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.leave();
    }
}
