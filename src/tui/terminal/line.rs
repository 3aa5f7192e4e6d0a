//! The line to the terminal: its two descriptors, the state in which we found it, and the guard
//! that gives it back.
//!
//! There is one at a time. Whoever ends the program (the end of the loop, a panic in any thread, a
//! signal) calls [`Line::leave`] or [`leave_now`]; the first call does the work, every further one
//! nothing.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, TryLockError, Weak};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{FlushArg, SetArg, Termios, cfmakeraw, tcflush, tcgetattr, tcsetattr};

use super::painter::Sink;

/// What was switched on, and so must be switched off.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Modes {
    /// Mouse reports.
    pub mouse: bool,
    /// Rows are laid out by us, not by the terminal (`CSI 8 l`).
    pub explicit_bidi: bool,
    /// The background was asked for and has not come.
    pub asked: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Line {
    input: OwnedFd,
    output: OwnedFd,
    found: Mutex<Termios>,
    modes: Mutex<Modes>,
    /// Held while a frame is on its way out.
    writing: Mutex<()>,
    entered: AtomicBool,
}

/// The line that the panic hook gives back.
static CURRENT: Mutex<Weak<Line>> = Mutex::new(Weak::new());
/// Whether any thread panicked.
static PANICKED: AtomicBool = AtomicBool::new(false);
/// How long leaving waits for a frame that does not get out, and then for the terminal to take more.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether a panic happened in any thread or task since a terminal was first started. The terminal
/// was given back then, and the program should end.
pub fn panicked() -> bool {
    PANICKED.load(SeqCst)
}

/// Gives the terminal back if one is held. For whoever ends the process without unwinding.
pub fn leave_now() {
    let line = lock(&CURRENT).upgrade();
    if let Some(line) = line {
        line.leave();
    }
}

/// The answer to the question for the background came: none is on its way any more.
pub(super) fn background_came() {
    let line = lock(&CURRENT).upgrade();
    if let Some(line) = line {
        lock(&line.modes).asked = false;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The descriptor that keys come from: standard input if that is a terminal, else the controlling
/// terminal.
pub(super) fn open_input() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    if stdin.is_terminal() { stdin.as_fd().try_clone_to_owned() } else { open_tty() }
}

fn open_tty() -> io::Result<OwnedFd> {
    let tty = std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(|e| {
        let what =
            "this needs a terminal, and neither standard input and output nor /dev/tty is one";
        io::Error::new(e.kind(), format!("{what}: {e}"))
    })?;
    Ok(tty.into())
}

/// Whether the shell gave us the terminal. Setting it or reading from it in the background would
/// stop us, and stop us again whenever we are continued in order to end.
pub(super) fn in_foreground(terminal: &OwnedFd) -> bool {
    // 0: nobody has it.
    nix::unistd::tcgetpgrp(terminal)
        .map_or(true, |group| group.as_raw() == 0 || group == nix::unistd::getpgrp())
}

/// Cells of the terminal, columns first, by ioctl; 80 x 24 where it does not know itself.
pub(super) fn size() -> (u16, u16) {
    match crossterm::terminal::window_size() {
        Ok(size) if size.columns > 0 && size.rows > 0 => (size.columns, size.rows),
        _ => (80, 24),
    }
}

impl Line {
    /// Opens the line and remembers how the terminal stands. Changes nothing yet.
    pub(super) fn open(modes: Modes) -> io::Result<Arc<Self>> {
        let stdout = io::stdout();
        let output =
            if stdout.is_terminal() { stdout.as_fd().try_clone_to_owned()? } else { open_tty()? };
        let input = open_input()?;
        let found = tcgetattr(&input)?;
        let line = Arc::new(Self {
            input,
            output,
            found: Mutex::new(found),
            modes: Mutex::new(modes),
            writing: Mutex::new(()),
            entered: AtomicBool::new(false),
        });
        *lock(&CURRENT) = Arc::downgrade(&line);
        hook_panics();
        Ok(line)
    }

    /// Raw mode, the other screen, and the modes. What stands in the terminal's settings now is
    /// what [`Self::leave`] brings back.
    pub(super) fn enter(&self) -> io::Result<()> {
        if self.entered.load(SeqCst) {
            return Ok(());
        }
        let found = tcgetattr(&self.input)?;
        let mut raw = found.clone();
        *lock(&self.found) = found;
        cfmakeraw(&mut raw);
        // Before the first change: whoever ends us from here on undoes it.
        self.entered.store(true, SeqCst);
        let entered = tcsetattr(&self.input, SetArg::TCSANOW, &raw)
            .map_err(io::Error::from)
            .and_then(|()| self.send_now(&enter_bytes(*lock(&self.modes))));
        if entered.is_err() {
            self.leave();
        }
        entered
    }

    /// See [`in_foreground`].
    pub(super) fn in_foreground(&self) -> bool {
        in_foreground(&self.input)
    }

    /// Whether the terminal is ours now.
    pub(super) fn is_entered(&self) -> bool {
        self.entered.load(SeqCst)
    }

    /// Whether the terminal takes no more bytes now: frames before are still on their way.
    pub(super) fn is_behind(&self) -> bool {
        let mut ready = [PollFd::new(self.output.as_fd(), PollFlags::POLLOUT)];
        self.is_entered() && poll(&mut ready, PollTimeout::ZERO).is_ok_and(|n| n == 0)
    }

    /// Changes the modes, in the terminal too if it is ours now.
    pub(super) fn set_modes(&self, change: impl FnOnce(&mut Modes)) -> io::Result<()> {
        let (before, after) = {
            let mut modes = lock(&self.modes);
            let before = *modes;
            change(&mut modes);
            (before, *modes)
        };
        let mut bytes = Vec::new();
        if before.explicit_bidi != after.explicit_bidi {
            bytes.extend_from_slice(if after.explicit_bidi { b"\x1b[8l" } else { b"\x1b[8h" });
        }
        if before.mouse != after.mouse {
            bytes.extend_from_slice(if after.mouse { MOUSE_ON } else { MOUSE_OFF });
        }
        if after.asked && !before.asked {
            bytes.extend_from_slice(b"\x1b]11;?\x1b\\");
        }
        if bytes.is_empty() { Ok(()) } else { self.send_now(&bytes) }
    }

    /// Gives the terminal back as it was found. Does nothing when it is not ours. Never waits long:
    /// on a terminal that takes no more bytes only its settings are restored.
    pub(super) fn leave(&self) {
        if !self.entered.swap(false, SeqCst) {
            return;
        }
        let _frame_is_out = self.wait_for_frame();
        let unanswered = std::mem::take(&mut lock(&self.modes).asked);
        let patience = PollTimeout::try_from(PATIENCE).unwrap_or(PollTimeout::ZERO);
        let mut ready = [PollFd::new(self.output.as_fd(), PollFlags::POLLOUT)];
        if poll(&mut ready, patience).is_ok_and(|n| n > 0) {
            // Errors have nowhere to go: the terminal may be gone.
            let _ = write_all(&self.output, &leave_bytes(*lock(&self.modes)));
        }
        if unanswered {
            // An answer that nobody waits for would be typed into the shell.
            let _ = tcflush(&self.input, FlushArg::TCIFLUSH);
        }
        let _ = tcsetattr(&self.input, SetArg::TCSANOW, &lock(&self.found));
    }

    fn wait_for_frame(&self) -> Option<MutexGuard<'_, ()>> {
        let step = Duration::from_millis(10);
        for _ in 0..PATIENCE.as_millis() / step.as_millis() {
            match self.writing.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(e)) => return Some(e.into_inner()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(step),
            }
        }
        None
    }

    /// Sends bytes if the terminal is ours; drops them if it was given back meanwhile.
    fn send_now(&self, bytes: &[u8]) -> io::Result<()> {
        let _writing = lock(&self.writing);
        if !self.entered.load(SeqCst) {
            return Ok(());
        }
        write_all(&self.output, bytes)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Sink for Arc<Line> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send_now(bytes)
    }
}

