//! What a job says when the disk may be full: nothing of it may panic, and its reason has a place
//! kept free.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::FailureFile;

/// Writes a line to the run's log (stderr). Not by `eprintln!`, which panics when the line cannot be
/// written.
pub fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// Room for `failure.json`, taken before the work starts: a disk that the work fills up does not
/// cost the run its reason. Given back when it is dropped unused.
#[derive(Debug)]
pub struct LastWords {
    place: Option<(PathBuf, File)>,
    attempt_dir: PathBuf,
}

impl LastWords {
    const SIZE: usize = 4096;

    /// Takes the room; where there is none already, the words will be written as there is room then.
    pub fn reserve(attempt_dir: &Path) -> Self {
        let tmp = attempt_dir.join(".failure.json.reserved");
        let file = File::create(&tmp).and_then(|f| {
            f.write_all_at(&[b' '; Self::SIZE], 0)?;
            Ok(f)
        });
        let place = file.ok().map(|f| (tmp, f));
        Self { place, attempt_dir: attempt_dir.to_owned() }
    }

    /// Writes `failure.json`, durably. A very long message is cut to what the room holds.
    pub fn tell(mut self, mut failure: FailureFile) {
        if failure.message.len() > Self::SIZE / 2 {
            let end = failure.message.floor_char_boundary(Self::SIZE / 2);
            failure.message.truncate(end);
            failure.message.push('…');
        }
        let mut text = serde_json::to_vec_pretty(&failure).unwrap_or_default();
        text.resize(text.len().max(Self::SIZE), b' ');
        let path = self.attempt_dir.join(FailureFile::NAME);
        let Some((tmp, file)) = self.place.take() else {
            let _ = super::write_atomically(&path, text.trim_ascii());
            return;
        };
        let _ = file
            .write_all_at(&text, 0)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&tmp, &path));
    }
}

impl Drop for LastWords {
    fn drop(&mut self) {
        if let Some((tmp, _)) = self.place.take() {
            let _ = fs::remove_file(tmp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::FailureKind;

    #[test]
    fn words_are_kept_and_room_that_was_not_needed_is_given_back() {
        let tmp = tempfile::tempdir().unwrap();
        drop(LastWords::reserve(tmp.path()));
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
        for message in ["short".to_owned(), "長".repeat(9000)] {
            let kind = FailureKind::Transient;
            LastWords::reserve(tmp.path()).tell(FailureFile { message: message.clone(), kind });
            let told = FailureFile::read(tmp.path()).unwrap().unwrap();
            assert!(told.message.starts_with(&message[..3]) && told.kind == kind);
            assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 1);
        }
    }
}
