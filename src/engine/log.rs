//! Lines for `engine.log`: stderr of the engine and of its shims, kept to a size.
//!
//! The engine renames a full log to `engine.log.1` (and that to `.2`, whose predecessor goes) and
//! opens a new one. Shims that live on still have the old file: they see by its name that it was
//! put aside, and write to the new one. No line is copied, so none is lost between two steps.

use std::fmt::Arguments;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{EngineError, StateDir};

/// Bytes of a log before it is put aside.
const LONGEST: u64 = 4 << 20;
/// Names another length, in bytes: for tests.
const LONGEST_VARIABLE: &str = "POLYCULTURE_ENGINE_LOG_BYTES";
/// What old logs are called, the newest first.
const OLD: [&str; 2] = ["1", "2"];
/// Our stderr, as the kernel names it.
const STDERR: &str = "/proc/self/fd/2";

/// Writes one stamped line to stderr, or to the log that took its place. Not by `eprintln!`, which
/// panics when the line cannot be written: a full disk must not end the thread that keeps a run's
/// books.
pub(super) fn say(message: Arguments<'_>) {
    let line = format!("{} {message}\n", crate::job::now());
    let newer = fs::read_link(STDERR).ok().and_then(|p| successor(&p));
    if let Some(mut log) = newer.and_then(|p| append(&p).ok())
        && log.write_all(line.as_bytes()).is_ok()
    {
        return;
    }
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// The log whose place was taken from the file of this name: `None` for one that is still a log, or
/// never was. The kernel adds a word to the name of a file that was removed.
fn successor(name: &Path) -> Option<PathBuf> {
    let name = name.to_str()?;
    let name = name.strip_suffix(" (deleted)").unwrap_or(name);
    let (log, number) = name.rsplit_once('.')?;
    (OLD.contains(&number) && log.ends_with("/engine.log")).then(|| PathBuf::from(log))
}

fn append(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Opens the log for an engine that starts.
pub(super) fn open(state: &StateDir) -> Result<File, EngineError> {
    let path = state.log();
    append(&path).map_err(EngineError::io(path.display().to_string()))
}

/// Puts a full log aside and goes on in a new one. Only the engine does it, and only where its
/// stderr is that log: at a terminal or under another's supervision there is nothing to keep short.
pub(super) fn keep_short(state: &StateDir) {
    let path = state.log();
    let longest = std::env::var(LONGEST_VARIABLE).ok().and_then(|v| v.parse().ok());
    if fs::metadata(&path).map_or(0, |m| m.len()) < longest.unwrap_or(LONGEST) || !is_stderr(&path)
    {
        return;
    }
    let turned = put_aside(&path)
        .and_then(|()| append(&path))
        .and_then(|new| Ok(nix::unistd::dup2_stderr(new)?));
    if let Err(e) = turned {
        say(format_args!("{} is long, and cannot be put aside: {e}", path.display()));
    }
}

fn is_stderr(path: &Path) -> bool {
    let print = |p: &Path| fs::metadata(p).ok().map(|m| (m.dev(), m.ino()));
    print(path).is_some() && print(path) == print(Path::new(STDERR))
}

fn put_aside(path: &Path) -> std::io::Result<()> {
    let old = OLD.map(|n| path.with_extension(format!("log.{n}")));
    for (from, to) in [(&old[0], &old[1]), (&path.to_owned(), &old[0])] {
        match fs::rename(from, to) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

/// The last line that was added to a log since it had `start` bytes. One that is shorter now was
/// put aside meanwhile.
pub(super) fn last_words(log: &Path, start: u64) -> Option<String> {
    let text = fs::read(log).ok()?;
    let start = usize::try_from(start).ok().filter(|s| *s <= text.len()).unwrap_or(0);
    let new = String::from_utf8_lossy(text.get(start..)?).into_owned();
    new.lines().rev().find(|l| !l.trim().is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_log_that_was_put_aside_has_a_successor() {
        let to = |s: &str| successor(Path::new(s));
        let log = Some(PathBuf::from("/s/engine.log"));
        for kept in ["/s/engine.log", "/s/other.log.1", "/dev/pts/1", "pipe:[1]", "/s/engine.log.3"]
        {
            assert_eq!(to(kept), None, "{kept}");
        }
        for old in ["/s/engine.log.1", "/s/engine.log.2", "/s/engine.log.2 (deleted)"] {
            assert_eq!(to(old), log, "{old}");
        }
    }

    #[test]
    fn two_old_logs_are_kept_and_a_log_that_became_shorter_is_read_from_its_start() {
        let tmp = tempfile::tempdir().unwrap();
        let log = tmp.path().join("engine.log");
        for text in ["first\n", "second\n", "third\n"] {
            fs::write(&log, text).unwrap();
            put_aside(&log).unwrap();
        }
        let read = |name: &str| fs::read_to_string(tmp.path().join(name)).unwrap();
        assert_eq!(
            (read("engine.log.1"), read("engine.log.2")),
            ("third\n".into(), "second\n".into())
        );
        assert!(!log.exists());
        put_aside(&log).unwrap();
        fs::write(&log, "old\nnew\n\n").unwrap();
        assert_eq!(last_words(&log, 4).unwrap(), "new");
        assert_eq!(last_words(&log, 9), None);
        assert_eq!(last_words(&log, 500).unwrap(), "new");
    }
}
