//! A program in a pseudo-terminal, and a terminal that reads what it draws.
//!
//! The program runs under `setsid --ctty` (util-linux), so that the pseudo-terminal is its
//! controlling terminal: resizes, hang-ups and job control reach it as they would at home. A thread
//! reads what it writes into a `vt100` screen; tests wait for the screen to show something, never
//! for time to pass.
#![allow(dead_code, reason = "each test uses a part")]

use std::fs::OpenOptions;
use std::io;
use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, OutputFlags, Termios, tcgetattr};
use nix::unistd::Pid;
use rustix::termios::{Winsize, tcsetwinsize};
use vt100::Screen;

/// How long anything may take before a test fails.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A program in a pseudo-terminal. Dropping it kills the program.
pub struct Pty {
    child: Child,
    status: Option<ExitStatus>,
    master: Option<OwnedFd>,
    found: Termios,
    /// Ends the reading thread by being closed.
    stop: Option<UnixStream>,
    reader: Option<JoinHandle<()>>,
    seen: Arc<Seen>,
}

struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    terminal: vt100::Parser,
    bytes: Vec<u8>,
    /// The other end was closed: the program and its children are gone.
    ended: bool,
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pty {
    /// Starts a command in a pseudo-terminal of this size. `TERM` is `xterm-256color` and the
    /// variables that change what is drawn are unset, unless `env` says otherwise; an empty value
    /// unsets.
    pub fn spawn(command: &Command, cols: u16, rows: u16, env: &[(&str, &str)]) -> Self {
        let Started { child, master, found } = start(command, cols, rows, env);
        let (rows, cols) = (NonZeroU16::new(rows).unwrap(), NonZeroU16::new(cols).unwrap());
        let seen = Arc::new(Seen {
            state: Mutex::new(State {
                terminal: vt100::Parser::new(rows, cols, 0),
                bytes: Vec::new(),
                ended: false,
            }),
            changed: Condvar::new(),
        });
        let (stop, stopped) = UnixStream::pair().expect("a pipe");
        let reader = {
            let (master, seen) = (master.try_clone().expect("a descriptor"), Arc::clone(&seen));
            std::thread::spawn(move || read(&master, &stopped, &seen))
        };
        Self {
            child,
            status: None,
            master: Some(master),
            found,
            stop: Some(stop),
            reader: Some(reader),
            seen,
        }
    }

    /// Types bytes. ESC followed at once by a letter is Alt and that letter: wait for what Escape
    /// does before typing on.
    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        let mut bytes = bytes.as_ref();
        let master = self.master.as_ref().expect("the terminal is still there");
        while !bytes.is_empty() {
            match nix::unistd::write(master, bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(nix::errno::Errno::EINTR) => {}
                Err(e) => panic!("cannot type: {e}\n{}", self.screen_text()),
            }
        }
    }

    /// Waits until the screen is as wanted; fails after [`DEADLINE`] with what the screen shows.
    pub fn wait_for(&self, wanted: impl Fn(&Screen) -> bool, what: &str) {
        self.wait_until(what, |state| wanted(state.terminal.screen()));
    }

    /// Waits until the screen shows a text.
    pub fn wait_for_text(&self, text: &str) {
        self.wait_for(|screen| screen.contents().contains(text), &format!("`{text}`"));
    }

    /// Waits until these bytes came, from the `from`th byte on (see [`Self::count`]).
    pub fn wait_for_bytes(&self, from: usize, wanted: &[u8], what: &str) {
        let found = |s: &State| {
            s.bytes[from.min(s.bytes.len())..].windows(wanted.len()).any(|w| w == wanted)
        };
        self.wait_until(what, found);
    }

    fn wait_until(&self, what: &str, wanted: impl Fn(&State) -> bool) {
        let end = Instant::now() + DEADLINE;
        let mut state = self.seen.lock();
        while !wanted(&state) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || state.ended {
                let how = if state.ended { "the program ended" } else { "in time" };
                let text = state.terminal.screen().contents();
                drop(state);
                panic!("no {what} ({how}). The screen:\n{text}");
            }
            let wait = self.seen.changed.wait_timeout(state, left);
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What the screen shows, blanks at the ends of lines left out.
    pub fn screen_text(&self) -> String {
        self.seen.lock().terminal.screen().contents()
    }

    /// Looks at the screen.
    pub fn screen<T>(&self, look: impl FnOnce(&Screen) -> T) -> T {
        look(self.seen.lock().terminal.screen())
    }

    /// How many bytes the program wrote so far.
    pub fn count(&self) -> usize {
        self.seen.lock().bytes.len()
    }

    /// What the program wrote from the `from`th byte on.
    pub fn bytes_since(&self, from: usize) -> Vec<u8> {
        let state = self.seen.lock();
        state.bytes[from.min(state.bytes.len())..].to_vec()
    }

    /// Watches for a while and tells how many bytes came meanwhile. The one place where time is
    /// what is measured.
    pub fn bytes_within(&self, time: Duration) -> usize {
        let before = self.count();
        std::thread::sleep(time);
        self.count() - before
    }

    /// Changes the size; the program gets `SIGWINCH`.
    pub fn resize(&self, cols: u16, rows: u16) {
        let mut state = self.seen.lock();
        state.terminal.set_size(NonZeroU16::new(rows).unwrap(), NonZeroU16::new(cols).unwrap());
        drop(state);
        set_size(self.master.as_ref().expect("the terminal is still there"), cols, rows);
    }

    /// The id of the program.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("a living program");
    }

    /// The settings of the terminal before the program began.
    pub fn termios_found(&self) -> Termios {
        self.found.clone()
    }

    /// The settings of the terminal.
    pub fn termios(&self) -> Termios {
        tcgetattr(self.master.as_ref().expect("the terminal is still there")).expect("settings")
    }

    /// Whether lines are edited and echoed by the terminal, as a shell expects.
    pub fn is_cooked(&self) -> bool {
        let termios = self.termios();
        termios.local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG)
            && termios.output_flags.contains(OutputFlags::OPOST)
    }

    /// Waits until lines are edited by the program itself, which has taken the terminal.
    pub fn wait_until_raw(&self) {
        poll_until("raw terminal", || !self.termios().local_flags.contains(LocalFlags::ICANON));
    }

    /// Closes the terminal under the program, as a closed window or a cut connection does.
    pub fn hang_up(&mut self) {
        drop(self.stop.take());
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reading thread");
        }
        drop(self.master.take());
    }

    /// How the program ended, if it has.
    pub fn try_exit(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("a child");
        }
        self.status
    }

    /// Waits until the program ends.
    pub fn wait_exit(&mut self) -> ExitStatus {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.try_exit() {
                return status;
            }
            let text = self.screen_text();
            assert!(Instant::now() < end, "the program does not end. The screen:\n{text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until the program ended and everything that it wrote was read.
    pub fn wait_end_of_output(&mut self) -> ExitStatus {
        let status = self.wait_exit();
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reading thread");
        }
        status
    }
}

