//! What the screen reads.

use std::cmp::Ordering;
use std::path::Path;

use super::super::runs::rows::Row;
use crate::domain::{DatasetId, RunId};
use crate::engine::protocol::ListAsk;
use crate::finetune::checkpoint::{KnownCheckpoint, best, known};
use crate::job::{Curves, RunKind, RunView, StateName};
use crate::launch::open_dataset;
use crate::store::DatasetRecord;
use crate::tui::data::{Access, WorkError};
use crate::tui::widgets::{Ask, Page, shell_line, thousands};

/// A dataset's name.
pub fn key(d: &DatasetRecord) -> String {
    d.name.to_string()
}

/// What filters look through.
pub fn haystack(d: &DatasetRecord) -> String {
    format!("{} {} {}", d.name, d.policy.as_str(), arm(d))
}

fn by_name(a: &DatasetRecord, b: &DatasetRecord) -> Ordering {
    a.name.cmp(&b.name)
}

fn by_age(a: &DatasetRecord, b: &DatasetRecord) -> Ordering {
    b.created.cmp(&a.created)
}

fn by_rows(a: &DatasetRecord, b: &DatasetRecord) -> Ordering {
    b.manifest["rows"].as_u64().cmp(&a.manifest["rows"].as_u64())
}

/// Ways to order datasets.
pub const ORDERS: &[(&str, fn(&DatasetRecord, &DatasetRecord) -> Ordering)] =
    &[("newest first", by_age), ("name", by_name), ("rows", by_rows)];

/// Whose answers a dataset holds.
pub fn arm(d: &DatasetRecord) -> String {
    let arm = &d.manifest["spec"]["arm"];
    match arm["arm"].as_str() {
        Some("culture") => arm["culture"].as_str().unwrap_or("one culture").to_owned(),
        Some("one") => "all cultures".to_owned(),
        Some("blind") => "control: mixture".to_owned(),
        Some("uniform") => "control: uniform".to_owned(),
        _ => String::new(),
    }
}

/// What the audit says of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// Rows.
    pub rows: u64,
    /// Prompts that differ.
    pub distinct: u64,
    /// Questions, cultures.
    pub spread: (usize, usize),
    /// Rows by kind of finding, and their share.
    pub findings: Vec<(&'static str, u64, f64)>,
    /// Cells of culture and question that have no label.
    pub refused: usize,
}

/// Audits a dataset of the workspace.
pub fn audit(a: &mut Access, name: &DatasetId) -> Result<Audit, WorkError> {
    let survey = a.read(|r| r.survey())?;
    let stored = open_dataset(a.place(), name)?;
    let built = stored.as_dataset(&survey);
    let report = &built.audit;
    let findings = report
        .by_kind()
        .into_keys()
        .map(|k| (k.as_str(), report.rows_with(k), report.share(k)))
        .collect();
    let questions: std::collections::BTreeSet<_> =
        stored.examples.iter().map(|e| &e.question).collect();
    let cultures: std::collections::BTreeSet<_> =
        stored.examples.iter().filter_map(|e| e.culture.as_ref()).collect();
    Ok(Audit {
        rows: report.rows,
        distinct: report.distinct_prompts,
        spread: (questions.len(), cultures.len()),
        findings,
        refused: stored.manifest.refused.len(),
    })
}

/// Everything that the audit of a dataset found, for the pager.
pub fn findings(a: &mut Access, name: &DatasetId) -> Result<String, WorkError> {
    let survey = a.read(|r| r.survey())?;
    let stored = open_dataset(a.place(), name)?;
    let built = stored.as_dataset(&survey);
    let mut out = crate::dataset::card(&built, &survey, None);
    out +=
        &format!("\n# What the audit found: {}\n\n", thousands(built.audit.findings.len() as u64));
    for f in &built.audit.findings {
        out += &format!("{f}\n");
    }
    Ok(out)
}

