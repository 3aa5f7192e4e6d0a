//! Agreement: alpha, AC2 and raw agreement together, each with its interval and n.

use super::page::{Cell, Page, figure, interval};
use crate::chart::{Bar, BarChart, Chart};
use crate::domain::StudyType;
use crate::report::{StudyPart, WorkspaceReport};
use crate::study::AgreementReport;

/// Those that belong together in print, with their names for people.
const HEADLINE: [(&str, &str); 3] = [
    ("alpha-ordinal", "Krippendorff's alpha, ordinal"),
    ("ac2-quadratic", "Gwet's AC2, quadratic"),
    ("raw", "raw agreement"),
];

pub(super) fn agreement(p: &mut Page, r: &WorkspaceReport) {
    if r.studies.is_empty() {
        p.line("No study yet: `polyculture study new NAME` makes one.");
    }
    for study in &r.studies {
        one(p, study);
    }
}

fn one(p: &mut Page, study: &StudyPart) {
    let t = &study.status;
    p.heading(t.study.as_str());
    p.line(&format!(
        "{} raters, k = {}; {} of {} assignments rated, {} skipped.",
        t.raters.len(),
        t.k,
        t.rated,
        t.assigned,
        t.skipped
    ));
    match (&study.agreement, &study.undefined) {
        (Some(a), _) => figures(p, a, study.study_type),
        (None, Some(why)) => p.line(&format!("No figures: {why}.")),
        (None, None) => p.line("No rating yet."),
    }
    let said = |n: &&String| study.notes.iter().all(|m| m != *n);
    for note in study.notes.iter().chain(t.note.iter().filter(said)) {
        p.note(note);
    }
}

/// Those of a study in which scores are no degrees.
const NOMINAL: [(&str, &str); 3] = [
    ("alpha-nominal", "Krippendorff's alpha, nominal"),
    ("ac1", "Gwet's AC1"),
    ("raw", "raw agreement"),
];

/// Bars of the three that belong together.
pub(super) fn headline(p: &mut Page, a: &AgreementReport, of: StudyType) {
    let which = if of == StudyType::Preference { &NOMINAL } else { &HEADLINE };
    let bar = |(key, words): &(&str, &str)| {
        let f = a.figure(key)?;
        Some(Bar {
            label: (*words).to_owned(),
            value: f.value.unwrap_or(f64::NAN),
            interval: f.interval.as_ref().map(|i| (i.lo, i.hi)),
            note: format!("n = {} items", f.items),
            style: 0,
        })
    };
    let chart = BarChart {
        title: "Agreement, 95 % intervals".into(),
        unit: "1 = all raters agree".into(),
        rows: which.iter().filter_map(bar).collect(),
        max: Some(1.0),
    };
    p.chart(&Chart::Bars(chart), (860, 150));
}

/// Every figure with its interval.
pub(super) fn figure_table(p: &mut Page, a: &AgreementReport) {
    let rows: Vec<Vec<Cell>> = a
        .figures
        .iter()
        .map(|f| {
            let value = f.undefined.clone().filter(|_| f.value.is_none());
            vec![
                Cell::Words(f.name.clone()),
                value.map_or_else(|| Cell::Number(figure(f.value)), Cell::Words),
                Cell::Number(interval(f.interval.as_ref().map(|i| (i.lo, i.hi)))),
                Cell::Number(f.items.to_string()),
                Cell::Number(f.raters.to_string()),
                Cell::Words(match f.unit.strip_suffix(" and rater") {
                    Some(unit) => format!("{} {unit}s and {} raters", f.units, f.raters),
                    None => format!("{} {}s", f.units, f.unit),
                }),
            ]
        })
        .collect();
    let head = ["figure", ">value", ">95 % interval", ">items", ">raters", "resampled"];
    p.table(&head, &rows);
}

fn figures(p: &mut Page, a: &AgreementReport, of: StudyType) {
    headline(p, a, of);
    let top = usize::from(of.top());
    let scores: Vec<Bar> = (1..)
        .zip(a.distribution)
        .take(top)
        .map(|(score, n)| Bar { label: format!("{score}"), value: n as f64, ..Bar::default() })
        .collect();
    let title = format!("Scores given, n = {}", a.ratings);
    let chart = BarChart { title, rows: scores, ..BarChart::default() };
    p.chart(&Chart::Bars(chart), (560, 150));
    figure_table(p, a);
}
