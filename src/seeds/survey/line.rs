//! One line of a survey file: jump to the columns that are needed, read them, look at nothing else.
//!
//! Gaps between wanted columns are passed by counting delimiters: far ones in bulk, near ones eight
//! bytes at a time, in a word with 0x80 in every byte that is a delimiter. Columns side by side are
//! read one after the other. No field is copied.

use crate::seeds::countries;

use super::layout::{Field, Layout};
use super::value::{LARGE, UNREADABLE, answer_at, cell, trim, weight};

/// Stands for a delimiter or line break inside quotes, so that the line can be read as if it had
/// no quotes; no number or country code holds it.
const INSIDE_QUOTES: u8 = 0x1F;

/// Why a line is no respondent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SetAside {
    /// Another number of fields than the header.
    Ragged { found: usize },
    /// A row of means or totals, recognised by its first cell.
    Summary { name: String },
    /// Neither a respondent's country nor a summary row.
    Country { text: String },
    /// The weight is no number.
    Weight { column: &'static str, text: String },
    /// A NUL byte in it.
    Nul,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scanned {
    /// The answers stand in [`LineScanner::row`].
    Respondent,
    /// Nothing on it.
    Blank,
    /// Left out.
    SetAside(SetAside),
}

/// One respondent.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// ISO alpha-3.
    pub(super) country: [u8; 3],
    /// Product of the weights in use; 1 without.
    pub(super) weight: f64,
    /// A slot for each question.
    pub(super) slots: Vec<u8>,
    /// Question and code for each slot [`LARGE`].
    pub(super) large: Vec<(u16, u8)>,
    /// Question and text for each slot [`UNREADABLE`].
    pub(super) unreadable: Vec<(u16, String)>,
}

/// Reads lines into one row that is used again and again.
#[derive(Debug)]
pub(super) struct LineScanner<'a> {
    layout: &'a Layout,
    delimiter: u8,
    unquoted: Vec<u8>,
    pub(super) row: Row,
}

impl<'a> LineScanner<'a> {
    pub(super) fn new(layout: &'a Layout) -> Self {
        Self {
            layout,
            delimiter: layout.delimiter.byte(),
            unquoted: Vec::new(),
            row: Row { slots: vec![0; layout.questions.len()], ..Row::default() },
        }
    }

    /// Reads one record, given without its line break.
    pub(super) fn scan(&mut self, record: &[u8], may_hold_quotes: bool) -> Scanned {
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        if !may_hold_quotes || memchr::memchr(b'"', record).is_none() {
            return self.scan_unquoted(record);
        }
        let mut line = std::mem::take(&mut self.unquoted);
        remove_quotes(record, self.delimiter, &mut line);
        let scanned = self.scan_unquoted(&line);
        self.unquoted = line;
        scanned
    }

    fn scan_unquoted(&mut self, line: &[u8]) -> Scanned {
        if line.is_empty() {
            return Scanned::Blank;
        }
        let layout = self.layout;
        let d = self.delimiter;
        let row = &mut self.row;
        row.weight = 1.0;
        row.large.clear();
        row.unreadable.clear();
        let (mut number, mut alpha) = (None, None);
        let mut bad_weight = None;
        let mut cursor = Cursor { line, delimiter: d, at: 0, passed: 0 };
        for &(column, field) in &layout.fields {
            if !cursor.seek(column) {
                break;
            }
            match field {
                Field::Questions { first, count } => {
                    if !cursor.take_answers(row, first, count) {
                        break;
                    }
                }
                Field::CountryNumber => number = Some(trim(cursor.take_cell())),
                Field::CountryAlpha => alpha = Some(trim(cursor.take_cell())),
                Field::Weight | Field::S018 => {
                    let text = cursor.take_cell();
                    if let Some(w) = weight(text) {
                        row.weight *= w;
                    } else {
                        let column = if field == Field::S018 { "S018" } else { "W_WEIGHT" };
                        bad_weight.get_or_insert((column, shown(text)));
                    }
                }
            }
        }
        let found = cursor.passed + count(line.get(cursor.at..).unwrap_or_default(), d) + 1;
        if found != layout.columns {
            return Scanned::SetAside(match summary_name(cell(line, 0, d)) {
                Some(name) => SetAside::Summary { name },
                None => SetAside::Ragged { found },
            });
        }
        match (country_of(number, alpha), bad_weight) {
            (Err(aside), _) => Scanned::SetAside(aside),
            (Ok(_), Some((column, text))) => Scanned::SetAside(SetAside::Weight { column, text }),
            (Ok(country), None) => {
                row.country = country;
                Scanned::Respondent
            }
        }
    }
}

