//! One attempt: the program and its job written into the attempt's folder, started, waited for, and
//! its end told as a job's end.

use std::fs;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::launch::Launched;
use super::program::{self, FOLDER, FORMAT, JobFile, Summary};
use super::rows::{EVAL, Frozen, ORDER, ROWS, lines, write_tokens};
use super::{PYTHON, Python};
use crate::domain::{Example, Survey};
use crate::embedded::decoder::{Adapter, Layout};
use crate::embedded::{ChatTokenizer, adapter};
use crate::finetune::base::Base;
use crate::finetune::checkpoint::{self, TrainerState, sha256};
use crate::finetune::job::{failed, parse_recipe};
use crate::finetune::{Backend, Recipe, TrainSummary};
use crate::job::{
    Attempt, FailureFile, FailureKind, JobError, Progress, read_jsonl, read_progress, say,
};

/// See [`super::Trains::carry`].
pub(super) fn carry(
    attempt: &Attempt,
    progress: &mut dyn Progress,
) -> Result<TrainSummary, JobError> {
    let read = |name: &str| {
        let path = attempt.input(name);
        fs::read(&path).map_err(JobError::io(path))
    };
    let recipe_bytes = read("recipe.toml")?;
    let recipe = parse_recipe(&recipe_bytes, &attempt.input("recipe.toml"))?;
    let dataset_sha256 = sha256(&read("dataset.jsonl")?);
    let base = Base::of(attempt, &recipe)?
        .ok_or_else(|| JobError::Work("the recipe names no model to tune".into()))?;
    let folder = attempt.file(FOLDER);
    fs::create_dir_all(&folder).map_err(JobError::io(&folder))?;
    let input = frozen_input(attempt, &recipe, &folder)?;
    let total = lines(&input.join(ORDER))?;
    progress.at(0, Some(total), "reading");
    let grown_from = Some(base.state.clone());
    let start = TrainerState::begin(total, sha256(&recipe_bytes), dataset_sha256, grown_from);
    let resume = newest(attempt, &start, progress);
    let state = resume.as_ref().map_or(&start, |r| &r.1);
    program::write(&folder)?;
    // Families that the embedded decoder does not know are trained all the same.
    let config = base.config().ok();
    let tokenizer = ChatTokenizer::load(&base.state.folder, vocab_size(&base.state.folder)?)
        .map_err(|e| failed(e.into()))?;
    let tokens = folder.join("tokens.jsonl");
    write_tokens(&input.join(ROWS), &tokenizer, &tokens)?;
    let initial = match (&recipe.lora, &config, &resume) {
        (Some(settings), Some(config), None) => {
            let dir = folder.join("initial");
            fs::create_dir_all(&dir).map_err(JobError::io(&dir))?;
            Adapter::new(config, settings.clone(), recipe.seed)
                .and_then(|a| adapter::save(&dir, &a, Some(&base.state.for_peft())))
                .map_err(|e| failed(e.into()))?;
            Some(dir)
        }
        _ => None,
    };
    let torch = recipe.torch.clone().unwrap_or_default();
    let processes = torch.processes.unwrap_or(recipe.resources.gpus.max(1));
    let job = JobFile {
        format: FORMAT,
        attempt: attempt.dir(),
        base: &base.state.folder,
        peft_base: base.state.for_peft(),
        tokens,
        order: input.join(ORDER),
        eval: Some(input.join(EVAL)).filter(|p| p.exists()),
        stop: folder.join("stop"),
        steps: total,
        lr: recipe.lr,
        schedule: recipe.schedule,
        warmup: recipe.warmup,
        weight_decay: recipe.weight_decay,
        beta2: recipe.beta2,
        max_grad_norm: recipe.max_grad_norm,
        seed: recipe.seed,
        checkpoint_every: recipe.checkpoint_every,
        keep_checkpoints: recipe.keep_checkpoints,
        log_every: recipe.log_every,
        piece_tokens: recipe.piece_tokens,
        recompute: recipe.recompute,
        lora: recipe.lora.as_ref(),
        quant: torch.quant,
        dtype: torch.dtype,
        parallel: torch.parallel,
        threads: recipe.resources.threads,
        gpus: recipe.resources.gpus,
        parameters: config.as_ref().map(|c| Layout::new(c).len() as u64),
        processes,
        initial,
        resume: resume.as_ref().map(|r| r.0.clone()),
        state,
    };
    attempt.write_json(&format!("{FOLDER}/job.json"), &job)?;
    let resumed_from = resume.as_ref().map(|r| r.1.step);
    if progress.should_stop() {
        return Err(JobError::Stopped);
    }
    let child = start_program(attempt, &folder, &recipe, processes)?;
    let status = wait(child, &job.stop, progress)?;
    let done = read_progress(attempt.dir()).map_or(0, |p| p.done);
    if !status.success() {
        // What we held back of the progress must not overwrite the program's own.
        progress.at(done, Some(total), &format!("ended at step {done}"));
        return Err(ended(attempt, status, progress));
    }
    let path = folder.join("summary.json");
    let text = fs::read(&path).map_err(JobError::io(&path))?;
    let summary: Summary = serde_json::from_slice(&text).map_err(|e| JobError::Malformed {
        path,
        line: Some(e.line() as u64),
        reason: e.to_string(),
    })?;
    let last = attempt.file("checkpoints/final");
    checkpoint::verify(&last).map_err(failed)?;
    let examples = read_jsonl::<Example>(&attempt.input("dataset.jsonl"))?;
    let (learned, _) = crate::finetune::hold_out(examples, recipe.eval_share, recipe.seed);
    Ok(TrainSummary {
        kind: "model".into(),
        checkpoint: PathBuf::from("checkpoints/final"),
        step: summary.step,
        examples: learned.len(),
        parameters: summary.parameters,
        trained: summary.trained,
        adapter: recipe.lora.is_some(),
        base: Some(base.state),
        vocab_size: summary.vocab_size,
        loss: summary.loss,
        resumed_from,
        seconds: summary.seconds,
        examples_per_s: summary.steps_here as f64 * recipe.batch as f64 / summary.seconds.max(1e-9),
        recipe_sha256: start.recipe_sha256.clone(),
        backend: Backend::Torch.word().into(),
        device: None,
        remote: None,
    })
}

