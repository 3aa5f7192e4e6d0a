//! Pages of a log of any size: only what is shown is read and indexed.
//!
//! A row is a line. Of a long one only its beginning is kept, and of one that is longer than a page
//! may cost, the parts are rows of their own. Memory and reading are bounded for any file, whatever
//! stands in it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::JobError;

/// Bytes kept of a row; more than any screen is wide.
pub const KEPT: usize = 4 << 10;
/// Bytes that one page may read. A line that is longer is shown in parts.
pub const BUDGET: u64 = 32 << 20;
const BLOCK: usize = 64 << 10;

/// Where a page lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogEdge {
    /// The end of the file.
    End,
    /// The rows that end where this row begins (its `at`).
    Before(u64),
    /// The rows from this byte on: a row's `at` or `end`.
    From(u64),
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// Its first byte in the file.
    pub at: u64,
    /// The byte after it, its line break included.
    pub end: u64,
    /// Its text without the line break, cut after `KEPT` bytes. Not safe to print as it is.
    pub text: String,
    /// Bytes of the row that are not in `text`.
    pub cut: u64,
    /// The line goes on before this row: it was too long for one.
    pub continues: bool,
    /// It ends with a line break; without one the file's last line is still being written.
    pub whole: bool,
}

/// Rows that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogPage {
    /// In the order of the file.
    pub rows: Vec<LogRow>,
    /// Bytes of the file when it was read.
    pub size: u64,
}

impl LogPage {
    /// True when no row comes before the page.
    pub fn at_start(&self) -> bool {
        self.rows.first().is_none_or(|r| r.at == 0)
    }

    /// True when no row comes after the page.
    pub fn at_end(&self) -> bool {
        self.rows.last().is_none_or(|r| r.end >= self.size)
    }
}

/// Reads at most `rows` rows, and at least one where there is one. A missing file is empty.
///
/// # Errors
/// The file cannot be read.
pub fn read_log(path: &Path, edge: LogEdge, rows: usize) -> Result<LogPage, JobError> {
    let file = match File::open(path) {
        Ok(f) => f,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(LogPage::default()),
        Err(e) => return Err(JobError::io(path)(e)),
    };
    read(&file, edge, rows.max(1), BUDGET).map_err(JobError::io(path))
}

fn read(file: &File, edge: LogEdge, rows: usize, budget: u64) -> io::Result<LogPage> {
    let size = file.metadata()?.len();
    let mut budget = Budget(budget);
    let mut out = Vec::new();
    match edge {
        LogEdge::From(mut at) => {
            while at < size && out.len() < rows && (out.is_empty() || budget.0 > 0) {
                let row = forwards(file, at, size, &mut budget)?;
                at = row.end;
                out.push(row);
            }
        }
        LogEdge::End | LogEdge::Before(_) => {
            let mut end = match edge {
                LogEdge::Before(at) => at.min(size),
                _ => size,
            };
            while end > 0 && out.len() < rows && (out.is_empty() || budget.0 > 0) {
                let row = backwards(file, end, &mut budget)?;
                end = row.at;
                out.push(row);
            }
            out.reverse();
        }
    }
    Ok(LogPage { rows: out, size })
}

/// Bytes that may still be read.
struct Budget(u64);

/// The row that begins at `at`.
fn forwards(file: &File, at: u64, size: u64, budget: &mut Budget) -> io::Result<LogRow> {
    let stop = size.min(at.saturating_add(budget.0.max(BLOCK as u64)));
    let mut block = vec![0; BLOCK];
    let mut here = at;
    while here < stop {
        let part = part(file, &mut block, here, stop)?;
        budget.0 = budget.0.saturating_sub(part.len() as u64);
        if let Some(i) = memchr::memchr(b'\n', part) {
            return row(file, at, here + i as u64 + 1, true);
        }
        here += part.len() as u64;
    }
    row(file, at, stop, false)
}

