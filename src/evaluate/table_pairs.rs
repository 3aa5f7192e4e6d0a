//! What `compare` prints below the table of rows: pairs, and means over groups of cultures.

use std::fmt::Write as _;

use super::table::{lines, markdown_lines, p_value, signed, title};
use super::{Evaluation, Metric};
use crate::domain::{ResourceLevel, Split};

const PAIR_HEAD: [&str; 7] =
    ["arm", "difference", "95 % interval", "p (Holm)", "better", "equal", "worse"];

fn pair_rows(e: &Evaluation, split: Split) -> Vec<Vec<String>> {
    e.pairs
        .iter()
        .filter(|p| p.split == split)
        .map(|p| {
            vec![
                p.arm.clone(),
                format!("{:+.3}", p.diff),
                signed(p.ci),
                p_value(p.p_holm),
                p.wins[0].to_string(),
                p.wins[1].to_string(),
                p.wins[2].to_string(),
            ]
        })
        .collect()
}

fn pair_caption(e: &Evaluation, split: Split) -> Option<String> {
    let first = e.pairs.iter().find(|p| p.split == split)?;
    Some(format!(
        "Compared with {} ({}): paired difference of 1-JSD; n = {} questions; better, equal, worse: questions; Holm over all {} pairs",
        first.against,
        title(split),
        first.n,
        e.pairs.len()
    ))
}

fn group_rows(e: &Evaluation, split: Split) -> Vec<Vec<String>> {
    let of = |model: &str, level: ResourceLevel| {
        e.rows.iter().find(|r| {
            r.split == split
                && r.model == model
                && r.metric == Metric::Jsd.as_str()
                && r.culture == level.label()
        })
    };
    let mut models: Vec<&str> = Vec::new();
    for r in e.rows.iter().filter(|r| r.split == split && r.seeds > 0) {
        if !models.contains(&r.model.as_str()) {
            models.push(&r.model);
        }
    }
    models
        .into_iter()
        .filter_map(|m| {
            let mut line = vec![m.to_owned()];
            for level in [ResourceLevel::High, ResourceLevel::Low] {
                let r = of(m, level)?;
                line.push(format!("{:.3}", r.value));
                line.push(r.diff.map_or_else(|| "-".into(), |d| format!("{d:+.3}")));
                line.push(signed(r.diff_ci));
            }
            Some(line)
        })
        .collect()
}

const GROUP_HEAD: [&str; 7] = [
    "model",
    "high-resource",
    "vs mixture",
    "95 % interval",
    "low-resource",
    "vs mixture",
    "95 % interval",
];

/// Pairs and groups as lines of text; empty where there are none.
pub(super) fn plain_pairs(e: &Evaluation) -> String {
    both(e, lines)
}

/// The same as Markdown.
pub(super) fn markdown_pairs(e: &Evaluation) -> String {
    both(e, markdown_lines)
}

fn both(e: &Evaluation, draw: impl Fn(&[&str], &[Vec<String>]) -> String) -> String {
    let mut out = String::new();
    for &split in &e.plan.splits {
        if let Some(caption) = pair_caption(e, split) {
            let _ = write!(out, "{caption}\n{}\n", draw(&PAIR_HEAD, &pair_rows(e, split)));
        }
        let groups = group_rows(e, split);
        if !groups.is_empty() && !e.pairs.is_empty() {
            let _ = write!(
                out,
                "1-JSD by how much text of a culture's language is on the web ({})\n{}\n",
                title(split),
                draw(&GROUP_HEAD, &groups)
            );
        }
    }
    out
}
