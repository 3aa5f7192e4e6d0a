//! The shim's signals: read from a descriptor, blocked everywhere but in the thread that starts the
//! work, because a process inherits what that thread blocks.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The signals that the shim reads from a descriptor, those of a closing terminal too.
fn watched() -> SigSet {
    let mut set = SigSet::empty();
    for s in [
        Signal::SIGTERM,
        Signal::SIGUSR1,
        Signal::SIGCHLD,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        set.add(s);
    }
    set
}

/// Blocks them, and gives the descriptor.
pub(super) fn block_signals() -> nix::Result<SignalFd> {
    let set = watched();
    set.thread_block()?;
    SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
}

/// Signals that came while the work was being started. The work inherits the blocked signals of the
/// thread that starts it, so that thread blocks none; what reaches the shim there must not end it.
pub(super) struct Early {
    /// TERM.
    pub(super) term: Arc<AtomicBool>,
    /// USR1.
    pub(super) warned: Arc<AtomicBool>,
}

impl Early {
    pub(super) fn listen() -> std::io::Result<Self> {
        let early = Self { term: Arc::default(), warned: Arc::default() };
        let unheard = Arc::new(AtomicBool::new(false));
        for (signal, flag) in [
            (Signal::SIGTERM, &early.term),
            (Signal::SIGUSR1, &early.warned),
            (Signal::SIGINT, &unheard),
            (Signal::SIGHUP, &unheard),
            (Signal::SIGQUIT, &unheard),
        ] {
            signal_hook::flag::register(signal as i32, Arc::clone(flag))?;
        }
        Ok(early)
    }
}

/// Starts a process whose signals are those of a fresh one.
pub(super) fn spawn_unblocked(command: &mut Command) -> std::io::Result<std::process::Child> {
    std::thread::scope(|scope| {
        let started = scope.spawn(|| {
            watched().thread_unblock()?;
            command.spawn()
        });
        started.join().unwrap_or_else(|_| Err(std::io::Error::other("its thread panicked")))
    })
}
