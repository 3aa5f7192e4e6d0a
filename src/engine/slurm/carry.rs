//! One live run of SLURM, from its submission to its end.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::super::lifecycle::Supervisor;
use super::super::shim::mark_of;
use super::super::{EngineError, launch};
use super::array::{self, Noted};
use super::command::Access;
use super::identity::{JobFile, NodeFile, SubmitFile, name_of};
use super::judge::{Facts, end, needs_slurms_word, passes};
use super::parse::{EndWord, Phase, phase};
use super::poll::{Board, Key, Look, interval};
use super::script::{Task, script};
use super::stop::Stopping;
use super::submit::{Submission, Trouble};
use super::{SlurmError, log, seconds_of};
use crate::job::{
    Attempt, ExitFile, JobError, RunFile, RunLock, RunSpec, RunState, SlurmAsk, StopFile, now,
};

/// Seconds between SLURM's word that a job is over, or unknown, and our belief that no `exit.json`
/// comes any more: shared file systems are late.
const GRACE_VARIABLE: &str = "POLYCULTURE_SLURM_GRACE";
/// How often a run whose job vanished before it began is submitted again.
const RESUBMITS: u32 = 3;
/// How long the lock of a run is waited for when its job is over.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// The end of an attempt of a run with a `slurm` part.
pub(in crate::engine) fn until_end(sup: &Supervisor) -> Result<ExitFile, JobError> {
    let Some(ask) = sup.spec.slurm.clone() else {
        return Err(JobError::Work("it asks nothing of SLURM".into()));
    };
    let access = Access::of(&sup.spec.env);
    let mut carrier = Carrier {
        sup,
        ask,
        access,
        job: None,
        doubtful: None,
        since: Instant::now(),
        resubmits: 0,
        over_since: None,
        stopping: Stopping::default(),
    };
    let end = carrier.until_end();
    if let Some((_, key)) = &carrier.job {
        sup.core.slurm.drop(key);
    }
    end
}

struct Carrier<'a> {
    sup: &'a Supervisor,
    ask: SlurmAsk,
    access: Access,
    job: Option<(JobFile, Key)>,
    /// Since when a submission of unknown outcome is looked for.
    doubtful: Option<Instant>,
    since: Instant,
    resubmits: u32,
    /// Since when SLURM says that the job is over.
    over_since: Option<Instant>,
    stopping: Stopping,
}

