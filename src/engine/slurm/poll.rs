//! One question about all jobs at a time, not too often; and what was answered last, for everybody
//! who carries a run. A failing answer is no answer: what was known stays, with the complaint.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::core::Core;
use super::command::Access;
use super::crew::Crew;
use super::parse::JobLine;
use super::questions::{Answers, Round};
use super::{SlurmError, log, seconds_of};

/// Seconds between two questions, whatever the configuration says; decimals are allowed.
const POLL_VARIABLE: &str = "POLYCULTURE_SLURM_POLL";
/// Seconds between two questions where nobody says another number.
const POLL_S: f64 = 30.0;
/// The same while somebody looks at runs.
const WATCHED_S: f64 = 10.0;
/// The longest sleep of the thread that asks: somebody may begin to look at runs.
const NAP: Duration = Duration::from_millis(500);
/// How long nobody calls sbatch after it was not heard.
const REST: Duration = Duration::from_secs(5);
/// The longest pause after failures, as a multiple of the usual one.
const BACKOFF: u32 = 8;
/// Jobs in one question.
const CHUNK: usize = 400;
/// How long it is believed that there is no accounting.
const NO_ACCOUNTING: Duration = Duration::from_mins(10);

/// A job and the way to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    /// An index into the board's ways to SLURM.
    pub(super) way: usize,
    /// `12` or `12_3`.
    pub(super) job: String,
    /// Its name: a controller that lost its memory gives the same id to somebody else.
    pub(super) name: String,
}

/// What is known of a job.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// As last told.
    pub(super) line: Option<JobLine>,
    /// Since when it is known nowhere.
    pub(super) gone_since: Option<Instant>,
    /// Why the last question failed.
    pub(super) trouble: Option<String>,
}

/// A way to SLURM, and how it is asked.
#[derive(Debug)]
struct Way {
    access: Access,
    /// Seconds between two questions, as the run that came last has it.
    poll: Option<u32>,
    last: Option<Instant>,
    /// Failed rounds since the last good one.
    failures: u32,
    /// Something was changed: the next question comes soon.
    hurried: bool,
    /// Since when there is no accounting.
    no_accounting: Option<Instant>,
    /// Until when sbatch is not called, and why.
    rest: Option<(Instant, String)>,
}

impl Way {
    /// How long until it is asked.
    fn due_in(&self, watched: bool) -> Duration {
        let Some(last) = self.last else { return Duration::ZERO };
        // A change is looked at soon, but never more often than while somebody watches.
        let usual = interval(self.poll, watched || self.hurried);
        let pause = usual * (1 << self.failures.min(BACKOFF.ilog2()));
        pause.saturating_sub(last.elapsed())
    }
}

#[derive(Debug, Default)]
struct Inner {
    ways: Vec<Way>,
    jobs: HashMap<Key, Look>,
    asked: bool,
}

/// The board.
#[derive(Debug, Default)]
pub(in crate::engine) struct Board {
    inner: Mutex<Inner>,
    bell: Condvar,
    /// Who carries the runs.
    pub(super) crew: Crew,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks about a job from now on, every so many seconds where that is said.
    pub(super) fn follow(
        core: &Arc<Core>,
        access: &Access,
        job: &str,
        name: &str,
        poll: Option<u32>,
    ) -> Key {
        let board = &core.slurm;
        let mut inner = board.lock();
        let way = inner.way(access);
        if let Some(way) = inner.ways.get_mut(way) {
            (way.poll, way.hurried) = (poll, true);
        }
        let key = Key { way, job: job.to_owned(), name: name.to_owned() };
        inner.jobs.entry(key.clone()).or_default();
        let begins = !std::mem::replace(&mut inner.asked, true);
        drop(inner);
        board.bell.notify_one();
        if begins {
            let at_work = Arc::clone(core);
            let spawned = std::thread::Builder::new()
                .name("slurm".into())
                .spawn(move || keep_asking(&at_work.slurm, || at_work.is_watched()));
            if let Err(e) = spawned {
                board.lock().asked = false;
                log::say(format_args!("SLURM is not asked: no thread for it: {e}"));
            }
        }
        key
    }

