//! The guards on the released samples (`docs/guards.md`): counts by reason, that the verdicts in
//! `docs/guards-120.csv` are those of today's guards, and that the page's figures follow from them.
//!
//! Needs `POLYCULTURE_REFERENCE_DATA`; nothing of that data is copied here.
//! `cargo test --test guards_reference -- --nocapture` prints the counts; with
//! `POLYCULTURE_GUARD_VERDICTS=DIR` every line's verdict is written there.

#![allow(clippy::unwrap_used, reason = "a test that meets an error fails")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use polyculture::augment::similarity::Lexical;
use polyculture::augment::{Settings, calibrate, import};
use polyculture::domain::Decision;
use polyculture::seeds;
use polyculture::stats::proportion::wilson;

fn release(name: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("POLYCULTURE_REFERENCE_DATA");
    if dir.is_none() {
        println!("skipped: no reference data");
    }
    dir.map(|d| PathBuf::from(d).join("samples").join(name))
}

/// Line -> `good` or the kind of the reason, in file order.
fn verdicts(name: &str, threshold: Option<f64>) -> Option<BTreeMap<u64, String>> {
    let path = release(name)?;
    let survey = seeds::sample::survey().unwrap();
    let filter = Lexical::new(survey.questions.iter().map(|q| q.text.as_str()));
    let threshold = threshold
        .unwrap_or_else(|| calibrate(&survey.questions, &filter, 0.01, None).unwrap().threshold);
    let (samples, report) =
        import(&path, &survey, &filter, threshold, &Settings::default()).unwrap();
    assert_eq!(report.bad_lines_total, 0, "{:?}", report.bad_lines);
    let kinds = samples.iter().map(|s| match &s.decision {
        Decision::Rejected(r) => r.kind(),
        _ => "good".to_owned(),
    });
    Some(report.lines.iter().copied().zip(kinds).collect())
}

fn print(title: &str, verdicts: &BTreeMap<u64, String>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for v in verdicts.values() {
        *counts.entry(v).or_default() += 1;
    }
    println!("{title}: {} rows", verdicts.len());
    for (kind, n) in counts {
        println!("  {n:4}  {kind}");
    }
}

#[test]
fn every_row_of_the_release_gets_a_verdict_and_the_last_line_needs_no_line_break() {
    let Some(guards) = verdicts("new_WVQ_500.jsonl", Some(-1.0)) else { return };
    assert_eq!(guards.len(), 500);
    for (name, rows) in [("new_WVQ_500.jsonl", 500), ("new_WVQ_sentence_only.jsonl", 491)] {
        let (Some(guards), Some(filtered)) = (verdicts(name, Some(-1.0)), verdicts(name, None))
        else {
            return;
        };
        assert_eq!((guards.len(), filtered.len()), (rows, rows));
        print(&format!("{name}, guards alone"), &guards);
        print(&format!("{name}, guards and calibrated lexical filter"), &filtered);
        if let Some(dir) = std::env::var_os("POLYCULTURE_GUARD_VERDICTS") {
            for (kind, table) in [("guards", &guards), ("filtered", &filtered)] {
                let lines: Vec<String> = table.iter().map(|(n, v)| format!("{n},{v}\n")).collect();
                let file = format!("{kind}-{name}.csv");
                std::fs::write(PathBuf::from(&dir).join(file), lines.concat()).unwrap();
            }
        }
    }
}

/// Line, verdict of the reader, verdict of the guards.
fn read_by_hand() -> Vec<(u64, &'static str, &'static str)> {
    include_str!("../docs/guards-120.csv")
        .lines()
        .skip(1)
        .map(|l| {
            let cells: Vec<&str> = l.split(',').collect();
            (cells[0].parse().unwrap(), cells[1], cells[2])
        })
        .collect()
}

#[test]
fn the_guards_give_the_verdicts_that_the_page_was_written_on() {
    let Some(today) = verdicts("new_WVQ_500.jsonl", Some(-1.0)) else { return };
    for (line, _, guard) in read_by_hand() {
        assert_eq!(
            today[&line], guard,
            "line {line}: a guard changed, so docs/guards.md has to be measured again"
        );
    }
}

#[test]
fn the_figures_of_the_page_follow_from_its_rows() {
    let rows = read_by_hand();
    assert_eq!(rows.len(), 120);
    let page = include_str!("../docs/guards.md");
    let quoted = |name: &str,
                  of: &dyn Fn(&str, &str) -> bool,
                  among: &dyn Fn(&str, &str) -> bool| {
        let n = rows.iter().filter(|(_, v, g)| among(v, g)).count() as u64;
        let k = rows.iter().filter(|(_, v, g)| among(v, g) && of(v, g)).count() as u64;
        let e = wilson(k, n, 0.95, "row").unwrap();
        let i = e.interval.unwrap();
        let cell = |x: f64| format!("{x:.3}").trim_start_matches('0').to_owned();
        let text =
            format!("{name} | {k}/{n} = {} | {} to {} |", cell(e.value), cell(i.lo), cell(i.hi));
        assert!(page.contains(&text), "docs/guards.md does not say `{text}`");
    };
    let bad = |v: &str, _: &str| v != "good";
    let rejected = |_: &str, g: &str| g != "good";
    let fault = |v: &str, _: &str| v == "broken" || v == "meaning";
    let by_form = |_: &str, g: &str| g.starts_with("broken/") || g.starts_with("meaning/");
    quoted("precision, guards", &bad, &rejected);
    quoted("recall, guards", &rejected, &bad);
    quoted("good rows that pass", &|_, g| g == "good", &|v, _| v == "good");
    quoted("form or meaning guard finds", &by_form, &fault);
    quoted("rejections that are of such rows", &fault, &by_form);
}
