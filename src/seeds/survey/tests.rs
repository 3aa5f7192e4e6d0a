//! The fast scanner against the `csv` crate, on files in good order and on broken ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::domain::{MissingKind, OptionCounts, QuestionId, Tally};
use crate::seeds::synth::SyntheticSurvey;

fn wanted(ids: &[&str]) -> Wanted {
    Wanted::These(ids.iter().map(|id| QuestionId::new(*id).unwrap()).collect())
}

fn options(wanted: Wanted, threads: usize) -> SurveyOptions {
    SurveyOptions { wanted, weighting: None, threads }
}

fn sums(bytes: &[u8], block: usize, options: &SurveyOptions) -> Result<RawSums, SeedsError> {
    read_from(bytes, Path::new("survey.csv"), bytes.len() as u64, block, options, &|_| {})
}

fn fast(bytes: &[u8], block: usize, options: &SurveyOptions) -> SurveyCounts {
    let read = sums(bytes, block, options).unwrap();
    SurveyCounts::of(read.layout, &read.totals, read.beside)
}

fn error(text: &[u8]) -> String {
    sums(text, 64, &options(wanted(&["Q1"]), 1)).unwrap_err().to_string()
}

#[derive(Debug, Default)]
struct Slow {
    respondents: u64,
    summaries: u64,
    left_out: u64,
    ragged: u64,
    unreadable: u64,
    counts: BTreeMap<(String, String, i64), Tally>,
}

/// The same by the plainest means: the `csv` crate, `str::parse`, a map.
fn slow(bytes: &[u8], delimiter: u8, ids: &BTreeSet<String>) -> Slow {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(bytes);
    let mut records = reader.byte_records().map(|r| {
        let mut cells: Vec<String> =
            r.unwrap().iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect();
        if let Some(last) = cells.last_mut().filter(|c| c.ends_with('\r')) {
            last.pop();
        }
        cells
    });
    let header = records.next().unwrap();
    let column = |name: &str| header.iter().position(|h| h == name);
    let mut out = Slow::default();
    for cells in records {
        if cells.len() == 1 && cells[0].is_empty() {
            continue;
        }
        let summary = |c: &str| {
            let c = c.trim_matches(' ').to_lowercase();
            ["avg", "average", "mean", "total", "sum"].iter().any(|w| c.starts_with(w))
        };
        if cells.len() != header.len() {
            if summary(&cells[0]) {
                out.summaries += 1;
            } else {
                out.left_out += 1;
                out.ragged += 1;
            }
            continue;
        }
        let alpha = cells[column("B_COUNTRY_ALPHA").unwrap()].trim_matches(' ');
        let number = cells[column("B_COUNTRY").unwrap()].trim_matches(' ');
        let is_alpha = alpha.len() == 3 && alpha.bytes().all(|b| b.is_ascii_uppercase());
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        if (summary(number) || summary(alpha)) && !(is_alpha && is_number) {
            out.summaries += 1;
            continue;
        }
        let by_number = match number {
            "368" if alpha.is_empty() => Some("IRQ"),
            "400" if alpha.is_empty() => Some("JOR"),
            _ => None,
        };
        if by_number.is_none() && (!is_alpha || !(is_number || number.is_empty())) {
            out.left_out += 1;
            continue;
        }
        let alpha = by_number.unwrap_or(alpha);
        let mut weight = 1.0;
        if let Some(w) = column("W_WEIGHT") {
            match cells[w].trim_matches(' ').parse::<f64>() {
                Ok(w) if w.is_finite() && w >= 0.0 => weight = w,
                _ => {
                    out.left_out += 1;
                    continue;
                }
            }
        }
        out.respondents += 1;
        for id in ids {
            let cell = cells[column(id).unwrap()].trim_matches(' ');
            let code = match cell.parse::<f64>() {
                _ if cell.is_empty() => -5,
                Ok(v)
                    if cell.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'.')
                        && v.fract() == 0.0
                        && v <= 255.0
                        && !cell.starts_with('.') =>
                {
                    v as i64
                }
                _ => {
                    out.unreadable += 1;
                    continue;
                }
            };
            out.counts.entry((alpha.into(), id.clone(), code.max(-5))).or_default().add(weight);
        }
    }
    out
}

