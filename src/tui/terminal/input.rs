//! The thread that waits for the terminal and for signals.
//!
//! It sleeps in one `poll(2)` over the terminal and a wake pipe, without a timeout unless half a
//! sequence is waiting: an idle program wakes for nothing. Signal handlers set a flag and write one
//! byte into the pipe (`signal-hook`). Handlers, not `signalfd`: a blocked signal stays blocked in
//! every child (the pager, the engine), a handler is gone after `exec`.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SIGSTOP, kill};
use nix::unistd::getpid;

use super::line::{background_came, in_foreground, open_input, panicked};
use super::parser::Parser;
use super::signals::Signals;
use super::{Input, Signal};

/// How long parking waits for the thread, which may be handing on an input to a full channel.
const PARK_PATIENCE: Duration = Duration::from_secs(1);
/// How long after ESC the rest of a sequence may come, here and over SSH.
const ESCAPE_PATIENCE: [Duration; 2] = [Duration::from_millis(25), Duration::from_millis(60)];

/// The running thread. Dropping it, or leaving the terminal, ends the thread and the handling of
/// signals, which then do what they do by default.
#[derive(Debug)]
pub struct InputThread {
    shared: Arc<Shared>,
}

/// What the thread and those who direct it share.
#[derive(Debug)]
pub(super) struct Shared {
    wake: UnixStream,
    signals: Signals,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How many want the thread off the terminal.
    parked: u32,
    /// The thread is off the terminal.
    idle: bool,
    /// The thread should end.
    stop: bool,
    /// The thread has ended.
    ended: bool,
    /// How often this process was continued.
    continued: u64,
    /// The next continuation is of our own making.
    stopping: bool,
    /// We were asked to end.
    ending: bool,
}

static CURRENT: Mutex<Weak<Shared>> = Mutex::new(Weak::new());

/// The thread that runs, if one does.
pub(super) fn current() -> Option<Arc<Shared>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
}

/// Wakes the thread, so that it looks at what changed.
pub(super) fn wake() {
    if let Some(shared) = current() {
        shared.wake();
    }
}

/// Starts the thread that turns keys, the mouse, pastes, resizes and signals into `send` calls.
///
/// # Errors
/// When there is no terminal, no thread, or no room for signal handlers.
pub fn inputs(send: impl Fn(Input) + Send + Clone + 'static) -> io::Result<InputThread> {
    let (wake, woken) = UnixStream::pair()?;
    wake.set_nonblocking(true)?;
    woken.set_nonblocking(true)?;
    let signals = Signals::register(&wake)?;
    let terminal = open_input()?;
    let shared =
        Arc::new(Shared { wake, signals, state: Mutex::default(), changed: Condvar::new() });
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&shared);
    let over_ssh = std::env::var_os("SSH_CONNECTION").is_some();
    let reader = Reader {
        shared: Arc::clone(&shared),
        woken,
        terminal,
        parser: Parser::new(ESCAPE_PATIENCE[usize::from(over_ssh)]),
        told_of_panic: AtomicBool::new(false),
        send,
    };
    std::thread::Builder::new().name("input".into()).spawn(move || reader.run())?;
    Ok(InputThread { shared })
}

impl InputThread {
    /// Takes the thread off the terminal, for another program to read it. Returns once it is off.
    /// What is said so often must be undone as often.
    pub fn park(&self) {
        self.shared.park();
    }

    /// Puts the thread back.
    pub fn resume(&self) {
        self.shared.resume();
    }
}

impl Drop for InputThread {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // Full means that it is woken already.
        let _ = (&self.wake).write(b"w");
    }

    pub(super) fn park(&self) {
        let mut state = self.lock();
        state.parked += 1;
        self.wake();
        let on = |s: &mut State| !s.idle && !s.ended;
        drop(self.changed.wait_timeout_while(state, PARK_PATIENCE, on));
    }

    /// Ends the thread, so that what is typed from here on is the shell's.
    pub(super) fn end(&self) {
        Signals::unheard();
        let mut state = self.lock();
        state.stop = true;
        self.wake();
        drop(self.changed.wait_timeout_while(state, PARK_PATIENCE, |s| !s.ended));
    }

    pub(super) fn resume(&self) {
        let mut state = self.lock();
        state.parked = state.parked.saturating_sub(1);
        drop(state);
        self.wake();
    }

    /// Whether a signal asks us to end. Who is continued in order to end may be told in any order,
    /// so it is waited for, briefly.
    pub(super) fn is_ending(&self) -> bool {
        let patience = Duration::from_millis(50);
        let wait = self.changed.wait_timeout_while(self.lock(), patience, |s| !s.ending);
        wait.unwrap_or_else(PoisonError::into_inner).0.ending
    }

    /// Runs what stops this process and returns after it was continued. The stop may reach this
    /// thread a moment after the others, so the continuation is waited for; not for long, because a
    /// stop may be refused. Time passes while we are stopped, hence the second round.
    pub(super) fn stopped(&self, stop: impl FnOnce()) {
        let before = {
            let mut state = self.lock();
            // Nobody would continue us again.
            if state.ending {
                return;
            }
            state.stopping = true;
            state.continued
        };
        stop();
        let patience = Duration::from_millis(300);
        for _ in 0..2 {
            let still = |s: &mut State| s.continued == before && !s.ended;
            drop(self.changed.wait_timeout_while(self.lock(), patience, still));
        }
        self.lock().stopping = false;
    }
}

