//! The report as Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{EvaluationPart, StudyPart, WorkspaceReport};
use crate::store::EvaluationRow;

/// The whole page. Tables carry n, unit and interval with every figure.
pub fn markdown(r: &WorkspaceReport) -> String {
    let mut s = String::from("# Polyculture report\n\n");
    let _ = writeln!(s, "Made {} by polyculture {}.\n", r.created, r.version);
    seeds(&mut s, r);
    samples(&mut s, r);
    let _ = writeln!(s, "## Ratings\n");
    if r.studies.is_empty() {
        s += "No study yet: `polyculture study new NAME` makes one.\n\n";
    }
    for study in &r.studies {
        ratings(&mut s, study);
    }
    datasets(&mut s, r);
    models(&mut s, r);
    let _ = writeln!(s, "## Evaluations\n");
    if r.evaluations.is_empty() {
        s += "None yet: `polyculture evaluate --model NAME --wait` makes one.\n\n";
    }
    for e in &r.evaluations {
        evaluation(&mut s, e);
    }
    s
}

fn seeds(s: &mut String, r: &WorkspaceReport) {
    let _ = writeln!(
        s,
        "## Seeds\n\n{} questions, {} cultures; answers {}.\n",
        r.seeds,
        r.cultures.len(),
        if r.weighting.is_empty() { "not imported".into() } else { r.weighting.join(", ") }
    );
    let _ = writeln!(s, "| culture | questions with usable answers |\n|---|---:|");
    for (c, n) in &r.cultures {
        let _ = writeln!(s, "| {c} | {n} |");
    }
    s.push('\n');
}

fn counts(s: &mut String, what: &str, by: &BTreeMap<String, u64>) {
    if by.is_empty() {
        return;
    }
    let _ = writeln!(s, "| {what} | n |\n|---|---:|");
    for (k, n) in by {
        let _ = writeln!(s, "| {} | {n} |", cell(k));
    }
    s.push('\n');
}

fn samples(s: &mut String, r: &WorkspaceReport) {
    let p = &r.samples;
    let of = |k: &str| p.by_decision.get(k).copied().unwrap_or(0);
    let _ = writeln!(
        s,
        "## Samples\n\n{} proposed = {} kept + {} rejected + {} failed; {} of those kept are held out for testing.\n",
        p.proposed,
        of("kept"),
        of("rejected"),
        of("failed"),
        p.held_out
    );
    counts(s, "kept, by stage", &p.by_stage);
    counts(s, "kept, by language", &p.by_language);
    counts(s, "kept, by provider and version", &p.by_provider);
    counts(s, "rejected or failed, by reason", &p.by_reason);
}

fn ratings(s: &mut String, study: &StudyPart) {
    let t = &study.status;
    let _ = writeln!(
        s,
        "### {}\n\n{} raters, k = {}; {} of {} assignments rated, {} skipped.\n",
        t.study,
        t.raters.len(),
        t.k,
        t.rated,
        t.assigned,
        t.skipped
    );
    if let Some(a) = &study.agreement {
        let _ = writeln!(
            s,
            "| figure | value | 95 % interval | items | raters | resampled |\n|---|---:|---:|---:|---:|---|"
        );
        for f in &a.figures {
            let value = f.value.map_or_else(
                || f.undefined.clone().unwrap_or_else(|| "undefined".into()),
                |v| format!("{v:.3}"),
            );
            let ci =
                f.interval.map_or_else(|| "-".into(), |i| format!("[{:.3}, {:.3}]", i.lo, i.hi));
            let _ = writeln!(
                s,
                "| {} | {value} | {ci} | {} | {} | {} {}s |",
                f.name, f.items, f.raters, f.units, f.unit
            );
        }
        s.push('\n');
    } else if let Some(why) = &study.undefined {
        let _ = writeln!(s, "No figures: {why}.\n");
    }
    let said = |n: &&String| study.notes.iter().all(|m| m != *n);
    for note in study.notes.iter().chain(t.note.iter().filter(said)) {
        let _ = writeln!(s, "> {note}\n");
    }
}

