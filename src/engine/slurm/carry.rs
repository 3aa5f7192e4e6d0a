//! One live run of SLURM, from its submission to its end.

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::lifecycle::Supervisor;
use super::command::Access;
use super::identity::{JobFile, NodeFile, SubmitFile};
use super::judge::needs_slurms_word;
use super::parse::{EndWord, Phase, phase};
use super::poll::{Key, Look, interval};
use super::stop::Stopping;
use super::submit::Trouble;
use super::tell::words;
use super::{SlurmError, crew, log, seconds_of};
use crate::domain::RunId;
use crate::job::{Attempt, ExitFile, JobError, RunFile, RunLock, SlurmAsk, StopFile};

/// Seconds between SLURM's word that a job is over, or unknown, and our belief that no `exit.json`
/// comes any more: shared file systems are late.
const GRACE_VARIABLE: &str = "POLYCULTURE_SLURM_GRACE";
/// The same where nothing says another number.
const GRACE_S: f64 = 60.0;
/// The same for what writes no exit.json.
const ENDED_WITHOUT_WORK: Duration = Duration::from_secs(10);
/// Until the first further try to submit.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How often a run whose job vanished before it began is submitted again.
const RESUBMITS: u32 = 3;

/// Carries a run with a `slurm` part to its end, among all others.
pub(in crate::engine) fn take_on(sup: Supervisor) {
    let Some(ask) = sup.spec.slurm.clone() else {
        return sup.finish(&Err(JobError::Work("it asks nothing of SLURM".into())));
    };
    let core = Arc::clone(&sup.core);
    let carrier = Carrier {
        access: Access::of(&sup.spec.env),
        runs: place_of(&sup.attempt),
        sup,
        ask,
        job: None,
        doubtful: None,
        since: Instant::now(),
        away: None,
        pause: FIRST_PAUSE,
        resubmits: 0,
        over_since: None,
        stopping: Stopping::default(),
    };
    crew::take_on(&core, carrier);
}

/// What a look at a run comes to.
pub(super) enum Next {
    /// Look again after so long, or when there is news.
    Again(Duration),
    /// Its attempt has ended.
    End(Result<ExitFile, JobError>),
}

/// A live run.
pub(super) struct Carrier {
    pub(super) sup: Supervisor,
    pub(super) ask: SlurmAsk,
    pub(super) access: Access,
    /// The folder of runs as it was: device and inode.
    runs: Option<(u64, u64)>,
    pub(super) job: Option<(JobFile, Key)>,
    /// Since when a submission of unknown outcome is looked for.
    pub(super) doubtful: Option<Instant>,
    pub(super) since: Instant,
    /// Since when its folder is not there.
    away: Option<Instant>,
    /// Until it is tried to submit again.
    pause: Duration,
    pub(super) resubmits: u32,
    /// Since when SLURM says that the job is over.
    over_since: Option<Instant>,
    stopping: Stopping,
}

impl Carrier {
    pub(super) fn attempt(&self) -> &Attempt {
        &self.sup.attempt
    }

    /// The run.
    pub(super) fn run(&self) -> &RunId {
        &self.sup.spec.id
    }

    /// Its job, once it has one.
    pub(super) fn key(&self) -> Option<&Key> {
        self.job.as_ref().map(|(_, key)| key)
    }

    /// It has ended.
    pub(super) fn finish(&self, end: &Result<ExitFile, JobError>) {
        if let Some(key) = self.key() {
            self.sup.core.slurm.drop(key);
        }
        self.sup.finish(end);
    }

    fn interval(&self, watched: bool) -> Duration {
        interval(self.ask.poll_s, watched)
    }

    /// One look at it, and what is to be done now.
    pub(super) fn look(&mut self) -> Next {
        let soon = self.interval(true).min(Duration::from_secs(1));
        match self.folder() {
            Folder::Here => self.away = None,
            Folder::Away(why) => {
                self.note_trouble(&format!("its folder cannot be reached now: {why}"));
                return Next::Again(soon);
            }
            Folder::Removed => {
                // Nobody can be told of an end, and nothing may go on.
                super::stop::end_now(&self.access, self.job.as_ref().map(|(j, _)| j));
                return Next::End(Err(JobError::Work("the attempt's folder was removed".into())));
            }
        }
        match self.act(soon) {
            Ok(next) => next,
            // A file system that many hosts share has bad moments, and a disk may be full for a
            // while: the job goes on all the same.
            Err(e @ JobError::Io { .. }) => {
                self.note_trouble(&format!("its folder cannot be used now: {e}"));
                self.pause = (self.pause * 2).min(self.interval(false));
                Next::Again(self.pause)
            }
            Err(e) => Next::End(Err(e)),
        }
    }

