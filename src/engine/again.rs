//! Whether an attempt that died is followed by another by itself, and when.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::job::{Attempt, ExitFile, FailureFile, FailureKind, JobError, RunSpec, StopWhy};

/// Further attempts of work that goes on from its checkpoints, on a cluster.
const ON_A_CLUSTER: u32 = 20;
/// Exit code by which any command says "not now, perhaps later" (`EX_TEMPFAIL` of sysexits).
const TEMPORARY: i32 = 75;
/// The pause before the first further attempt; it doubles from one to the next.
const FIRST: Duration = Duration::from_secs(10);
/// The longest pause.
const LONGEST: Duration = Duration::from_mins(5);
/// Shortens the first pause, in milliseconds: for tests.
const FIRST_VARIABLE: &str = "POLYCULTURE_RETRY_FIRST_MS";
/// Attempts that died within this time of running, one after the other, stop it.
const SHORT_LIFE: f64 = 60.0;
/// So many of them.
const SHORT_LIVES: usize = 3;

/// `again.json` in the folder of an attempt that nobody asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AgainFile {
    /// What the attempt before died of.
    pub(super) after: String,
}

impl AgainFile {
    pub(super) const NAME: &'static str = "again.json";
}

/// Another attempt.
#[derive(Debug, PartialEq)]
pub(super) struct Again {
    /// After this pause.
    pub(super) pause: Duration,
    /// Why, in words.
    pub(super) reason: String,
}

/// What an attempt died of, if that may pass; `None` for a success, a stop that somebody asked
/// for, and whatever the same again would meet again.
pub(super) fn passing(end: &ExitFile, failure: Option<&FailureFile>) -> Option<String> {
    if let Some(why) = &end.lost {
        return Some(why.clone());
    }
    if end.passing {
        // SLURM's word: a node that failed, a preemption, its time limit.
        return Some(end.note.clone().unwrap_or_else(|| "the cluster ended it".into()));
    }
    match (end.stopped, failure) {
        (Some(StopWhy::Terminated), _) => Some("ended by TERM from outside the engine".into()),
        (Some(_), _) => None,
        (None, Some(f)) => (f.kind == FailureKind::Transient).then(|| f.message.clone()),
        (None, None) => (end.code == Some(TEMPORARY))
            .then(|| format!("exit code {TEMPORARY}: a temporary failure")),
    }
}

/// Whether `attempt`, which ended so, is followed by another.
pub(super) fn again(
    spec: &RunSpec,
    attempt: &Attempt,
    end: &ExitFile,
    failure: Option<&FailureFile>,
    jitter: f64,
) -> Option<Again> {
    let done = by_themselves(attempt);
    // A service that answered nothing is back later only where it answered an attempt before.
    let still_away = || failure.filter(|f| f.kind == FailureKind::Away && done > 0);
    let why = passing(end, failure).or_else(|| Some(still_away()?.message.clone()))?;
    if done >= allowed(spec) || short_lives(attempt, end) >= SHORT_LIVES {
        return None;
    }
    let reason = format!("attempt {} died: {why}; tried again by itself", attempt.number());
    Some(Again { pause: pause(done, jitter), reason })
}

/// How many further attempts a run may have. Clusters preempt often, and each attempt goes on.
fn allowed(spec: &RunSpec) -> u32 {
    let retries = spec.terms.retries;
    match spec.slurm.as_ref().map(|s| s.resumable) {
        None => retries,
        Some(Some(false)) => 0,
        Some(Some(true)) => retries.max(ON_A_CLUSTER),
        Some(None) if spec.kind.is_activity() && retries > 0 => retries.max(ON_A_CLUSTER),
        Some(None) => retries,
    }
}

/// The pause after so many further attempts; `jitter` from 0 to 1.
fn pause(done: u32, jitter: f64) -> Duration {
    let first = std::env::var(FIRST_VARIABLE)
        .ok()
        .and_then(|ms| ms.parse().ok())
        .map_or(FIRST, Duration::from_millis);
    let doubled = first.saturating_mul(1 << done.min(20)).min(LONGEST);
    doubled.mul_f64(0.5 + jitter.clamp(0.0, 1.0))
}

/// The attempt `back` before this one.
fn earlier(attempt: &Attempt, back: u32) -> Option<std::path::PathBuf> {
    let number = attempt.number().checked_sub(back).filter(|n| *n > 0)?;
    Some(attempt.run_dir().join(format!("attempt-{number}")))
}

/// How many attempts up to this one came by themselves, since somebody asked for one.
fn by_themselves(attempt: &Attempt) -> u32 {
    (0..)
        .map_while(|back| earlier(attempt, back))
        .take_while(|dir| dir.join(AgainFile::NAME).exists())
        .count() as u32
}

/// How many attempts, this one included, died young one after the other.
fn short_lives(attempt: &Attempt, end: &ExitFile) -> usize {
    let lived = |e: &ExitFile| {
        e.started.map_or(0.0, |s| e.ended.duration_since(s).as_secs_f64()) < SHORT_LIFE
    };
    if !lived(end) {
        return 0;
    }
    let before = (1..)
        .map_while(|back| earlier(attempt, back))
        .map_while(|dir| ExitFile::read(&dir).ok().flatten())
        .take_while(lived)
        .count();
    // A person's retry begins a new count, as it does for the number of attempts.
    (before + 1).min(by_themselves(attempt) as usize + 1)
}

