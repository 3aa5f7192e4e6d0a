//! One line of a survey file: jump to the columns that are needed, read them, look at nothing else.
//!
//! Eight bytes at a time: a word holds 0x80 in every byte that is a delimiter, the number of those
//! tells how many columns the word passes, and only words in which a wanted column starts are
//! looked at closer. No field is copied.

use crate::seeds::countries;
use crate::table::quotes::{self, Piece};

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
    starts: Vec<usize>,
    unquoted: Vec<u8>,
    pub(super) row: Row,
}

impl<'a> LineScanner<'a> {
    pub(super) fn new(layout: &'a Layout) -> Self {
        Self {
            layout,
            delimiter: layout.delimiter.byte(),
            starts: vec![0; layout.fields.len()],
            unquoted: Vec::new(),
            row: Row { slots: vec![0; layout.questions.len()], ..Row::default() },
        }
    }

    /// Reads one record, given without its line break.
    pub(super) fn scan(&mut self, record: &[u8], may_hold_quotes: bool) -> Scanned {
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        let last_quote = if may_hold_quotes { memchr::memrchr(b'"', record) } else { None };
        let Some(last_quote) = last_quote else { return self.scan_unquoted(record) };
        let mut line = std::mem::take(&mut self.unquoted);
        remove_quotes(record, last_quote, self.delimiter, &mut line);
        let scanned = self.scan_unquoted(&line);
        self.unquoted = line;
        scanned
    }

    fn scan_unquoted(&mut self, line: &[u8]) -> Scanned {
        if line.is_empty() {
            return Scanned::Blank;
        }
        let found = self.find_starts(line);
        if found != self.layout.columns {
            return Scanned::SetAside(match summary_name(cell(line, 0, self.delimiter)) {
                Some(name) => SetAside::Summary { name },
                None => SetAside::Ragged { found },
            });
        }
        self.row.weight = 1.0;
        self.row.large.clear();
        self.row.unreadable.clear();
        let (mut number, mut alpha) = (None, None);
        for (&(_, field), &start) in self.layout.fields.iter().zip(&self.starts) {
            match field {
                Field::Question(q) => {
                    let answer = answer_at(line, start, self.delimiter);
                    self.row.slots[usize::from(q)] = answer.slot;
                    if answer.slot == LARGE {
                        self.row.large.push((q, answer.large));
                    } else if answer.slot == UNREADABLE {
                        let text = shown(cell(line, start, self.delimiter));
                        self.row.unreadable.push((q, text));
                    }
                }
                Field::CountryNumber => number = Some(trim(cell(line, start, self.delimiter))),
                Field::CountryAlpha => alpha = Some(trim(cell(line, start, self.delimiter))),
                Field::Weight | Field::S018 => {
                    let text = cell(line, start, self.delimiter);
                    let Some(w) = weight(text) else {
                        // A summary row has no weight; it is told by its country first.
                        if let Err(aside) = country_of(number, alpha) {
                            return Scanned::SetAside(aside);
                        }
                        let column = if field == Field::S018 { "S018" } else { "W_WEIGHT" };
                        let text = shown(text);
                        return Scanned::SetAside(SetAside::Weight { column, text });
                    };
                    self.row.weight *= w;
                }
            }
        }
        match country_of(number, alpha) {
            Ok(country) => {
                self.row.country = country;
                Scanned::Respondent
            }
            Err(aside) => Scanned::SetAside(aside),
        }
    }

    /// Fills `starts` with the offset of every wanted column and returns the number of fields.
    fn find_starts(&mut self, line: &[u8]) -> usize {
        let wanted = &self.layout.fields;
        let d = self.delimiter;
        let mut next = 0;
        // `passed` counts the delimiters before `at`.
        let (mut at, mut passed) = (0, 0);
        while next < wanted.len() && wanted[next].0 == 0 {
            self.starts[next] = 0;
            next += 1;
        }
        while let Some(&(column, _)) = wanted.get(next) {
            // Far from the next wanted column: whole blocks are counted, not looked at.
            if column - passed > FAR
                && let Some(block) = line.get(at..at + BLOCK)
            {
                let here = count(block, d);
                if passed + here < column {
                    passed += here;
                    at += BLOCK;
                    continue;
                }
            }
            let Some(word) = word_at(line, at, d) else { break };
            let mut marks = delimiters(word, d);
            let after = passed + marks.count_ones() as usize;
            while let Some(&(column, _)) = wanted.get(next) {
                if column > after {
                    break;
                }
                while passed + 1 < column {
                    marks &= marks - 1;
                    passed += 1;
                }
                let start = at + marks.trailing_zeros() as usize / 8 + 1;
                marks &= marks - 1;
                passed += 1;
                self.starts[next] = start;
                next += 1;
            }
            passed = after;
            at += 8;
        }
        for start in &mut self.starts[next..] {
            *start = line.len();
        }
        passed + count(line.get(at..).unwrap_or_default(), d) + 1
    }
}

/// Bytes that are counted at once, and the distance in columns from which that pays.
const BLOCK: usize = 64;
const FAR: usize = 24;

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

/// How often `byte` stands in a text. Sums of bytes in runs below 256 become vector code.
#[inline]
fn count(text: &[u8], byte: u8) -> usize {
    text.chunks(192)
        .map(|run| usize::from(run.iter().map(|&b| u8::from(b == byte)).sum::<u8>()))
        .sum()
}

/// Copies a record without its quotes. Behind the last quote nothing needs a look.
fn remove_quotes(record: &[u8], last_quote: usize, delimiter: u8, line: &mut Vec<u8>) {
    line.clear();
    let (head, tail) = record.split_at(last_quote + 1);
    quotes::fields(head, delimiter, |piece| match piece {
        Piece::Quoted(b) if b == delimiter || b == b'\n' => line.push(INSIDE_QUOTES),
        Piece::Bare(b) | Piece::Quoted(b) => line.push(b),
        Piece::End => line.push(delimiter),
    });
    line.pop();
    if quotes::open_after(head, delimiter, false) {
        // The last quote opened a text that never closes: what follows belongs to it.
        line.extend(tail.iter().map(|&b| match b {
            b'\n' => INSIDE_QUOTES,
            b if b == delimiter => INSIDE_QUOTES,
            b => b,
        }));
    } else {
        line.extend_from_slice(tail);
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