    /// Asks no more about a job.
    pub(super) fn drop(&self, key: &Key) {
        self.lock().jobs.remove(key);
    }

    /// What is known of it.
    pub(super) fn look(&self, key: &Key) -> Look {
        self.lock().jobs.get(key).cloned().unwrap_or_default()
    }

    /// The next question comes soon: we changed something.
    pub(super) fn ask_soon(&self) {
        self.lock().ways.iter_mut().for_each(|w| w.hurried = true);
        self.bell.notify_one();
    }

    /// The same for somebody who wrote into a run's folder.
    pub(in crate::engine) fn hurry(&self) {
        self.ask_soon();
        self.crew.wake_all();
    }

    /// sbatch was not heard: nobody else need wait for its time limit as well.
    pub(super) fn rest(&self, access: &Access, why: &SlurmError) {
        let mut inner = self.lock();
        let way = inner.way(access);
        if let Some(way) = inner.ways.get_mut(way) {
            let pause = REST.min(interval(way.poll, true));
            way.rest = Some((Instant::now() + pause, why.to_string()));
        }
    }

    /// Why sbatch is not called now.
    pub(super) fn resting(&self, access: &Access) -> Option<String> {
        let inner = self.lock();
        let way = inner.ways.iter().find(|w| w.access == *access)?;
        way.rest.as_ref().filter(|r| r.0 > Instant::now()).map(|r| r.1.clone())
    }
}

impl Inner {
    /// The number of a way to SLURM, new or not.
    fn way(&mut self, access: &Access) -> usize {
        if let Some(known) = self.ways.iter().position(|w| w.access == *access) {
            return known;
        }
        self.ways.push(Way {
            access: access.clone(),
            poll: None,
            last: None,
            failures: 0,
            hurried: false,
            no_accounting: None,
            rest: None,
        });
        self.ways.len() - 1
    }

    /// The way that is due, with its jobs; else how long until one is.
    fn due(&mut self, watched: bool) -> Result<Due, Duration> {
        let mut nap = NAP;
        for number in 0..self.ways.len() {
            if !self.jobs.keys().any(|k| k.way == number) {
                continue;
            }
            let Some(way) = self.ways.get_mut(number) else { continue };
            let left = way.due_in(watched);
            if !left.is_zero() {
                nap = nap.min(left);
                continue;
            }
            (way.last, way.hurried) = (Some(Instant::now()), false);
            let access = way.access.clone();
            let mut jobs: Vec<Key> =
                self.jobs.keys().filter(|k| k.way == number).cloned().collect();
            jobs.sort();
            return Ok(Due { number, access, jobs });
        }
        Err(nap)
    }
}

/// A question that is due.
struct Due {
    number: usize,
    access: Access,
    jobs: Vec<Key>,
}

/// The time between two questions, as things are; `said`: seconds, by the configuration.
pub(super) fn interval(said: Option<u32>, watched: bool) -> Duration {
    let usual = if watched { WATCHED_S } else { POLL_S };
    seconds_of(POLL_VARIABLE, said.map_or(usual, f64::from))
}

/// Asks until the engine ends.
fn keep_asking(board: &Board, is_watched: impl Fn() -> bool) {
    loop {
        let mut inner = board.lock();
        match inner.due(is_watched()) {
            Ok(due) => {
                drop(inner);
                board.ask(&due);
            }
            Err(nap) => {
                let _ = board.bell.wait_timeout(inner, nap);
            }
        }
    }
}

impl Board {
    /// One round about the jobs of one way.
    fn ask(&self, due: &Due) {
        let mut fine = true;
        for chunk in due.jobs.chunks(CHUNK) {
            let known = self.lock().ways.get(due.number).and_then(|w| w.no_accounting);
            let no_accounting = known.is_some_and(|t| t.elapsed() < NO_ACCOUNTING);
            let mut round = Round { access: &due.access, no_accounting };
            let answers = round.ask(chunk);
            fine &= answers.is_ok();
            let mut inner = self.lock();
            if round.no_accounting
                && !no_accounting
                && let Some(way) = inner.ways.get_mut(due.number)
            {
                way.no_accounting = Some(Instant::now());
            }
            let mut news = BTreeSet::new();
            for key in chunk {
                let Some(look) = inner.jobs.get_mut(key) else { continue };
                if take(look, key, &answers) {
                    news.insert(key.clone());
                }
            }
            drop(inner);
            self.crew.wake(&news);
        }
        let mut inner = self.lock();
        let Some(way) = inner.ways.get_mut(due.number) else { return };
        let back = fine && (way.failures > 0 || way.rest.is_some());
        way.failures = if fine { 0 } else { way.failures.saturating_add(1) };
        if back {
            way.rest = None;
        }
        drop(inner);
        if back {
            // Who waits to be submitted need not wait any longer.
            self.crew.wake_all();
        }
    }
}

