//! Bad inputs first, then files in good order, then anything at all.

use std::io::Read as _;
use std::path::Path;

use proptest::prelude::*;

use super::*;

fn csv(bytes: &[u8]) -> Result<CsvReader<&[u8]>, TableError> {
    CsvReader::new(bytes, Path::new("t.csv"), LINE_LIMIT)
}

fn rows(bytes: &[u8]) -> Result<Vec<CsvRow>, TableError> {
    let mut reader = csv(bytes)?;
    let mut out = Vec::new();
    while let Some(row) = reader.next_row()? {
        out.push(row);
    }
    Ok(out)
}

fn record(row: &CsvRow) -> (u64, Vec<&str>) {
    match row {
        CsvRow::Record { line, fields } => (*line, fields.iter().map(String::as_str).collect()),
        CsvRow::Ragged { .. } => panic!("{row:?} is ragged"),
    }
}

#[test]
fn bad_csv_is_refused_with_place_and_way_out() {
    for (bytes, words) in [
        (&b""[..], vec!["t.csv is empty", "header line"]),
        (b"\xFF\xFEa\0,\0", vec!["UTF-16", "iconv"]),
        (b"PK\x03\x04", vec!["Excel", "CSV"]),
        (b"a,b\n1,2\n1,\xE4\n", vec!["line 3, byte 11", "not UTF-8", "iconv"]),
        (b"\xEF\xBB\xBFa,b\n1,\xC3", vec!["line 2, byte 10", "not UTF-8"]),
        (b"a,b\n1,\0\n", vec!["line 2, byte 7", "NUL"]),
        (b"a,b,A\n", vec!["`A` stands twice", "columns 1 and 3"]),
    ] {
        let e = rows(bytes).unwrap_err().to_string();
        for w in words {
            assert!(e.contains(w), "{e:?} lacks {w:?}");
        }
    }
}

#[test]
fn a_missing_column_is_named_beside_what_is_there_and_the_delimiter() {
    let e = csv(b"rater|item|score\n").unwrap().require(&["rater"]).unwrap_err().to_string();
    for w in ["`rater`", "`rater|item|score`", "comma", "line 1"] {
        assert!(e.contains(w), "{e:?} lacks {w:?}");
    }
}

#[test]
fn a_record_that_never_ends_is_refused_at_the_limit_not_at_the_end_of_memory() {
    for opened in ["a,b\n1,", "a,b\n1,\"", "a,b\n1,\"x\n"] {
        let endless = opened.as_bytes().chain(std::io::repeat(b'x').take(1 << 30));
        let mut reader = CsvReader::new(endless, Path::new("t.csv"), 1 << 20).unwrap();
        let e = reader.next_row().unwrap_err();
        assert!(matches!(e, TableError::LongLine { line: 2, .. }), "{e}");
    }
    // the lines after a long one are still read
    let long = std::io::repeat(b'x').take(1 << 22);
    let text = b"a,b\n1,".chain(long).chain(&b"\n3,4\n"[..]);
    let mut reader = CsvReader::new(text, Path::new("t.csv"), 1 << 20).unwrap();
    assert!(reader.next_row().is_err());
    assert_eq!(record(&reader.next_row().unwrap().unwrap()), (3, vec!["3", "4"]));
    // an endless header
    let e = CsvReader::new(std::io::repeat(b'x').take(1 << 30), Path::new("t.csv"), 1 << 20);
    assert!(matches!(e.unwrap_err(), TableError::LongLine { line: 1, .. }));
}

#[test]
fn many_records_together_may_pass_the_limit_of_one() {
    let text = "a,b\n".to_owned() + &"12345,67890\n".repeat(10_000);
    let mut reader = CsvReader::new(text.as_bytes(), Path::new("t.csv"), 20_000).unwrap();
    let mut n = 0;
    while reader.next_row().unwrap().is_some() {
        n += 1;
    }
    assert_eq!(n, 10_000);
}

#[test]
fn marks_quotes_breaks_and_delimiters_are_understood() {
    for bytes in [
        &b"\xEF\xBB\xBFa,b\r\n1,\"x, \"\"y\"\"\"\r\n"[..],
        b"a;b\n1;\"x, \"\"y\"\"\"\n",
        b"a\tb\n1\tx, \"y\"",
        b"\"a\",\"b\"\n1,\"x, \"\"y\"\"\"\n\n",
    ] {
        let rows = rows(bytes).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(record(&rows[0]), (2, vec!["1", "x, \"y\""]));
    }
}