impl Carrier<'_> {
    fn attempt(&self) -> &Attempt {
        &self.sup.attempt
    }

    fn until_end(&mut self) -> Result<ExitFile, JobError> {
        let mut pause = interval(true).min(Duration::from_secs(1));
        loop {
            if !self.attempt().dir().is_dir() {
                // Deleted by hand: nobody can be told of an end, and nothing may go on.
                self.stopping.end_now(&self.access, self.job.as_ref().map(|(j, _)| j));
                return Err(JobError::Work("the attempt's folder was removed".into()));
            }
            let exit = ExitFile::read(self.attempt().dir())?;
            if let Some(exit) = &exit
                && !needs_slurms_word(exit)
            {
                return Ok(self.with_passing(exit.clone(), None));
            }
            let stop = StopFile::read(self.attempt().dir())?;
            if self.job.is_none() {
                if stop.is_some() && !super::was_submitted(self.attempt()) {
                    return self.close(None, "it was not submitted yet");
                }
                match self.submit() {
                    Ok(()) => pause = interval(true).min(Duration::from_secs(1)),
                    Err(Trouble::Folder(e)) => return Err(e),
                    Err(Trouble::Slurm(SlurmError::Refused(why))) => {
                        return self.unstartable(format!("SLURM refuses it: {why}"));
                    }
                    Err(Trouble::Slurm(e)) => {
                        self.note_waiting(&e.to_string());
                        self.sup.core.slurm.wait(pause);
                        pause = (pause * 2).min(interval(false));
                    }
                }
                continue;
            }
            if let Some(end) = self.step(exit.as_ref(), stop.as_ref())? {
                return Ok(end);
            }
            self.sup.core.slurm.wait(interval(true).min(Duration::from_secs(1)));
        }
    }

    /// One look at a submitted job; the end, when there is one.
    fn step(
        &mut self,
        exit: Option<&ExitFile>,
        stop: Option<&StopFile>,
    ) -> Result<Option<ExitFile>, JobError> {
        self.adopt_what_runs()?;
        let Some((job, key)) = self.job.clone() else { return Ok(None) };
        let look = self.sup.core.slurm.look(&key);
        self.complete_identity(&look)?;
        let run = RunFile::read(self.attempt().dir()).ok().flatten();
        self.note(&job, &look, run.as_ref());
        if let Some(stop) = stop {
            self.stopping.step(&self.access, &job, &look, stop);
            if self.stopping.acted() {
                self.sup.core.slurm.hurry();
            }
        }
        let grace = seconds_of(GRACE_VARIABLE, 60.0);
        if let Some(gone) = look.gone_since {
            // A job that is known to have ended is not gone: it was forgotten since.
            let ended = look.line.as_ref().and_then(|l| ended_word(l.state.as_str()));
            if look.trouble.is_some() || gone.elapsed() < grace {
                return Ok(None);
            }
            if ended.is_none() && exit.is_none() && stop.is_none() && !self.began()? {
                return self.vanished(&job, &key);
            }
            let said = look.line.map_or_else(|| "nothing".into(), |l| words(&l.state, &l.reason));
            return self.close(ended, &said).map(Some);
        }
        let Some(line) = look.line else { return Ok(None) };
        let Some(word) = ended_word(&line.state) else {
            self.over_since = None;
            return Ok(None);
        };
        let over = *self.over_since.get_or_insert_with(Instant::now);
        // What SLURM calls ended by itself must have an exit.json, unless its shim was killed; on a
        // shared file system it may come late. What never began writes none.
        let sure = exit.is_some() || over.elapsed() >= grace.min(Duration::from_secs(10));
        if !sure {
            return Ok(None);
        }
        self.close(Some(word), &words(&line.state, &line.reason)).map(Some)
    }

    /// The work may run in another job than the one we know: one that an sbatch submitted of which
    /// nobody heard. The run's lock let only one of them begin.
    fn adopt_what_runs(&mut self) -> Result<(), JobError> {
        let Some(node) = NodeFile::read(self.attempt().dir())? else { return Ok(()) };
        let Some((job, key)) = &self.job else { return Ok(()) };
        if node.job == job.job {
            return Ok(());
        }
        let file = JobFile {
            cluster: node.cluster,
            job: node.job,
            submitted: None,
            name: if node.name.is_empty() { job.name.clone() } else { node.name },
        };
        self.sup.core.slurm.drop(key);
        file.write(self.attempt().dir())?;
        self.follow(file);
        Ok(())
    }

    /// SLURM's own time of the submission belongs to the identity; it is known once it was asked.
    fn complete_identity(&mut self, look: &Look) -> Result<(), JobError> {
        let (Some((job, _)), Some(line)) = (&mut self.job, &look.line) else { return Ok(()) };
        if job.submitted.is_some() || line.submitted.is_empty() {
            return Ok(());
        }
        job.submitted = Some(line.submitted.clone());
        job.write(self.sup.attempt.dir())
    }

    fn follow(&mut self, file: JobFile) {
        let key = Board::follow(&self.sup.core, &self.access, &file.job, &file.name);
        self.job = Some((file, key));
    }

    /// Makes sure that there is a job.
    fn submit(&mut self) -> Result<(), Trouble> {
        if let Some(known) = JobFile::read(self.attempt().dir())? {
            self.follow(known);
            return Ok(());
        }
        if let Some(node) = NodeFile::read(self.attempt().dir())? {
            let name = if node.name.is_empty() { name_of(self.attempt()) } else { node.name };
            let file = JobFile { cluster: node.cluster, job: node.job, submitted: None, name };
            file.write(self.attempt().dir())?;
            self.follow(file);
            return Ok(());
        }
        let core = Arc::clone(&self.sup.core);
        let _one = core.slurm.submitting.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match self.array_job()? {
            Some(file) => file,
            None => self.own_job()?,
        };
        file.write(self.attempt().dir())?;
        self.follow(file);
        Ok(())
    }

    /// The job of this attempt alone.
    fn own_job(&mut self) -> Result<JobFile, Trouble> {
        let dir = self.attempt().dir().to_owned();
        let ask = SlurmAsk { array: None, ..self.ask.clone() };
        let tasks =
            [Task { index: 0, attempt: &dir, mark: mark_of(self.attempt()).unwrap_or_default() }];
        let text = script(&ask, &self.program()?, &tasks);
        let submission = Submission {
            dir: &dir,
            ask: &ask,
            access: &self.access,
            env: self.environment(),
            name: name_of(self.attempt()),
            comment: format!("polyculture {}", self.sup.spec.id),
            output: "slurm.out",
            array: None,
            script: text,
        };
        submission.ensure(&mut self.doubtful)
    }

    /// The task of an array that is this attempt's; `None` when it goes alone.
    fn array_job(&mut self) -> Result<Option<JobFile>, Trouble> {
        let place = match &self.ask.array {
            Some(place) if self.attempt().number() == 1 && self.resubmits == 0 => place.clone(),
            _ => return Ok(None),
        };
        if SubmitFile::read(self.attempt().dir())?.is_some() {
            return Ok(None);
        }
        let dir = array::folder(self.attempt(), &place);
        let mark = mark_of(self.attempt()).unwrap_or_default();
        let attempt = self.attempt().dir().to_owned();
        let me = Noted { index: place.index, attempt, mark };
        let Some(all) = array::tasks(&dir, &place, &me, self.since)? else { return Ok(None) };
        let tasks: Vec<Task<'_>> = all
            .iter()
            .map(|t| Task { index: t.index, attempt: &t.attempt, mark: t.mark.clone() })
            .collect();
        let text = script(&self.ask, &self.program()?, &tasks);
        let submission = Submission {
            dir: &dir,
            ask: &self.ask,
            access: &self.access,
            env: self.environment(),
            name: format!("pc-{}", place.group),
            comment: format!("polyculture array {}", place.group),
            output: "slurm-%a.out",
            array: Some(array::list(&all, place.at_once)),
            script: text,
        };
        let file = submission.ensure(&mut self.doubtful)?;
        Ok(Some(JobFile { job: format!("{}_{}", file.job, place.index), ..file }))
    }

    fn program(&self) -> Result<PathBuf, Trouble> {
        if let Some(program) = &self.ask.program {
            return Ok(program.clone());
        }
        launch::this_program().map_err(|e| Trouble::Folder(JobError::Work(e.to_string())))
    }

    /// The work's environment. What is of this host only stays here.
    fn environment(&self) -> std::collections::BTreeMap<String, String> {
        let of_this_host = |name: &str| {
            name.starts_with("SLURM_")
                || matches!(
                    name,
                    "CUDA_VISIBLE_DEVICES"
                        | "NVIDIA_VISIBLE_DEVICES"
                        | "TMPDIR"
                        | "XDG_RUNTIME_DIR"
                )
        };
        let mut env = self.sup.spec.env.clone();
        env.retain(|name, _| name == "SLURM_CONF" || !of_this_host(name));
        env.extend(self.sup.secrets.clone());
        env
    }

    fn began(&self) -> Result<bool, JobError> {
        let number = self.attempt().number();
        Ok([RunFile::NAME, NodeFile::NAME].iter().any(|n| self.attempt().file(n).exists())
            || RunLock::peek(self.attempt().run_dir())?.is_some_and(|m| m.attempt >= number))
    }

    /// A job that vanished before it began is submitted again: a controller that was killed may lose
    /// what it had acknowledged. Should both turn up, the run's lock lets one begin.
    fn vanished(&mut self, job: &JobFile, key: &Key) -> Result<Option<ExitFile>, JobError> {
        if self.resubmits >= RESUBMITS {
            return self.close(None, "nothing").map(Some);
        }
        self.resubmits += 1;
        log::say(format_args!(
            "run {}: SLURM lost job {} before it began; submitted again",
            self.sup.spec.id, job.job
        ));
        for name in [JobFile::NAME, SubmitFile::NAME] {
            match std::fs::remove_file(self.attempt().file(name)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(JobError::io(self.attempt().file(name))(e));
                }
                _ => {}
            }
        }
        self.sup.core.slurm.drop(key);
        (self.job, self.doubtful, self.over_since) = (None, None, None);
        Ok(None)
    }

    fn unstartable(&self, note: String) -> Result<ExitFile, JobError> {
        let end = ExitFile { note: Some(note), ..ExitFile::unstarted(now()) };
        self.attempt().write_json(ExitFile::NAME, &end)?;
        Ok(end)
    }

    /// Writes the end down, under the run's lock where it can be had: what a dead job left holding
    /// it does not keep a run open for ever.
    fn close(&self, word: Option<EndWord>, said: &str) -> Result<ExitFile, JobError> {
        let dir = self.attempt().dir();
        let deadline = Instant::now() + LOCK_PATIENCE;
        let _lock = loop {
            match RunLock::try_take(self.attempt().run_dir())? {
                Some(lock) => break Some(lock),
                None if Instant::now() >= deadline => break None,
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        let exit = ExitFile::read(dir)?;
        if let Some(exit) = exit.as_ref().filter(|e| !needs_slurms_word(e)) {
            return Ok(self.with_passing(exit.clone(), None));
        }
        let facts = Facts {
            word,
            said,
            exit: exit.as_ref(),
            stop: StopFile::read(dir)?.map(|s| s.why),
            began: self.began()?,
            started: RunFile::read(dir).ok().flatten().map(|r| r.started),
            now: now(),
        };
        let end = self.with_passing(end(&facts), Some(word));
        self.attempt().write_json(ExitFile::NAME, &end)?;
        Ok(end)
    }

    /// Marks an end after which the same run, tried again, may do better.
    fn with_passing(&self, mut end: ExitFile, word: Option<Option<EndWord>>) -> ExitFile {
        if !resumable(&self.sup.spec) {
            return end;
        }
        let timed_out = end.stopped == Some(crate::job::StopWhy::TimeLimit);
        let went_on = timed_out && self.left_something();
        end.passing = went_on || (end.lost.is_some() && word.is_some_and(passes));
        end
    }

    /// True when a next attempt does not begin where this one did.
    fn left_something(&self) -> bool {
        let dir = self.attempt().dir();
        let checkpoints = std::fs::read_dir(dir.join("checkpoints"));
        let grown = |name: &str| dir.join(name).metadata().is_ok_and(|m| m.len() > 0);
        self.sup.spec.argv.first().is_some()
            || checkpoints.is_ok_and(|mut d| d.next().is_some())
            || grown("results.jsonl")
            || grown("replies.jsonl")
    }

    fn note_waiting(&self, words: &str) {
        self.change(|record| match record {
            RunState::Starting { queued_at, starting_at, note } => {
                let text = Some(format!("not at SLURM yet: {words}"));
                (*note != text).then(|| RunState::Starting {
                    queued_at: *queued_at,
                    starting_at: *starting_at,
                    note: text,
                })
            }
            _ => None,
        });
    }

    fn note(&self, job: &JobFile, look: &Look, run: Option<&RunFile>) {
        let text = tell(job, look);
        self.change(|state| match (state, run) {
            (
                RunState::Starting { queued_at, .. } | RunState::Running { queued_at, .. },
                Some(run),
            ) => {
                let next = RunState::Running {
                    queued_at: *queued_at,
                    started_at: run.started,
                    note: Some(text),
                };
                (*state != next).then_some(next)
            }
            (RunState::Starting { queued_at, starting_at, .. }, None) => {
                let next = RunState::Starting {
                    queued_at: *queued_at,
                    starting_at: *starting_at,
                    note: Some(text),
                };
                (*state != next).then_some(next)
            }
            _ => None,
        });
    }

    /// Commits what `next` says, if the run is still at this attempt.
    fn change(&self, next: impl FnOnce(&RunState) -> Option<RunState>) {
        let number = self.attempt().number();
        let change = || -> Result<(), EngineError> {
            let mut inner = self.sup.core.lock();
            let Some(mut record) = inner.db.get(&self.sup.spec.id)? else { return Ok(()) };
            if record.attempt != number {
                return Ok(());
            }
            let Some(state) = next(&record.state) else { return Ok(()) };
            self.sup.core.transition(&mut inner, &mut record, number, state, false)
        };
        if let Err(e) = change() {
            log::say(format_args!("run {}: its state could not be noted: {e}", self.sup.spec.id));
        }
    }
}

fn ended_word(state: &str) -> Option<EndWord> {
    match phase(state) {
        Phase::Ended(word) => Some(word),
        _ => None,
    }
}

fn words(state: &str, reason: &str) -> String {
    if reason.is_empty() || reason == "None" { state.into() } else { format!("{state} ({reason})") }
}

/// A job in one line, for people.
fn tell(job: &JobFile, look: &Look) -> String {
    let mut text = format!("SLURM job {}", job.job);
    match &look.line {
        None => text += ": submitted",
        Some(line) => match phase(&line.state) {
            Phase::Waiting => {
                text += &format!(", queued there: {}", words(&line.state, &line.reason))
            }
            Phase::OnNode if line.state == "RUNNING" => text += &format!(" on {}", line.nodes),
            Phase::OnNode => text += &format!(" on {}: {}", line.nodes, line.state),
            Phase::Ended(_) | Phase::Unknown => {
                text += &format!(": {}", words(&line.state, &line.reason));
            }
        },
    }
    if look.trouble.is_none() && look.gone_since.is_some() {
        text += "; SLURM knows it no more";
    }
    if let Some(trouble) = &look.trouble {
        text += &format!("; unreachable: {trouble}");
    }
    text
}

/// True for work that goes on from what an earlier attempt left.
fn resumable(spec: &RunSpec) -> bool {
    let said = spec.slurm.as_ref().and_then(|s| s.resumable);
    said.unwrap_or_else(|| spec.kind.is_activity())
}
