//! Which checkpoints nothing needs any more: shown with their sizes first, removed on request.
//! Kept in any case: what the registry holds, what any run's frozen input names, what another
//! checkpoint grew from, the best of each run, and the newest of a run that has not succeeded,
//! from which a retry goes on. Runs that have not ended are not looked at.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{LaunchError, Place};
use crate::finetune::checkpoint;
use crate::job::{Attempt, ExitFile, JobError, RunLock, RunSpec};

/// A checkpoint that may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prunable {
    /// Its run.
    pub run: String,
    /// Its folder.
    pub dir: PathBuf,
    /// What it takes, bytes.
    pub bytes: u64,
    /// Why it may go.
    pub why: String,
}

/// Inputs larger than this are data, not plans that name models.
const PLAN: u64 = 4 << 20;

/// All that may go in a workspace, the largest first.
///
/// # Errors
/// The workspace cannot be read.
pub fn prunable(place: &Place) -> Result<Vec<Prunable>, LaunchError> {
    let runs = place.folder().runs();
    let mut folders: Vec<PathBuf> = match fs::read_dir(&runs) {
        Ok(entries) => entries.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(JobError::io(&runs)(e).into()),
    };
    folders.sort();
    let needed = Needed::gather(place, &folders)?;
    let mut found = Vec::new();
    for run in &folders {
        found.extend(of_run(run, &needed));
    }
    found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.dir.cmp(&b.dir)));
    Ok(found)
}

/// Removes one: its manifest first, so that half a removal does not look whole.
///
/// # Errors
/// A file cannot be removed, or its run goes on again.
pub fn remove(one: &Prunable) -> Result<(), LaunchError> {
    // `runs/RUN/attempt-N/checkpoints/step-M`
    let run = one.dir.ancestors().nth(3).unwrap_or(&one.dir);
    // Held, so that nobody starts the run meanwhile; and it may have been started since the list.
    let rests = newest_attempt(run).filter(|a| matches!(ExitFile::read(a.dir()), Ok(Some(_))));
    let lock = RunLock::try_take(run)?;
    let (Some(_), Some(_lock)) = (rests, lock) else {
        return Err(LaunchError::Unusable(format!(
            "run {} goes on again: its checkpoints stay",
            one.run
        )));
    };
    let manifest = one.dir.join(checkpoint::MANIFEST);
    if manifest.exists() {
        fs::remove_file(&manifest).map_err(JobError::io(&manifest))?;
    }
    Ok(fs::remove_dir_all(&one.dir).map_err(JobError::io(&one.dir))?)
}

/// What names checkpoints.
struct Needed {
    folders: BTreeSet<PathBuf>,
    texts: Vec<String>,
}

impl Needed {
    fn gather(place: &Place, runs: &[PathBuf]) -> Result<Self, LaunchError> {
        let root = place.folder().root();
        let mut folders = BTreeSet::new();
        let mut texts = Vec::new();
        for model in place.read()?.read().models()? {
            if let Some(c) = &model.checkpoint {
                folders.insert(real(&root.join(c)));
            }
            texts.push(model.card.to_string());
        }
        for run in runs {
            for path in files_below(&run.join("input"), 2) {
                let small = fs::metadata(&path).is_ok_and(|m| m.len() <= PLAN);
                if small && path.extension().is_some_and(|e| e == "json" || e == "toml") {
                    texts.extend(fs::read_to_string(&path));
                }
            }
            for dir in checkpoints(run) {
                if let Ok(state) = checkpoint::trainer_state(&dir)
                    && let Some(base) = state.base
                {
                    folders.insert(real(&base.folder));
                }
            }
        }
        Ok(Self { folders, texts })
    }

    /// A registered folder, one inside it, or a path or name (`run:ID@STEP`) in a plan.
    fn names(&self, run: &str, dir: &Path) -> bool {
        let own = real(dir);
        let path = dir.display().to_string();
        let step = dir.file_name().and_then(|n| n.to_str()?.strip_prefix("step-"));
        let name = step.map(|s| format!("run:{run}@{s}"));
        self.folders.iter().any(|f| *f == own || f.starts_with(&own))
            || self.texts.iter().any(|t| {
                holds(t, &path)
                    || holds(t, &own.display().to_string())
                    || name.as_ref().is_some_and(|n| holds(t, n))
            })
    }
}

