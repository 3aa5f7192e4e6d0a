//! Opening `engine.db`; making it anew from the run folders when it is damaged or gone, and
//! catching it up with them when it is behind.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{EngineError, StateDir, judge, log, workspaces};
use crate::job::{
    Attempt, ExitFile, FailureFile, JobError, PauseFile, RunFile, RunLock, RunSpec, RunState,
    StateName, now,
};
use crate::store::engine::{Added, EngineDb, EngineDbError, Known, NewRow};

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
            // A file that was cut to nothing opens as an empty database: it stands for no runs
            // only where there are none.
            Ok(db) if db.is_fresh() => {
                drop(db);
                log::say(format_args!("{} was empty; made from the run folders", path.display()));
            }
            Ok(mut db) => {
                catch_up(&mut db, state)?;
                return Ok(db);
            }
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
    for dir in workspaces::run_folders(&workspaces::read(state)?) {
        let Some(attempt) = judge::newest_attempt(&dir) else { continue };
        found.extend(read_run(dir, attempt));
    }
    take_in(db, found)
}

/// Makes the database know what the folders know. SQLite drops the torn tail of its log without a
/// word, and with it transactions that were acknowledged: runs, retries and ends. Costs one look
/// at each run's folder.
fn catch_up(db: &mut EngineDb, state: &StateDir) -> Result<(), EngineError> {
    let known: HashMap<PathBuf, Known> =
        db.known()?.into_iter().map(|k| (k.dir.clone(), k)).collect();
    let mut parents = workspaces::read(state)?;
    let noted = parents.len();
    parents.extend(known.keys().filter_map(|dir| dir.parent().map(Path::to_owned)));
    if parents.len() > noted {
        workspaces::write(state, &parents)?;
    }
    let (mut missing, mut behind) = (Vec::new(), Vec::new());
    for dir in workspaces::run_folders(&parents) {
        let Some(k) = known.get(&dir) else {
            if let Some(attempt) = judge::newest_attempt(&dir) {
                missing.extend(read_run(dir, attempt));
            }
            continue;
        };
        let retried = dir.join(format!("attempt-{}", k.attempt + 1)).exists();
        // Whoever starts or closes an attempt takes the lock first, and so makes its file.
        let begun = || k.waits && dir.join(RunLock::NAME).exists();
        if retried || begun() {
            behind.push((k, dir));
        }
    }
    if missing.is_empty() && behind.is_empty() {
        return Ok(());
    }
    let (new, moved) = db.together(|db| {
        let mut moved = 0;
        for (k, dir) in behind {
            moved += usize::from(advance(db, k, &dir)?);
        }
        Ok::<_, EngineError>((take_in(db, missing)?, moved))
    })?;
    if new + moved > 0 {
        log::say(format_args!(
            "the database had lost {new} runs and was behind on {moved}: taken from their folders"
        ));
    }
    Ok(())
}

/// Moves a known run to where its folder says it stands. False when that is where it is.
fn advance(db: &mut EngineDb, known: &Known, dir: &Path) -> Result<bool, EngineError> {
    let Some(attempt) = judge::newest_attempt(dir) else { return Ok(false) };
    let Some((spec, _, attempt, to)) = read_run(dir.to_owned(), attempt) else { return Ok(false) };
    let waits = to.name() == StateName::Queued;
    if attempt.number() == known.attempt && waits == known.waits {
        return Ok(false);
    }
    let Some(mut record) = db.get(&spec.id)? else { return Ok(false) };
    db.transition(&mut record, attempt.number(), to, false)?;
    Ok(true)
}

/// A run as its folder tells it.
type Found = (RunSpec, PathBuf, Attempt, RunState);

fn read_run(dir: PathBuf, attempt: Attempt) -> Option<Found> {
    match RunSpec::read(&dir).and_then(|s| Ok((state_of(&s, &attempt)?, s))) {
        Ok((state, spec)) => Some((spec, dir, attempt, state)),
        Err(e) => {
            log::say(format_args!("{}: not taken in: {e}", dir.display()));
            None
        }
    }
}

fn take_in(db: &mut EngineDb, mut found: Vec<Found>) -> Result<usize, EngineError> {
    found.sort_by(|a, b| (a.0.queued_at, &a.0.id).cmp(&(b.0.queued_at, &b.0.id)));
    let mut new = 0;
    for (spec, dir, attempt, state) in &found {
        let row = NewRow { spec, dir, attempt: attempt.number(), state };
        if let Added::New(..) = db.add(&row)? {
            new += 1;
        }
    }
    Ok(new)
}

/// Where a run stands, by its folder alone. One that may live is `starting` or `running`: the
/// engine then judges it like any other.
fn state_of(spec: &RunSpec, attempt: &Attempt) -> Result<RunState, JobError> {
    let queued_at = spec.queued_at;
    if let Some(end) = ExitFile::read(attempt.dir())? {
        let failure = FailureFile::read(attempt.dir()).ok().flatten();
        return Ok(end.state(queued_at, failure));
    }
    if let Ok(Some(file)) = RunFile::read(attempt.dir()) {
        let started_at = file.started;
        if let Ok(Some(PauseFile { paused })) = PauseFile::read(attempt.dir()) {
            return Ok(RunState::Paused { queued_at, started_at, paused_at: paused });
        }
        return Ok(RunState::Running { queued_at, started_at, note: None });
    }
    let begun = RunLock::peek(attempt.run_dir())?.is_some_and(|m| m.attempt >= attempt.number())
        || super::slurm::was_submitted(attempt);
    Ok(if begun {
        RunState::Starting { queued_at, starting_at: queued_at, note: None }
    } else if !spec.after.is_empty() {
        // The engine looks at every blocked run once all are known.
        RunState::Blocked { queued_at, reason: "waits for other runs".into() }
    } else if let Some(until) = spec.terms.not_before.filter(|t| *t > now()) {
        RunState::Delayed { queued_at, until, reason: None }
    } else {
        RunState::Queued { queued_at }
    })
}