fn assert_same(fast: &SurveyCounts, slow: &Slow) {
    assert_eq!(fast.respondents, slow.respondents, "respondents");
    assert_eq!(fast.summary_rows, slow.summaries, "summary rows");
    assert_eq!(fast.ragged, slow.ragged, "ragged lines");
    assert_eq!(fast.left_out.total, slow.left_out, "lines left out");
    assert_eq!(fast.unreadable.total, slow.unreadable, "unreadable cells");
    let mut flat: BTreeMap<(String, String, i64), Tally> = BTreeMap::new();
    for ((country, id), counts) in &fast.counts {
        let OptionCounts { valid, missing, .. } = counts;
        let valid = valid.iter().map(|(c, t)| (i64::from(*c), t));
        let missing = missing.iter().map(|(k, t)| (i64::from(k.code()), t));
        for (code, tally) in valid.chain(missing) {
            flat.insert((country.to_string(), id.to_string(), code), *tally);
        }
    }
    assert_eq!(flat.keys().collect::<Vec<_>>(), slow.counts.keys().collect::<Vec<_>>());
    for (key, t) in &flat {
        let s = &slow.counts[key];
        assert_eq!(t.n, s.n, "{key:?}");
        assert!((t.w - s.w).abs() < 1e-9 * (1.0 + s.w), "{key:?}: {} and {}", t.w, s.w);
        assert!((t.w2 - s.w2).abs() < 1e-9 * (1.0 + s.w2), "{key:?}");
    }
}

#[test]
fn files_without_what_is_needed_are_refused_with_the_way_out() {
    let long = [b"B_COUNTRY_ALPHA,Q1\n\"".as_slice(), &vec![b'x'; (16 << 20) + 100]].concat();
    for (bytes, words) in [
        (&b""[..], vec!["empty", "B_COUNTRY"]),
        (b"\xFF\xFEB\0", vec!["UTF-16", "iconv"]),
        (b"a,b\n1,2\n", vec!["`B_COUNTRY_ALPHA`", "`a`, `b`", "comma"]),
        (b"B_COUNTRY_ALPHA,Q2\nIRQ,1\n", vec!["none of the questions", "`Q2`"]),
        (b"B_COUNTRY_ALPHA,V2,V4\nIRQ,1,1\n", vec!["wave 6", "wave 7 file"]),
        (b"B_COUNTRY_ALPHA,Q1,Q1\n", vec!["`Q1` stands twice", "columns 2 and 3"]),
        (b"B_COUNTRY_ALPHA,Q1,\xE4\n", vec!["line 1", "not UTF-8"]),
        (&long, vec!["line 2", "16777216 bytes", "quote"]),
    ] {
        let e = error(bytes);
        for w in words {
            assert!(e.contains(w), "{e:?} lacks {w:?}");
        }
    }
}

#[test]
fn a_line_of_one_gigabyte_is_refused_in_little_memory() {
    let head = &b"B_COUNTRY_ALPHA,Q1\nIRQ,1\nIRQ,"[..];
    let endless = head.chain(std::io::repeat(b'1').take(1 << 30));
    let o = options(wanted(&["Q1"]), 3);
    let e = read_from(endless, Path::new("f"), 0, BLOCK_BYTES, &o, &|_| {}).unwrap_err();
    assert!(e.to_string().contains("line 3"), "{e}");
    // the same behind many blocks
    let rows = "IRQ,1\n".repeat(400_000);
    let head = ["B_COUNTRY_ALPHA,Q1\n", &rows, "IRQ,"].concat();
    let endless = head.as_bytes().chain(std::io::repeat(b'1').take(1 << 30));
    let e = read_from(endless, Path::new("f"), 0, BLOCK_BYTES, &o, &|_| {}).unwrap_err();
    assert!(e.to_string().contains("line 400002"), "{e}");
}

#[test]
fn weights_that_a_file_lacks_are_not_made_up() {
    let o = |w| SurveyOptions { wanted: wanted(&["Q1"]), weighting: Some(w), threads: 1 };
    let plain = b"B_COUNTRY_ALPHA,Q1\nIRQ,1\n";
    for w in [Weighting::WWeight, Weighting::S018] {
        assert!(sums(plain, 64, &o(w)).unwrap_err().to_string().contains("unweighted"));
    }
    let weighted = b"B_COUNTRY_ALPHA;Q1;W_WEIGHT;S018\nIRQ;1;0,5;2.0\nIRQ;2;x;1\n";
    let read = fast(weighted, 64, &o(Weighting::S018));
    let tally = read.counts.values().next().unwrap().valid[&1];
    assert_eq!((tally.n, tally.w, tally.w2), (1, 1.0, 1.0));
    assert_eq!(read.left_out.first[0].line, 3);
    assert!(read.left_out.first[0].text.contains("W_WEIGHT is `x`"));
    let unweighted = fast(weighted, 64, &o(Weighting::Unweighted));
    assert_eq!(unweighted.respondents, 2);
}

