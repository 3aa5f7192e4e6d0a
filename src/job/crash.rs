//! Places where tests stop a process by a real SIGKILL, or hold it until they have killed others.

use std::path::Path;
use std::time::Duration;

/// `POINT` kills this process at that point; `POINT:hold:FILE` makes FILE there and waits until
/// somebody removes it. Several are separated by commas.
pub const VARIABLE: &str = "POLYCULTURE_TEST_CRASH";

/// Does nothing unless the test variable names this point. It is compiled in always, so that the
/// crash matrix tests the very binary that people use.
pub fn crash_point(name: &str) {
    let Ok(value) = std::env::var(VARIABLE) else { return };
    for part in value.split(',') {
        let mut fields = part.splitn(3, ':');
        if fields.next() != Some(name) {
            continue;
        }
        match (fields.next(), fields.next()) {
            (Some("hold"), Some(file)) => {
                let file = Path::new(file);
                if std::fs::write(file, std::process::id().to_string()).is_ok() {
                    while file.exists() {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                }
            }
            _ => {
                let _ = nix::sys::signal::kill(nix::unistd::getpid(), nix::sys::signal::SIGKILL);
            }
        }
    }
}
