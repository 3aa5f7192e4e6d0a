//! Runs the line scanner over all blocks on several threads, and puts the sums together in order.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::seeds::report::Faults;
use crate::seeds::{ImportProgress, SeedsError};
use crate::table::TableError;
use crate::table::quotes::record_length;

use super::blocks::{Block, BlockSource};
use super::layout::Layout;
use super::line::{LineScanner, Scanned, SetAside};
use super::tally::{BlockTally, Totals};

/// Summary rows that are kept whole; a country file has three.
const SUMMARIES: usize = 16;

/// A row of means, as it stands in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SummaryRow {
    /// 1-based.
    pub(super) line: u64,
    /// `Avg`
    pub(super) name: String,
    /// The record.
    pub(super) record: Vec<u8>,
}

/// What the lines of a file, or of a block, hold beside respondents.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Beside {
    pub(super) summaries: Vec<SummaryRow>,
    pub(super) summary_rows: u64,
    /// Lines left out: ragged, without a country, without a weight, damaged.
    pub(super) left_out: Faults,
    pub(super) ragged: u64,
    /// Cells that are no code; their respondents count for the other questions.
    pub(super) unreadable: Faults,
    /// Line and byte of the first character that is not UTF-8, in no column that is read.
    pub(super) not_utf8: Option<(u64, u64)>,
}

impl Beside {
    /// Adds what a later block holds; `before` lines of the file stand before it.
    fn merge(&mut self, mut next: Self, before: u64) {
        next.left_out.shift(before);
        next.unreadable.shift(before);
        next.summaries.iter_mut().for_each(|s| s.line += before);
        let not_utf8 = next.not_utf8.map(|(line, byte)| (line + before, byte));
        let room = SUMMARIES.saturating_sub(self.summaries.len());
        self.summaries.extend(next.summaries.into_iter().take(room));
        self.summary_rows += next.summary_rows;
        self.left_out.merge(next.left_out);
        self.ragged += next.ragged;
        self.unreadable.merge(next.unreadable);
        self.not_utf8 = self.not_utf8.or(not_utf8);
    }

    fn set_aside(&mut self, line: u64, record: &[u8], why: SetAside, layout: &Layout) {
        let text = match why {
            SetAside::Summary { name } => {
                self.summary_rows += 1;
                if self.summaries.len() < SUMMARIES {
                    self.summaries.push(SummaryRow { line, name, record: record.to_vec() });
                }
                return;
            }
            SetAside::Ragged { found } => {
                self.ragged += 1;
                format!(
                    "{found} fields, expected {} as in the header; left out (a text with the \
                     delimiter in it needs quotes)",
                    layout.columns
                )
            }
            SetAside::Country { text } => format!(
                "the country is `{text}`: expected a number in B_COUNTRY and three capital letters \
                 in B_COUNTRY_ALPHA; left out"
            ),
            SetAside::Weight { column, text } => format!(
                "the weight {column} is `{text}`: expected a number of 0 or more; left out \
                 (import unweighted to keep it)"
            ),
            SetAside::Nul => "a NUL byte: the line is damaged; left out".into(),
        };
        self.left_out.push(line, text);
    }
}

/// Sums and remarks of one block.
#[derive(Debug, Default)]
struct BlockResult {
    tally: BlockTally,
    /// Lines are counted from 1 in each block.
    beside: Beside,
    lines: u64,
}

/// True for text without NUL and in ASCII: what nearly every block is, told in one pass.
fn is_plain(text: &[u8]) -> bool {
    text.chunks(1 << 12)
        .all(|part| part.iter().fold(0, |all, &b| all | b | b.wrapping_sub(1)) < 0x80)
}

