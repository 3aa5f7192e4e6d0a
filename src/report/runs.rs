//! Runs as their folders tell them, and what they measured: the engine need not be there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::job::{Attempt, ExitFile, MetricsRow, RunFile, RunKind, RunSpec, read_jsonl};

/// Runs that are read, newest first; of the others only their number is said.
const RUNS: usize = 500;
/// Runs whose measurements are read.
const CURVES: usize = 12;

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunPart {
    /// Its id.
    pub id: String,
    /// What it executed.
    pub kind: RunKind,
    /// A word for people.
    pub label: Option<String>,
    /// How its last attempt ended; `not ended` where nothing says so.
    pub state: String,
    /// Attempts.
    pub attempts: u32,
    /// When it was asked for.
    pub queued: Timestamp,
    /// Seconds of its last attempt, where it ended.
    pub seconds: Option<f64>,
    /// What it measured, by name: `(step, value)`; only of the newest that train.
    #[serde(skip)]
    pub metrics: BTreeMap<String, Vec<(f64, f64)>>,
    /// Why what it measured cannot be read.
    pub unreadable: Option<String>,
}

/// The runs of a workspace.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RunsPart {
    /// The newest, newest first.
    pub runs: Vec<RunPart>,
    /// Those before them.
    pub older: usize,
    /// Folders without a readable `spec.json`.
    pub unreadable: usize,
}

/// Reads the run folders of a workspace. What cannot be read is counted, never an error: a report
/// of a damaged workspace is still a report.
pub fn runs(folder: &Path) -> RunsPart {
    let mut names: Vec<_> = fs::read_dir(folder)
        .map(|entries| entries.filter_map(Result::ok).map(|e| e.file_name()).collect())
        .unwrap_or_default();
    // Names begin with the time.
    names.sort();
    names.reverse();
    let mut out = RunsPart { older: names.len().saturating_sub(RUNS), ..RunsPart::default() };
    let mut curves = 0;
    for name in names.into_iter().take(RUNS) {
        let dir = folder.join(name);
        let spec = fs::read(dir.join("spec.json"))
            .ok()
            .and_then(|text| serde_json::from_slice::<RunSpec>(&text).ok());
        let Some(spec) = spec else {
            out.unreadable += 1;
            continue;
        };
        let mut run = one(&dir, spec);
        if run.kind == RunKind::Finetune && curves < CURVES {
            match metrics(&dir, run.attempts) {
                Ok(m) => run.metrics = m,
                Err(e) => run.unreadable = Some(e),
            }
            curves += usize::from(!run.metrics.is_empty());
        }
        out.runs.push(run);
    }
    out
}

fn one(dir: &Path, spec: RunSpec) -> RunPart {
    let attempts = (1..).take_while(|n| dir.join(format!("attempt-{n}")).is_dir()).count() as u32;
    let last = dir.join(format!("attempt-{attempts}"));
    let exit = ExitFile::read(&last).ok().flatten();
    let seconds =
        exit.as_ref().and_then(|e| Some(e.ended.duration_since(e.started?).as_secs_f64()));
    let state = match (&exit, RunFile::read(&last)) {
        (Some(e), _) => e.state(spec.queued_at, None).name().word().replace('_', " "),
        (None, Ok(Some(_))) => "not ended".to_owned(),
        (None, _) => "not started".to_owned(),
    };
    RunPart {
        id: spec.id.to_string(),
        kind: spec.kind,
        label: spec.label,
        state,
        attempts,
        queued: spec.queued_at,
        seconds,
        metrics: BTreeMap::new(),
        unreadable: None,
    }
}

/// The measurements of all attempts as one: where a later attempt began again from a checkpoint,
/// its rows stand for those of the earlier one.
fn metrics(dir: &Path, attempts: u32) -> Result<BTreeMap<String, Vec<(f64, f64)>>, String> {
    let mut rows: Vec<MetricsRow> = Vec::new();
    for n in 1..=attempts {
        let Ok(attempt) = Attempt::open(dir.join(format!("attempt-{n}"))) else { continue };
        let next: Vec<MetricsRow> =
            read_jsonl(&attempt.file("metrics.jsonl")).map_err(|e| e.to_string())?;
        if let Some(first) = next.first() {
            rows.retain(|r| r.step < first.step);
        }
        rows.extend(next);
    }
    let mut out: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for r in rows {
        for (name, v) in r.values {
            out.entry(name).or_default().push((r.step as f64, v));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::NewRun;

    fn run(dir: &Path, attempts: &[&str]) -> RunPart {
        let (run, _) = NewRun::new(RunKind::Finetune, dir).create(dir, |_| Ok(())).unwrap();
        for (i, lines) in attempts.iter().enumerate() {
            let attempt = run.join(format!("attempt-{}", i + 1));
            fs::create_dir(&attempt).unwrap();
            fs::write(attempt.join("metrics.jsonl"), lines).unwrap();
        }
        runs(dir).runs.remove(0)
    }

    #[test]
    fn a_folder_that_is_no_run_and_a_broken_file_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(runs(&dir.path().join("nowhere")), RunsPart::default());
        let r = run(dir.path(), &["{broken}\n"]);
        assert!(r.unreadable.unwrap().contains("line 1"));
        fs::create_dir(dir.path().join("0-stray")).unwrap();
        assert_eq!(runs(dir.path()).unreadable, 1);
        assert_eq!(r.state, "not started");
    }

    #[test]
    fn a_resumed_run_is_one_curve() {
        let dir = tempfile::tempdir().unwrap();
        let row = |step: u64, loss: &str| {
            format!("{{\"at\":\"\",\"step\":{step},\"values\":{{\"loss\":{loss}}}}}\n")
        };
        let first = row(1, "3.0") + &row(2, "2.0") + &row(3, "\"NaN\"");
        let second = row(2, "2.5") + &row(3, "1.5");
        let r = run(dir.path(), &[&first, &second]);
        assert_eq!(r.metrics["loss"], [(1.0, 3.0), (2.0, 2.5), (3.0, 1.5)]);
        assert_eq!(r.attempts, 2);
    }
}