    fn act(&mut self, soon: Duration) -> Result<Next, JobError> {
        let exit = ExitFile::read(self.attempt().dir())?;
        if let Some(exit) = &exit
            && !needs_slurms_word(exit)
        {
            return Ok(Next::End(Ok(self.with_passing(exit.clone(), false))));
        }
        let stop = StopFile::read(self.attempt().dir())?;
        if self.job.is_some() {
            let end = self.step(exit.as_ref(), stop.as_ref())?;
            return Ok(end.map_or(Next::Again(soon), |end| Next::End(Ok(end))));
        }
        if stop.is_some() && !super::was_submitted(self.attempt()) {
            return Ok(Next::End(Ok(self.close(None, "it was not submitted yet")?)));
        }
        match self.submit() {
            Ok(()) => {
                self.pause = FIRST_PAUSE;
                Ok(Next::Again(Duration::ZERO))
            }
            Err(Trouble::Folder(e)) => Err(e),
            Err(Trouble::Slurm(SlurmError::Refused(why))) => {
                Ok(Next::End(Ok(self.unstartable(format!("SLURM refuses it: {why}"))?)))
            }
            Err(Trouble::Slurm(e)) => {
                self.note_waiting(&e.to_string());
                if matches!(e, SlurmError::Waits(_)) {
                    return Ok(Next::Again(soon));
                }
                self.sup.core.slurm.rest(&self.access, &e);
                let pause = self.pause.min(self.interval(false));
                self.pause = self.pause.saturating_mul(2).min(self.interval(false));
                Ok(Next::Again(pause))
            }
        }
    }

    /// Whether its folder is there. One that cannot be seen is not removed: a file system may be
    /// away, and then the folder of runs is not the one it was.
    fn folder(&mut self) -> Folder {
        let why = match std::fs::metadata(self.attempt().dir()) {
            Ok(m) if m.is_dir() => return Folder::Here,
            Ok(_) => "it is none".to_owned(),
            Err(e) => e.to_string(),
        };
        let missing = !self.attempt().dir().try_exists().unwrap_or(true);
        if !missing || self.runs.is_none() || place_of(self.attempt()) != self.runs {
            self.away = None;
            return Folder::Away(why);
        }
        let since = *self.away.get_or_insert_with(Instant::now);
        let patience = seconds_of(GRACE_VARIABLE, GRACE_S).min(ENDED_WITHOUT_WORK);
        if since.elapsed() < patience { Folder::Away(why) } else { Folder::Removed }
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
                self.sup.core.slurm.ask_soon();
            }
        }
        let grace = seconds_of(GRACE_VARIABLE, GRACE_S);
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
        // What began on a node has an exit.json, unless its shim was killed, and on a shared file
        // system that may come late: a minute is what NFS believes its own directories. What ended
        // in the queue, or with its node, writes none.
        let writes_none = line.nodes.is_empty()
            || line.nodes == "None assigned"
            || matches!(word, EndWord::NodeFail | EndWord::BootFail | EndWord::Revoked);
        let patience = if writes_none { grace.min(ENDED_WITHOUT_WORK) } else { grace };
        // To list a directory makes a client of NFS look at it anew.
        let _ = std::fs::read_dir(self.attempt().dir()).map(Iterator::count);
        let sure = exit.is_some() || over.elapsed() >= patience;
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

    /// Its shim began, on whatever node.
    pub(super) fn began(&self) -> Result<bool, JobError> {
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
}

/// Where a folder is.
enum Folder {
    Here,
    /// Not to be seen, and why.
    Away(String),
    /// Deleted by hand.
    Removed,
}

/// The folder of runs that holds an attempt: device and inode.
fn place_of(attempt: &Attempt) -> Option<(u64, u64)> {
    let meta = std::fs::metadata(attempt.run_dir().parent()?).ok()?;
    Some((meta.dev(), meta.ino()))
}

fn ended_word(state: &str) -> Option<EndWord> {
    match phase(state) {
        Phase::Ended(word) => Some(word),
        _ => None,
    }
}
