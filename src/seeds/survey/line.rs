//! One line of a survey file: jump to the columns that are needed, read them, look at nothing else.

use crate::seeds::countries;

use super::cursor::Cursor;
use super::layout::{Field, Layout};
use super::unquote::remove_quotes;
use super::value::{cell, trim, weight};

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
        let mut cursor = Cursor::new(line, d);
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
        let found = cursor.count_fields();
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

/// A cell for a message.
pub(super) fn shown(text: &[u8]) -> String {
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
    if let Some(a) = alpha
        && is_alpha3(a)
        && number.is_none_or(is_number)
        && let Ok(code) = a.try_into()
    {
        return Ok(code);
    }
    let text = || {
        let parts = [number, alpha].into_iter().flatten().map(shown);
        SetAside::Country { text: parts.collect::<Vec<_>>().join(", ") }
    };
    for name in [number, alpha].into_iter().flatten() {
        if let Some(name) = summary_name(name) {
            return Err(SetAside::Summary { name });
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