/// A place in a line: `at` stands in the column numbered `passed`.
struct Cursor<'l> {
    line: &'l [u8],
    delimiter: u8,
    at: usize,
    /// Delimiters before `at`.
    passed: usize,
}

/// Columns from which it pays to count delimiters in bulk.
const FAR: usize = 24;

impl<'l> Cursor<'l> {
    /// Moves to the start of a column ahead. False when the line ends before.
    #[inline]
    fn seek(&mut self, column: usize) -> bool {
        // The next column, from the end of a cell: the usual case.
        if self.passed + 1 == column && self.line.get(self.at) == Some(&self.delimiter) {
            self.at += 1;
            self.passed = column;
            return true;
        }
        while self.passed < column {
            let left = column - self.passed;
            // `n` delimiters take `n` bytes at least: that many cannot pass the column.
            if left > FAR
                && let Some(span) = self.line.get(self.at..self.at + left - 1)
            {
                self.passed += count(span, self.delimiter);
                self.at += span.len();
                continue;
            }
            let Some(word) = word_at(self.line, self.at, self.delimiter) else { return false };
            let mut marks = delimiters(word, self.delimiter);
            // The bits stand one a byte, so a product sums them.
            let here = ((marks >> 7).wrapping_mul(0x0101_0101_0101_0101) >> 56) as usize;
            if here < left {
                self.passed += here;
                self.at += 8;
                continue;
            }
            for _ in 1..left {
                marks &= marks - 1;
            }
            self.at += marks.trailing_zeros() as usize / 8 + 1;
            self.passed = column;
        }
        true
    }

    /// Reads the answers of columns side by side. False when the line ends before the last.
    #[inline]
    fn take_answers(&mut self, row: &mut Row, first: u16, count: u16) -> bool {
        let (line, d) = (self.line, self.delimiter);
        let questions = usize::from(first)..usize::from(first) + usize::from(count);
        let Some(slots) = row.slots.get_mut(questions) else { return false };
        let mut at = self.at;
        for (i, slot) in slots.iter_mut().enumerate() {
            if i > 0 {
                if line.get(at) != Some(&d) {
                    (self.at, self.passed) = (at, self.passed + i - 1);
                    return false;
                }
                at += 1;
            }
            let (answer, length) = answer_at(line, at, d);
            *slot = answer.slot;
            if answer.slot == LARGE {
                row.large.push((first + i as u16, answer.large));
            } else if answer.slot == UNREADABLE {
                row.unreadable.push((first + i as u16, shown(cell(line, at, d))));
            }
            at += length;
        }
        (self.at, self.passed) = (at, self.passed + usize::from(count) - 1);
        true
    }

    /// The cell at the cursor, which then stands behind it.
    fn take_cell(&mut self) -> &'l [u8] {
        let text = cell(self.line, self.at, self.delimiter);
        self.at += text.len();
        text
    }
}

/// Eight bytes from `at`; behind the end of the line stand bytes that are no delimiter. `None`
/// behind the end.
#[inline]
fn word_at(line: &[u8], at: usize, delimiter: u8) -> Option<u64> {
    if let Some(bytes) = line.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        return Some(u64::from_le_bytes(*bytes));
    }
    let rest = line.get(at..).filter(|r| !r.is_empty())?;
    let mut bytes = [!delimiter; 8];
    bytes[..rest.len()].copy_from_slice(rest);
    Some(u64::from_le_bytes(bytes))
}

/// 0x80 in every byte of the word that equals `byte`, exactly (no carries between bytes).
#[inline]
fn delimiters(word: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    let x = word ^ (0x0101_0101_0101_0101 * u64::from(byte));
    !(((x & LOW) + LOW) | x | LOW)
}

/// How often `byte` stands in a text, with the widest instructions of the machine.
#[inline]
fn count(text: &[u8], byte: u8) -> usize {
    memchr::memchr_iter(byte, text).count()
}

