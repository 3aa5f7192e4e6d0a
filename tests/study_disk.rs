//! Disks that fail a rater: full in the middle, read-only, served by another program; and a clock
//! that was set back. Real file systems in a namespace of their own, and the real binary in a
//! terminal. Skipped, loudly, where such a namespace cannot be made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets an error fails"
)]

mod pty;
mod raters;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use polyculture::store::{Access, EventKind, Workspace};
use pty::Pty;
use raters::{World, to_a_pair};

/// `$W` becomes a file system of its own; the workspace is copied there, and the rater's program
/// takes the place of this script.
const ON_ITS_OWN: &str = r#"
set -eu
mount -t tmpfs -o size=16m tmpfs "$W"
cp -r "$FROM" "$W/w"
eval "$THEN"
exec "$P" -w "$W/w" rate --study crowd --as r001
"#;

struct Rater {
    pty: Pty,
    /// The file system as the program sees it.
    seen: PathBuf,
    _folder: tempfile::TempDir,
}

/// The rater `r001` in a mount namespace, on a file system of 16 MiB; `then` is done once the
/// workspace lies there. `None` where that cannot be made here.
fn rater(world: &World, then: &str) -> Option<Rater> {
    let folder = tempfile::tempdir().unwrap();
    let mountable = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "tmpfs"])
        .arg(folder.path())
        .output()
        .is_ok_and(|o| o.status.success());
    if !mountable {
        eprintln!("skipped: no file system can be mounted in a namespace here");
        return None;
    }
    let mut command = world.command(&[]);
    let (program, env): (_, Vec<_>) = (
        command.get_program().to_owned(),
        command.get_envs().map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned))).collect(),
    );
    command = Command::new("unshare");
    command.args(["-rm", "bash", "-c", ON_ITS_OWN]);
    for (name, value) in env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("P", program).env("W", folder.path()).env("FROM", world.folder()).env("THEN", then);
    let pty = Pty::spawn(&command, 100, 30, &[]);
    let inside = folder.path().strip_prefix("/").unwrap();
    let seen = Path::new("/proc").join(pty.pid().to_string()).join("root").join(inside);
    Some(Rater { pty, seen, _folder: folder })
}

impl Rater {
    /// Scores that stand, and events in all.
    fn stored(&self) -> (Vec<u8>, usize) {
        // SQLite follows the link to the other namespace's root by its words: a copy it is, taken
        // while the rater only looks
        let copy = tempfile::tempdir().unwrap();
        for name in ["workspace.db", "workspace.db-wal"] {
            fs::copy(self.seen.join("w").join(name), copy.path().join(name)).unwrap();
        }
        let ws = Workspace::open(copy.path(), Access::Write).unwrap();
        let current = ws.read().current_ratings(&World::study()).unwrap();
        let events = ws.read().rating_events(&World::study()).unwrap().len();
        (current.iter().filter_map(|r| r.score).collect(), events)
    }
}

fn world() -> World {
    World::new(Path::new(env!("CARGO_BIN_EXE_polyculture")), None, 1, 4, 1)
}

#[test]
fn a_full_disk_keeps_the_rater_at_the_pair_and_loses_nothing() {
    let world = world();
    let Some(rater) = rater(&world, "true") else { return };
    to_a_pair(&rater.pty);
    rater.pty.send("4");
    rater.pty.wait_for_text("saved: pair 1 = 4");
    let filler = rater.seen.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    rater.pty.send("2");
    rater.pty.wait_for_text("the disk is full");
    // it says so, stays at the pair, and calls nothing saved that is not
    let text = rater.pty.screen_text();
    assert!(text.contains("pair 2 of") && !text.contains("saved: pair 2"), "{text}");
    assert_eq!(rater.stored(), (vec![4], 1));
    drop(file);
    fs::remove_file(filler).unwrap();
    rater.pty.send("r");
    rater.pty.wait_for_text("saved: pair 2 = 2");
    rater.pty.wait_for_text("pair 3 of");
    let (mut scores, events) = rater.stored();
    scores.sort_unstable();
    assert_eq!((scores, events), (vec![2, 4], 2), "once, and nothing else");
}

