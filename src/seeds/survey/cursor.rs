//! Moving through a line from column to column.
//!
//! Gaps between wanted columns are passed by counting delimiters: far ones in bulk, near ones eight
//! bytes at a time, in a word with 0x80 in every byte that is a delimiter. Columns side by side are
//! read one after the other. No field is copied.

use super::line::{Row, shown};
use super::value::{LARGE, UNREADABLE, answer_at, cell, four_digits_at};

/// A place in a line: `at` stands in the column numbered `passed`.
pub(super) struct Cursor<'l> {
    line: &'l [u8],
    delimiter: u8,
    at: usize,
    /// Delimiters before `at`.
    passed: usize,
}

/// Bytes that are counted at once on the way to a column.
const BLOCK: usize = 16;
/// Bytes that are counted at once behind the last column, or a multiple of them.
const WIDE: usize = 32;

/// How often `byte` stands in a block; the compiler makes vector code of it.
#[inline]
fn count_in(block: &[u8; BLOCK], byte: u8) -> usize {
    usize::from(block.iter().map(|&b| u8::from(b == byte)).sum::<u8>())
}

impl<'l> Cursor<'l> {
    pub(super) fn new(line: &'l [u8], delimiter: u8) -> Self {
        Self { line, delimiter, at: 0, passed: 0 }
    }

    /// Fields of the whole line.
    pub(super) fn count_fields(&self) -> usize {
        let rest = self.line.get(self.at..).unwrap_or_default();
        self.passed + count(rest, self.delimiter) + 1
    }

    /// Moves to the start of a column ahead. False when the line ends before.
    #[inline]
    pub(super) fn seek(&mut self, column: usize) -> bool {
        // The next column, from the end of a cell: the usual case.
        if self.passed + 1 == column && self.line.get(self.at) == Some(&self.delimiter) {
            self.at += 1;
            self.passed = column;
            return true;
        }
        while self.passed < column {
            let left = column - self.passed;
            // `n` delimiters take `n` bytes at least: that many cannot pass the column.
            let bulk = (left - 1) - (left - 1) % BLOCK;
            if bulk > 0
                && let Some(span) = self.line.get(self.at..self.at + bulk)
            {
                let (blocks, _) = span.as_chunks::<BLOCK>();
                self.passed += blocks.iter().map(|b| count_in(b, self.delimiter)).sum::<usize>();
                self.at += bulk;
                continue;
            }
            let Some(word) = word_at(self.line, self.at, self.delimiter) else { return false };
            let mut marks = delimiters(word, self.delimiter);
            let here = ones(marks);
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
    pub(super) fn take_answers(&mut self, row: &mut Row, first: u16, count: u16) -> bool {
        let (line, d) = (self.line, self.delimiter);
        let questions = usize::from(first)..usize::from(first) + usize::from(count);
        let Some(slots) = row.slots.get_mut(questions) else { return false };
        let last = slots.len().saturating_sub(1);
        let mut at = self.at;
        let mut i = 0;
        while i <= last {
            if let Some(four) = slots.get_mut(i..i + 4)
                && let Some(read) = four_digits_at(line, at, d)
            {
                four.copy_from_slice(&read);
                i += 4;
                at += 8;
                if i > last {
                    // the cursor stands behind the last cell, before its delimiter
                    at -= 1;
                }
                continue;
            }
            let (answer, length) = answer_at(line, at, d);
            slots[i] = answer.slot;
            if answer.slot == LARGE {
                row.large.push((first + i as u16, answer.large));
            } else if answer.slot == UNREADABLE {
                row.unreadable.push((first + i as u16, shown(cell(line, at, d))));
            }
            at += length;
            if i < last {
                if line.get(at) != Some(&d) {
                    (self.at, self.passed) = (at, self.passed + i);
                    return false;
                }
                at += 1;
            }
            i += 1;
        }
        (self.at, self.passed) = (at, self.passed + usize::from(count) - 1);
        true
    }

    /// The cell at the cursor, which then stands behind it.
    pub(super) fn take_cell(&mut self) -> &'l [u8] {
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

/// How often `byte` stands in a text: the bulk with the widest instructions of the machine, the
/// rest by words.
#[inline]
fn count(text: &[u8], byte: u8) -> usize {
    let bulk = text.len() - text.len() % WIDE;
    let mut n = if bulk > 0 { memchr::memchr_iter(byte, &text[..bulk]).count() } else { 0 };
    let mut at = bulk;
    while let Some(word) = word_at(text, at, byte) {
        n += ones(delimiters(word, byte));
        at += 8;
    }
    n
}

/// The number of bits in a mask with one bit a byte: a product sums them.
#[inline]
fn ones(marks: u64) -> usize {
    ((marks >> 7).wrapping_mul(0x0101_0101_0101_0101) >> 56) as usize
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
}