/// The words stand in the text, and not as the beginning of a longer number.
fn holds(text: &str, words: &str) -> bool {
    text.match_indices(words)
        .any(|(at, _)| !text[at + words.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn of_run(run: &Path, needed: &Needed) -> Vec<Prunable> {
    let Ok(spec) = RunSpec::read(run) else { return Vec::new() };
    let Some(newest) = newest_attempt(run) else { return Vec::new() };
    // Not ended, or about to be started by somebody: hands off.
    let Ok(Some(_lock)) = RunLock::try_take(run) else { return Vec::new() };
    let Ok(Some(end)) = ExitFile::read(newest.dir()) else { return Vec::new() };
    let succeeded = end.code == Some(0) && end.lost.is_none() && end.stopped.is_none();
    let known = checkpoint::known(run, newest.number());
    let best = checkpoint::best(&known).map(|b| b.0.dir.clone());
    let last = known.last().map(|k| k.dir.clone());
    let mut found = Vec::new();
    for dir in checkpoints(run) {
        let whole = dir.join(checkpoint::MANIFEST).is_file();
        let keeps = whole
            && (best.as_ref() == Some(&dir)
                || (!succeeded && last.as_ref() == Some(&dir))
                // The last one of a run that made a model which nobody registered yet.
                || dir.file_name().is_some_and(|n| n == "final"));
        if keeps || needed.names(spec.id.as_str(), &dir) {
            continue;
        }
        let why = if whole { "neither the best nor needed to go on" } else { "not whole" };
        found.push(Prunable {
            run: spec.id.to_string(),
            bytes: size_of(&dir),
            why: why.to_owned(),
            dir,
        });
    }
    found
}

fn newest_attempt(run: &Path) -> Option<Attempt> {
    let number = |n: &str| n.strip_prefix("attempt-")?.parse::<u32>().ok();
    let newest =
        fs::read_dir(run).ok()?.flatten().filter_map(|e| number(e.file_name().to_str()?)).max()?;
    Attempt::open(run.join(format!("attempt-{newest}"))).ok()
}

/// The checkpoint folders of all attempts. Links are not followed: what they lead to is not ours.
fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let below = |dir: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> =
            entries.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()).collect();
        found.sort();
        found
    };
    below(run)
        .iter()
        .filter(|a| a.file_name().is_some_and(|n| n.to_string_lossy().starts_with("attempt-")))
        .flat_map(|a| below(&a.join("checkpoints")))
        .filter(|c| {
            let name = c.file_name().unwrap_or_default().to_string_lossy();
            name == "final" || name.starts_with("step-")
        })
        .collect()
}

fn files_below(dir: &Path, depth: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(t) if t.is_file() => found.push(entry.path()),
            Ok(t) if t.is_dir() && depth > 0 => found.extend(files_below(&entry.path(), depth - 1)),
            _ => {}
        }
    }
    found
}

fn size_of(dir: &Path) -> u64 {
    files_below(dir, 8).iter().filter_map(|f| fs::metadata(f).ok()).map(|m| m.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{NewRun, RunKind, now};

    /// A run with checkpoints of these names; whole ones are given with their loss.
    fn run(place: &Place, succeeded: Option<bool>, names: &[(&str, Option<f64>)]) -> PathBuf {
        let root = place.folder().root();
        let (dir, _) = NewRun::new(RunKind::Finetune, root)
            .create(&place.folder().runs(), |_| Ok(()))
            .unwrap();
        let attempt = Attempt::create(&dir, 1).unwrap();
        for (name, loss) in names {
            let folder = attempt.dir().join("checkpoints").join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("model.safetensors"), vec![0u8; 1000]).unwrap();
            let Some(loss) = loss else { continue };
            let step: u64 = name.strip_prefix("step-").map_or(99, |s| s.parse().unwrap());
            let state = checkpoint::TrainerState {
                step,
                total: 99,
                optimizer_step: step,
                loss: Some(*loss),
                eval_loss: None,
                device: None,
                recipe_sha256: String::new(),
                dataset_sha256: String::new(),
                base: None,
            };
            fs::write(folder.join("trainer.json"), serde_json::to_vec(&state).unwrap()).unwrap();
            fs::write(folder.join(checkpoint::MANIFEST), "{}").unwrap();
        }
        if let Some(fine) = succeeded {
            let end = ExitFile {
                code: Some(i32::from(!fine)),
                started: Some(now()),
                ..ExitFile::unstarted(now())
            };
            attempt.write_json(ExitFile::NAME, &end).unwrap();
        }
        dir
    }

    fn names(found: &[Prunable], run: &Path) -> Vec<String> {
        let mut names: Vec<String> = found
            .iter()
            .filter(|p| p.dir.starts_with(run))
            .map(|p| p.dir.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn only_what_nothing_needs_may_go() {
        let tmp = tempfile::tempdir().unwrap();
        let place = Place::init(&tmp.path().join("w"), true).unwrap();
        let steps = [
            ("step-10", Some(3.0)),
            ("step-20", Some(1.0)),
            ("step-30", Some(2.0)),
            ("step-40", None),
        ];
        let live = run(&place, None, &steps);
        let failed = run(&place, Some(false), &steps);
        let done = run(&place, Some(true), &[&steps[..], &[("final", Some(1.5))]].concat());
        let held = run(&place, Some(false), &steps);
        let _lock = RunLock::try_take(&held).unwrap().unwrap();
        // Another run was evaluated on one of them, by name and by folder.
        let user = run(&place, Some(true), &[]);
        let id = done.file_name().unwrap().to_str().unwrap();
        let plan = format!(r#"{{"models": ["run:{id}@10"]}}"#);
        fs::write(user.join("input/plan.json"), plan).unwrap();
        let found = prunable(&place).unwrap();
        assert!(names(&found, &live).is_empty() && names(&found, &held).is_empty());
        assert_eq!(names(&found, &failed), ["step-10", "step-40"], "the best and the newest stay");
        assert_eq!(names(&found, &done), ["step-30", "step-40"], "@10 is named, 20 is the best");
        assert!(found.iter().all(|p| p.bytes >= 1000), "{found:?}");
        // One that was started again since the list was made keeps all of its own.
        let again = Attempt::create(&failed, 2).unwrap();
        let of_failed = found.iter().find(|p| p.dir.starts_with(&failed)).unwrap();
        let e = remove(of_failed).unwrap_err().to_string();
        assert!(e.contains("goes on again") && of_failed.dir.is_dir(), "{e}");
        fs::remove_dir(again.dir()).unwrap();
        for one in &found {
            remove(one).unwrap();
        }
        assert!(prunable(&place).unwrap().is_empty());
        assert!(done.join("attempt-1/checkpoints/final").is_dir());
        assert!(holds("run:a@1, x", "run:a@1") && !holds("run:a@10", "run:a@1"));
    }
}
