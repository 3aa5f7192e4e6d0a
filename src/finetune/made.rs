//! The model that a run has made, found in the run's own folder: for jobs, which open no database.

use std::path::{Path, PathBuf};

use super::{FinetuneError, TrainSummary, checkpoint};
use crate::job::{ExitFile, read_jsonl};

/// Where a model lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeModel {
    /// A model's folder, or that of the base of an adapter.
    pub dir: PathBuf,
    /// The adapter's folder.
    pub adapter: Option<PathBuf>,
}

/// The model of the newest attempt that made one: its last checkpoint, or that of a step.
///
/// # Errors
/// The run has made none, or one that lies at a service; its checkpoint is not whole.
pub fn made_by(run: &Path, step: Option<u64>) -> Result<MadeModel, FinetuneError> {
    let mut attempt = 1;
    while run.join(format!("attempt-{}", attempt + 1)).is_dir() {
        attempt += 1;
    }
    let found = (1..=attempt).rev().find_map(|n| {
        let dir = run.join(format!("attempt-{n}"));
        let rows: Vec<TrainSummary> = read_jsonl(&dir.join("results.jsonl")).ok()?;
        Some((dir, rows.into_iter().last()?))
    });
    let Some((dir, summary)) = found else {
        let end = ExitFile::read(&run.join(format!("attempt-{attempt}"))).ok().flatten();
        let how = match end {
            None => "it has not ended".to_owned(),
            Some(e) => match (e.code, e.signal) {
                (Some(code), _) => format!("it ended with exit code {code}"),
                (None, Some(signal)) => format!("it ended by signal {signal}"),
                (None, None) => "nobody saw its end".to_owned(),
            },
        };
        return Err(FinetuneError::Plan(format!("run {} has made no model: {how}", run.display())));
    };
    if let Some(remote) = summary.remote {
        return Err(FinetuneError::Plan(format!(
            "the model of run {} lies at a service, as {remote}: name it so",
            run.display()
        )));
    }
    let last = dir.join(&summary.checkpoint);
    let folder = step.map_or(last.clone(), |n| last.with_file_name(format!("step-{n}")));
    checkpoint::verify(&folder)?;
    if !folder.join("adapter_config.json").exists() || folder.join("config.json").exists() {
        return Ok(MadeModel { dir: folder, adapter: None });
    }
    let base = checkpoint::trainer_state(&folder)?.base.map(|b| b.folder);
    match base.filter(|b| b.is_dir()) {
        Some(base) => Ok(MadeModel { dir: base, adapter: Some(folder) }),
        None => Err(FinetuneError::Plan(format!(
            "{}: the base of this adapter is no folder here",
            folder.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_a_model_says_how_it_ended() {
        let run = tempfile::tempdir().unwrap();
        let attempt = run.path().join("attempt-1");
        std::fs::create_dir(&attempt).unwrap();
        let said = || made_by(run.path(), None).unwrap_err().to_string();
        assert!(said().contains("has made no model: it has not ended"), "{}", said());
        let end = ExitFile { code: Some(7), ..ExitFile::unstarted(crate::job::now()) };
        std::fs::write(attempt.join(ExitFile::NAME), serde_json::to_vec(&end).unwrap()).unwrap();
        assert!(said().contains("exit code 7"), "{}", said());
    }
}
