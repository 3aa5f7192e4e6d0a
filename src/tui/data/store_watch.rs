//! Hears of changes to the workspace's database, whoever makes them.

use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// Calls `changed` after somebody wrote to the database in this folder, soon after the last of a
/// burst of writes. Its thread sleeps until then.
///
/// # Errors
/// The system has no room for another watch; screens then look again when they are entered.
pub fn watch_store(
    folder: &Path,
    changed: impl Fn() + Send + 'static,
) -> Result<(), nix::errno::Errno> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC)?;
    let flags = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
    inotify.add_watch(folder, flags)?;
    thread::spawn(move || {
        while let Ok(events) = inotify.read_events() {
            let ours = |name: &std::ffi::OsStr| {
                matches!(name.to_str(), Some("workspace.db-wal" | "workspace.db"))
            };
            if events.iter().any(|e| e.name.as_deref().is_some_and(ours)) {
                // A run that is merged writes many times a second; one look afterwards is enough.
                thread::sleep(Duration::from_millis(150));
                changed();
            }
        }
    });
    Ok(())
}