struct Reader<F> {
    shared: Arc<Shared>,
    woken: UnixStream,
    terminal: OwnedFd,
    parser: Parser,
    told_of_panic: AtomicBool,
    send: F,
}

/// What woke the thread.
struct Woken {
    by_pipe: bool,
    by_terminal: bool,
}

impl<F: Fn(Input)> Reader<F> {
    fn run(mut self) {
        let mut bytes = vec![0; 16 * 1024];
        let mut out = Vec::new();
        let mut lost = false;
        while let Some(parked) = self.report() {
            match self.wait(parked) {
                Ok(None) => self.parser.give_up(&mut out),
                Ok(Some(woken)) => {
                    if woken.by_pipe {
                        self.drain();
                        self.signals(parked);
                    }
                    if woken.by_terminal && !in_foreground(&self.terminal) {
                        self.stop_in_background();
                    } else if woken.by_terminal {
                        match nix::unistd::read(&self.terminal, &mut bytes) {
                            Ok(n) if n > 0 => {
                                self.parser.feed(bytes.get(..n).unwrap_or_default(), &mut out);
                            }
                            Err(Errno::EINTR | Errno::EAGAIN) => {}
                            // Nothing to read where something was promised, or an error: hung up.
                            Ok(_) | Err(_) => lost = true,
                        }
                    }
                }
                Err(Errno::EINTR) => {}
                Err(_) => lost = true,
            }
            if out.iter().any(|input| matches!(input, Input::Background { .. })) {
                background_came();
            }
            out.drain(..).for_each(&self.send);
            if lost {
                (self.send)(Input::Lost);
                break;
            }
        }
        self.shared.lock().ended = true;
        self.shared.changed.notify_all();
    }

    /// Tells that we are off the terminal, or on it; `None`: end.
    fn report(&self) -> Option<bool> {
        let mut state = self.shared.lock();
        let parked = state.parked > 0;
        state.idle = parked;
        let go_on = !state.stop;
        drop(state);
        self.shared.changed.notify_all();
        go_on.then_some(parked)
    }

    /// What is typed is the shell's. As the system would, we stop until we are given the terminal;
    /// but who is asked to end keeps off it instead.
    fn stop_in_background(&self) {
        let mut state = self.shared.lock();
        if state.ending {
            state.parked += 1;
            return;
        }
        drop(state);
        let _ = kill(getpid(), SIGSTOP);
    }

    fn wait(&self, parked: bool) -> nix::Result<Option<Woken>> {
        let timeout = match self.parser.patience() {
            // Parked, the rest of a sequence goes to another program.
            Some(patience) => PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX),
            None => PollTimeout::NONE,
        };
        let pipe = PollFd::new(self.woken.as_fd(), PollFlags::POLLIN);
        let terminal = PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN);
        let mut both = [pipe, terminal];
        let watched = if parked { &mut both[..1] } else { &mut both[..] };
        if poll(watched, timeout)? == 0 {
            return Ok(None);
        }
        // Hang-ups and errors are any too: the read then tells.
        let any = |fd: &PollFd<'_>| fd.any().unwrap_or(true);
        Ok(Some(Woken { by_pipe: any(&both[0]), by_terminal: !parked && any(&both[1]) }))
    }

    fn drain(&self) {
        let mut bytes = [0; 64];
        while matches!((&self.woken).read(&mut bytes), Ok(n) if n == bytes.len()) {}
    }

    fn signals(&self, parked: bool) {
        if panicked() && !self.told_of_panic.swap(true, SeqCst) {
            (self.send)(Input::Signal(Signal::Panicked));
        }
        for signal in self.shared.signals.taken() {
            match signal {
                Signal::Continue => {
                    let mut state = self.shared.lock();
                    state.continued += 1;
                    let ours = std::mem::take(&mut state.stopping);
                    drop(state);
                    self.shared.changed.notify_all();
                    if !ours && !parked {
                        (self.send)(Input::Signal(Signal::Continue));
                    }
                }
                // The terminal is another program's: Ctrl-C is meant for that one, and Ctrl-Z
                // stops both of us, without ceremony.
                Signal::Interrupt if parked => {}
                Signal::Suspend if parked => {
                    let _ = kill(getpid(), SIGSTOP);
                }
                Signal::Suspend => (self.send)(Input::Signal(Signal::Suspend)),
                end => {
                    self.shared.lock().ending = true;
                    self.shared.changed.notify_all();
                    (self.send)(Input::Signal(end));
                }
            }
        }
        if self.shared.signals.resized() && !parked {
            let (width, height) = super::line::size();
            (self.send)(Input::Resize(width, height));
        }
    }
}
