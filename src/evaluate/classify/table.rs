//! The printed table of a run.

use std::fmt::Write as _;

use super::means::MeanRow;
use super::rows::{Classified, Figure, ModelRow, SetRow};

fn number(x: f64) -> String {
    format!("{x:.3}")
}

fn interval(f: &Figure) -> String {
    f.ci.map_or_else(|| "-".into(), |[lo, hi]| format!("[{lo:.3}, {hi:.3}]"))
}

fn signed(f: &Figure) -> String {
    let ci = f.ci.map_or_else(String::new, |[lo, hi]| format!(" [{lo:+.3}, {hi:+.3}]"));
    format!("{:+.3}{ci}", f.value)
}

fn p_value(p: Option<f64>) -> String {
    p.map_or_else(|| "-".into(), |p| if p < 0.001 { "<.001".into() } else { format!("{p:.3}") })
}

fn share(n: u64, of: u64) -> String {
    if n == 0 { "-".into() } else { format!("{:.1} %", 100.0 * n as f64 / of.max(1) as f64) }
}

const HEAD: [&str; 8] = [
    "",
    "macro-F1",
    "95 % interval",
    "accuracy",
    "refused",
    "invalid",
    "vs first model",
    "p (Holm)",
];

fn model_cells(set: &SetRow, m: &ModelRow) -> [String; 8] {
    let p = match &m.paired {
        Some(_) if set.few => "few".into(),
        Some(p) => p_value(p.p_holm),
        None => "-".into(),
    };
    [
        m.model.clone(),
        number(m.macro_f1.value),
        interval(&m.macro_f1),
        number(m.accuracy),
        share(m.refusals, set.items),
        share(m.invalid + m.unanswered, set.items),
        m.paired.as_ref().map_or_else(|| "-".into(), |p| signed(&p.difference)),
        p,
    ]
}

fn caption(set: &SetRow) -> String {
    let gold: Vec<String> = set.gold.iter().map(|(l, c)| format!("{l} {c}")).collect();
    format!(
        "{} ({}, {}; {} {}s: {}; prompt {}, parser {})",
        set.task,
        set.kind,
        set.language,
        if set.unit == "text" { set.texts } else { set.items },
        set.unit,
        gold.join(", "),
        set.prompt,
        set.parser
    )
}

fn mean_cells(r: &MeanRow) -> [String; 7] {
    [
        format!("{} {}", r.over, r.name),
        r.model.clone(),
        format!("{} ({})", r.pools, r.sets),
        number(r.best_constant),
        format!("{} {}", number(r.macro_f1.value), interval(&r.macro_f1)),
        r.difference.as_ref().map_or_else(|| "-".into(), signed),
        p_value(r.p_holm),
    ]
}

const MEAN_HEAD: [&str; 7] = [
    "mean over pools",
    "model",
    "pools (sets)",
    "constant",
    "macro-F1",
    "vs first model",
    "p (Holm)",
];

/// Lines of aligned columns; the first is flush left.
fn aligned<const N: usize>(head: Option<[&str; N]>, body: &[[String; N]], indent: &str) -> String {
    let mut all: Vec<[String; N]> = head.into_iter().map(|h| h.map(str::to_owned)).collect();
    all.extend_from_slice(body);
    let width = |i: usize| all.iter().map(|r| crate::text::width(&r[i])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut out = String::new();
    for row in &all {
        let mut line = format!("{indent}{}", crate::text::pad(&row[0], widths[0]));
        for i in 1..N {
            let gap = widths[i].saturating_sub(crate::text::width(&row[i]));
            let _ = write!(line, "  {}{}", " ".repeat(gap), row[i]);
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}

/// The table as lines of text.
pub fn plain(e: &Classified) -> String {
    let mut body: Vec<[String; 8]> = Vec::new();
    for set in &e.sets {
        for b in &set.baselines {
            let name = b.label.as_ref().map_or(b.name.clone(), |l| format!("{} ({l})", b.name));
            let blank = || "-".to_owned();
            body.push([
                name,
                number(b.macro_f1),
                blank(),
                number(b.accuracy),
                blank(),
                blank(),
                blank(),
                blank(),
            ]);
        }
        body.extend(set.models.iter().map(|m| model_cells(set, m)));
    }
    // All sets share one width, so that columns line up down the page.
    let all = aligned(Some(HEAD), &body, "  ");
    let mut lines = all.lines();
    let head = lines.next().unwrap_or_default().to_owned();
    let mut out = String::new();
    for set in &e.sets {
        let _ = writeln!(out, "{}\n{head}", caption(set));
        for line in lines.by_ref().take(set.baselines.len() + set.models.len()) {
            let _ = writeln!(out, "{line}");
        }
        for f in &set.findings {
            let _ = writeln!(out, "  {} {}", if f.stops { "!" } else { "note:" }, f.message);
        }
        out.push('\n');
    }
    if !e.means.is_empty() {
        let rows: Vec<[String; 7]> = e.means.iter().map(mean_cells).collect();
        out += &aligned(Some(MEAN_HEAD), &rows, "");
        out.push('\n');
    }
    for n in &e.result.notes {
        let _ = writeln!(out, "{}", crate::text::display(n));
    }
    let sha = &e.result.plan_sha256[..12.min(e.result.plan_sha256.len())];
    let _ = writeln!(out, "Plan {sha}, locked before anything was asked.");
    out
}