/// Makes the folder of the next attempt, with the reason in it.
///
/// # Errors
/// The run's folder cannot be written.
pub(super) fn make_next(attempt: &Attempt, reason: &str) -> Result<u32, JobError> {
    let number = attempt.number() + 1;
    let dir = attempt.run_dir().join(format!("attempt-{number}"));
    // Left by an engine that died between this and its commit.
    let next = if dir.is_dir() {
        Attempt::open(dir)?
    } else {
        Attempt::create(attempt.run_dir(), number)?
    };
    next.write_json(AgainFile::NAME, &AgainFile { after: reason.to_owned() })?;
    Ok(number)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::job::{NewRun, RunKind, Terms};

    fn at(s: i64) -> Timestamp {
        Timestamp::from_second(s).unwrap()
    }

    fn lost(seconds: i64) -> ExitFile {
        let started = Some(at(1000));
        ExitFile { lost: Some("gone".into()), started, ..ExitFile::unstarted(at(1000 + seconds)) }
    }

    fn run(retries: u32) -> (tempfile::TempDir, RunSpec, Attempt) {
        let tmp = tempfile::tempdir().unwrap();
        let terms = Terms { retries, ..Terms::default() };
        let new = NewRun { terms, ..NewRun::new(RunKind::Command, tmp.path()) };
        let (dir, spec) = new.create(tmp.path(), |_| Ok(())).unwrap();
        let attempt = Attempt::create(&dir, 1).unwrap();
        (tmp, spec, attempt)
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let base = ExitFile { started: Some(at(0)), ..ExitFile::unstarted(at(1)) };
        let failure = |kind| FailureFile { message: "said".into(), kind };
        let transient = failure(FailureKind::Transient);
        let code = |n| ExitFile { code: Some(n), ..base.clone() };
        for (end, failure, passes) in [
            (lost(1), None, true),
            (code(0), None, false),
            (code(1), None, false),
            (code(75), None, true),
            (code(1), Some(&transient), true),
            (code(1), Some(&failure(FailureKind::OutOfMemory)), false),
            (code(75), Some(&failure(FailureKind::Lasting)), false),
            (ExitFile { signal: Some(9), ..base.clone() }, None, false),
            (ExitFile { stopped: Some(StopWhy::Cancel), ..code(75) }, Some(&transient), false),
            (ExitFile { stopped: Some(StopWhy::TimeLimit), ..base.clone() }, None, false),
            (ExitFile { stopped: Some(StopWhy::Checkpoint), ..base.clone() }, None, false),
            (ExitFile { stopped: Some(StopWhy::Terminated), ..base.clone() }, None, true),
        ] {
            assert_eq!(passing(&end, failure).is_some(), passes, "{end:?} {failure:?}");
        }
    }

    #[test]
    fn retries_are_counted_since_somebody_asked_and_without_any_none_follows() {
        let (_tmp, spec, first) = run(0);
        assert_eq!(again(&spec, &first, &lost(100), None, 0.5), None);
        let (_tmp, spec, first) = run(2);
        let mut attempt = first;
        for n in 0..2 {
            let next = again(&spec, &attempt, &lost(100), None, 0.5).unwrap();
            assert_eq!(next.pause, FIRST * (1 << n));
            assert!(next.reason.contains("gone"), "{}", next.reason);
            let number = make_next(&attempt, &next.reason).unwrap();
            attempt = Attempt::open(attempt.run_dir().join(format!("attempt-{number}"))).unwrap();
        }
        assert_eq!(again(&spec, &attempt, &lost(100), None, 0.5), None, "twice is enough");
        // Somebody's own retry: the count begins anew.
        let asked = Attempt::create(attempt.run_dir(), 4).unwrap();
        assert!(again(&spec, &asked, &lost(100), None, 0.5).is_some());
    }

    #[test]
    fn a_service_that_stays_away_is_waited_for_only_where_it_had_answered_before() {
        let (_tmp, spec, first) = run(3);
        let exit = ExitFile { code: Some(1), started: Some(at(0)), ..ExitFile::unstarted(at(90)) };
        let of = |kind| FailureFile { message: "no route".into(), kind };
        let (away, gone) = (of(FailureKind::Away), of(FailureKind::Transient));
        assert_eq!(again(&spec, &first, &exit, Some(&away), 0.5), None, "perhaps a wrong address");
        let next = again(&spec, &first, &exit, Some(&gone), 0.5).unwrap();
        let number = make_next(&first, &next.reason).unwrap();
        let second = Attempt::open(first.run_dir().join(format!("attempt-{number}"))).unwrap();
        let next = again(&spec, &second, &exit, Some(&away), 0.5).unwrap();
        assert!(next.reason.contains("no route"), "{}", next.reason);
    }

    #[test]
    fn three_short_lives_in_a_row_stop_it() {
        let (_tmp, spec, mut attempt) = run(9);
        for n in 1..=3 {
            let end = lost(if n == 1 { 59 } else { 1 });
            attempt.write_json(ExitFile::NAME, &end).unwrap();
            let next = again(&spec, &attempt, &end, None, 0.0);
            assert_eq!(next.is_some(), n < 3, "life {n}");
            let Some(next) = next else { break };
            let number = make_next(&attempt, &next.reason).unwrap();
            attempt = Attempt::open(attempt.run_dir().join(format!("attempt-{number}"))).unwrap();
        }
        assert!(again(&spec, &attempt, &lost(60), None, 0.0).is_some(), "a long life among them");
    }

    #[test]
    fn pauses_grow_to_a_bound_and_spread() {
        assert_eq!(pause(0, 0.0), FIRST / 2);
        assert_eq!(pause(0, 1.0), FIRST * 3 / 2);
        assert_eq!(pause(30, 0.5), LONGEST);
    }
}
