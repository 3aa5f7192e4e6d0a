//! The guards on the released samples (`docs/guards.md`): counts by reason, and that the verdicts
//! printed in `docs/guards-120.csv` are those of today's guards.
//!
//! Needs `POLYCULTURE_REFERENCE_DATA`; nothing of that data is copied here.
//! `cargo test --test guards_reference -- --nocapture` prints the counts; with
//! `POLYCULTURE_GUARD_VERDICTS=DIR` every line's verdict is written there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use polyculture::augment::similarity::Lexical;
use polyculture::augment::{Settings, calibrate, import};
use polyculture::domain::Decision;
use polyculture::seeds;

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
