//! Looking for a text in a log of any size, a stretch at a time, so that a person can leave.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::JobError;

/// Bytes looked through in one call.
const STRETCH: u64 = 64 << 20;
const BLOCK: usize = 1 << 20;

/// What a stretch held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFound {
    /// The first byte of a match.
    At(u64),
    /// Nothing up to here: ask again from here.
    NotUpTo(u64),
    /// Nothing in the rest of the file.
    Nowhere,
}

/// Looks for `text` (ASCII letters in either case): for the first match that begins at or after
/// `from`, or with `back` for the last one that begins before it.
///
/// # Errors
/// The file cannot be read.
pub fn find_in_log(path: &Path, text: &str, from: u64, back: bool) -> Result<LogFound, JobError> {
    let wanted = text.to_ascii_lowercase();
    if wanted.is_empty() {
        return Ok(LogFound::Nowhere);
    }
    let file = match File::open(path) {
        Ok(f) => f,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(LogFound::Nowhere),
        Err(e) => return Err(JobError::io(path)(e)),
    };
    find(&file, wanted.as_bytes(), from, back, STRETCH, BLOCK).map_err(JobError::io(path))
}

fn find(
    file: &File,
    wanted: &[u8],
    from: u64,
    back: bool,
    stretch: u64,
    block: usize,
) -> io::Result<LogFound> {
    let size = file.metadata()?.len();
    // A match may lie across the border of two blocks.
    let over = wanted.len() as u64 - 1;
    let mut bytes = vec![0; block + wanted.len()];
    let mut here = from.min(size);
    let stop = if back { here.saturating_sub(stretch) } else { size.min(here + stretch) };
    while if back { here > stop } else { here < stop } {
        // Matches that begin in `[start, end)`.
        let (start, end) = if back {
            (here.saturating_sub(block as u64).max(stop), here)
        } else {
            (here, (here + block as u64).min(stop))
        };
        let n = (end.saturating_add(over).min(size) - start) as usize;
        let part = &mut bytes[..n];
        file.read_exact_at(part, start)?;
        part.make_ascii_lowercase();
        let found = if back {
            memchr::memmem::rfind(part, wanted)
        } else {
            memchr::memmem::find(part, wanted)
        };
        if let Some(i) = found {
            return Ok(LogFound::At(start + i as u64));
        }
        here = if back { start } else { end };
    }
    Ok(if (back && here == 0) || (!back && here >= size) {
        LogFound::Nowhere
    } else {
        LogFound::NotUpTo(here)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    #[test]
    fn nothing_is_found_in_nothing() {
        let none = Path::new("/nowhere/out.log");
        assert_eq!(find_in_log(none, "x", 0, false).unwrap(), LogFound::Nowhere);
        let mut f = tempfile::NamedTempFile::new().unwrap();
        f.write_all(b"Loss: NaN\n").unwrap();
        assert_eq!(find_in_log(f.path(), "", 0, false).unwrap(), LogFound::Nowhere);
        assert_eq!(find_in_log(f.path(), "nan", 0, false).unwrap(), LogFound::At(6));
        assert_eq!(find_in_log(f.path(), "nan", 7, false).unwrap(), LogFound::Nowhere);
        assert_eq!(find_in_log(f.path(), "NAN", 99, true).unwrap(), LogFound::At(6));
    }

    proptest! {
        #[test]
        fn every_match_is_found_once_whatever_the_blocks(
            text in "[ab\n]{0,200}", wanted in "[ab]{1,5}", block in 1usize..9, stretch in 1u64..40
        ) {
            let mut f = tempfile::NamedTempFile::new().unwrap();
            f.write_all(text.as_bytes()).unwrap();
            let all: Vec<u64> = (0..text.len())
                .filter(|i| text[*i..].starts_with(&wanted)).map(|i| i as u64).collect();
            let file = f.as_file();
            let (mut down, mut at) = (Vec::new(), 0);
            loop {
                match find(file, wanted.as_bytes(), at, false, stretch, block).unwrap() {
                    LogFound::At(i) => { down.push(i); at = i + 1; }
                    LogFound::NotUpTo(i) => { prop_assert!(i > at); at = i; }
                    LogFound::Nowhere => break,
                }
            }
            prop_assert_eq!(&down, &all);
            let (mut up, mut at) = (Vec::new(), text.len() as u64);
            loop {
                match find(file, wanted.as_bytes(), at, true, stretch, block).unwrap() {
                    LogFound::At(i) => { up.insert(0, i); at = i; }
                    LogFound::NotUpTo(i) => { prop_assert!(i < at); at = i; }
                    LogFound::Nowhere => break,
                }
            }
            prop_assert_eq!(&up, &all);
        }
    }
}