fn ask(a: &Access, filter: &str) -> ListAsk {
    ListAsk {
        workspace: Some(a.place().folder().root().to_owned()),
        words: filter.to_owned(),
        kind: Some(RunKind::Finetune),
        limit: 1,
        ..ListAsk::default()
    }
}

/// A page of fine-tune runs of this workspace.
pub fn fetch(a: &mut Access, page: &Ask<i64>) -> Result<Page<Row>, WorkError> {
    let ask = ask(a, &page.filter);
    super::super::runs::rows::fetch_with(a, page, ask)
}

/// How many there are.
pub fn count(a: &mut Access, filter: &str) -> Result<u64, WorkError> {
    let ask = ListAsk { count: true, ..ask(a, filter) };
    Ok(a.runs(&ask)?.total.unwrap_or(0))
}

/// What a run measured and saved.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The run.
    pub run: RunId,
    /// Its state when this was read.
    pub state: StateName,
    /// Its curves.
    pub curves: Curves,
    /// Its checkpoints, oldest first.
    pub checkpoints: Vec<KnownCheckpoint>,
}

impl Measured {
    /// Of a run whose files cannot be read.
    pub fn nothing(run: RunId, row: Option<&RunView>) -> Self {
        let mut curves = Curves::default();
        curves.attempt = row.map_or(1, |v| v.attempt);
        let state = row.map_or(StateName::Running, |v| v.state);
        Self { run, state, curves, checkpoints: Vec::new() }
    }

    /// The best checkpoint: its step, its loss, whether that is a loss on held-out texts.
    pub fn best(&self) -> Option<(u64, f64, bool)> {
        best(&self.checkpoints).map(|(c, loss, held_out)| (c.step, loss, held_out))
    }
}

/// Reads what a run has measured since, and its checkpoints.
pub fn measure(
    run: RunId,
    dir: &Path,
    attempt: Option<u32>,
    state: Option<StateName>,
    mut curves: Curves,
) -> Result<Measured, WorkError> {
    let attempt = attempt.unwrap_or_else(|| {
        // A marked run that is out of the list's window: its folder knows its attempts.
        let there = |n: &u32| dir.join(format!("attempt-{n}")).is_dir();
        (1..).take_while(there).last().unwrap_or(1)
    });
    curves.read(dir, attempt)?;
    let checkpoints = known(dir, attempt);
    Ok(Measured { run, state: state.unwrap_or(StateName::Running), curves, checkpoints })
}

/// What became of a form's runs.
#[derive(Debug, Clone, Default)]
pub struct Started {
    /// Ids of the runs that the engine took in.
    pub runs: Vec<String>,
    /// The first that it did not, and why.
    pub failed: Option<(String, WorkError)>,
}

/// Carries out the command lines of a form in order; stops at the first that fails.
pub fn start(a: &mut Access, lines: &[Vec<String>]) -> Result<Started, WorkError> {
    let mut out = Started::default();
    for args in lines {
        match a.command(args) {
            Ok(doc) => out.runs.extend(doc["id"].as_str().map(str::to_owned)),
            Err(e) => {
                out.failed = Some((shell_line(args), e));
                break;
            }
        }
    }
    Ok(out)
}

/// A model's server, and the provider that points at it.
#[derive(Debug, Clone)]
pub struct Connected {
    /// The model, as it was named.
    pub model: String,
    /// The provider's name; or why none was made.
    pub provider: Result<String, WorkError>,
    /// The server's command.
    pub serve: String,
    /// Where it then answers.
    pub url: String,
}

/// Makes a provider that points at a model where its server usually stands: on this machine.
pub fn connect(a: &mut Access, model: &str) -> Result<Connected, WorkError> {
    let args = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let plan = a.command(&args(&["models", "serve", model]))?;
    let word = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
    let url = word(&plan["base_url"]);
    let made = a.command(&args(&["models", "connect", model, "--base-url", &url]));
    Ok(Connected {
        model: model.to_owned(),
        provider: made.map(|m| word(&m["provider"])),
        serve: word(&plan["line"]),
        url,
    })
}