/// The row that ends before `end`.
fn backwards(file: &File, end: u64, budget: &mut Budget) -> io::Result<LogRow> {
    let stop = end.saturating_sub(budget.0.max(BLOCK as u64));
    let mut block = vec![0; BLOCK];
    let whole = {
        let last = part(file, &mut block, end - 1, end)?;
        last == b"\n"
    };
    // The row's own line break is not the one that begins it.
    let mut here = end - u64::from(whole);
    while here > stop {
        let from = here.saturating_sub(BLOCK as u64).max(stop);
        let part = part(file, &mut block, from, here)?;
        budget.0 = budget.0.saturating_sub(part.len() as u64);
        if let Some(i) = memchr::memrchr(b'\n', part) {
            return row(file, from + i as u64 + 1, end, whole);
        }
        here = from;
    }
    row(file, stop, end, whole)
}

fn part<'a>(file: &File, block: &'a mut [u8], from: u64, to: u64) -> io::Result<&'a [u8]> {
    let n = usize::try_from(to - from).unwrap_or(usize::MAX).min(block.len());
    let part = &mut block[..n];
    file.read_exact_at(part, from)?;
    Ok(part)
}

fn row(file: &File, at: u64, end: u64, whole: bool) -> io::Result<LogRow> {
    let text_end = end - u64::from(whole);
    let mut kept = vec![0; usize::try_from(text_end - at).unwrap_or(KEPT).min(KEPT)];
    file.read_exact_at(&mut kept, at)?;
    if kept.contains(&b'\r') && text_end - at > kept.len() as u64 {
        // A progress bar redrawn in place: its last state is the one that counts.
        file.read_exact_at(&mut kept, text_end - KEPT as u64)?;
    }
    let continues = at > 0 && {
        let mut before = [0];
        file.read_exact_at(&mut before, at - 1)?;
        before != *b"\n"
    };
    // A character that was cut in half at the end is left out, not shown as damage.
    let cut_inside = text_end - at > kept.len() as u64;
    let fair = match std::str::from_utf8(&kept) {
        Err(e) if cut_inside && e.error_len().is_none() => e.valid_up_to(),
        _ => kept.len(),
    };
    let all = String::from_utf8_lossy(&kept[..fair]);
    let text = redrawn(&all);
    let cut = (text_end - at).saturating_sub(kept.len() as u64);
    Ok(LogRow { at, end, text: without_colours(text), cut, continues, whole })
}

/// What stands in the line after all its carriage returns.
fn redrawn(text: &str) -> &str {
    let text = text.trim_end_matches('\r');
    text.rsplit('\r').next().unwrap_or(text)
}

