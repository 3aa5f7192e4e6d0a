//! What the results of a run become in the workspace database. Idempotent: an offset is kept in the
//! same transaction as the rows that were merged up to it, so that it may be called as often as
//! anybody likes, while the run goes on and after a crash.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::{CultureId, DatasetId, ModelId, Sample};
use crate::evaluate::Evaluation;
use crate::evaluate::figures::TaskResult;
use crate::finetune::TrainSummary;
use crate::job::{Attempt, RunKind, RunSpec};
use crate::store::{Access, EvaluationRecord, EvaluationRow, ModelRecord, StoreError, Workspace};
use crate::study::StudyError;
use crate::study::judge::{JudgeSpec, VerdictLine, put_verdicts};

/// `about.json` in the input of a fine-tune run: what the registry is told of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutModel {
    /// The dataset.
    pub dataset: DatasetId,
    /// The recipe's name.
    pub recipe: String,
    /// The culture it is tuned for; `None` for several or none.
    pub culture: Option<CultureId>,
    /// Its alias; the run's id where there is none.
    pub alias: Option<String>,
    /// The training seed.
    pub seed: u64,
}

/// Merges what a run has written so far. `ended` is true for the last call of an attempt.
///
/// # Errors
/// In words: the workspace cannot be written, or a line is not what its run writes.
pub fn ingest(spec: &RunSpec, attempt: &Attempt, ended: bool) -> Result<(), String> {
    let merged = match spec.kind {
        RunKind::Augment => samples(spec, attempt),
        RunKind::Judge => verdicts(spec, attempt),
        RunKind::Finetune if ended => model(spec, attempt),
        RunKind::Evaluate if ended => evaluation(spec, attempt),
        _ => Ok(()),
    };
    merged.map_err(|e| format!("{}: {e}", spec.id))
}

fn store(spec: &RunSpec) -> Result<Workspace, StoreError> {
    Workspace::open(&spec.workspace, Access::Write)
}

/// Whole lines from an offset on, and the offset after them.
fn new_lines(path: &Path, from: u64) -> Result<(Vec<u8>, u64), String> {
    let Ok(mut file) = File::open(path) else { return Ok((Vec::new(), from)) };
    let io = |e: std::io::Error| format!("{}: {e}", path.display());
    file.seek(SeekFrom::Start(from)).map_err(io)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(io)?;
    let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |i| i + 1);
    bytes.truncate(whole);
    Ok((bytes, from + whole as u64))
}

fn samples(spec: &RunSpec, attempt: &Attempt) -> Result<(), String> {
    let mut store = store(spec).map_err(|e| e.to_string())?;
    let file = format!("attempt-{}/results.jsonl", attempt.number());
    let from = store.read().ingest_offset(&spec.id, &file).map_err(|e| e.to_string())?;
    let (bytes, to) = new_lines(&attempt.file("results.jsonl"), from)?;
    if bytes.is_empty() {
        return Ok(());
    }
    let samples: Vec<Sample> = bytes
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).map_err(|e| format!("{file}: {e}")))
        .collect::<Result<_, _>>()?;
    store
        .write(|tx| {
            tx.put_samples(&samples)?;
            tx.set_ingest_offset(&spec.id, &file, to)
        })
        .map_err(|e| e.to_string())
}

fn verdicts(spec: &RunSpec, attempt: &Attempt) -> Result<(), String> {
    let mut store = store(spec).map_err(|e| e.to_string())?;
    let file = format!("attempt-{}/results.jsonl", attempt.number());
    let from = store.read().ingest_offset(&spec.id, &file).map_err(|e| e.to_string())?;
    let (bytes, to) = new_lines(&attempt.file("results.jsonl"), from)?;
    if bytes.is_empty() {
        return Ok(());
    }
    let lines: Vec<VerdictLine> = bytes
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).map_err(|e| format!("{file}: {e}")))
        .collect::<Result<_, _>>()?;
    let judge: JudgeSpec = attempt.read_input("judge.json").map_err(|e| e.to_string())?;
    store
        .write_as(|tx| {
            put_verdicts(tx, &judge, &spec.id, &lines)?;
            Ok::<_, StudyError>(tx.set_ingest_offset(&spec.id, &file, to)?)
        })
        .map_err(|e| e.to_string())
}

