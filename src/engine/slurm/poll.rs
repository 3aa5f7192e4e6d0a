//! One question about all jobs at a time, not too often; and what was answered last, for everybody
//! who carries a run. A failing answer is no answer: what was known stays, with the complaint.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::core::Core;
use super::command::{Access, ask};
use super::parse::{self, JobLine, Phase, phase};
use super::{SlurmError, log, seconds_of};

/// Seconds between two questions, for tests and for clusters with rules of their own.
const POLL_VARIABLE: &str = "POLYCULTURE_SLURM_POLL";
/// Seconds between two questions.
const POLL_S: f64 = 30.0;
/// The same while somebody looks at runs.
const WATCHED_S: f64 = 10.0;
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
    /// How many questions about it were answered.
    pub(super) answers: u64,
}

#[derive(Debug)]
struct Entry {
    name: String,
    look: Look,
}

#[derive(Debug, Default)]
struct Inner {
    ways: Vec<Access>,
    jobs: HashMap<Key, Entry>,
    no_accounting: HashMap<usize, Instant>,
}

/// The board.
#[derive(Debug, Default)]
pub(in crate::engine) struct Board {
    inner: Mutex<Inner>,
    news: Condvar,
    runs: AtomicBool,
    hurry: AtomicBool,
    /// One submission at a time.
    pub(super) submitting: Mutex<()>,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks about a job from now on.
    pub(super) fn follow(core: &Arc<Core>, access: &Access, job: &str, name: &str) -> Key {
        let board = &core.slurm;
        let key = {
            let mut inner = board.lock();
            let known = inner.ways.iter().position(|w| w == access);
            let way = known.unwrap_or_else(|| {
                inner.ways.push(access.clone());
                inner.ways.len() - 1
            });
            let key = Key { way, job: job.to_owned() };
            let entry = Entry { name: name.to_owned(), look: Look::default() };
            inner.jobs.entry(key.clone()).or_insert(entry);
            key
        };
        board.hurry.store(true, Relaxed);
        if !board.runs.swap(true, Relaxed) {
            let at_work = Arc::clone(core);
            let spawned = std::thread::Builder::new()
                .name("slurm".into())
                .spawn(move || keep_asking(&at_work));
            if let Err(e) = spawned {
                board.runs.store(false, Relaxed);
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
        self.lock().jobs.get(key).map(|e| e.look.clone()).unwrap_or_default()
    }

    /// The next question comes soon: something was changed.
    pub(in crate::engine) fn hurry(&self) {
        self.hurry.store(true, Relaxed);
        self.news.notify_all();
    }

    /// Waits for news, at most so long.
    pub(super) fn wait(&self, most: Duration) {
        let inner = self.lock();
        let _ = self.news.wait_timeout(inner, most);
    }
}

/// Seconds between two questions, as things are.
pub(super) fn interval(watched: bool) -> Duration {
    seconds_of(POLL_VARIABLE, if watched { WATCHED_S } else { POLL_S })
}

/// Asks until the engine ends.
fn keep_asking(core: &Arc<Core>) {
    let board = &core.slurm;
    let mut failures = 0u32;
    let mut last: Option<Instant> = None;
    loop {
        let usual = interval(core.is_watched());
        let hurried = board.hurry.load(Relaxed);
        // A change is looked at soon, but never more often than while somebody watches.
        let pause = if hurried { usual.min(interval(true)) } else { usual };
        let pause = pause * (1 << failures.min(BACKOFF.ilog2()));
        if last.is_some_and(|t| t.elapsed() < pause) {
            std::thread::sleep(Duration::from_millis(20).max(pause / 50));
            continue;
        }
        board.hurry.store(false, Relaxed);
        last = Some(Instant::now());
        let fine = ask_all(board);
        failures = if fine { 0 } else { failures.saturating_add(1) };
    }
}

/// One round. False when a question failed.
fn ask_all(board: &Board) -> bool {
    let (ways, mut by_way) = {
        let inner = board.lock();
        let mut by_way: BTreeMap<usize, Vec<(Key, String)>> = BTreeMap::new();
        for (key, entry) in &inner.jobs {
            by_way.entry(key.way).or_default().push((key.clone(), entry.name.clone()));
        }
        (inner.ways.clone(), by_way)
    };
    let mut fine = true;
    for (way, jobs) in &mut by_way {
        let Some(access) = ways.get(*way) else { continue };
        jobs.sort();
        for chunk in jobs.chunks(CHUNK) {
            let no_accounting =
                board.lock().no_accounting.get(way).is_some_and(|t| t.elapsed() < NO_ACCOUNTING);
            let mut told = Round { access, no_accounting };
            let answers = told.ask(chunk);
            fine &= answers.is_ok();
            let mut inner = board.lock();
            if told.no_accounting && !no_accounting {
                inner.no_accounting.insert(*way, Instant::now());
            }
            for (key, _) in chunk {
                let Some(entry) = inner.jobs.get_mut(key) else { continue };
                take(&mut entry.look, key, &answers);
            }
            drop(inner);
            board.news.notify_all();
        }
    }
    fine
}

fn take(look: &mut Look, key: &Key, answers: &Result<HashMap<String, JobLine>, SlurmError>) {
    match answers {
        Err(e) => look.trouble = Some(e.to_string()),
        Ok(lines) => {
            look.trouble = None;
            look.answers += 1;
            match lines.get(&key.job) {
                Some(line) => {
                    look.line = Some(line.clone());
                    look.gone_since = None;
                }
                None => {
                    look.gone_since.get_or_insert_with(Instant::now);
                }
            }
        }
    }
}

/// One round of questions over one way.
struct Round<'a> {
    access: &'a Access,
    no_accounting: bool,
}

impl Round<'_> {
    /// The jobs that are known, by id. A job of another name is not ours, whatever its id.
    fn ask(&mut self, jobs: &[(Key, String)]) -> Result<HashMap<String, JobLine>, SlurmError> {
        let ours =
            |line: &JobLine| jobs.iter().any(|(k, name)| k.job == line.id && *name == line.name);
        let mut found: HashMap<String, JobLine> = HashMap::new();
        let ids: Vec<&str> = jobs.iter().map(|(k, _)| k.job.as_str()).collect();
        for line in self.squeue(&ids)?.into_iter().filter(|l| ours(l)) {
            found.insert(line.id.clone(), line);
        }
        let missing: Vec<&str> = ids.into_iter().filter(|id| !found.contains_key(*id)).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        for line in self.sacct(&missing)?.into_iter().filter(|l| ours(l)) {
            // Accounting may lag: only ends are taken from it.
            if matches!(phase(&line.state), Phase::Ended(_)) {
                found.insert(line.id.clone(), line);
            }
        }
        for id in missing {
            if !found.contains_key(id)
                && let Some(line) = self.scontrol(id)?.filter(|l| ours(l))
            {
                found.insert(line.id.clone(), line);
            }
        }
        Ok(found)
    }