fn datasets(s: &mut String, r: &WorkspaceReport) {
    s.push_str("## Datasets\n\n");
    if r.datasets.is_empty() {
        s.push_str("None yet: `polyculture dataset build NAME` makes one.\n\n");
        return;
    }
    s.push_str("| dataset | label policy | rows | checksum |\n|---|---|---:|---|\n");
    for d in &r.datasets {
        let _ = writeln!(
            s,
            "| {} | {} | {} | {} |",
            d.name,
            d.policy.as_str(),
            d.manifest["rows"],
            &d.sha256[..12.min(d.sha256.len())]
        );
    }
    s.push('\n');
}

fn models(s: &mut String, r: &WorkspaceReport) {
    s.push_str("## Models\n\n");
    if r.models.is_empty() {
        s.push_str("None yet: `polyculture finetune --dataset NAME --wait` makes one.\n\n");
        return;
    }
    s.push_str(
        "| model | run | dataset | recipe | steps | loss (nats) |\n|---|---|---|---|---:|---:|\n",
    );
    for m in &r.models {
        let trained = &m.card["trained"];
        let _ = writeln!(
            s,
            "| {} | {} | {} | {} | {} | {} |",
            m.alias.clone().unwrap_or_else(|| m.id.to_string()),
            m.run.as_ref().map_or("-", AsRef::as_ref),
            m.dataset.as_ref().map_or("-", AsRef::as_ref),
            m.recipe["name"].as_str().unwrap_or("-"),
            trained["step"].as_u64().map_or_else(|| "-".into(), |n| n.to_string()),
            trained["loss"].as_f64().map_or_else(|| "-".into(), |l| format!("{l:.4}")),
        );
    }
    s.push('\n');
}

fn evaluation(s: &mut String, e: &EvaluationPart) {
    let _ = writeln!(
        s,
        "### {} ({})\n\n{}; plan {}, locked before scoring.\n",
        e.task,
        e.id,
        e.created,
        &e.plan_sha256[..12.min(e.plan_sha256.len())]
    );
    s.push_str(EVALUATION_HEAD);
    for row in e.rows.iter().filter(|r| r.culture.is_none()) {
        evaluation_row(s, row);
    }
    s.push('\n');
}

pub(super) const EVALUATION_HEAD: &str = "| model | split | metric | value | 95 % interval | n | unit | difference | 95 % interval | p (Holm) |\n|---|---|---|---:|---:|---:|---|---:|---:|---:|\n";

pub(super) fn evaluation_row(s: &mut String, row: &EvaluationRow) {
    let x = &row.extra;
    let interval = |key: &str, sign: bool| match x[key].as_array().map(Vec::as_slice) {
        Some([lo, hi]) => match (lo.as_f64(), hi.as_f64()) {
            (Some(lo), Some(hi)) if sign => format!("[{lo:+.3}, {hi:+.3}]"),
            (Some(lo), Some(hi)) => format!("[{lo:.3}, {hi:.3}]"),
            _ => "-".into(),
        },
        _ => "-".into(),
    };
    let number = |key: &str| x[key].as_f64();
    let _ = writeln!(
        s,
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        cell(&row.model),
        row.split,
        row.metric,
        row.value.map_or_else(|| "undefined".into(), |v| format!("{v:.3}")),
        interval("ci", false),
        x["n"].as_u64().map_or_else(|| "-".into(), |n| n.to_string()),
        x["unit"].as_str().unwrap_or("-"),
        number("diff").map_or_else(|| "-".into(), |d| format!("{d:+.3}")),
        interval("diff_ci", true),
        number("p_holm").map_or_else(
            || "-".into(),
            |p| if p < 0.001 { "<.001".into() } else { format!("{p:.3}") }
        ),
    );
}

/// Text that stands in a table cell.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
