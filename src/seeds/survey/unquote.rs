//! A record without its quotes, so that it can be read as one that never had any.

/// Stands for a delimiter or line break inside quotes, so that the line can be read as if it had
/// no quotes; no number or country code holds it.
const INSIDE_QUOTES: u8 = 0x1F;

/// Copies a record without its quotes, from quote to quote.
pub(super) fn remove_quotes(record: &[u8], delimiter: u8, line: &mut Vec<u8>) {
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
