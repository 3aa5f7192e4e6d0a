//! Signals as flags and a byte in a pipe.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::SigId;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::low_level::{pipe, unregister};

use super::Signal;
use super::line::leave_now;

/// A second request to end that comes so long after the first, unheard, is carried out here.
const DEAF_AFTER: Duration = Duration::from_secs(2);

/// What each signal is to the loop, in the order in which they are told: who is continued in order
/// to end must know that first.
const TOLD: [(i32, Signal); 6] = [
    (SIGINT, Signal::Interrupt),
    (SIGHUP, Signal::HangUp),
    (SIGTERM, Signal::Terminate),
    (SIGQUIT, Signal::Terminate),
    (SIGTSTP, Signal::Suspend),
    (SIGCONT, Signal::Continue),
];

/// True while nobody listens: signals then do what they do by default. Taking a handler away does
/// not bring that back by itself.
static UNHEARD: OnceLock<Arc<AtomicBool>> = OnceLock::new();

fn unheard() -> io::Result<&'static Arc<AtomicBool>> {
    if UNHEARD.get().is_none() {
        let flag = Arc::new(AtomicBool::new(false));
        for (number, _) in TOLD {
            signal_hook::flag::register_conditional_default(number, Arc::clone(&flag))?;
        }
        let _ = UNHEARD.set(flag);
    }
    UNHEARD.get().ok_or_else(|| io::ErrorKind::Other.into())
}

/// The handlers, as long as this lives.
#[derive(Debug)]
pub(super) struct Signals {
    flags: Vec<(i32, Option<Signal>, Arc<AtomicBool>)>,
    ids: Vec<SigId>,
    first_end: Mutex<Option<Instant>>,
}

impl Signals {
    /// Installs handlers that set a flag and write a byte into the pipe. After `exec` they are gone.
    pub(super) fn register(pipe_end: &UnixStream) -> io::Result<Self> {
        let mut signals = Self { flags: Vec::new(), ids: Vec::new(), first_end: Mutex::new(None) };
        unheard()?.store(false, SeqCst);
        let told = TOLD.into_iter().map(|(number, signal)| (number, Some(signal)));
        for (number, signal) in told.chain([(SIGWINCH, None)]) {
            let flag = Arc::new(AtomicBool::new(false));
            // In this order: the flag stands before the byte wakes the reader.
            signals.ids.push(signal_hook::flag::register(number, Arc::clone(&flag))?);
            signals.ids.push(pipe::register(number, pipe_end.try_clone()?)?);
            signals.flags.push((number, signal, flag));
        }
        Ok(signals)
    }

    /// From here on nobody listens: signals do what they do by default.
    pub(super) fn unheard() {
        if let Ok(flag) = unheard() {
            flag.store(true, SeqCst);
        }
    }

    /// The signals that came since the last call. Ends the process when it is asked to a second
    /// time, seconds after the first: the loop hangs, on a stalled link perhaps.
    pub(super) fn taken(&self) -> Vec<Signal> {
        let mut taken = Vec::new();
        for (number, signal, flag) in &self.flags {
            let Some(signal) = signal.filter(|_| flag.swap(false, SeqCst)) else { continue };
            if signal == Signal::Terminate {
                let mut first = self.first_end.lock().unwrap_or_else(PoisonError::into_inner);
                let since = first.get_or_insert_with(Instant::now).elapsed();
                if since >= DEAF_AFTER {
                    leave_now();
                    std::process::exit(128 + number);
                }
            }
            taken.push(signal);
        }
        taken
    }

    /// Whether the size changed since the last call.
    pub(super) fn resized(&self) -> bool {
        let window = self.flags.iter().find(|(_, signal, _)| signal.is_none());
        window.is_some_and(|(_, _, flag)| flag.swap(false, SeqCst))
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            unregister(id);
        }
    }
}