#[test]
fn every_fault_is_named_by_its_line_and_the_others_are_counted() {
    let text = "\u{feff}B_COUNTRY,B_COUNTRY_ALPHA,Q1,Q2\r\n\
        368,IRQ,1,-999.00\r\n\
        368,IRQ,2\r\n\
        368,IRQ,\"1\",2,3\r\n\
        \r\n\
        368,\"two\r\nlines\",1,1\r\n\
        368,IRQ,abc,\r\n\
        x,IRQ,1,1\r\n\
        400,JOR,1.00,-4\r\n\
        Avg,,1.5,2.5\r\n\
        Avg_First,,1.5\r\n\
        368,IRQ,1,\0\r\n\
        368,IRQ,\"3\",10";
    for block in [1, 7, 64, 1 << 20] {
        let read = fast(text.as_bytes(), block, &options(Wanted::All, 2));
        assert_eq!(read.respondents, 4, "block {block}");
        assert_eq!((read.summary_rows, read.ragged, read.left_out.total), (2, 2, 5));
        let lines: Vec<u64> = read.left_out.first.iter().map(|f| f.line).collect();
        assert_eq!(lines, [3, 4, 6, 9, 13]);
        assert_eq!(read.unreadable.first[0].line, 8);
        assert!(read.unreadable.first[0].text.contains("Q1 is `abc`"));
        assert_eq!(read.empty_cells, 1);
        let iraq = read.by_country.iter().find(|(c, _)| c.as_str() == "IRQ").unwrap();
        assert_eq!(*iraq.1, 3);
        let q2 = read.counts.iter().find(|((c, q), _)| c.as_str() == "IRQ" && q.as_str() == "Q2");
        let q2 = q2.unwrap().1;
        assert_eq!(q2.missing[&MissingKind::Other].n, 2);
        assert_eq!(q2.valid[&10].n, 1);
    }
}

#[test]
fn text_that_is_not_utf8_beside_the_numbers_is_told_and_does_no_harm() {
    let text = b"name,B_COUNTRY_ALPHA,Q1\nok,IRQ,1\nM\xFCnchen,DEU,2\n";
    let read = fast(text, 1 << 20, &options(wanted(&["Q1"]), 1));
    assert_eq!(read.respondents, 2);
    assert_eq!(read.not_utf8, Some((3, 35)));
}

#[test]
fn ages_and_other_large_codes_are_kept() {
    let text = b"B_COUNTRY_ALPHA,Q262\nIRQ,18\nIRQ,103\nIRQ,103\nIRQ,300\n";
    let read = fast(text, 8, &options(Wanted::All, 2));
    let ages = &read.counts.values().next().unwrap().valid;
    assert_eq!((ages[&18].n, ages[&103].n), (1, 2));
    assert_eq!(read.unreadable.total, 1);
}

#[test]
fn the_thousand_first_respondents_are_the_first_whatever_the_blocks() {
    // Iraq and Jordan in turn: 1,100 each; the code of row i is i modulo 5
    let mut text = String::from("B_COUNTRY_ALPHA,Q1\n");
    for i in 0..1100 {
        let (iraq, jordan) = (i % 5, (i / 1000) * 9);
        writeln!(text, "IRQ,{iraq}\nJOR,{jordan}").unwrap();
    }
    for (block, threads) in [(10, 2), (1000, 3), (1 << 20, 1)] {
        let read = fast(text.as_bytes(), block, &options(Wanted::All, threads));
        let means =
            |c: &str| *read.paper_means.iter().find(|((k, _), _)| k.as_str() == c).unwrap().1;
        assert_eq!(means("IRQ").first_thousand, 2.0);
        // number 1,001 has code 0, so leaving it out changes nothing: (220 x 10) / 1100
        assert_eq!(means("IRQ").all, 2.0);
        assert_eq!(means("JOR").first_thousand, 0.0);
        // 100 nines, of which number 1,001 is not summed
        assert_eq!(means("JOR").all, 891.0 / 1100.0);
        assert_eq!(means("JOR").respondents, 1100);
    }
}

#[test]
fn the_row_of_means_decides_between_the_two_habits_of_the_release() {
    let mut rows = String::from("B_COUNTRY,B_COUNTRY_ALPHA,Q1\n");
    for _ in 0..1200 {
        rows.push_str("368,IRQ,-4\n");
    }
    for (avg, expected, words) in [
        ("", -1199.0 * 4.0 / 1200.0, ""),
        ("Avg,,-3.9966666666666666\n", -1199.0 * 4.0 / 1200.0, "are those of"),
        ("Avg,,-4.0\n", -4.0, "follows the row"),
        ("Avg,,1.25\n", -1199.0 * 4.0 / 1200.0, "is not the mean"),
    ] {
        let text = format!("{rows}{avg}");
        let read = fast(text.as_bytes(), 1 << 12, &options(Wanted::All, 2));
        assert_eq!(read.paper_means.values().next().unwrap().all, expected, "{avg}");
        assert!(read.notes.iter().any(|n| n.contains(words)) || words.is_empty(), "{avg}");
    }
}