/// One `write(2)` if the kernel takes all at once, as few as it takes otherwise.
pub(super) fn write_all(output: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match nix::unistd::write(output, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            // Someone who shares the descriptor made it non-blocking.
            Err(Errno::EAGAIN) => {
                let mut ready = [PollFd::new(output.as_fd(), PollFlags::POLLOUT)];
                match poll(&mut ready, PollTimeout::NONE) {
                    Ok(_) | Err(Errno::EINTR) => {}
                    Err(e) => return Err(e.into()),
                }
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// Alternate screen, no wrapping at the edge (a cluster that is wider than we count must not push
/// its row into the next), paste, focus, mouse, explicit rows, blank, cursor hidden.
pub(super) fn enter_bytes(modes: Modes) -> Vec<u8> {
    let mut bytes = b"\x1b[?1049h\x1b[?7l\x1b[?2004h\x1b[?1004h".to_vec();
    if modes.mouse {
        bytes.extend_from_slice(MOUSE_ON);
    }
    if modes.explicit_bidi {
        bytes.extend_from_slice(b"\x1b[8l");
    }
    bytes.extend_from_slice(b"\x1b[m\x1b[2J\x1b[?25l");
    bytes
}

/// Everything that [`enter_bytes`] and frames may have left on, off.
pub(super) fn leave_bytes(modes: Modes) -> Vec<u8> {
    let mut bytes = b"\x1b[?2026l".to_vec();
    if modes.mouse {
        bytes.extend_from_slice(MOUSE_OFF);
    }
    bytes.extend_from_slice(b"\x1b[?1004l\x1b[?2004l");
    if modes.explicit_bidi {
        bytes.extend_from_slice(b"\x1b[8h");
    }
    bytes.extend_from_slice(b"\x1b[m\x1b[?7h\x1b[0 q\x1b[?25h\x1b[?1049l");
    bytes
}

/// Leaves first, so that the panic is printed on the whole terminal; then wakes the loop.
fn hook_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            leave_now();
            before(info);
            PANICKED.store(true, SeqCst);
            super::input::wake();
        }));
    });
}
