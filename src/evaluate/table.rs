//! The printed table: the headline metric of all cultures, as plain text and as Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::rows::ALL_CULTURES;
use super::{EvalRow, Evaluation, Metric};
use crate::domain::Split;

/// What a split is called for people.
pub(super) fn title(split: Split) -> &'static str {
    match split {
        Split::SeedWording => "seed wording (trained on: memory)",
        Split::HeldOutParaphrase => "paraphrase recall (held-out paraphrases of trained questions)",
        Split::HeldOutQuestion => "held-out questions (never trained on: generalisation)",
    }
}

fn printed(e: &Evaluation, split: Split) -> Vec<&EvalRow> {
    e.rows
        .iter()
        .filter(|r| {
            r.split == split && r.culture == ALL_CULTURES && r.metric == Metric::Jsd.as_str()
        })
        .collect()
}

fn companion<'a>(e: &'a Evaluation, row: &EvalRow, metric: &str) -> Option<&'a EvalRow> {
    e.rows.iter().find(|r| {
        r.split == row.split
            && r.culture == ALL_CULTURES
            && r.model == row.model
            && r.metric == metric
    })
}

fn number(x: f64) -> String {
    format!("{x:.3}")
}

fn interval(ci: Option<[f64; 2]>) -> String {
    ci.map_or_else(|| "-".into(), |[lo, hi]| format!("[{lo:.3}, {hi:.3}]"))
}

pub(super) fn signed(ci: Option<[f64; 2]>) -> String {
    ci.map_or_else(|| "-".into(), |[lo, hi]| format!("[{lo:+.3}, {hi:+.3}]"))
}

pub(super) fn p_value(p: f64) -> String {
    if p < 0.001 { "<.001".into() } else { format!("{p:.3}") }
}

/// Aligned columns, the first flush left.
pub(super) fn lines(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut all = vec![head.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>()];
    all.extend(rows.iter().cloned());
    let width = |i: usize| all.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = String::new();
    for line in &all {
        let mut text = format!("  {:<w$}", line[0], w = widths[0]);
        for i in 1..head.len() {
            let _ = write!(text, "  {:>w$}", line[i], w = widths[i]);
        }
        out += text.trim_end();
        out.push('\n');
    }
    out
}

pub(super) fn markdown_lines(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!("\n| {} |\n|---|{}\n", head.join(" | "), "---:|".repeat(head.len() - 1));
    for r in rows {
        let _ = writeln!(out, "| {} |", r.join(" | "));
    }
    out
}

/// The cells of one row.
fn cells(e: &Evaluation, r: &EvalRow) -> [String; 8] {
    let p = r.p_holm.map_or_else(|| "-".into(), p_value);
    let skill = companion(e, r, "skill").map_or_else(|| "-".into(), |s| format!("{:.2}", s.value));
    let seeds = if r.seeds == 0 { "-".into() } else { r.seeds.to_string() };
    [
        r.model.clone(),
        number(r.value),
        interval(r.ci),
        r.diff.map_or_else(|| "-".into(), |d| format!("{d:+.3}")),
        signed(r.diff_ci),
        p,
        skill,
        seeds,
    ]
}

const HEAD: [&str; 8] = [
    "model",
    "1-JSD",
    "95 % interval",
    "vs mixture",
    "95 % interval",
    "p (Holm)",
    "skill",
    "seeds",
];

fn caption(e: &Evaluation, split: Split, n: usize) -> String {
    let cultures = if e.plan.cultures.is_empty() {
        "all cultures".to_owned()
    } else {
        format!("{} cultures", e.plan.cultures.len())
    };
    format!("{}; n = {n} questions, {cultures}, answers {}", title(split), e.weighting.join(", "))
}

/// The table as lines of text.
pub fn plain(e: &Evaluation) -> String {
    let mut out = String::new();
    for &split in &e.plan.splits {
        let rows = printed(e, split);
        let Some(n) = rows.iter().map(|r| r.n).max() else { continue };
        let _ = writeln!(out, "{}", caption(e, split, n));
        let body: Vec<[String; 8]> = rows.iter().map(|r| cells(e, r)).collect();
        let mut all = vec![HEAD.map(str::to_owned)];
        all.extend(body);
        let width = |i: usize| all.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
        let mut last_was_baseline = false;
        for (k, line) in all.iter().enumerate() {
            let baseline = k > 0 && rows[k - 1].seeds == 0;
            if k > 1 && last_was_baseline && !baseline {
                let _ = writeln!(
                    out,
                    "  {}",
                    "-".repeat(widths.iter().sum::<usize>() + 2 * (HEAD.len() - 1))
                );
            }
            last_was_baseline = baseline;
            let mut text = format!("  {:<w$}", line[0], w = widths[0]);
            for i in 1..HEAD.len() {
                let _ = write!(text, "  {:>w$}", line[i], w = widths[i]);
            }
            out += text.trim_end();
            out.push('\n');
        }
        out.push('\n');
    }
    out += &super::table_pairs::plain_pairs(e);
    out += &notes(e);
    out
}

/// The table as Markdown.
pub fn markdown(e: &Evaluation) -> String {
    let mut out = String::new();
    for &split in &e.plan.splits {
        let rows = printed(e, split);
        let Some(n) = rows.iter().map(|r| r.n).max() else { continue };
        let _ = writeln!(out, "**{}**\n\n| {} |", caption(e, split, n), HEAD.join(" | "));
        let _ = writeln!(out, "|---|{}", "---:|".repeat(HEAD.len() - 1));
        for r in rows {
            let _ = writeln!(out, "| {} |", cells(e, r).join(" | "));
        }
        out.push('\n');
    }
    out += &super::table_pairs::markdown_pairs(e);
    out += &notes(e);
    out
}

fn notes(e: &Evaluation) -> String {
    let mut out = format!(
        "Unit: question ({} draws; training seeds nested). vs mixture: paired difference to the mixture of the other cultures; Holm over the model rows of this table. Plan {}, locked before scoring.\n",
        e.plan.draws,
        &e.plan_sha256[..12.min(e.plan_sha256.len())]
    );
    for (model, method) in e.methods.iter().filter(|m| m.1.contains("drawn")) {
        let _ = writeln!(
            out,
            "{model}: no log-probabilities, {method} to each prompt; the row of draws from the truth is the most that so many can reach."
        );
    }
    let mut mass: BTreeMap<&str, f64> = BTreeMap::new();
    for r in e.rows.iter().filter(|r| r.metric == "listed-mass" && r.value < 0.9) {
        let least = mass.entry(r.model.as_str()).or_insert(r.value);
        *least = least.min(r.value);
    }
    if !mass.is_empty() {
        let list: Vec<String> =
            mass.iter().map(|(m, x)| format!("{m} {:.0} %", x * 100.0)).collect();
        let _ = writeln!(
            out,
            "Listed mass (share of probability, or of replies, that names a listed option; lowest split): {}. The scores are over the listed options alone.",
            list.join("; ")
        );
    }
    for v in e.variance.iter().filter(|v| v.prompt_exceeds_culture && v.prompt > 5e-5) {
        let _ = writeln!(
            out,
            "{} ({}): the culture effect ({:.4}) is smaller than the prompt effect ({:.4}): its cultures are prompts.",
            v.model,
            v.split.as_str(),
            v.culture,
            v.prompt
        );
    }
    out
}
