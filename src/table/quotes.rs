//! Where records and fields end when texts are quoted.
//!
//! The rules are those of the `csv` crate (and of RFC 4180 for well-formed files): a quote opens a
//! quoted text only at the start of a field, `""` inside stands for one quote, and a quote
//! elsewhere is a character like others.

/// Whether a quoted text is still open at the end of some lines that began inside one (`open`) or
/// at the start of a record.
pub fn open_after(text: &[u8], delimiter: u8, mut open: bool) -> bool {
    let mut from = 0;
    while let Some(i) = memchr::memchr(b'"', &text[from..]) {
        let at = from + i;
        from = at + 1;
        if !open {
            open = at == 0 || text[at - 1] == delimiter || text[at - 1] == b'\n';
        } else if text.get(at + 1) == Some(&b'"') {
            from = at + 2;
        } else {
            open = false;
        }
    }
    open
}

/// Length of the first record of `text` without its line break, or `None` when no record ends
/// in it.
pub fn record_length(text: &[u8], delimiter: u8) -> Option<usize> {
    let mut start = 0;
    let mut open = false;
    loop {
        let end = start + memchr::memchr(b'\n', &text[start..])?;
        open = open_after(&text[start..end], delimiter, open);
        if !open {
            return Some(end);
        }
        start = end + 1;
    }
}

/// Hands over the bytes of one record's fields, and the end of each field.
pub fn fields(record: &[u8], delimiter: u8, mut take: impl FnMut(Piece)) {
    let (mut quoted, mut start) = (false, true);
    let mut i = 0;
    while let Some(&b) = record.get(i) {
        i += 1;
        if quoted {
            if b != b'"' {
                take(Piece::Quoted(b));
            } else if record.get(i) == Some(&b'"') {
                take(Piece::Quoted(b));
                i += 1;
            } else {
                quoted = false;
            }
        } else if b == b'"' && start {
            quoted = true;
        } else if b == delimiter {
            take(Piece::End);
            start = true;
            continue;
        } else {
            take(Piece::Bare(b));
        }
        start = false;
    }
    take(Piece::End);
}

/// What [`fields`] finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// A byte outside quotes.
    Bare(u8),
    /// A byte inside quotes: it may be a delimiter or a line break.
    Quoted(u8),
    /// The field ends.
    End,
}