#[test]
fn a_read_only_disk_is_said_before_the_terminal_is_taken() {
    let world = world();
    let Some(mut rater) = rater(&world, "mount -o remount,ro \"$W\"") else { return };
    let status = rater.pty.wait_end_of_output();
    let text = rater.pty.screen_text();
    assert!(!status.success() && text.contains("read-only"), "{text}");
    let screen = rater.pty.bytes_since(0).windows(8).any(|w| w == b"\x1b[?1049h");
    assert!(!screen, "no screen was opened");
}

/// A folder that another program serves (FUSE: sshfs, a cloud drive) is refused before the terminal
/// is taken, with the way out.
#[test]
fn a_folder_served_by_another_program_is_refused() {
    let world = world();
    let python = Command::new("python3").arg("--version").output();
    let apart = Command::new("unshare").args(["-rm", "true"]).output();
    let apart = apart.is_ok_and(|o| o.status.success());
    if !apart || !Path::new("/dev/fuse").exists() || !python.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: no FUSE, or no python3 to serve a folder with");
        return;
    }
    let at = tempfile::tempdir().unwrap();
    let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/raters/serve_folder.py");
    let script = r#"python3 "$SERVER" "$FROM" "$AT" "$P" -w "$AT" rate --study crowd --as r001"#;
    let command = world.command(&[]);
    let mut served = Command::new("unshare");
    served.args(["-rm", "bash", "-c", script]);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => served.env(name, value),
            None => served.env_remove(name),
        };
    }
    served
        .env("SERVER", server)
        .env("FROM", world.folder())
        .env("AT", at.path())
        .env("P", command.get_program());
    let mut pty = Pty::spawn(&served, 200, 30, &[]);
    let status = pty.wait_end_of_output();
    let text = pty.screen_text();
    if text.contains("skipped:") {
        eprintln!("{text}");
        return;
    }
    assert!(!status.success(), "{text}");
    assert!(
        text.contains("lies on FUSE") && text.contains("move the workspace to a local disk"),
        "{text}"
    );
    assert!(!pty.bytes_since(0).windows(8).any(|w| w == b"\x1b[?1049h"), "no screen was opened");
}

/// The log is read by its numbers. Where the clock was set back, what came later is what stands.
#[test]
fn a_clock_that_was_set_back_changes_nothing_about_what_stands() {
    let world = world();
    let first = {
        let pty = Pty::spawn(&world.rate("r001"), 100, 30, &[]);
        to_a_pair(&pty);
        let current = world.read(|ws| {
            let r001 = polyculture::domain::RaterId::new("r001").unwrap();
            ws.read().assignments_of(&World::study(), &r001).unwrap()
        });
        current[0].id
    };
    // a rating of the year 2099, before somebody set the clock right
    let late = "2099-01-01T00:00:00Z";
    let conn = rusqlite::Connection::open(world.database()).unwrap();
    conn.execute(
        "INSERT INTO rating_event (event_uuid, assignment, rater, at, kind, score, shown_at, \
         active_ms, guideline_version, app_version) \
         VALUES ('7fffffff-ffff-7fff-bfff-ffffffffffff', ?1, 'r001', ?2, 'submit', 1, ?2, 5000, \
         'similarity@1', 'test')",
        (first, late),
    )
    .unwrap();
    let pty = Pty::spawn(&world.rate("r001"), 100, 30, &[]);
    to_a_pair(&pty);
    pty.wait_for_text("pair 2 of");
    // the rating of the future is taken back, given again, and the next one follows
    pty.send("u");
    pty.wait_for_text("taken back: pair 1");
    pty.send("5");
    pty.wait_for_text("saved: pair 1 = 5");
    pty.wait_for_text("pair 2 of");
    pty.send("3");
    pty.wait_for_text("saved: pair 2 = 3");
    pty.wait_for_text("pair 3 of");
    let scores: Vec<_> = world.current().iter().map(|r| (r.position, r.score)).collect();
    assert!(scores.contains(&(0, Some(5))) && scores.contains(&(1, Some(3))), "{scores:?}");
    assert_eq!(scores.len(), 2);
    let events = world.events();
    let kinds: Vec<_> = events.iter().map(|e| e.kind).collect();
    assert_eq!(
        kinds,
        [EventKind::Submit, EventKind::Undo, EventKind::Submit, EventKind::Submit],
        "in the order in which they happened"
    );
    assert!(events[1].at < events[0].at, "the clock did go back");
    // no time before the beginning, no break for a day that never was
    assert!(events.iter().all(|e| e.active_ms.is_none_or(|ms| ms < 60_000)), "{events:?}");
}
