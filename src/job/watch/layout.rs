//! What lies in a folder of a training: which files are read as what.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The files of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// Our rows of metrics, the attempts in order.
    pub metrics: Vec<PathBuf>,
    /// `trainer_log.jsonl`
    pub llama: Option<PathBuf>,
    /// Event files, sorted.
    pub events: Vec<PathBuf>,
    /// What was printed, the newest first.
    pub outputs: Vec<PathBuf>,
    /// The newest `trainer_state.json`.
    pub state: Option<PathBuf>,
    /// Folders whose checkpoints count.
    pub places: Vec<PathBuf>,
    /// The newest attempt, where this is a run of ours.
    pub attempt: Option<PathBuf>,
}

/// How deep event files are looked for, and how many entries at most.
const DEPTH: usize = 5;
const ENTRIES: usize = 5_000;
/// Logs that are read, the newest.
const OUTPUTS: usize = 4;

impl Layout {
    /// Of this folder as it is now.
    pub fn of(dir: &Path) -> Self {
        let mut out = Self::default();
        let attempts = attempts(dir);
        let mut bases = vec![dir.to_owned()];
        match attempts.last() {
            Some(newest) => {
                out.metrics = attempts.iter().map(|a| a.join("metrics.jsonl")).collect();
                bases.insert(0, newest.clone());
                out.attempt = Some(newest.clone());
                out.places = attempts;
            }
            None => {
                out.metrics.extend(there(dir.join("metrics.jsonl")));
                let ours = dir.join("run.json").is_file() || dir.join("exit.json").is_file();
                out.attempt = ours.then(|| dir.to_owned());
            }
        }
        out.places.push(dir.to_owned());
        let mut left = ENTRIES;
        let mut outputs: Vec<(SystemTime, PathBuf)> = Vec::new();
        let mut states: Vec<(SystemTime, PathBuf)> = Vec::new();
        for base in &bases {
            out.llama = out.llama.or_else(|| there(base.join("trainer_log.jsonl")));
            events(base, DEPTH, &mut left, &mut out.events);
            let Ok(entries) = fs::read_dir(base) else { continue };
            for e in entries.flatten() {
                let name = e.file_name();
                let Some(name) = name.to_str() else { continue };
                let path = e.path();
                if is_output(name) {
                    outputs.extend(modified(&path).map(|m| (m, path)));
                } else if name.starts_with("checkpoint-") {
                    let path = path.join("trainer_state.json");
                    states.extend(modified(&path).map(|m| (m, path)));
                } else if name == "trainer_state.json" {
                    states.extend(modified(&path).map(|m| (m, path)));
                }
            }
        }
        outputs.sort_by(|a, b| b.cmp(a));
        out.outputs = outputs.into_iter().map(|o| o.1).take(OUTPUTS).collect();
        out.state = states.into_iter().max().map(|s| s.1);
        out.events.sort();
        out.events.dedup();
        out
    }
}

/// The attempts of a run of ours, in order.
fn attempts(dir: &Path) -> Vec<PathBuf> {
    (1..).map(|n| dir.join(format!("attempt-{n}"))).take_while(|a| a.is_dir()).collect()
}

fn there(path: PathBuf) -> Option<PathBuf> {
    path.is_file().then_some(path)
}

fn modified(path: &Path) -> Option<SystemTime> {
    let m = fs::metadata(path).ok()?;
    m.is_file().then(|| m.modified().ok())?
}

/// Names that logs have: `out.log`, `nohup.out`, `slurm-17.out`, LlamaBoard's `running_log.txt`.
fn is_output(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default();
    (ending.eq_ignore_ascii_case("log") || ending.eq_ignore_ascii_case("out"))
        && !name.starts_with('.')
        || name == "running_log.txt"
}

fn events(dir: &Path, depth: usize, left: &mut usize, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for e in entries.flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let name = e.file_name();
        let Some(name) = name.to_str() else { continue };
        let Ok(kind) = e.file_type() else { continue };
        if kind.is_dir() {
            let skip = ["checkpoint", "step-", "attempt-", ".", "input"];
            if depth > 0 && !skip.iter().any(|s| name.starts_with(s)) {
                events(&e.path(), depth - 1, left, out);
            }
        } else if name.contains("tfevents") {
            out.push(e.path());
        }
    }
}