/// Copies a record without its quotes, from quote to quote.
fn remove_quotes(record: &[u8], delimiter: u8, line: &mut Vec<u8>) {
    line.clear();
    let inside = |line: &mut Vec<u8>, text: &[u8]| {
        let start = line.len();
        line.extend_from_slice(text);
        for b in &mut line[start..] {
            if *b == delimiter || *b == b'\n' {
                *b = INSIDE_QUOTES;
            }
        }
    };
    let (mut from, mut open) = (0, false);
    while let Some(i) = memchr::memchr(b'"', &record[from..]) {
        let at = from + i;
        let before = &record[from..at];
        from = at + 1;
        if open {
            inside(line, before);
            open = record.get(from) == Some(&b'"');
            if open {
                line.push(b'"');
                from += 1;
            }
        } else {
            line.extend_from_slice(before);
            open = at == 0 || record[at - 1] == delimiter;
            if !open {
                line.push(b'"');
            }
        }
    }
    if open {
        inside(line, &record[from..]);
    } else {
        line.extend_from_slice(&record[from..]);
    }
}

/// A cell for a message.
fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned()
}

/// `Avg`, `Avg_First`, `Avg_Last` of the release, and what others write there.
fn summary_name(text: &[u8]) -> Option<String> {
    let name = shown(trim(text));
    let lower = name.to_lowercase();
    ["avg", "average", "mean", "total", "sum"]
        .iter()
        .any(|word| lower.starts_with(word))
        .then_some(name)
}

fn country_of(number: Option<&[u8]>, alpha: Option<&[u8]>) -> Result<[u8; 3], SetAside> {
    let text = || {
        let parts = [number, alpha].into_iter().flatten().map(shown);
        SetAside::Country { text: parts.collect::<Vec<_>>().join(", ") }
    };
    for name in [number, alpha].into_iter().flatten() {
        if !name.first().is_some_and(u8::is_ascii_digit)
            && let Some(name) = summary_name(name)
        {
            // `SUM` could be a country; beside a number it is one.
            let is_code = alpha.is_some_and(is_alpha3) && number.is_none_or(is_number);
            if !is_code {
                return Err(SetAside::Summary { name });
            }
        }
    }
    match (number, alpha) {
        (Some(n), _) if !n.is_empty() && !is_number(n) => Err(text()),
        (_, Some(a)) if is_alpha3(a) => a.try_into().map_err(|_| text()),
        // Files without letters: the survey's own numbers tell the country.
        (Some(n), None | Some([])) => countries::alpha_of_number(n).ok_or_else(text),
        _ => Err(text()),
    }
}

fn is_alpha3(text: &[u8]) -> bool {
    text.len() == 3 && text.iter().all(u8::is_ascii_uppercase)
}

/// `368`, `368.00`
fn is_number(text: &[u8]) -> bool {
    let digits = |t: &[u8]| !t.is_empty() && t.iter().all(u8::is_ascii_digit);
    let mut parts = text.splitn(2, |b| matches!(b, b'.' | b','));
    parts.next().is_some_and(digits) && parts.next().is_none_or(|f| f.iter().all(|b| *b == b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_marked_exactly() {
        for text in [b",,,,,,,,", b"-,-,-,-,", b"\x2D\x2C\x2B\xAC\x00\x2C\xFF\x2C", b"abcdefgh"] {
            let marks = delimiters(u64::from_le_bytes(*text), b',');
            for (i, &b) in text.iter().enumerate() {
                assert_eq!((marks >> (8 * i)) & 0xFF, if b == b',' { 0x80 } else { 0 }, "{i}");
            }
        }
    }

    #[test]
    fn rows_of_means_are_no_country_and_countries_are_no_means() {
        let c = |n: Option<&str>, a: Option<&str>| {
            country_of(n.map(str::as_bytes), a.map(str::as_bytes))
        };
        assert_eq!(c(Some("368"), Some("IRQ")), Ok(*b"IRQ"));
        assert_eq!(c(Some("368.00"), Some("IRQ")), Ok(*b"IRQ"));
        assert_eq!(c(Some("368"), None), Ok(*b"IRQ"));
        assert_eq!(c(None, Some("IRQ")), Ok(*b"IRQ"));
        assert_eq!(c(Some("736"), Some("SUM")), Ok(*b"SUM"));
        for (n, a) in [("Avg", ""), ("Avg_First", ""), ("Avg_Last", "IRQ"), ("Mean", "IRQ")] {
            assert!(matches!(c(Some(n), Some(a)), Err(SetAside::Summary { .. })), "{n} {a}");
        }
        for (n, a) in [("", ""), ("x", "IRQ"), ("12x", "IRQ"), ("", "irq"), ("99999", "")] {
            assert!(matches!(c(Some(n), Some(a)), Err(SetAside::Country { .. })), "{n} {a}");
        }
    }
}
