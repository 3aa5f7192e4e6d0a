//! Signals as flags that a loop can look at.

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use tokio::signal::unix::{SignalKind, signal};

/// Becomes true when this process gets TERM: "write a checkpoint and stop". The first call
/// installs the handler; before it, TERM ends the process as usual.
pub fn stop_flag() -> &'static AtomicBool {
    static FLAG: AtomicBool = AtomicBool::new(false);
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| watch(SignalKind::terminate(), &FLAG));
    &FLAG
}

/// Becomes true when this process gets INT (Ctrl-C). The first call installs the handler.
pub fn interrupt_flag() -> &'static AtomicBool {
    static FLAG: AtomicBool = AtomicBool::new(false);
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| watch(SignalKind::interrupt(), &FLAG));
    &FLAG
}

/// A thread of its own, so that no caller needs a runtime. Returns once the handler stands; where
/// it cannot (no threads left), the signal keeps its usual meaning.
fn watch(kind: SignalKind, flag: &'static AtomicBool) {
    let (ready, wait) = std::sync::mpsc::channel::<()>();
    let spawned = std::thread::Builder::new().name("signals".into()).spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
            return;
        };
        runtime.block_on(async {
            let Ok(mut signals) = signal(kind) else { return };
            let _ = ready.send(());
            while signals.recv().await.is_some() {
                flag.store(true, Relaxed);
            }
        });
    });
    if spawned.is_ok() {
        let _ = wait.recv();
    }
}
