//! A few threads for all live runs of SLURM, however many there are: whoever is due is looked at
//! next. One thread submits, so that there is one sbatch at a time; the others look at runs that
//! have their job.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::core::Core;
use super::carry::{Carrier, Next};
use super::log;
use super::poll::Key;

/// Threads that look at runs with a job: a program of SLURM that hangs holds up one of them.
const HANDS: usize = 8;
/// The longest sleep of a thread without work.
const IDLE: Duration = Duration::from_mins(1);
/// One look a run takes this long at least, on average over all: a shared file system is asked at
/// most 200 times a second, each time for a handful of files.
const SHARE: Duration = Duration::from_millis(5);
/// How long a run rests whose look met a bug of ours.
const AFTER_A_BUG: Duration = Duration::from_secs(30);

/// Runs and the threads that carry them.
#[derive(Default)]
pub(super) struct Crew {
    submitting: Desk,
    watching: Desk,
}

impl std::fmt::Debug for Crew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crew({} runs)", self.live())
    }
}

#[derive(Default)]
struct Desk {
    inner: Mutex<Inner>,
    bell: Condvar,
}

#[derive(Default)]
struct Inner {
    /// By the time of the next look; the number makes each its own.
    parked: BTreeMap<(Instant, u64), Carrier>,
    number: u64,
    /// In the hands of a thread.
    held: usize,
    threads: usize,
    /// Counts what became known; who was looked at meanwhile is looked at again.
    news: u64,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn park(&self, carrier: Carrier, due: Instant) {
        let mut inner = self.lock();
        inner.number += 1;
        let place = (due, inner.number);
        inner.parked.insert(place, carrier);
        drop(inner);
        self.bell.notify_one();
    }

    /// The run that is due next, and the count of news before its look.
    fn next(&self) -> (Carrier, u64) {
        let mut inner = self.lock();
        loop {
            let now = Instant::now();
            let due = inner.parked.first_key_value().map(|(place, _)| place.0);
            if due.is_some_and(|due| due <= now)
                && let Some((_, carrier)) = inner.parked.pop_first()
            {
                inner.held += 1;
                return (carrier, inner.news);
            }
            let pause = due.map_or(IDLE, |due| due.saturating_duration_since(now).min(IDLE));
            let woken = self.bell.wait_timeout(inner, pause);
            inner = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A look is over; when the next one is due.
    fn laid_down(&self, seen: u64, pause: Duration) -> Instant {
        let mut inner = self.lock();
        inner.held -= 1;
        let now = Instant::now();
        if inner.news == seen { now + pause } else { now }
    }

    /// Those of whom something became known are due now.
    fn wake(&self, concerned: impl Fn(&Carrier) -> bool) {
        let mut inner = self.lock();
        inner.news += 1;
        let now = Instant::now();
        let places: Vec<(Instant, u64)> = inner
            .parked
            .iter()
            .filter(|(place, carrier)| place.0 > now && concerned(carrier))
            .map(|(place, _)| *place)
            .collect();
        for place in places {
            if let Some(carrier) = inner.parked.remove(&place) {
                inner.parked.insert((now, place.1), carrier);
            }
        }
        drop(inner);
        self.bell.notify_all();
    }
}

impl Crew {
    /// Runs in its care.
    fn live(&self) -> usize {
        [&self.submitting, &self.watching]
            .map(Desk::lock)
            .iter()
            .map(|inner| inner.parked.len() + inner.held)
            .sum()
    }

    /// Everybody is looked at now: somebody wrote into a run's folder.
    pub(super) fn wake_all(&self) {
        self.submitting.wake(|_| true);
        self.watching.wake(|_| true);
    }

    /// SLURM told something new of these.
    pub(super) fn wake(&self, keys: &BTreeSet<Key>) {
        if !keys.is_empty() {
            self.watching.wake(|c| c.key().is_some_and(|k| keys.contains(k)));
        }
    }
}

/// Carries a run from now on.
pub(super) fn take_on(core: &Arc<Core>, carrier: Carrier) {
    let crew = &core.slurm.crew;
    let (desk, most) =
        if carrier.key().is_none() { (&crew.submitting, 1) } else { (&crew.watching, HANDS) };
    let watches = carrier.key().is_some();
    desk.park(carrier, Instant::now());
    let wanted = {
        let mut inner = desk.lock();
        let wanted = inner.threads < most && inner.threads < inner.parked.len() + inner.held;
        inner.threads += usize::from(wanted);
        wanted
    };
    if !wanted {
        return;
    }
    let at_work = Arc::clone(core);
    let name = if watches { "slurm runs" } else { "slurm submit" };
    let spawned =
        std::thread::Builder::new().name(name.into()).spawn(move || work(&at_work, watches));
    if let Err(e) = spawned {
        desk.lock().threads -= 1;
        log::say(format_args!("runs of SLURM: no thread for them: {e}"));
    }
}

/// A thread's work, until the engine ends.
fn work(core: &Arc<Core>, watches: bool) {
    let crew = &core.slurm.crew;
    let desk = if watches { &crew.watching } else { &crew.submitting };
    loop {
        let (mut carrier, seen) = desk.next();
        let look = std::panic::AssertUnwindSafe(|| carrier.look());
        // A bug that one run meets must not end the books of the others.
        let next = std::panic::catch_unwind(look).unwrap_or_else(|_| {
            log::say(format_args!("run {}: a look at it panicked", carrier.run()));
            Next::Again(AFTER_A_BUG)
        });
        match next {
            Next::Again(pause) => {
                let live = u32::try_from(crew.live()).unwrap_or(u32::MAX);
                let due = desk.laid_down(seen, pause.max(SHARE.saturating_mul(live)));
                if carrier.key().is_some() == watches {
                    desk.park(carrier, due);
                } else {
                    take_on(core, carrier);
                }
            }
            Next::End(end) => {
                carrier.finish(&end);
                desk.laid_down(seen, Duration::ZERO);
            }
        }
    }
}