/// Notes what was told of a job. True when that is news.
fn take(look: &mut Look, key: &Key, answers: &Result<Answers, SlurmError>) -> bool {
    let before = (look.line.clone(), look.gone_since, look.trouble.clone());
    let found = answers.as_ref().map(|a| (a.of(key), &a.doubt));
    match found {
        Err(e) | Ok((None, Some(e))) => look.trouble = Some(e.to_string()),
        Ok((Some(line), _)) => {
            (look.line, look.gone_since, look.trouble) = (Some(line.clone()), None, None);
        }
        Ok((None, None)) => {
            look.trouble = None;
            look.gone_since.get_or_insert_with(Instant::now);
        }
    }
    before != (look.line.clone(), look.gone_since, look.trouble.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn inner(poll: Option<u32>) -> Inner {
        let mut inner = Inner::default();
        let n = inner.way(&Access::of(&BTreeMap::new()));
        inner.ways[n].poll = poll;
        inner.jobs.insert(Key { way: n, job: "1".into(), name: "a".into() }, Look::default());
        inner
    }

    #[test]
    fn the_configured_time_lies_between_two_questions_watched_or_not() {
        let s = Duration::from_secs;
        for (poll, watched, wanted) in [
            (None, false, s(30)),
            (None, true, s(10)),
            (Some(60), false, s(60)),
            (Some(60), true, s(60)),
            (Some(2), false, s(2)),
        ] {
            assert_eq!(interval(poll, watched), wanted, "{poll:?} {watched}");
            let mut board = inner(poll);
            assert!(board.due(watched).is_ok(), "the first question comes at once");
            let left = board.ways[0].due_in(watched);
            assert!(left > wanted / 2 && left <= wanted, "{left:?}");
            assert!(board.due(watched).is_err(), "and not again");
        }
        // Failures make it rarer, up to a point; a change makes it sooner, never too soon.
        let mut board = inner(None);
        assert!(board.due(false).is_ok());
        for (failures, hurried, most) in [(1, false, 60), (9, false, 240), (0, true, 10)] {
            (board.ways[0].failures, board.ways[0].hurried) = (failures, hurried);
            let left = board.ways[0].due_in(false);
            assert!(left > s(most) / 2 && left <= s(most), "{failures}: {left:?}");
        }
        // Nobody asks about nothing.
        board.jobs.clear();
        board.ways[0].last = None;
        assert!(board.due(true).is_err());
    }

    #[test]
    fn only_an_answer_makes_a_job_gone_and_only_what_is_new_is_news() {
        let key = Key { way: 0, job: "1".into(), name: "a".into() };
        let mut look = Look::default();
        let away = || Err(SlurmError::Unreachable("away".into()));
        assert!(take(&mut look, &key, &away()));
        assert!(!take(&mut look, &key, &away()), "the same trouble is no news");
        assert!(look.gone_since.is_none());
        // squeue answered, accounting did not.
        let doubt = Some(SlurmError::Unreachable("slurmdbd".into()));
        assert!(take(&mut look, &key, &Ok(Answers { doubt, ..Answers::default() })));
        assert!(look.gone_since.is_none() && look.trouble.is_some(), "{look:?}");
        assert!(take(&mut look, &key, &Ok(Answers::default())));
        let since = look.gone_since;
        assert!(since.is_some() && look.trouble.is_none(), "{look:?}");
        assert!(!take(&mut look, &key, &Ok(Answers::default())));
        assert_eq!(look.gone_since, since, "since the first of these answers");
    }
}