/// Tokens of a model, whatever its family.
fn vocab_size(folder: &Path) -> Result<usize, JobError> {
    let path = folder.join("config.json");
    let text = fs::read(&path).map_err(JobError::io(&path))?;
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let size = json["vocab_size"].as_u64().or(json["text_config"]["vocab_size"].as_u64());
    size.and_then(|n| usize::try_from(n).ok()).ok_or_else(|| JobError::Malformed {
        path,
        line: None,
        reason: "expected `vocab_size`".into(),
    })
}

/// The folder with the frozen texts: the run's input, or, for a folder that was written by hand, the
/// attempt's own.
fn frozen_input(attempt: &Attempt, recipe: &Recipe, folder: &Path) -> Result<PathBuf, JobError> {
    let input = attempt.run_dir().join("input");
    if input.join(ORDER).exists() {
        return Ok(input);
    }
    let survey: Survey = attempt.read_input("survey.json")?;
    let rows: Vec<Example> = read_jsonl(&attempt.input("dataset.jsonl"))?;
    let frozen = Frozen::new(recipe, &rows, &survey).map_err(failed)?;
    for (name, bytes) in frozen.files().map_err(failed)? {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(JobError::io(&path))?;
    }
    Ok(folder.to_owned())
}

/// The newest whole checkpoint of the same recipe, dataset and base, of this attempt or an earlier
/// one. One that is not whole is passed over, and said.
fn newest(
    attempt: &Attempt,
    same: &TrainerState,
    progress: &mut dyn Progress,
) -> Option<(PathBuf, TrainerState)> {
    let mut found: Vec<(u64, PathBuf)> = std::iter::once(attempt.clone())
        .chain(attempt.earlier())
        .flat_map(|a| checkpoint::list(&a.file("checkpoints")))
        .collect();
    found.sort_by_key(|f| std::cmp::Reverse(f.0));
    let sha = |s: &TrainerState| s.base.as_ref().map(|b| b.sha256.clone());
    for (_, dir) in found {
        let state = checkpoint::verify(&dir).and_then(|_| checkpoint::trainer_state(&dir));
        match state {
            Ok(s)
                if s.recipe_sha256 == same.recipe_sha256
                    && s.dataset_sha256 == same.dataset_sha256
                    && sha(&s) == sha(same)
                    && s.step <= same.total =>
            {
                return Some((dir, s));
            }
            Ok(_) => {
                let note = format!("{} is of another recipe, dataset or base: left", dir.display());
                say(&note);
                progress.at(0, Some(same.total), &note);
            }
            Err(e) => {
                say(&format!("passed over: {e}"));
                progress.at(0, Some(same.total), &format!("passed over: {e}"));
            }
        }
    }
    None
}