#[test]
fn ragged_lines_are_told_by_number_and_the_others_are_read() {
    let rows = rows(b"a,b\n1,2\n3\n4,5,6\n\"7\n7\",8\n9\n").unwrap();
    assert_eq!(rows[1], CsvRow::Ragged { line: 3, found: 1, expected: 2 });
    assert_eq!(rows[2], CsvRow::Ragged { line: 4, found: 3, expected: 2 });
    assert_eq!(record(&rows[3]), (5, vec!["7\n7", "8"]));
    assert_eq!(rows[4], CsvRow::Ragged { line: 7, found: 1, expected: 2 });
}

#[test]
fn bad_json_lines_do_not_lose_the_good_ones_and_a_torn_tail_is_told_apart() {
    let text = b"\xEF\xBB\xBF{\"a\":1}\n\nnot json\n[1]\n{\"a\":\xE4}\n{\"a\":2}\r\n{\"a\":";
    let mut reader = JsonlReader::new(&text[..], Path::new("t.jsonl")).unwrap();
    let mut got = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        got.push((row.line, row.value));
    }
    let lines: Vec<u64> = got.iter().map(|(l, _)| *l).collect();
    assert_eq!(lines, [1, 3, 4, 5, 6, 7]);
    assert_eq!(got[0].1.as_ref().unwrap()["a"], 1);
    assert!(matches!(got[1].1, Err(TableError::BadJson { line: 3, .. })));
    assert!(matches!(got[2].1, Err(TableError::BadJson { line: 4, .. })));
    assert!(matches!(got[3].1, Err(TableError::NotUtf8 { line: 5, .. })));
    assert_eq!(got[4].1.as_ref().unwrap()["a"], 2);
    assert!(matches!(got[5].1, Err(TableError::TornLine { line: 7, .. })));
}

#[test]
fn a_last_line_without_a_break_is_not_torn_when_it_is_whole() {
    let mut reader = JsonlReader::new(&b"{\"a\":1}"[..], Path::new("t.jsonl")).unwrap();
    assert!(reader.next_row().unwrap().unwrap().value.is_ok());
    assert!(reader.next_row().unwrap().is_none());
}

/// Fields by the `csv` crate; the last field loses the carriage return of CRLF.
fn by_csv_crate(bytes: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(bytes)
        .into_records()
        .map(|r| {
            let mut fields: Vec<String> = r.unwrap().iter().map(str::to_owned).collect();
            if let Some(last) = fields.last_mut().filter(|l| l.ends_with('\r')) {
                last.pop();
            }
            fields
        })
        .filter(|fields| fields.len() != 1 || !fields[0].is_empty())
        .collect()
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic_or_loop(bytes in proptest::collection::vec(
        prop_oneof![Just(b','), Just(b';'), Just(b'"'), Just(b'\n'), Just(b'\r'), any::<u8>()],
        0..300,
    )) {
        let _ = rows(&bytes);
        if let Ok(mut reader) = JsonlReader::new(&bytes[..], Path::new("t")) {
            while let Some(row) = reader.next_row().unwrap() {
                let _ = row;
            }
        }
    }

    #[test]
    fn what_the_csv_crate_writes_is_read_back_whole(
        cells in proptest::collection::vec(
            ("[^\\x00\r]{0,12}", "[^\\x00\r]{0,12}"), 1..12),
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["a", "b"]).unwrap();
        for (a, b) in &cells {
            writer.write_record([a, b]).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let rows = rows(&bytes).unwrap();
        prop_assert_eq!(rows.len(), cells.len());
        for (row, (a, b)) in rows.iter().zip(&cells) {
            prop_assert_eq!(record(row).1, vec![a.as_str(), b.as_str()]);
        }
    }

    #[test]
    fn records_and_fields_are_those_of_the_csv_crate(
        text in "[ab,;\"\r\n]{0,60}",
    ) {
        let text = format!("h,i,j\n{text}");
        let expected = by_csv_crate(text.as_bytes(), b',');
        // A blank single cell (`""`) is a record here and none there, and a carriage return that
        // ends a quoted text is kept here: the reference cannot tell it from that of CRLF.
        let comparable = |fields: &[String]| -> Option<Vec<String>> {
            match fields {
                [_] => None,
                [a, b, c] => Some(vec![a.clone(), b.clone(), c.trim_end_matches('\r').to_owned()]),
                others => Some(vec![String::new(); others.len()]),
            }
        };
        let mut got = Vec::new();
        let mut reader = CsvReader::new(text.as_bytes(), Path::new("t"), LINE_LIMIT).unwrap();
        while let Some(row) = reader.next_row().unwrap() {
            got.extend(match row {
                CsvRow::Record { fields, .. } => comparable(&fields),
                CsvRow::Ragged { found, .. } => comparable(&vec![String::new(); found]),
            });
        }
        let expected: Vec<_> = expected[1..].iter().filter_map(|f| comparable(f)).collect();
        prop_assert_eq!(got, expected);
    }
}