    fn squeue(&self, ids: &[&str]) -> Result<Vec<JobLine>, SlurmError> {
        let list = format!("--jobs={}", ids.join(","));
        squeue(self.access, &list)
    }

    fn sacct(&mut self, ids: &[&str]) -> Result<Vec<JobLine>, SlurmError> {
        if self.no_accounting {
            return Ok(Vec::new());
        }
        let list = format!("--jobs={}", ids.join(","));
        let lines = sacct(self.access, &list)?;
        self.no_accounting = lines.is_none();
        Ok(lines.unwrap_or_default())
    }

    fn scontrol(&self, id: &str) -> Result<Option<JobLine>, SlurmError> {
        let words = ["show", "job", "-o", id].map(str::to_owned);
        let said = ask(self.access, &BTreeMap::new(), "scontrol", &words)?;
        match said.code {
            Some(0) => parse::scontrol(&said.out).map(Some),
            _ if parse::says_unknown_job(&said.complaint()) => Ok(None),
            _ => Err(SlurmError::Unreachable(said.complaint())),
        }
    }
}

/// squeue about jobs in any state, by ids or by name.
pub(super) fn squeue(access: &Access, which: &str) -> Result<Vec<JobLine>, SlurmError> {
    let words =
        ["--noheader", "--array", "--all", "--states=all", which, "-o", parse::SQUEUE_FORMAT];
    let said = ask(access, &BTreeMap::new(), "squeue", &words.map(str::to_owned))?;
    match said.code {
        Some(0) => parse::squeue(&said.out),
        // What it says when it was asked about one job that it has forgotten.
        _ if parse::says_unknown_job(&said.complaint()) => Ok(Vec::new()),
        _ => Err(SlurmError::Unreachable(said.complaint())),
    }
}

/// sacct about jobs, by ids or by name; `None` where there is no accounting.
pub(super) fn sacct(access: &Access, which: &str) -> Result<Option<Vec<JobLine>>, SlurmError> {
    let format = format!("--format={}", parse::SACCT_FIELDS);
    let words = ["-P", "-n", "-X", "--starttime=now-30days", which, &format].map(str::to_owned);
    let said = ask(access, &BTreeMap::new(), "sacct", &words)?;
    match said.code {
        Some(0) => parse::sacct(&said.out).map(Some),
        _ if said.err.contains("accounting storage is disabled") => Ok(None),
        _ => Err(SlurmError::Unreachable(said.complaint())),
    }
}