/// Scans one block.
fn scan_block(
    scanner: &mut LineScanner<'_>,
    layout: &Layout,
    at: Block,
    text: &[u8],
) -> BlockResult {
    let mut out = BlockResult::default();
    let plain = is_plain(text);
    let nul = !plain && memchr::memchr(0, text).is_some();
    if !plain && let Err(e) = std::str::from_utf8(text) {
        let i = e.valid_up_to();
        let breaks = memchr::memchr_iter(b'\n', &text[..i]).count() as u64;
        out.beside.not_utf8 = Some((1 + breaks, at.offset + i as u64 + 1));
    }
    let mut line = 1;
    let mut rest = text;
    while !rest.is_empty() {
        let length = if at.quotes {
            record_length(rest, layout.delimiter.byte())
        } else {
            memchr::memchr(b'\n', rest)
        };
        let record = &rest[..length.unwrap_or(rest.len())];
        let scanned = if nul && memchr::memchr(0, record).is_some() {
            Scanned::SetAside(SetAside::Nul)
        } else {
            scanner.scan(record, at.quotes)
        };
        match scanned {
            Scanned::Respondent => {
                out.tally.add(&scanner.row);
                for (q, text) in &scanner.row.unreadable {
                    let id = &layout.questions[usize::from(*q)].id;
                    out.beside.unreadable.push(
                        line,
                        format!("{id} is `{text}`: expected a code such as 1, or -5 to -1"),
                    );
                }
            }
            Scanned::Blank => {}
            Scanned::SetAside(why) => out.beside.set_aside(line, record, why, layout),
        }
        if at.quotes {
            line += memchr::memchr_iter(b'\n', record).count() as u64;
        }
        line += 1;
        rest = length.map_or(&[], |n| &rest[n + 1..]);
    }
    out.lines = line - 1;
    out
}

/// Results as they arrive, merged in the order of blocks.
#[derive(Debug, Default)]
struct Ordered {
    next: usize,
    /// Lines of the file before block `next`.
    lines: u64,
    waiting: BTreeMap<usize, BlockResult>,
    totals: Totals,
    beside: Beside,
    error: Option<TableError>,
}

impl Ordered {
    fn take(&mut self, index: usize, result: BlockResult) {
        self.waiting.insert(index, result);
        while let Some(result) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.totals.merge(result.tally);
            self.beside.merge(result.beside, self.lines);
            self.lines += result.lines;
        }
    }
}

/// A thread that panicked has already failed the test or the program; its lock is still usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads all blocks of `source` on `threads` threads.
pub(super) fn collect<R: Read + Send>(
    source: BlockSource<R>,
    layout: &Layout,
    threads: usize,
    path: &Path,
    bytes: u64,
    progress: &(dyn Fn(ImportProgress<'_>) + Sync),
) -> Result<(Totals, Beside), SeedsError> {
    let lines = source.header_lines();
    let source = Mutex::new(source);
    let ordered = Mutex::new(Ordered { lines, ..Ordered::default() });
    let work = || {
        let mut scanner = LineScanner::new(layout);
        let mut text = Vec::new();
        loop {
            // The guard is dropped before the block is scanned: the next thread reads meanwhile.
            let next = lock(&source).next(&mut text);
            match next {
                Ok(Some(at)) => {
                    let result = scan_block(&mut scanner, layout, at, &text);
                    let mut ordered = lock(&ordered);
                    ordered.take(at.index, result);
                    drop(ordered);
                    progress(ImportProgress { path, read: at.offset + text.len() as u64, bytes });
                }
                Ok(None) => return,
                Err(e) => {
                    lock(&ordered).error.get_or_insert(e);
                    return;
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.max(1) {
            scope.spawn(work);
        }
        work();
    });
    let ordered = ordered.into_inner().unwrap_or_else(PoisonError::into_inner);
    match ordered.error {
        // All blocks before it were read, so their lines are known now.
        Some(TableError::LongLine { path, line, limit }) => {
            Err(TableError::LongLine { path, line: ordered.lines + line, limit }.into())
        }
        Some(e) => Err(e.into()),
        None => Ok((ordered.totals, ordered.beside)),
    }
}
