//! Cells to numbers, from bytes, without allocation.

use crate::domain::{AnswerCode, MissingKind};

/// Slots of one question in a tally: every answer has a small index.
pub(super) const SLOTS: usize = 32;
/// No number at all; reported, never counted.
pub(super) const UNREADABLE: u8 = 0;
/// An empty cell.
pub(super) const EMPTY: u8 = 1;
/// A code below -5, such as -999.
pub(super) const FAR_MISSING: u8 = 2;
/// Codes -5 to -1 stand in slots 3 to 7.
const MISSING: u8 = 3;
/// Codes 0 to 22 stand in slots 8 to 30.
const VALID: u8 = 8;
/// A code from 23 to 255, which no scale of the seeds has: kept beside the tally.
pub(super) const LARGE: u8 = 31;

/// What the codes of a slot are: `None` for [`UNREADABLE`] and [`LARGE`].
pub(super) fn slot_answer(slot: u8) -> Option<AnswerCode> {
    match slot {
        EMPTY | FAR_MISSING => Some(AnswerCode::Missing(MissingKind::Other)),
        MISSING..VALID => AnswerCode::from_code(i64::from(slot) - i64::from(VALID)),
        VALID..LARGE => Some(AnswerCode::Valid(slot - VALID)),
        _ => None,
    }
}

/// The survey's own code of a slot, for the released means: `None` where it has none.
pub(super) fn slot_code(slot: u8) -> Option<i64> {
    (MISSING..LARGE).contains(&slot).then(|| i64::from(slot) - i64::from(VALID))
}

/// A cell as slot; for [`LARGE`] the code itself too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CodeCell {
    pub(super) slot: u8,
    pub(super) large: u8,
}

impl CodeCell {
    fn of(slot: u8) -> Self {
        Self { slot, large: 0 }
    }
}

/// Outer spaces off.
pub(super) fn trim(mut field: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = field {
        field = rest;
    }
    field
}

/// The cell that starts at `start` of a line and ends before `delimiter` or with the line.
pub(super) fn cell(line: &[u8], start: usize, delimiter: u8) -> &[u8] {
    let rest = line.get(start..).unwrap_or_default();
    rest.iter().position(|&b| b == delimiter).map_or(rest, |end| &rest[..end])
}

/// Reads the answer that starts at `start`; with the length of its cell.
#[inline]
pub(super) fn answer_at(line: &[u8], start: usize, delimiter: u8) -> (CodeCell, usize) {
    // Nearly every cell is one digit, or a minus and one digit, and not the last of its line.
    if let Some(&[first, second, third]) = line.get(start..).and_then(<[u8]>::first_chunk::<3>) {
        if second == delimiter && first.is_ascii_digit() {
            return (CodeCell::of(VALID + (first - b'0')), 1);
        }
        if third == delimiter && first == b'-' && (b'1'..=b'5').contains(&second) {
            return (CodeCell::of(VALID - (second - b'0')), 2);
        }
        if third == delimiter && first == b'1' && second.is_ascii_digit() {
            return (CodeCell::of(VALID + 10 + (second - b'0')), 2);
        }
    }
    let text = cell(line, start, delimiter);
    (answer(text), text.len())
}

/// The slots of four cells from `start` on, when all are single digits with a delimiter behind:
/// most of a survey is.
#[inline]
pub(super) fn four_digits_at(line: &[u8], start: usize, delimiter: u8) -> Option<[u8; 4]> {
    const LANES: u64 = 0x0001_0001_0001_0001;
    let word = u64::from_le_bytes(*line.get(start..)?.first_chunk::<8>()?);
    // Even bytes are cells, odd bytes delimiters: four lanes of 16 bits.
    let delimiters = word & (LANES * 0xFF00) == LANES * (u64::from(delimiter) << 8);
    let digits = (word & (LANES * 0x00FF)) ^ (LANES * u64::from(b'0'));
    // 9 + 0x76 is the last sum below 0x80
    let all_digits = (digits + LANES * 0x76) & (LANES * 0xFF80) == 0;
    if !delimiters || !all_digits {
        return None;
    }
    let slots = (digits + LANES * u64::from(VALID)).to_le_bytes();
    Some([slots[0], slots[2], slots[4], slots[6]])
}