/// A program just started: its process, our end of its terminal, and the settings that it found.
pub struct Started {
    pub child: Child,
    pub master: OwnedFd,
    found: Termios,
}

/// Starts a command in a pseudo-terminal of its own, as [`Pty::spawn`] says; nobody reads yet.
pub fn start(command: &Command, cols: u16, rows: u16, env: &[(&str, &str)]) -> Started {
    let (master, slave) = open(cols, rows);
    let end = || Stdio::from(slave.try_clone().expect("a descriptor"));
    let found = tcgetattr(&master).expect("settings");
    let mut wrapped = Command::new("setsid");
    wrapped.arg("--ctty").arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        wrapped.current_dir(dir);
    }
    // A backtrace would push what a panic says off the screen.
    for name in
        ["NO_COLOR", "COLORTERM", "COLORFGBG", "TMUX", "STY", "SSH_CONNECTION", "RUST_BACKTRACE"]
    {
        wrapped.env_remove(name);
    }
    wrapped.env("TERM", "xterm-256color");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    for (name, value) in env {
        if value.is_empty() {
            wrapped.env_remove(name)
        } else {
            wrapped.env(name, value)
        };
    }
    let child = wrapped.stdin(end()).stdout(end()).stderr(end()).spawn().expect("setsid");
    drop(wrapped);
    drop(slave);
    Started { child, master, found }
}

/// Opens both ends. Neither is handed to any child but the slave as its standard descriptors: a
/// child that held the master would never lose its terminal.
fn open(cols: u16, rows: u16) -> (OwnedFd, OwnedFd) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC);
    let master = master.expect("a pseudo-terminal");
    grantpt(&master).expect("its rights");
    unlockpt(&master).expect("its lock");
    let name = ptsname_r(&master).expect("its name");
    let master = master.as_fd().try_clone_to_owned().expect("a descriptor");
    set_size(&master, cols, rows);
    let slave = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open(name)
        .expect("the other end");
    (master, slave.into())
}

fn set_size(master: &OwnedFd, cols: u16, rows: u16) {
    let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(master, size).expect("a new size");
}

/// Looks every few milliseconds until it is so; fails after [`DEADLINE`].
pub fn poll_until(what: &str, mut wanted: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !wanted() {
        assert!(Instant::now() < end, "no {what} in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One field of `/proc/PID/status`, a number.
pub fn proc_status(pid: Pid, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"));
    let status = status.ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

impl Drop for Pty {
    fn drop(&mut self) {
        if self.status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        drop(self.stop.take());
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// Reads until the other end is closed or the stop is.
fn read(master: &OwnedFd, stop: &UnixStream, seen: &Seen) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let mut both = [
            PollFd::new(master.as_fd(), PollFlags::POLLIN),
            PollFd::new(stop.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut both, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(e) => panic!("{}", io::Error::from(e)),
        }
        if both[0].any().unwrap_or(false) {
            match nix::unistd::read(master, &mut buffer) {
                Ok(n) if n > 0 => {
                    let mut state = seen.lock();
                    state.bytes.extend_from_slice(&buffer[..n]);
                    state.terminal.process(&buffer[..n]);
                    drop(state);
                    seen.changed.notify_all();
                    continue;
                }
                Err(nix::errno::Errno::EINTR) => continue,
                // EIO: nobody holds the other end.
                Ok(_) | Err(_) => {
                    seen.lock().ended = true;
                    seen.changed.notify_all();
                    return;
                }
            }
        }
        if both[1].any().unwrap_or(false) {
            return;
        }
    }
}