#[test]
fn a_synthetic_survey_gives_the_same_counts_on_the_fast_and_on_the_plain_way() {
    let base = SyntheticSurvey { respondents: 700, countries: 9, seed: 3, ..Default::default() };
    let ids: BTreeSet<String> =
        [27, 33, 122, 158, 233, 290].iter().map(|q| format!("Q{q}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    for survey in [
        base.clone(),
        SyntheticSurvey { delimiter: crate::table::Delimiter::Semicolon, ..base.clone() },
        SyntheticSurvey { delimiter: crate::table::Delimiter::Tab, mark: false, ..base.clone() },
        SyntheticSurvey { quotes: true, crlf: true, ..base.clone() },
        SyntheticSurvey { decimals: true, interleaved: true, ..base },
    ] {
        let mut bytes = Vec::new();
        survey.write(&mut bytes).unwrap();
        let plain = slow(&bytes, survey.delimiter.byte(), &ids);
        assert_eq!(plain.respondents, 700);
        for (block, threads) in [(1 << 20, 1), (1 << 14, 2), (1000, 3)] {
            assert_same(&fast(&bytes, block, &options(wanted(&names), threads)), &plain);
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let survey = SyntheticSurvey { respondents: 3000, countries: 5, ..Default::default() };
    let mut bytes = Vec::new();
    survey.write(&mut bytes).unwrap();
    let one = sums(&bytes, 1 << 16, &options(Wanted::All, 1)).unwrap();
    for threads in 2..6 {
        let many = sums(&bytes, 1 << 16, &options(Wanted::All, threads)).unwrap();
        assert!(one.totals == many.totals, "{threads} threads");
        assert!(one.beside == many.beside, "{threads} threads");
    }
}

/// A small survey with faults strewn in.
fn broken_file() -> impl Strategy<Value = (Vec<u8>, usize)> {
    let cell = prop_oneof![
        6 => "[0-9]", 2 => "-[1-5]", 1 => "1[0-9]{1,2}", 1 => "-999(\\.00)?", 1 => "[1-4]\\.00",
        1 => Just(String::new()), 1 => " [1-3] ", 1 => "\"[1-4]\"", 1 => "[ab,\"\n]{0,3}",
        1 => "[0-9]\\.[0-9]",
    ];
    let country = prop_oneof![
        8 => Just("368,IRQ"), 8 => Just("400,JOR"), 2 => Just("\"368\",\"IRQ\""), 1 => Just("Avg,"),
        1 => Just("Avg_First,\"\""), 1 => Just(",IRQ"), 1 => Just("x,IRQ"), 1 => Just("368,"),
        1 => Just("368"),
    ];
    let weight = prop_oneof![8 => "[0-2]\\.[0-9]{1,9}", 1 => Just("1".into()), 1 => "[x-]?"];
    let filler = prop_oneof![3 => "[a-z]{0,20}", 1 => "\"[a-z,\n]{0,80}\"", 1 => "[a\"]{0,4}"];
    let end = prop_oneof![6 => Just("\n"), 2 => Just("\r\n"), 1 => Just(""), 1 => Just("\n\n")];
    let line = (country, cell.clone(), filler, weight, cell.clone(), cell, end).prop_map(
        |(country, a, filler, weight, b, c, end)| {
            format!("{country},{a},{filler},{weight},{b},{c}{end}")
        },
    );
    (proptest::collection::vec(line, 0..40), 1usize..400).prop_map(|(lines, block)| {
        let head = "B_COUNTRY,B_COUNTRY_ALPHA,Q1,filler,W_WEIGHT,Q2,Q3\n";
        ((head.to_owned() + &lines.concat()).into_bytes(), block)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_scanner_agrees_with_the_csv_crate_on_broken_files((bytes, block) in broken_file()) {
        let ids: BTreeSet<String> = ["Q1", "Q2", "Q3"].iter().map(ToString::to_string).collect();
        let plain = slow(&bytes, b',', &ids);
        assert_same(&fast(&bytes, block, &options(Wanted::All, 2)), &plain);
    }

    #[test]
    fn no_bytes_make_the_import_panic(
        bytes in proptest::collection::vec(
            prop_oneof![
                Just(b','), Just(b'\n'), Just(b'"'), Just(b'1'), Just(b'-'), Just(b'\r'), any::<u8>()
            ],
            0..400),
        block in 1usize..100,
    ) {
        let _ = sums(&bytes, block, &options(Wanted::All, 2));
        let with_header = [b"B_COUNTRY_ALPHA,Q1,Q2\nIRQ,", &bytes[..]].concat();
        let _ = sums(&with_header, block, &options(Wanted::All, 2));
    }
}
