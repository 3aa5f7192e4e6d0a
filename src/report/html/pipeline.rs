//! What there is at each station, from seeds to evaluations.

use std::collections::BTreeMap;

use super::leaderboard::best;
use super::page::{Cell, Page, escape, figure, interval, name};
use crate::chart::{Bar, BarChart, Chart};
use crate::report::{RunsPart, WorkspaceReport};

pub(super) fn pipeline(p: &mut Page, r: &WorkspaceReport, runs: &RunsPart) {
    let kept = r.samples.by_decision.get("kept").copied().unwrap_or(0);
    let rated: u64 = r.studies.iter().map(|s| s.status.rated).sum();
    let assigned: u64 = r.studies.iter().map(|s| s.status.assigned).sum();
    p.raw("<ol class=\"flow\">\n");
    let mut station = |what: &str, n: String, more: String| {
        p.raw(&format!("<li>{what} <strong>{n}</strong> <span>{more}</span></li>\n"));
    };
    station("Seeds", r.seeds.to_string(), format!("{} cultures", r.cultures.len()));
    station("Samples kept", kept.to_string(), format!("of {} proposed", r.samples.proposed));
    station(
        "Ratings",
        rated.to_string(),
        format!(
            "of {assigned} assigned, {} {}",
            r.studies.len(),
            if r.studies.len() == 1 { "study" } else { "studies" }
        ),
    );
    station("Datasets", r.datasets.len().to_string(), String::new());
    station("Models", r.models.len().to_string(), format!("{} runs", runs.runs.len() + runs.older));
    match best(r) {
        Some(b) => station(
            "Best alignment (1-JSD)",
            figure(b.value),
            format!("{} {}, {}", name(&b.model), interval(b.interval), escape(&b.split)),
        ),
        None => station("Evaluations", r.evaluations.len().to_string(), String::new()),
    }
    p.raw("</ol>\n");

    p.heading("Seeds");
    if r.seeds == 0 {
        p.line("None yet: `polyculture seeds import FILE` brings them.");
    } else {
        p.line(&format!(
            "{} questions, {} cultures; answers {}.",
            r.seeds,
            r.cultures.len(),
            if r.weighting.is_empty() { "not imported".into() } else { r.weighting.join(", ") }
        ));
        let rows: Vec<Vec<Cell>> = r
            .cultures
            .iter()
            .map(|(c, n)| vec![Cell::Words(c.clone()), Cell::Number(n.to_string())])
            .collect();
        p.table(&["culture", ">questions with usable answers"], &rows);
    }

    p.heading("Samples");
    if r.samples.proposed == 0 {
        p.line("None yet: `polyculture augment` grows them from seeds.");
        return;
    }
    let of = |k: &str| r.samples.by_decision.get(k).copied().unwrap_or(0);
    p.line(&format!(
        "{} proposed = {} kept + {} rejected + {} failed; {} of those kept are held out for testing.",
        r.samples.proposed,
        kept,
        of("rejected"),
        of("failed"),
        r.samples.held_out
    ));
    p.raw("<div class=\"charts\">\n");
    counts(p, "Kept, by stage", &r.samples.by_stage, kept);
    counts(p, "Kept, by language", &r.samples.by_language, kept);
    let dropped = r.samples.proposed.saturating_sub(kept);
    counts(p, "Rejected or failed, by reason", &r.samples.by_reason, dropped);
    p.raw("</div>\n");
}

fn counts(p: &mut Page, title: &str, by: &BTreeMap<String, u64>, of: u64) {
    if by.is_empty() {
        return;
    }
    let mut rows: Vec<Bar> = by
        .iter()
        .map(|(label, n)| Bar {
            label: label.clone(),
            value: *n as f64,
            note: format!("{:.1} %", 100.0 * *n as f64 / of.max(1) as f64),
            ..Bar::default()
        })
        .collect();
    rows.sort_by(|a, b| b.value.total_cmp(&a.value));
    let title = format!("{title}, n = {of}");
    let chart = BarChart { title, rows, ..BarChart::default() };
    p.chart(&Chart::Bars(chart), (560, 90));
}