/// Without the sequences that only colour letters (`ESC [ .. m`); every other sequence stays, to
/// be shown as what it is.
fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(i) = rest.find("\u{1b}[") {
        let (before, sequence) = rest.split_at(i);
        out.push_str(before);
        let inner = &sequence[2..];
        let n = inner.bytes().take_while(|b| b.is_ascii_digit() || b";:".contains(b)).count();
        if inner.as_bytes().get(n) == Some(&b'm') {
            rest = &inner[n + 1..];
        } else {
            out.push_str("\u{1b}[");
            rest = inner;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{Seek, SeekFrom, Write};

    fn log(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut f = tempfile::NamedTempFile::new().unwrap();
        f.write_all(bytes).unwrap();
        f
    }

    fn texts(page: &LogPage) -> Vec<&str> {
        page.rows.iter().map(|r| r.text.as_str()).collect()
    }

    #[test]
    fn a_missing_and_an_empty_log_have_no_rows() {
        let f = log(b"");
        for edge in [LogEdge::End, LogEdge::From(0), LogEdge::Before(0), LogEdge::From(99)] {
            assert!(read_log(f.path(), edge, 5).unwrap().rows.is_empty());
            assert!(read_log(Path::new("/nowhere/out.log"), edge, 5).unwrap().rows.is_empty());
        }
        assert!(read_log(Path::new("/"), LogEdge::End, 1).is_err());
    }

    #[test]
    fn a_line_of_ten_megabytes_is_one_row_that_says_what_is_left_out() {
        let mut bytes = b"first\n".to_vec();
        bytes.extend(vec![b'x'; 10 << 20]);
        bytes.extend(b"\nlast\n");
        let f = log(&bytes);
        let page = read_log(f.path(), LogEdge::End, 10).unwrap();
        assert_eq!(page.rows.len(), 3);
        assert_eq!((page.rows[0].text.as_str(), page.rows[2].text.as_str()), ("first", "last"));
        assert_eq!(page.rows[1].cut, (10 << 20) - KEPT as u64);
        assert!(page.at_start() && page.at_end());
        assert_eq!(read_log(f.path(), LogEdge::From(0), 10).unwrap(), page);
    }

    #[test]
    fn a_gigabyte_without_a_line_break_costs_one_page() {
        let mut f = tempfile::NamedTempFile::new().unwrap();
        // A hole: as long as the real thing, and takes no disk.
        f.as_file_mut().set_len(1 << 30).unwrap();
        f.seek(SeekFrom::End(0)).unwrap();
        f.write_all(b"\nend").unwrap();
        let page = read_log(f.path(), LogEdge::End, 5).unwrap();
        assert_eq!(page.rows.last().unwrap().text, "end");
        let long = &page.rows[0];
        assert!(long.continues && long.end - long.at <= BUDGET + 1);
        let before = read_log(f.path(), LogEdge::Before(long.at), 5).unwrap();
        assert_eq!(before.rows.last().unwrap().end, long.at);
        let first = read_log(f.path(), LogEdge::From(0), 5).unwrap();
        assert_eq!((first.rows.len(), first.rows[0].whole), (1, false));
    }

    #[test]
    fn colours_go_and_everything_else_that_is_hostile_stays_to_be_seen() {
        let f = log(b"\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J\n1%\r50%\r100%\r\n\xff\xfe\0\n");
        let page = read_log(f.path(), LogEdge::End, 5).unwrap();
        assert_eq!(
            texts(&page),
            ["red\u{1b}]0;title\u{7}\u{1b}[2J", "100%", "\u{fffd}\u{fffd}\u{0}"]
        );
    }

    #[test]
    fn a_line_that_is_being_written_is_not_whole_yet() {
        let page = read_log(log(b"a\nb").path(), LogEdge::End, 5).unwrap();
        assert_eq!((page.rows[0].whole, page.rows[1].whole), (true, false));
    }

    proptest! {
        #[test]
        fn pages_either_way_are_the_lines_of_the_file(
            lines in prop::collection::vec("[a-zß好]{0,9}", 0..40),
            torn in any::<bool>(), n in 1usize..7
        ) {
            let mut text = lines.join("\n");
            if !torn && !text.is_empty() {
                text.push('\n');
            }
            let f = log(text.as_bytes());
            let wanted: Vec<&str> = text.lines().collect();
            let (mut down, mut at) = (Vec::new(), 0);
            loop {
                let page = read_log(f.path(), LogEdge::From(at), n).unwrap();
                let Some(last) = page.rows.last() else { break };
                at = last.end;
                down.extend(page.rows.iter().map(|r| r.text.clone()));
            }
            prop_assert_eq!(&down, &wanted);
            let mut up: Vec<String> = Vec::new();
            let mut edge = LogEdge::End;
            loop {
                let page = read_log(f.path(), edge, n).unwrap();
                let Some(first) = page.rows.first() else { break };
                edge = LogEdge::Before(first.at);
                up.splice(0..0, page.rows.iter().map(|r| r.text.clone()));
            }
            prop_assert_eq!(&up, &wanted);
        }

        #[test]
        fn no_budget_loses_or_repeats_a_byte(
            bytes in prop::collection::vec(prop_oneof![4 => Just(b'x'), 1 => Just(b'\n')], 0..300),
            budget in 0u64..400
        ) {
            let f = log(&bytes);
            let (mut at, mut n) = (0, 0);
            while at < bytes.len() as u64 {
                let page = read(f.as_file(), LogEdge::From(at), 3, budget).unwrap();
                prop_assert_eq!(page.rows[0].at, at);
                at = page.rows.last().unwrap().end;
                n += 1;
                prop_assert!(n < 1000);
            }
            let mut end = bytes.len() as u64;
            while end > 0 {
                let page = read(f.as_file(), LogEdge::Before(end), 3, budget).unwrap();
                prop_assert_eq!(page.rows.last().unwrap().end, end);
                end = page.rows[0].at;
            }
        }
    }
}