/// Reads any cell: `3`, `-2`, `1.00`, `-999.00`, `2,0` (where the comma is no delimiter), spaces.
#[cold]
fn answer(field: &[u8]) -> CodeCell {
    let field = trim(field);
    if field.is_empty() {
        return CodeCell::of(EMPTY);
    }
    let (negative, digits) = match field {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, field),
    };
    let mut parts = digits.splitn(2, |b| matches!(b, b'.' | b','));
    let whole = parts.next().unwrap_or_default();
    let fraction = parts.next();
    let zeros = |f: &[u8]| f.iter().all(|&b| b == b'0');
    if whole.is_empty() || whole.len() > 9 || !fraction.is_none_or(zeros) {
        return CodeCell::of(UNREADABLE);
    }
    let mut value = 0i64;
    for &b in whole {
        if !b.is_ascii_digit() {
            return CodeCell::of(UNREADABLE);
        }
        value = value * 10 + i64::from(b - b'0');
    }
    match (negative, value) {
        (true, 1..=5) => CodeCell::of(VALID - value as u8),
        (true, 6..) => CodeCell::of(FAR_MISSING),
        (_, 0..=22) => CodeCell::of(VALID + value as u8),
        (_, 23..=255) => CodeCell { slot: LARGE, large: value as u8 },
        _ => CodeCell::of(UNREADABLE),
    }
}

/// Reads a weight: a finite number, zero or more. A comma is read as the decimal mark when it is
/// not the delimiter.
pub(super) fn weight(field: &[u8]) -> Option<f64> {
    /// Powers of ten that an `f64` holds exactly.
    const TEN: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    let field = trim(field);
    let mut mantissa = 0u64;
    let (mut digits, mut after_mark, mut mark) = (0usize, 0usize, false);
    for &b in field {
        match b {
            b'0'..=b'9' => {
                mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(b - b'0'));
                digits += 1;
                after_mark += usize::from(mark);
            }
            b'.' | b',' if !mark => mark = true,
            _ => return slow_weight(field),
        }
    }
    if digits == 0 {
        return None;
    }
    // With at most 2^53 in the mantissa and an exact power of ten, one division rounds correctly.
    if digits <= 18 && mantissa < (1 << 53) && after_mark < TEN.len() {
        return Some(mantissa as f64 / TEN[after_mark]);
    }
    slow_weight(field)
}

#[cold]
fn slow_weight(field: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(field).ok()?.replace(',', ".");
    let value: f64 = text.parse().ok()?;
    (value.is_finite() && value >= 0.0).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_become_answers() {
        let missing = |k| Some(AnswerCode::Missing(k));
        for (text, expected) in [
            ("1", Some(AnswerCode::Valid(1))),
            ("0", Some(AnswerCode::Valid(0))),
            ("10", Some(AnswerCode::Valid(10))),
            (" 3 ", Some(AnswerCode::Valid(3))),
            ("1.00", Some(AnswerCode::Valid(1))),
            ("2,0", Some(AnswerCode::Valid(2))),
            ("-1", missing(MissingKind::DontKnow)),
            ("-2.0", missing(MissingKind::NoAnswer)),
            ("-3", missing(MissingKind::NotApplicable)),
            ("-4", missing(MissingKind::NotAsked)),
            ("-5", missing(MissingKind::Other)),
            ("-999", missing(MissingKind::Other)),
            ("-999.00", missing(MissingKind::Other)),
            ("", missing(MissingKind::Other)),
            ("-0", Some(AnswerCode::Valid(0))),
            ("1.5", None),
            ("-", None),
            ("abc", None),
            ("1e0", None),
            ("9999999999999999999", None),
            ("256", None),
            (".", None),
        ] {
            assert_eq!(
                slot_answer(answer_at(text.as_bytes(), 0, b';').0.slot),
                expected,
                "{text:?}"
            );
        }
        let (large, _) = answer_at(b"103", 0, b',');
        assert_eq!((large.slot, large.large), (LARGE, 103));
    }

    #[test]
    fn four_cells_at_once_are_read_as_one_by_one() {
        for first in 0..=255u8 {
            for text in [[first, b',', b'2', b',', b'3', b',', b'9', b','], *b"1,2,0,00"] {
                let slots = four_digits_at(&text, 0, b',');
                let plain = first.is_ascii_digit() && text[7] == b',';
                assert_eq!(slots.is_some(), plain, "{text:?}");
                if let Some(slots) = slots {
                    let one_by_one = [0, 2, 4, 6].map(|i| answer_at(&text, i, b',').0.slot);
                    assert_eq!(slots, one_by_one);
                }
            }
        }
        assert_eq!(four_digits_at(b"1,2,3,4", 0, b','), None);
    }

    #[test]
    fn weights_that_are_none_are_refused() {
        for bad in ["", "abc", "-1", "-999", "NaN", "inf", ".", "1.2.3", "1 2"] {
            assert_eq!(weight(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(weight(b"1,25"), Some(1.25));
        assert_eq!(weight(b"1e-1"), Some(0.1));
        assert_eq!(weight(b"0"), Some(0.0));
    }

    proptest! {
        #[test]
        fn weights_are_those_of_the_standard_library(text in "[0-9]{1,3}(\\.[0-9]{0,20})?") {
            prop_assert_eq!(weight(text.as_bytes()), text.parse::<f64>().ok());
        }
    }
}
