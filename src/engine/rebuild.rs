//! Opening `engine.db`, and making it anew from the run folders when it is damaged or gone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{EngineError, StateDir, judge, log};
use crate::job::{
    Attempt, ExitFile, FailureFile, JobError, RunFile, RunLock, RunSpec, RunState, now,
    write_atomically,
};
use crate::store::engine::{Added, EngineDb, EngineDbError, NewRow};

/// `workspaces.json`: the folders whose sub-folders are runs.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    version: u32,
    runs: BTreeSet<PathBuf>,
}

/// The folders of runs noted so far.
pub(super) fn remembered(state: &StateDir) -> BTreeSet<PathBuf> {
    fs::read(state.workspaces())
        .ok()
        .and_then(|text| serde_json::from_slice::<Remembered>(&text).ok())
        .map(|r| r.runs)
        .unwrap_or_default()
}

/// Notes them all.
pub(super) fn remember_all(state: &StateDir, runs: &BTreeSet<PathBuf>) -> Result<(), JobError> {
    let file = Remembered { version: 1, runs: runs.clone() };
    let text = serde_json::to_vec_pretty(&file).map_err(|e| JobError::Work(e.to_string()))?;
    write_atomically(&state.workspaces(), &text)
}

/// The number of the newest attempt folder of a run.
pub(super) fn newest_attempt_number(run_dir: &Path) -> Option<u32> {
    judge::newest_attempt(run_dir).map(|a| a.number())
}

/// Opens the database. A damaged one is set aside, never written over, and a new one is made from
/// the run folders; so is a missing one. A newer one is an error.
pub(super) fn open(state: &StateDir) -> Result<EngineDb, EngineError> {
    let path = state.db();
    if path.exists() {
        match EngineDb::open(&path) {
            Ok(db) => return Ok(db),
            Err(EngineDbError::Corrupt { detail, .. }) => {
                let aside = set_aside(&path)?;
                log::say(format_args!(
                    "{} is damaged ({detail}); kept as {}, and rebuilt from the run folders",
                    path.display(),
                    aside.display()
                ));
            }
            Err(e) => return Err(e.into()),
        }
    }
    // Built beside its place: a death half-way leaves no half database under the real name.
    let building = path.with_extension("db.rebuilding");
    for name in with_companions(&building) {
        let _ = fs::remove_file(name);
    }
    let mut db = EngineDb::open(&building)?;
    db.begin_bulk()?;
    let known = fill(&mut db, state)?;
    db.finish_bulk()?;
    // A log without its database would be applied to the new one.
    for name in with_companions(&path).into_iter().skip(1) {
        let _ = fs::remove_file(name);
    }
    fs::rename(&building, &path).map_err(EngineError::io(path.display().to_string()))?;
    if known > 0 {
        log::say(format_args!("{known} runs were found in their folders"));
    }
    Ok(EngineDb::open(&path)?)
}

/// The file and the two that SQLite keeps beside it.
fn with_companions(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    })
}

fn set_aside(path: &Path) -> Result<PathBuf, EngineError> {
    let aside = path.with_extension(format!("db.damaged-{}", now().strftime("%Y%m%d-%H%M%S")));
    for (from, to) in with_companions(path).iter().zip(with_companions(&aside)) {
        match fs::rename(from, &to) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(EngineError::io(format!("cannot set {} aside", from.display()))(e));
            }
            _ => {}
        }
    }
    Ok(aside)
}

/// Takes in every run folder that was promised, oldest first. How many there were.
fn fill(db: &mut EngineDb, state: &StateDir) -> Result<usize, EngineError> {
    let mut found = Vec::new();
    for runs in remembered(state) {
        let entries = match fs::read_dir(&runs) {
            Ok(entries) => entries,
            Err(e) => {
                log::say(format_args!("{}: its runs are not known: {e}", runs.display()));
                continue;
            }
        };
        for dir in entries.flatten().map(|e| e.path()).filter(|d| d.join("spec.json").exists()) {
            let Some(attempt) = judge::newest_attempt(&dir) else { continue };
            match RunSpec::read(&dir).and_then(|s| Ok((state_of(&s, &attempt)?, s))) {
                Ok((state, spec)) => found.push((spec, dir, attempt, state)),
                Err(e) => log::say(format_args!("{}: not taken in: {e}", dir.display())),
            }
        }
    }
    found.sort_by(|a, b| (a.0.queued_at, &a.0.id).cmp(&(b.0.queued_at, &b.0.id)));
    let mut known = 0;
    for (spec, dir, attempt, state) in &found {
        let row = NewRow { spec, dir, attempt: attempt.number(), state };
        if let Added::New(..) = db.add(&row)? {
            known += 1;
        }
    }
    Ok(known)
}

/// Where a run stands, by its folder alone. One that may live is `starting` or `running`: the
/// engine then judges it like any other.
fn state_of(spec: &RunSpec, attempt: &Attempt) -> Result<RunState, JobError> {
    let queued_at = spec.queued_at;
    if let Some(end) = ExitFile::read(attempt.dir())? {
        let failure = FailureFile::read(attempt.dir()).ok().flatten().map(|f| f.message);
        return Ok(end.state(queued_at, failure));
    }
    if let Ok(Some(file)) = RunFile::read(attempt.dir()) {
        return Ok(RunState::Running { queued_at, started_at: file.started, note: None });
    }
    let begun = RunLock::peek(attempt.run_dir())?.is_some_and(|m| m.attempt >= attempt.number());
    Ok(if begun {
        RunState::Starting { queued_at, starting_at: queued_at }
    } else {
        RunState::Queued { queued_at }
    })
}
