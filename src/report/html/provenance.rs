//! Where everything comes from: versions, prompts, policies, runs, checksums.

use std::collections::BTreeMap;

use super::page::{Cell, Page, short};
use crate::report::{RunsPart, WorkspaceReport};

/// Runs in the table.
const RUNS: usize = 100;

pub(super) fn provenance(p: &mut Page, r: &WorkspaceReport, runs: &RunsPart) {
    p.line(&format!(
        "polyculture {}; workspace read {}; answers {}.",
        r.version,
        r.created,
        if r.weighting.is_empty() { "not imported".into() } else { r.weighting.join(", ") }
    ));

    p.heading("Prompts and rules behind the kept samples");
    let rows: Vec<Vec<Cell>> = r
        .samples
        .by_provider
        .iter()
        .map(|(name, n)| vec![Cell::Words(name.clone()), Cell::Number(n.to_string())])
        .collect();
    if rows.is_empty() {
        p.line("No sample yet.");
    }
    p.table(&["provider and version of its rules or prompts", ">samples"], &rows);

    p.heading("Datasets and label policies");
    let rows: Vec<Vec<Cell>> = r
        .datasets
        .iter()
        .map(|d| {
            vec![
                Cell::Words(d.name.to_string()),
                Cell::Words(d.policy.as_str().to_owned()),
                Cell::Number(d.manifest["rows"].to_string()),
                Cell::Words(d.created.to_string()),
                Cell::Words(short(&d.sha256)),
            ]
        })
        .collect();
    if rows.is_empty() {
        p.line("None yet: `polyculture dataset build NAME` makes one.");
    }
    p.table(&["dataset", "label policy", ">rows", "built", "checksum"], &rows);

    p.heading("Models");
    let rows: Vec<Vec<Cell>> = r
        .models
        .iter()
        .map(|m| {
            let trained = &m.card["trained"];
            vec![
                Cell::Words(m.alias.clone().unwrap_or_else(|| m.id.to_string())),
                Cell::Words(m.run.as_ref().map_or_else(|| "-".into(), ToString::to_string)),
                Cell::Words(m.dataset.as_ref().map_or_else(|| "-".into(), ToString::to_string)),
                Cell::Words(m.recipe["name"].as_str().unwrap_or("-").to_owned()),
                Cell::Words(short(m.recipe["sha256"].as_str().unwrap_or("-"))),
                Cell::Number(
                    trained["step"].as_u64().map_or_else(|| "-".into(), |n| n.to_string()),
                ),
            ]
        })
        .collect();
    if rows.is_empty() {
        p.line("None yet: `polyculture finetune --dataset NAME --wait` makes one.");
    }
    p.table(&["model", "run", "dataset", "recipe", "recipe's checksum", ">steps"], &rows);

    p.heading("Evaluations and their locked plans");
    let rows: Vec<Vec<Cell>> = r
        .evaluations
        .iter()
        .rev()
        .map(|e| {
            vec![
                Cell::Words(e.id.clone()),
                Cell::Words(e.task.clone()),
                Cell::Words(e.created.to_string()),
                Cell::Words(short(&e.plan_sha256)),
                Cell::Number(e.rows.len().to_string()),
            ]
        })
        .collect();
    if rows.is_empty() {
        p.line("None yet.");
    }
    p.table(&["evaluation", "task", "made", "plan", ">figures"], &rows);

    list_runs(p, runs);
}

fn list_runs(p: &mut Page, runs: &RunsPart) {
    p.heading("Runs");
    if runs.runs.is_empty() {
        p.line("None yet.");
        return;
    }
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    runs.runs.iter().for_each(|r| *states.entry(&r.state).or_default() += 1);
    let said: Vec<String> = states.iter().map(|(s, n)| format!("{n} {s}")).collect();
    let older = if runs.older > 0 { format!("; {} older ones", runs.older) } else { String::new() };
    let odd = match runs.unreadable {
        0 => String::new(),
        n => format!("; {n} folders without a readable spec.json"),
    };
    p.line(&format!("{}{older}{odd}.", said.join(", ")));
    let rows: Vec<Vec<Cell>> = runs
        .runs
        .iter()
        .take(RUNS)
        .map(|r| {
            vec![
                Cell::Words(r.id.clone()),
                Cell::Words(r.kind.word().to_owned()),
                Cell::Words(r.label.clone().unwrap_or_else(|| "-".into())),
                Cell::Words(r.state.clone()),
                Cell::Number(r.attempts.to_string()),
                Cell::Words(r.queued.to_string()),
                Cell::Number(r.seconds.map_or_else(|| "-".into(), |s| format!("{s:.1}"))),
            ]
        })
        .collect();
    p.table(&["run", "kind", "label", "state", ">attempts", "asked for", ">seconds"], &rows);
    if runs.runs.len() > RUNS {
        p.note(&format!("The newest {RUNS} of {} are listed.", runs.runs.len() + runs.older));
    }
}