fn start_program(
    attempt: &Attempt,
    folder: &Path,
    recipe: &Recipe,
    processes: u32,
) -> Result<Child, JobError> {
    let python = if attempt.input(PYTHON).exists() {
        attempt.read_input::<super::Probed>(PYTHON)?.python
    } else {
        Python::find(None).map_err(failed)?
    };
    let launched =
        Launched::new(&python.program, folder, processes, |name| std::env::var(name).ok());
    let Some((first, rest)) = launched.words.split_first() else {
        return Err(JobError::Work("nothing to start".into()));
    };
    let threads = (recipe.resources.threads / processes.max(1) as usize).max(1).to_string();
    // The program finds its own modules beside it, whatever lies in the workspace.
    let mut command = Command::new(first);
    if launched.apart {
        command.process_group(0);
    }
    command
        .args(rest)
        .env("OMP_NUM_THREADS", &threads)
        .env("TOKENIZERS_PARALLELISM", "false")
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HF_HUB_OFFLINE", "1")
        // What libraries will change some day is not for the log of a run.
        .env("PYTHONWARNINGS", "ignore::FutureWarning")
        .stdin(Stdio::null())
        .spawn()
        .map_err(|e| {
            JobError::Work(format!(
                "the Python {} (named by {}) cannot be started: {e}; `polyculture doctor --torch`",
                first, python.named_by
            ))
        })
}

/// Waits for the program. A wish to stop is passed on as a file, which reaches processes on other
/// machines too; TERM has come to the one beside us already.
fn wait(
    mut child: Child,
    stop: &Path,
    progress: &mut dyn Progress,
) -> Result<ExitStatus, JobError> {
    let io = |e| JobError::Work(format!("the training program cannot be waited for: {e}"));
    let mut told = false;
    loop {
        if let Some(status) = child.try_wait().map_err(io)? {
            return Ok(status);
        }
        if !told && progress.should_stop() {
            fs::write(stop, b"").map_err(JobError::io(stop))?;
            told = true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Why a program that did not succeed ended.
fn ended(attempt: &Attempt, status: ExitStatus, progress: &dyn Progress) -> JobError {
    if let Ok(Some(f)) = FailureFile::read(attempt.dir()) {
        return match f.kind {
            FailureKind::OutOfMemory => JobError::OutOfMemory(f.message),
            FailureKind::Transient => JobError::Transient(f.message),
            FailureKind::Away => JobError::Away(f.message),
            FailureKind::Lasting => JobError::Work(f.message),
        };
    }
    // A launcher of several processes has codes of its own.
    if progress.should_stop() {
        return JobError::Stopped;
    }
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with code {code}"),
        (None, Some(9)) => {
            "was killed by signal 9 (KILL): by somebody, or by the kernel for want of memory".into()
        }
        (None, Some(n)) => format!("was killed by signal {n}"),
        (None, None) => "ended".into(),
    };
    let log = fs::read(attempt.file("out.log")).unwrap_or_default();
    let log = String::from_utf8_lossy(&log[log.len().saturating_sub(4096)..]).into_owned();
    let words = log.lines().rev().find(|l| !l.trim().is_empty());
    let words = words.map(|l| format!("; its last words: {}", l.trim())).unwrap_or_default();
    JobError::Work(format!("the training program {how}{words}"))
}