fn model(spec: &RunSpec, attempt: &Attempt) -> Result<(), String> {
    let results: Vec<TrainSummary> =
        crate::job::read_jsonl(&attempt.file("results.jsonl")).map_err(|e| e.to_string())?;
    let Some(summary) = results.last() else { return Ok(()) };
    let about: AboutModel = attempt.read_input("about.json").map_err(|e| e.to_string())?;
    let recipe = std::fs::read_to_string(attempt.input("recipe.toml")).unwrap_or_default();
    let folder = attempt.dir().join(&summary.checkpoint).display().to_string();
    let record = ModelRecord {
        id: ModelId::new(spec.id.as_str()).map_err(|e| e.to_string())?,
        alias: about.alias.clone(),
        kind: summary.backend.clone(),
        run: Some(spec.id.clone()),
        checkpoint: Some(folder).filter(|_| summary.remote.is_none()),
        dataset: Some(about.dataset.clone()),
        recipe: json!({"name": about.recipe, "toml": recipe, "sha256": summary.recipe_sha256}),
        created: Timestamp::now(),
        card: json!({"about": about, "trained": summary}),
    };
    let mut store = store(spec).map_err(|e| e.to_string())?;
    store.write(|tx| tx.put_model(&record)).map_err(|e| e.to_string())
}

/// The figures of a task other than `survey`.
fn task_result(spec: &RunSpec, r: &TaskResult) -> Result<(), String> {
    let record = EvaluationRecord {
        id: spec.id.to_string(),
        run: Some(spec.id.clone()),
        task: r.task.clone(),
        plan: r.plan.clone(),
        plan_sha256: r.plan_sha256.clone(),
        created: Timestamp::now(),
    };
    let rows: Vec<EvaluationRow> = r
        .rows
        .iter()
        .map(|f| EvaluationRow {
            model: match &f.against {
                Some(other) => format!("{} against {other}", f.model),
                None => f.model.clone(),
            },
            culture: f.culture.clone(),
            split: f.split.clone(),
            question: None,
            metric: f.metric.clone(),
            value: f.value,
            extra: json!(f),
        })
        .collect();
    let mut store = store(spec).map_err(|e| e.to_string())?;
    store
        .write(|tx| {
            tx.put_evaluation(&record)?;
            tx.put_evaluation_rows(&record.id, &rows)
        })
        .map_err(|e| e.to_string())
}

fn evaluation(spec: &RunSpec, attempt: &Attempt) -> Result<(), String> {
    let path = attempt.file("evaluation.json");
    let Ok(text) = std::fs::read(&path) else { return Ok(()) };
    if let Ok(result) = serde_json::from_slice::<TaskResult>(&text) {
        return task_result(spec, &result);
    }
    let e: Evaluation =
        serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    let record = EvaluationRecord {
        id: spec.id.to_string(),
        run: Some(spec.id.clone()),
        task: e.plan.task.clone(),
        plan: json!(e.plan),
        plan_sha256: e.plan_sha256.clone(),
        created: Timestamp::now(),
    };
    let rows: Vec<EvaluationRow> = e
        .rows
        .iter()
        .map(|r| EvaluationRow {
            model: r.model.clone(),
            culture: CultureId::new(r.culture.clone()).ok().filter(|_| r.culture != "all"),
            split: r.split.as_str().to_owned(),
            question: None,
            metric: if r.culture.contains(' ') {
                // Means over some questions or some cultures are figures of their own.
                format!("{} over {}", r.metric, r.culture)
            } else {
                r.metric.clone()
            },
            value: Some(r.value),
            extra: json!(r),
        })
        .collect();
    let mut store = store(spec).map_err(|e| e.to_string())?;
    store
        .write(|tx| {
            tx.put_evaluation(&record)?;
            tx.put_evaluation_rows(&record.id, &rows)
        })
        .map_err(|e| e.to_string())
}
